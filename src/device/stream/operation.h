// One entry of a stream. Entries are reused: a launch on a warm stream allocates nothing. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "device/memory/transfer.h"
#include "device/sched/callbacks.h"
#include "device/sched/grid.h"
#include "device/stream/event.h"
#include "device/stream/gate.h"
#include "device/stream/stream.h"

namespace anywarp::device {

struct Operation : Deferred {
  enum class Kind : uint8_t {
    Grid,       // `grid`: a kernel, or a body of ours
    Host,       // `function` on a callback thread
    Record,     // `event` reaches `target`
    Wait,       // until `gate` reaches `target`
    Condition,  // until `condition`
    Graph,      // `program`
  };

  Kind kind = Kind::Grid;
  OnFault onFault = OnFault::WhenHealthy;
  Operation* following = nullptr;
  Stream* stream = nullptr;
  uint64_t sequence = 0;

  Grid grid;
  Copy copy;
  Fill fill;
  std::function<void()> function;
  std::function<bool()> condition;
  std::shared_ptr<Event> event;
  std::shared_ptr<Gate> gate;
  uint64_t target = 0;
  std::shared_ptr<GraphProgram> program;
  std::shared_ptr<const void> keepAlive;

  // What cooperative groups find at %envreg1/2: {size, barrier}.
  alignas(16) uint32_t workspace[4] = {};

  static constexpr size_t inlineParams = 512;
  alignas(64) uint8_t params[inlineParams];
  struct AlignedFree {
    void operator()(uint8_t* p) const;
  };
  std::unique_ptr<uint8_t[], AlignedFree> largeParams;
  size_t largeParamBytes = 0;

  // Copies the packed image to 64-byte aligned memory of this entry.
  const uint8_t* keepParams(const void* image, size_t bytes);
  // Lets go of everything that the caller's objects are held by.
  void clear();
};

}  // namespace anywarp::device
