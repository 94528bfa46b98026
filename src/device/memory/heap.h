// The heap behind malloc and free in kernels (Programming Guide: Dynamic Global Memory Allocation). SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <vector>

#include "device/sched/mutex.h"

namespace anywarp::device {

// One per context. Its memory is taken from the device when a kernel first allocates and lives as long as the context.
class DeviceHeap {
 public:
  static constexpr uint64_t defaultBytes = 8 << 20;

  DeviceHeap(int device, const void* owner) : device_(device), owner_(owner) {}

  uint64_t limit() const { return limit_.load(std::memory_order_relaxed); }
  void setLimit(uint64_t bytes) { limit_.store(bytes, std::memory_order_relaxed); }
  bool used() const { return used_.load(std::memory_order_acquire); }

  // 16-byte aligned; 0 when exhausted.
  uint64_t allocate(uint64_t bytes);
  // False when `address` is not an allocation of this heap.
  bool release(uint64_t address);

 private:
  // In front of each piece.
  struct Header {
    uint64_t check;  // tells a piece in use from anything else
    uint64_t bytes;  // with the header
  };
  static constexpr uint64_t grain = 16;
  static constexpr uint64_t smallBytes = 1024;  // freed pieces up to this are kept by size

  bool open() ANYWARP_REQUIRES(mutex_);
  uint64_t carve(uint64_t bytes) ANYWARP_REQUIRES(mutex_);
  void insertFree(uint64_t address, uint64_t bytes) ANYWARP_REQUIRES(mutex_);
  void gatherSmall() ANYWARP_REQUIRES(mutex_);
  uint64_t checkOf(uint64_t address) const { return address * 0x9e3779b97f4a7c15u ^ 0x616c6c6f63617465u; }

  const int device_;
  const void* const owner_;
  std::atomic<uint64_t> limit_{defaultBytes};
  std::atomic<bool> used_{false};
  Mutex mutex_;
  uint64_t base_ ANYWARP_GUARDED_BY(mutex_) = 0;
  uint64_t end_ ANYWARP_GUARDED_BY(mutex_) = 0;
  std::map<uint64_t, uint64_t> free_ ANYWARP_GUARDED_BY(mutex_);  // by address, never adjacent
  std::vector<uint64_t> small_[smallBytes / grain + 1] ANYWARP_GUARDED_BY(mutex_);
};

}  // namespace anywarp::device
