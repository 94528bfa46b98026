// Where blocks side by side may take turns. SPDX-License-Identifier: Apache-2.0
#pragma once

#include "compiler/analysis/shapes.h"

namespace anywarp::analysis {

// One resume point of each loop over barriers that walks through memory in steps much larger than what a warp touches at once.
std::vector<BlockId> findTurnsAtBarriers(Flat& flat, const Webs& webs, const Order& order, const Shapes& shapes, uint32_t width);

}  // namespace anywarp::analysis
