// Where threads may have to wait: barriers, and loops that wait for memory which other threads write (spin loops).
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "compiler/analysis/flow.h"

namespace anywarp::analysis {

struct Suspensions {
  std::vector<BlockId> resumePoints;  // block 0 first; the index is the region id
  bool spins = false;                 // some loop waits for other threads
  std::vector<std::pair<BlockId, BlockId>> waitEdges;  // back edges to headers which are resume points for this reason alone
};

// Fills Block::within. What lies behind a barrier, and the kernel's entry, are resume points of their own: where a loop that waits
// begins there, its back edges get a block in between. In `free` plans warp-synchronous instructions may wait too: blocks begin with them.
Suspensions findSuspensions(Flat& flat, WorkLimit* limit = nullptr);

// Cuts a block before the instruction `at`: the head keeps the id, so edges to it stay, and jumps to the tail. Returns the tail.
BlockId splitBlock(Flat& flat, BlockId block, uint32_t at);

// Cuts blocks so that each warp-synchronous instruction begins one (free plans).
void splitAtWarpSync(Flat& flat);
bool isWarpSync(const Inst& inst);

}  // namespace anywarp::analysis
