// Order of blocks, loops, post-dominators: what linearising control flow under masks needs. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "compiler/analysis/flat.h"
#include "compiler/analysis/work_limit.h"

namespace anywarp::analysis {

inline constexpr uint32_t noLoop = ~0u;

struct Loop {
  BlockId header = noBlock;
  uint32_t parent = noLoop;
  std::vector<BlockId> blocks;  // inner loops included
  uint32_t first = 0, last = 0;  // its positions in the order: [first, last)
};

// The blocks that are reachable from `root` without going through a suspension point, in a topological order (back edges of
// loops aside) in which every loop is contiguous and begins with its header.
struct Order {
  BlockId root = 0;
  std::vector<BlockId> blocks;
  std::vector<uint32_t> position;    // by BlockId; ~0u: not reachable
  std::vector<Loop> loops;           // outer before inner
  std::vector<uint32_t> innermost;   // by BlockId: index in loops or noLoop

  bool contains(BlockId b) const { return position[b] != ~0u; }
  bool inLoop(BlockId b, uint32_t loop) const { return position[b] >= loops[loop].first && position[b] < loops[loop].last; }
};

enum class Through { Suspensions, UntilSuspensions };

// Roots beyond the first are further entries (free plans, where a thread may resume at any of them).
Order orderBlocks(const Flat& flat, const std::vector<BlockId>& roots, Through through, WorkLimit* limit = nullptr);

// Successors as seen with `through`: none behind a suspension point when the region ends there.
const std::vector<BlockId>& successors(const Flat& flat, BlockId b, Through through);

// Immediate post-dominator of each block; noBlock: the virtual exit. A block that only exits takes no part: lanes that branch to
// it are gone, so control meets again where the others go.
std::vector<BlockId> postDominators(const Flat& flat, const Order& order);

// A block that does nothing but exit.
bool onlyExits(const Flat& flat, BlockId b);

// For a branch whose lanes may part at block `b`: the blocks they may go through before they meet again, and those of them (and
// the meeting point) where lanes of different paths come together.
struct Influence {
  std::vector<BlockId> region;
  std::vector<BlockId> from;  // of each block of the region: the successor of `b` or the join that all ways to it come through last
  std::vector<BlockId> joins;
};
Influence influence(const Flat& flat, const Order& order, const std::vector<BlockId>& postDominator, BlockId b);

}  // namespace anywarp::analysis
