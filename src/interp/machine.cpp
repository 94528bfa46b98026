// Blocks, threads and call frames come and go here. SPDX-License-Identifier: Apache-2.0
#include "interp/machine.h"

#include <sys/mman.h>

#include <bit>

namespace anywarp::interp {

Pages::Pages(size_t bytes) : bytes_(bytes) {
  if (bytes == 0) return;
  void* place = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  data_ = place == MAP_FAILED ? nullptr : static_cast<uint8_t*>(place);
}

Pages& Pages::operator=(Pages&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(bytes_, other.bytes_);
  return *this;
}

Pages::~Pages() {
  if (data_) munmap(data_, bytes_);
}

Thread* Block::lane(uint32_t warp, uint32_t lane) {
  uint32_t index = warp * warpSize + lane;
  return index < threads.size() ? &threads[index] : nullptr;
}

bool Barrier::busy() const {
  for (uint32_t lanes : arrived)
    if (lanes) return true;
  return repeated != 0;
}

bool pushFrame(Thread& thread, const Code& code) {
  uint64_t start = thread.frames.empty() ? 0 : thread.frame().end();
  if (start + code.layout.bytes > thread.block->grid->launch.localBytes || thread.frames.size() >= 4096) return false;
  Frame frame;
  frame.code = &code;
  frame.registers.resize(code.body->registers.size());
  frame.local = start;
  thread.frames.push_back(std::move(frame));
  return true;
}

void popFrame(Thread& thread) {
  if (thread.frames.size() == 1) return exitThread(thread);
  thread.frames.pop_back();
}

void exitThread(Thread& thread) {
  thread.state = ThreadState::Exited;
  thread.block->live--;
}

std::unique_ptr<Block> makeBlock(Grid& grid, const Code& kernel, uint64_t linear) {
  auto block = std::make_unique<Block>();
  const Dim3& g = grid.launch.grid;
  const Dim3& b = grid.launch.block;
  block->grid = &grid;
  block->linear = linear;
  block->id = {static_cast<uint32_t>(linear % g.x), static_cast<uint32_t>(linear / g.x % g.y),
               static_cast<uint32_t>(linear / g.x / g.y)};
  block->sharedBytes = grid.sharedBytes();
  block->sharedStorage = Pages(block->sharedExtent());
  uint32_t count = b.x * b.y * b.z;
  block->localStorage = Pages(size_t{count} * grid.launch.localBytes);
  block->live = count;
  for (uint32_t i = 0; i < count; i++) {
    Thread& thread = block->threads.emplace_back();
    thread.block = block.get();
    thread.index = i;
    thread.tid = {i % b.x, i / b.x % b.y, i / b.x / b.y};
    thread.local = block->localStorage.data() + size_t{i} * grid.launch.localBytes;
    pushFrame(thread, kernel);
  }
  for (Barrier& barrier : block->barriers) barrier.arrived.assign(block->warps(), 0);
  return block;
}

}  // namespace anywarp::interp
