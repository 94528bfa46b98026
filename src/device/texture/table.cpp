// The table of texture, sampler and surface handles. SPDX-License-Identifier: Apache-2.0
#include <sys/mman.h>

#include <algorithm>
#include <deque>

#include "device/sched/mutex.h"
#include "device/texture/texture.h"

namespace anywarp::device {
namespace {

constexpr uint64_t tag = uint64_t{0xa7} << 56;
constexpr size_t growth = 256;  // records that become usable at a time

void assign(TextureRecord& to, const TextureRecord& from) {
  to.kind = from.kind;
  to.read = from.read;
  to.sampler = from.sampler;
  to.image = from.image;
}

}  // namespace

struct TextureTable::State {
  Mutex mutex;
  std::deque<uint64_t> free;  // in the order of their removal: what was removed last is used again last
  uint64_t generation = 0;
};

TextureTable& TextureTable::instance() {
  static TextureTable& table = *new TextureTable;
  return table;
}

TextureTable::TextureTable() : state_(*new State) {
  void* memory = mmap(nullptr, sizeof(TextureRecord) << indexBits, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory != MAP_FAILED) records_ = static_cast<TextureRecord*>(memory);
}

uint64_t TextureTable::add(const TextureRecord& record) {
  Lock lock(state_.mutex);
  if (state_.free.empty()) {
    uint64_t used = used_.load(std::memory_order_relaxed);
    if (!records_ || used + growth > indexMask) return 0;
    if (mprotect(records_ + used, growth * sizeof(TextureRecord), PROT_READ | PROT_WRITE) != 0) return 0;
    for (size_t i = 0; i < growth; ++i) state_.free.push_back(used + i);
    used_.store(used + growth, std::memory_order_release);
  }
  uint64_t index = state_.free.front();
  state_.free.pop_front();
  state_.generation = (state_.generation + 1) & 0xffffffff;
  assign(records_[index], record);
  uint64_t handle = tag | state_.generation << indexBits | index;
  records_[index].handle.store(handle, std::memory_order_release);
  return handle;
}

void TextureTable::replace(uint64_t handle, const TextureRecord& record) {
  Lock lock(state_.mutex);
  if (find(handle)) assign(records_[handle & indexMask], record);
}

bool TextureTable::remove(uint64_t handle) {
  Lock lock(state_.mutex);
  if (!find(handle)) return false;
  uint64_t index = handle & indexMask;
  records_[index].handle.store(0, std::memory_order_release);
  state_.free.push_back(index);
  return true;
}

}  // namespace anywarp::device
