// Events: a point in a stream, with the time it was reached. SPDX-License-Identifier: Apache-2.0
#include "device/stream/event.h"

#include "device/sched/futex.h"
#include "device/sched/help.h"

namespace anywarp::device {

Event::Event(EventTiming timing) : gate_(std::make_shared<Gate>()), timing_(timing) {}

bool Event::complete() const {
  bool reached = gate_->reached(recorded_.load(std::memory_order_acquire));
  if (!reached) Pool::instance().hurry();
  return reached;
}

void Event::reach(uint64_t record) {
  timestamp_.store(monotonicNanoseconds(), std::memory_order_release);
  gate_->raise(record);
}

void Event::synchronize() const {
  uint64_t target = recorded_.load(std::memory_order_acquire);
  helpUntil(owner_.load(std::memory_order_relaxed), [&] { return gate_->reached(target); });
  gate_->wait(target);
}

}  // namespace anywarp::device
