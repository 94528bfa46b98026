// Outcomes of regions: the barriers, or the exit, that each can lead to, and whether warps can differ in them. SPDX-License-Identifier: Apache-2.0
#include "compiler/analysis/together.h"

#include <algorithm>

#include "support/options.h"

namespace anywarp::analysis {
namespace {

using Outcomes = uint64_t;  // one bit per region that is entered next, and one for the exit
constexpr uint32_t exitBit = 63, mostRegions = 63;

class TogetherFinder {
 public:
  TogetherFinder(const Flat& flat, const Order& order, const Suspensions& suspensions, const Shapes& block)
      : flat_(flat), points_(suspensions.resumePoints), block_(block), postDominator_(postDominators(flat, order)) {}

  Together run() {
    size_t n = points_.size();
    Together result{std::vector<uint8_t>(n), std::vector<uint8_t>(n)};
    if (n > mostRegions) return result;
    leads_.assign(n, 0);
    agrees_.assign(n, 1);
    for (uint32_t r = 0; r < n; ++r) follow(r);
    // Together until something speaks against it.
    result.entered.assign(n, 1);
    for (bool changed = true; changed;) {
      changed = false;
      for (uint32_t q = 0; q < n; ++q) {
        if (result.entered[q] && agrees_[q]) continue;
        for (uint32_t r = 1; r < n; ++r)
          if (result.entered[r] && (leads_[q] >> r & 1)) result.entered[r] = 0, changed = true;
      }
    }
    for (uint32_t r = 0; r < n; ++r) result.agreed[r] = result.entered[r] && agrees_[r];
    return result;
  }

 private:
  void follow(uint32_t region) {
    Order order = orderBlocks(flat_, {points_[region]}, Through::UntilSuspensions);
    std::vector<Outcomes> out(flat_.blocks.size());
    for (bool changed = true; changed;) {
      changed = false;
      for (size_t i = order.blocks.size(); i-- > 0;) {
        BlockId x = order.blocks[i];
        Outcomes now = outcomesOf(region, x, out);
        if (now != out[x]) out[x] = now, changed = true;
      }
    }
    leads_[region] = out[points_[region]];
    for (BlockId x : order.blocks) {
      const Block& block = flat_.blocks[x];
      bool parts = block.terminator == Terminator::Branch || block.terminator == Terminator::Switch;
      if (parts && (out[x] & (out[x] - 1)) && !block_.registers[block.condition].isUniform() && !meetsAgain(x)) agrees_[region] = 0;
    }
  }

  // Whether all ways from x lead to one block before any barrier: what follows there decides, not x.
  bool meetsAgain(BlockId x) const {
    static const bool off = options::isPassOff("regions-meet");
    BlockId join = postDominator_[x];
    if (off || join == noBlock) return false;
    std::vector<BlockId> work{x};
    std::vector<uint8_t> seen(flat_.blocks.size());
    seen[x] = seen[join] = 1;
    while (!work.empty()) {
      const Block& block = flat_.blocks[work.back()];
      work.pop_back();
      if (block.terminator == Terminator::Exit) return false;
      for (BlockId s : block.successors) {
        if (block.suspendsTo(s)) return false;
        if (!seen[s]) seen[s] = 1, work.push_back(s);
      }
    }
    return true;
  }

  Outcomes outcomesOf(uint32_t region, BlockId x, const std::vector<Outcomes>& out) {
    const Block& block = flat_.blocks[x];
    if (block.terminator == Terminator::Exit) return Outcomes(1) << exitBit;
    Outcomes all = 0;
    for (BlockId s : block.successors) {
      if (!block.suspendsTo(s)) {
        all |= out[s];
        continue;
      }
      auto at = std::find(points_.begin(), points_.end(), s);
      bool plain = block.terminator == Terminator::Suspend && isPlainBarrier(flat_.instructions[block.last - 1]);
      if (!plain || at == points_.end()) agrees_[region] = 0;
      if (at != points_.end()) all |= Outcomes(1) << (at - points_.begin());
    }
    return all;
  }

  const Flat& flat_;
  const std::vector<BlockId>& points_;
  const Shapes& block_;
  std::vector<BlockId> postDominator_;
  std::vector<Outcomes> leads_;
  std::vector<uint8_t> agrees_;
};

}  // namespace

bool isPlainBarrier(const Inst& inst) {
  return inst.guard == ptx::noReg && ptx::slotRole(inst, 0) != ptx::SlotRole::Dest && inst.operands[0].kind == ptx::Operand::Kind::Integer &&
         inst.operands[0].bits == 0 && (inst.operands.size() < 2 || inst.operands[1].isNone());
}

Together findTogether(Flat& flat, const Webs& webs, const Order& order, const Suspensions& suspensions, LaunchShape launch, uint32_t threads) {
  // A block as one wide warp: what is uniform then is the same for all its threads.
  launch.width = std::max(threads, abi::maxWarpWidth + 1);
  Shapes block = findShapes(flat, webs, order, launch);
  return TogetherFinder(flat, order, suspensions, block).run();
}

}  // namespace anywarp::analysis
