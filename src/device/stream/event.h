// Events: a point in a stream, with the time it was reached. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "device/stream/gate.h"
#include "support/result.h"

namespace anywarp::device {

enum class EventTiming : uint8_t { On, Off };

// Held by shared_ptr: an event may be destroyed while streams still wait for it. Each record() on a stream starts a new
// generation; waits and queries mean the latest generation recorded before them.
class Event {
 public:
  explicit Event(EventTiming timing = EventTiming::On);

  EventTiming timing() const { return timing_; }
  bool recorded() const { return recorded_.load(std::memory_order_acquire) != 0; }
  // True also when never recorded, as in CUDA.
  bool complete() const;
  void synchronize() const;
  // For graphs: announces a record, and reaches it.
  uint64_t submitRecord() { return recorded_.fetch_add(1, std::memory_order_acq_rel) + 1; }
  void reach(uint64_t record);
  // How often it has been recorded, and whether that record is reached.
  uint64_t recordedCount() const { return recorded_.load(std::memory_order_acquire); }
  bool reached(uint64_t record) const { return gate_->reached(record); }

  // Nanoseconds (CLOCK_MONOTONIC) when the latest record was reached. Meaningful when complete.
  uint64_t timestamp() const { return timestamp_.load(std::memory_order_acquire); }

 private:
  friend class Stream;
  std::shared_ptr<Gate> gate_;
  std::atomic<uint64_t> recorded_{0};
  std::atomic<uint64_t> timestamp_{0};
  std::atomic<const void*> owner_{nullptr};  // of the grids before its latest record (Grid::owner)
  const EventTiming timing_;
};

}  // namespace anywarp::device
