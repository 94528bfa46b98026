// Events: a point in a stream, with the time it was reached. SPDX-License-Identifier: Apache-2.0
#include "device/stream/event.h"

#include "device/sched/futex.h"

namespace anywarp::device {

Event::Event(EventTiming timing) : gate_(std::make_shared<Gate>()), timing_(timing) {}

bool Event::complete() const { return gate_->reached(recorded_.load(std::memory_order_acquire)); }

void Event::reach(uint64_t record) {
  timestamp_.store(monotonicNanoseconds(), std::memory_order_release);
  gate_->raise(record);
}

void Event::synchronize() const { gate_->wait(recorded_.load(std::memory_order_acquire)); }

}  // namespace anywarp::device
