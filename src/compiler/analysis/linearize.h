// Linearisation: in which order the blocks of a region run when lanes part, and which blocks may have lanes waiting meanwhile.
// (S. Moll, S. Hack: Partial Control-Flow Linearization, PLDI 2018, in the form of pending sets.) SPDX-License-Identifier: Apache-2.0
//
// Every block has a mask: the lanes that wait to run it. A uniform branch jumps; a divergent one leaves lanes waiting at both of
// its targets and goes on with the first in order. `pending[x]` are the blocks other than x at which lanes may wait while x runs.
#pragma once

#include <map>

#include "compiler/analysis/block_set.h"
#include "compiler/analysis/flow.h"
#include "compiler/analysis/shapes.h"

namespace anywarp::analysis {

using PendingSet = BlockSet;

struct Step {
  BlockId next = noBlock;   // noBlock: nothing waits, the region is done
  bool certain = false;     // lanes are known to wait at `next`: no test needed
  uint32_t again = noLoop;  // `next` is the header of this loop, for another round of it
};

class Linear {
 public:
  // `first`: the block of `entry` that certainly has lanes and runs first, whatever the order says.
  Linear(const Flat& flat, const Order& order, const Shapes& shapes, const PendingSet& entry, bool free,
         std::vector<uint8_t> runsEmpty = {}, std::vector<BlockId> meetings = {}, BlockId first = noBlock);

  const Order& order() const { return order_; }
  // Blocks at which lanes may wait when x is entered, x aside.
  const PendingSet& pending(BlockId x) const { return pending_[x]; }
  // Lanes may wait at x when something else runs, so its mask is to be kept.
  bool everPending(BlockId x) const { return everPending_[x]; }

  // x runs without a test, and may find no lane waiting (as the constructor was told).
  bool runsEmpty(BlockId x) const { return !runsEmpty_.empty() && runsEmpty_[x]; }

  // The block whose lanes come together at x (findMeetings, as the constructor was told), and where those of x do.
  BlockId meetsFrom(BlockId x) const { return meetings_.empty() ? noBlock : meetings_[x]; }
  BlockId meetingOf(BlockId x) const { return meetings_.empty() ? noBlock : meetingOf_[x]; }

  // Where to go from x (or from the region's entry: noBlock) when lanes may wait at `waiting`; `target`: they certainly wait there.
  Step choose(BlockId x, const PendingSet& waiting, BlockId target = noBlock) const;

  // Lanes may wait inside a loop while its header is passed: where they may resume anywhere. Then another round of the loop is to
  // begin only if lanes do wait in it, for the tests of its blocks alone would go round for ever.
  bool mayWaitInside(uint32_t loop) const;
  // `waiting` without the blocks of a loop.
  PendingSet outside(uint32_t loop, const PendingSet& waiting) const;

  // Where lanes may wait, `header` aside, when control goes back to the header of a loop.
  PendingSet pendingAtBackEdges(BlockId header) const {
    auto it = backEdges_.find(header);
    return it == backEdges_.end() ? PendingSet{} : it->second;
  }

  // Blocks that suspend with lanes elsewhere: the region cannot run in lockstep.
  const PendingSet& suspendsWhilePending() const { return suspendsWhilePending_; }

 private:
  void flow(BlockId x, const PendingSet& waiting, BlockId target);
  void visit(BlockId x);

  const Flat& flat_;
  const Order& order_;
  const Shapes& shapes_;
  bool free_;
  bool manyEntries_;  // lanes may begin at several blocks
  std::vector<PendingSet> pending_;
  std::vector<uint8_t> runsEmpty_, everPending_, reached_;
  std::vector<BlockId> meetings_, meetingOf_;
  std::vector<BlockId> work_;
  std::map<BlockId, PendingSet> backEdges_;
  PendingSet suspendsWhilePending_;
};

// The targets of a terminator, exits of threads left out.
std::vector<BlockId> liveTargets(const Flat& flat, BlockId x);

}  // namespace anywarp::analysis
