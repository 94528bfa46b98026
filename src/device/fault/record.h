// What is known at the place of a fault: plain data, written inside a signal handler. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "device/fault/fault.h"

namespace anywarp::device {

class Block;

struct FaultRecord {
  FaultKind kind = FaultKind::None;  // None: the block was interrupted because its grid has stopped
  bool hasAddress = false;
  bool hasWarp = false;              // warp and mask are exact
  uintptr_t address = 0;
  uintptr_t pc = 0;                  // host code, 0: unknown
  uint32_t warp = 0;
  uint32_t mask = 0;
  uint32_t line = 0;                 // PTX line, 0: unknown
};

// The sentence for the log, and the rest of the context's fault.
Fault report(const FaultRecord& record, const Block& block);

}  // namespace anywarp::device
