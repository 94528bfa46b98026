// Which regions all warps of a block enter together, whatever the data. SPDX-License-Identifier: Apache-2.0
#pragma once

#include "compiler/analysis/shapes.h"
#include "compiler/analysis/suspensions.h"

namespace anywarp::analysis {

struct Together {
  std::vector<uint8_t> entered;  // by region: no warp is elsewhere or has exited, no lane has, when it is entered
  std::vector<uint8_t> agreed;   // by region: and all warps go on at the same place
};

// Follows what is the same for a whole block: arguments, block indices, and what they decide. For kernels in lockstep without loops that
// yield. Regions count as entered together only behind plain barriers of the whole block.
Together findTogether(Flat& flat, const Webs& webs, const Order& order, const Suspensions& suspensions, LaunchShape launch, uint32_t threads);

// bar.sync 0 of all threads, without a result.
bool isPlainBarrier(const Inst& inst);

}  // namespace anywarp::analysis
