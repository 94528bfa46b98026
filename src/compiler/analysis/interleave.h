// Loops in which the warps of a block take turns, so that memory which neighbouring warps read together is read together.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "compiler/analysis/linearize.h"

namespace anywarp::analysis {

// A loop whose back edge hands over to the next warp after some rounds (docs/decisions/0010, 0030).
struct Interleaved {
  BlockId header = noBlock;
  uint32_t rounds = 1;          // iterations before the next warp's turn
  BlockId seenFrom = noBlock;   // of a loop that waits: the resume point whose order its turns keep to, beginning at the header
  PendingSet pending{};         // blocks other than the header where lanes may wait meanwhile

  bool waits() const { return seenFrom != noBlock; }
};

// Where the turns of a loop begin, and the order of their blocks.
std::vector<BlockId> turnRoots(const Interleaved& loop);
Order orderTurn(const Flat& flat, const Interleaved& loop);

// Loops without suspension points that walk through memory in steps much larger than what a warp touches at once.
std::vector<Interleaved> findInterleaved(Flat& flat, const Webs& webs, const Order& order, const Shapes& shapes, uint32_t width);

// Fills in `pending`: what may wait at the back edges, whichever region they are taken in. `resumePoints` are those of barriers.
void findPending(const Flat& flat, const Shapes& shapes, const std::vector<BlockId>& resumePoints, std::vector<Interleaved>& loops);

}  // namespace anywarp::analysis
