// A number that only grows, and those who wait for it to reach a value: streams and host threads. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "device/sched/mutex.h"

namespace anywarp::device {

class Stream;

class Gate {
 public:
  uint64_t value() const { return value_.load(std::memory_order_acquire); }
  bool reached(uint64_t target) const { return value() >= target; }

  // Wakes host threads and advances streams that wait for a value up to `value`. Values never go back; a smaller one is ignored.
  void raise(uint64_t value);
  // Blocks the calling thread: spins briefly, then sleeps.
  void wait(uint64_t target) const;
  // False when the value is reached already; otherwise `stream` is advanced once it is.
  bool subscribe(uint64_t target, std::shared_ptr<Stream> stream);

 private:
  std::atomic<uint64_t> value_{0};
  mutable std::atomic<uint32_t> sleepers_{0};
  mutable std::atomic<uint32_t> ticket_{0};  // futex word
  Mutex mutex_;
  std::vector<std::pair<uint64_t, std::shared_ptr<Stream>>> waiters_ ANYWARP_GUARDED_BY(mutex_);
  std::atomic<uint32_t> waiterCount_{0};
};

}  // namespace anywarp::device
