// The heap behind malloc and free in kernels. SPDX-License-Identifier: Apache-2.0
#include "device/memory/heap.h"

#include <iterator>

#include "device/memory/arena.h"
#include "device/memory/memory.h"
#include "support/log.h"

namespace anywarp::device {

uint64_t DeviceHeap::allocate(uint64_t bytes) {
  uint64_t limit = limit_.load(std::memory_order_relaxed);
  if (bytes == 0 || bytes > limit) return 0;
  uint64_t whole = roundUp(bytes, grain) + sizeof(Header);
  Lock lock(mutex_);
  if (!base_ && !open()) return 0;
  uint64_t at = 0;
  if (whole <= smallBytes && !small_[whole / grain].empty()) {
    at = small_[whole / grain].back();
    small_[whole / grain].pop_back();
  } else {
    at = carve(whole);
    if (!at) {
      gatherSmall();
      at = carve(whole);
    }
  }
  if (!at) return 0;
  *reinterpret_cast<Header*>(at) = {checkOf(at), whole};
  return at + sizeof(Header);
}

bool DeviceHeap::release(uint64_t address) {
  Lock lock(mutex_);
  uint64_t at = address - sizeof(Header);
  if (address % grain || at < base_ || at >= end_) return false;
  Header& header = *reinterpret_cast<Header*>(at);
  if (header.check != checkOf(at)) return false;
  uint64_t whole = header.bytes;
  if (whole > end_ - at || whole % grain) return false;
  header.check = 0;
  if (whole <= smallBytes) {
    small_[whole / grain].push_back(at);
  } else {
    insertFree(at, whole);
  }
  return true;
}

bool DeviceHeap::open() {
  used_.store(true, std::memory_order_release);
  uint64_t bytes = roundUp(limit_.load(std::memory_order_relaxed), pageSize());
  auto memory = Memory::instance().allocate({.bytes = bytes, .kind = MemoryKind::Heap, .device = device_, .owner = owner_});
  if (!memory) {
    log::warn("the device heap of {} bytes: {}", bytes, memory.error().message);
    return false;
  }
  base_ = reinterpret_cast<uint64_t>(*memory);
  end_ = base_ + bytes;
  free_[base_] = bytes;
  return true;
}

// First fit.
uint64_t DeviceHeap::carve(uint64_t bytes) {
  for (auto it = free_.begin(); it != free_.end(); ++it) {
    if (it->second < bytes) continue;
    auto [at, size] = *it;
    free_.erase(it);
    if (size > bytes) free_[at + bytes] = size - bytes;
    return at;
  }
  return 0;
}

void DeviceHeap::gatherSmall() {
  for (uint64_t size = 0; size <= smallBytes; size += grain) {
    for (uint64_t at : small_[size / grain]) insertFree(at, size);
    small_[size / grain].clear();
  }
}

void DeviceHeap::insertFree(uint64_t address, uint64_t bytes) {
  auto next = free_.lower_bound(address);
  if (next != free_.end() && address + bytes == next->first) {
    bytes += next->second;
    next = free_.erase(next);
  }
  if (next != free_.begin()) {
    auto before = std::prev(next);
    if (before->first + before->second == address) {
      before->second += bytes;
      return;
    }
  }
  free_[address] = bytes;
}

}  // namespace anywarp::device
