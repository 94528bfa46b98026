// A number that only grows, and those who wait for it. SPDX-License-Identifier: Apache-2.0
#include "device/stream/gate.h"

#include <algorithm>

#include "device/sched/futex.h"
#include "device/stream/stream.h"

namespace anywarp::device {

namespace {
constexpr uint64_t spinNanoseconds = 30000;
}

void Gate::raise(uint64_t value) {
  uint64_t now = value_.load(std::memory_order_relaxed);
  while (now < value && !value_.compare_exchange_weak(now, value, std::memory_order_seq_cst)) {
  }
  if (sleepers_.load(std::memory_order_seq_cst)) {
    ticket_.fetch_add(1, std::memory_order_seq_cst);
    futexWake(ticket_, ~0u);
  }
  if (waiterCount_.load(std::memory_order_seq_cst) == 0) return;
  std::vector<std::shared_ptr<Stream>> ready;
  {
    Lock lock(mutex_);
    std::erase_if(waiters_, [&](auto& waiter) {
      if (!reached(waiter.first)) return false;
      ready.push_back(std::move(waiter.second));
      return true;
    });
    waiterCount_.store(static_cast<uint32_t>(waiters_.size()), std::memory_order_seq_cst);
  }
  for (auto& stream : ready) stream->advance();
}

void Gate::wait(uint64_t target) const {
  if (spinFor(spinNanoseconds, [&] { return reached(target); })) return;
  sleepers_.fetch_add(1, std::memory_order_seq_cst);
  while (true) {
    uint32_t seen = ticket_.load(std::memory_order_seq_cst);
    if (value_.load(std::memory_order_seq_cst) >= target) break;
    futexWait(ticket_, seen);
  }
  sleepers_.fetch_sub(1, std::memory_order_relaxed);
}

bool Gate::subscribe(uint64_t target, std::shared_ptr<Stream> stream) {
  Lock lock(mutex_);
  waiters_.emplace_back(target, std::move(stream));
  waiterCount_.store(static_cast<uint32_t>(waiters_.size()), std::memory_order_seq_cst);
  if (value_.load(std::memory_order_seq_cst) < target) return true;
  waiters_.pop_back();
  waiterCount_.store(static_cast<uint32_t>(waiters_.size()), std::memory_order_seq_cst);
  return false;
}

}  // namespace anywarp::device
