// Loops in which the warps of a block take turns, so that memory which neighbouring warps read together is read together.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "compiler/analysis/linearize.h"

namespace anywarp::analysis {

// A loop whose back edge hands over to the next warp after some rounds (docs/decisions/0010).
struct Interleaved {
  BlockId header = noBlock;
  uint32_t rounds = 1;   // iterations before the next warp's turn
  PendingSet pending;    // blocks other than the header where lanes may wait meanwhile
};

// Loops without suspension points that walk through memory in steps much larger than what a warp touches at once.
std::vector<Interleaved> findInterleaved(Flat& flat, const Webs& webs, const Order& order, const Shapes& shapes, uint32_t width);

// Fills in `pending`: what may wait at the back edges, whichever region they are taken in. `resumePoints` are those of barriers.
void findPending(const Flat& flat, const Shapes& shapes, const std::vector<BlockId>& resumePoints, std::vector<Interleaved>& loops);

}  // namespace anywarp::analysis
