// printf from kernels (Programming Guide: Formatted Output): formatting, and the buffer between kernels and stdout. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "abi/kernel.h"
#include "device/sched/mutex.h"

namespace anywarp::device {

// Whole calls, in the order in which they were made, up to a number of bytes; then the oldest are lost.
class PrintfBuffer {
 public:
  static constexpr uint64_t defaultBytes = 1 << 20;

  uint64_t limit() const { return limit_.load(std::memory_order_relaxed); }
  void setLimit(uint64_t bytes) { limit_.store(bytes, std::memory_order_relaxed); }
  bool used() const { return used_.load(std::memory_order_acquire); }

  void append(std::string_view call);
  // To stdout.
  void flush();

 private:
  std::atomic<uint64_t> limit_{defaultBytes};
  std::atomic<bool> used_{false};
  std::atomic<bool> pending_{false};
  Mutex mutex_;
  Mutex writing_;  // keeps the order of two flushes
  std::deque<std::string> calls_ ANYWARP_GUARDED_BY(mutex_);
  uint64_t bytes_ ANYWARP_GUARDED_BY(mutex_) = 0;
};

// The service: formats one call per lane of `mask`.
void printfService(abi::BlockContext* context, uint32_t warp, uint32_t mask, const uint64_t* formats, const uint64_t* args,
                   int32_t* results);

}  // namespace anywarp::device
