// Blocks that at most one lane of a warp runs at a time: `if (threadIdx.x == 0)`, the edges of a tile. SPDX-License-Identifier: Apache-2.0
#pragma once

#include "compiler/analysis/shapes.h"

namespace anywarp::analysis {

// By block. For kernels in lockstep, and out-of-line functions: where lanes have places of their own, others may come before one has gone.
std::vector<uint8_t> findOneLaneBlocks(Flat& flat, const Webs& webs, const Order& order, const Shapes& shapes);

}  // namespace anywarp::analysis
