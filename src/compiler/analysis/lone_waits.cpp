// Waiting loops as loops that take turns: which ones, where the other lanes are, and what these could do. SPDX-License-Identifier: Apache-2.0
#include "compiler/analysis/lone_waits.h"

#include <algorithm>

#include "compiler/analysis/operands.h"

namespace anywarp::analysis {
namespace {

using ptx::Form;
using ptx::Need;

// Looks at memory before the next warp's turn: many waits are short.
constexpr uint32_t looksPerTurn = 8;
// Every such loop is a region with all that follows up to the next barrier.
constexpr size_t mostLoops = 16;
constexpr size_t mostInstructions = 20000;

bool endsBlock(const Block& block, uint32_t i) { return i + 1 == block.last; }

class LoneWaitsFinder {
 public:
  LoneWaitsFinder(Flat& flat, const Shapes& shapes, Suspensions& suspensions) : flat_(flat), shapes_(shapes), points_(suspensions.resumePoints), edges_(suspensions.waitEdges) {}

  std::vector<Interleaved> run() {
    for (const Inst& inst : flat_.instructions) arrives_ |= inst.form == Form::BarArrive || inst.form == Form::BarrierArrive;
    while (true) {
      if (!place() || !follow()) return {};
      if (parting_.empty()) break;
      for (BlockId x : parting_)
        if (!convertFrom(x)) return {};
    }
    const bool good = std::all_of(loops_.begin(), loops_.end(), [&](const Interleaved& l) { return waitsAlone(l); });
    return good ? std::move(loops_) : std::vector<Interleaved>{};
  }

 private:
  // --- which loops ---------------------------------------------------------------------------------------------------------

  // The waits at whose back edges block x suspends become loops that take turns.
  bool convertFrom(BlockId x) {
    const Block& block = flat_.blocks[x];
    if (block.terminator == Terminator::Suspend || block.yields) return false;
    for (BlockId s : std::vector(block.successors))
      if (flat_.blocks[x].suspendsTo(s) && !convert(s)) return false;
    return true;
  }

  bool convert(BlockId header) {
    auto leads = [&](const auto& edge) { return edge.second == header; };
    if (loops_.size() == mostLoops || std::none_of(edges_.begin(), edges_.end(), leads)) return false;
    for (auto [from, to] : edges_) {
      if (to != header) continue;
      Block& block = flat_.blocks[from];
      std::vector<BlockId> within;
      for (BlockId s : block.successors)
        if (s == header || !block.suspendsTo(s)) within.push_back(s);
      block.within = std::move(within);
    }
    std::erase(points_, header);
    loops_.push_back({header, looksPerTurn});
    return true;
  }

  // Chooses for each loop the region whose order its turns keep to. All regions that lead to it see it inside the same loops, or what
  // waits at its back edges in one would be elsewhere in another.
  bool place() {
    for (bool again = true; again;) {
      again = false;
      orders_.clear();
      for (BlockId point : points_) orders_.push_back(orderBlocks(flat_, {point}, Through::UntilSuspensions));
      for (size_t i = 0; i < loops_.size() && !again; ++i) {
        loops_[i].seenFrom = noBlock;
        std::vector<BlockId> around;
        for (size_t r = 0; r < points_.size(); ++r) {
          if (!orders_[r].contains(loops_[i].header)) continue;
          std::vector<BlockId> here = loopsAround(orders_[r], loops_[i].header);
          if (here.empty() || here.front() != loops_[i].header || (loops_[i].waits() && here != around)) {
            // A resume point inside of the loop: a wait within a wait, or a barrier.
            if (!convert(points_[r])) return false;
            again = true;
            break;
          }
          if (loops_[i].waits()) continue;
          around = std::move(here);
          loops_[i].seenFrom = points_[r];
        }
        if (!again && !loops_[i].waits()) return false;
      }
    }
    return true;
  }

  static std::vector<BlockId> loopsAround(const Order& order, BlockId x) {
    std::vector<BlockId> headers;
    for (uint32_t l = order.innermost[x]; l != noLoop; l = order.loops[l].parent) headers.push_back(order.loops[l].header);
    return headers;
  }

  const Order& orderOf(const Interleaved& loop) const {
    return orders_[size_t(std::find(points_.begin(), points_.end(), loop.seenFrom) - points_.begin())];
  }

  // --- where the others are --------------------------------------------------------------------------------------------------

  // Finds what waits at the back edges, and the blocks that suspend while lanes are elsewhere.
  bool follow() {
    parting_ = {};
    for (Interleaved& loop : loops_) loop.pending = {};
    auto gather = [&](const Linear& linear) {
      bool grew = false;
      parting_.unite(linear.suspendsWhilePending());
      for (Interleaved& loop : loops_) grew |= loop.pending.unite(linear.pendingAtBackEdges(loop.header));
      return grew;
    };
    for (size_t r = 0; r < points_.size(); ++r) gather(Linear(flat_, orders_[r], shapes_, {points_[r]}, false));
    for (bool again = true; again;) {
      again = false;
      for (const Interleaved& loop : loops_) {
        const std::vector<BlockId> roots = turnRoots(loop);
        again |= gather(Linear(flat_, orderOf(loop), shapes_, {roots.begin(), roots.end()}, false, {}, {}, loop.header));
      }
    }
    size_t instructions = 0;
    for (const Interleaved& loop : loops_)
      for (BlockId x : orderOf(loop).blocks) instructions += flat_.blocks[x].last - flat_.blocks[x].first;
    return instructions <= mostInstructions;
  }

  // --- what they could do ----------------------------------------------------------------------------------------------------

  bool waitsAlone(const Interleaved& loop) const {
    const Order& order = orderOf(loop);
    const uint32_t inner = order.innermost[loop.header], at = order.position[loop.header];
    bool meets = false;  // the waiting lanes meet others in the loop
    for (BlockId x : order.loops[inner].blocks)
      for (uint32_t i = flat_.blocks[x].first; i < flat_.blocks[x].last; ++i) meets |= isWarpSync(flat_.instructions[i]);
    for (BlockId x : loop.pending) {
      const std::vector<BlockId> around = loopsAround(order, loop.header);
      if (order.position[x] < at && std::find(around.begin(), around.end(), x) == around.end()) return false;
    }
    return mayNotRelease(loop.pending, meets);
  }

  // Whether lanes at `from` come to a place that needs all lanes of their warp before they do anything that others see.
  bool mayNotRelease(const PendingSet& from, bool meets) const {
    BlockSet seen = from;
    std::vector<BlockId> work(from.begin(), from.end());
    while (!work.empty()) {
      const Block& block = flat_.blocks[work.back()];
      work.pop_back();
      bool ended = false;
      for (uint32_t i = block.first; i < block.last && !ended; ++i) {
        const Inst& inst = flat_.instructions[i];
        ended = needsWholeBlock(block, i) || (!meets && needsWholeWarp(inst));
        if (!ended && mayBeSeen(inst)) return false;
      }
      if (ended) continue;
      for (BlockId s : block.successors)
        if (seen.insert(s)) work.push_back(s);
    }
    return true;
  }

  // A barrier that cannot complete before every thread of the block has come to it or has exited.
  bool needsWholeBlock(const Block& block, uint32_t i) const {
    const Inst& inst = flat_.instructions[i];
    if (arrives_ || block.terminator != Terminator::Suspend || !endsBlock(block, i) || inst.guard != ptx::noReg) return false;
    if (inst.form == Form::Unknown || ptx::formInfo(inst.form).needs != Need::Barrier) return false;
    const size_t threads = ptx::slotRole(inst, 0) == ptx::SlotRole::Dest ? 2 : 1;
    return inst.operands.size() <= threads || inst.operands[threads].isNone();
  }

  static bool needsWholeWarp(const Inst& inst) {
    if (!isWarpSync(inst) || inst.guard != ptx::noReg) return false;
    if (ptx::formInfo(inst.form).needs == Need::Matrix) return true;
    const ptx::Operand& members = inst.operands.back();
    return members.kind == ptx::Operand::Kind::Integer && uint32_t(members.bits) == ~0u;
  }

  // Whether other threads may find out that a thread has executed it.
  static bool mayBeSeen(const Inst& inst) {
    if (inst.pseudo != Pseudo::None) return false;
    if (inst.form == Form::Unknown) return true;
    switch (ptx::formInfo(inst.form).needs) {
      case Need::None: case Need::Warp: case Need::Texture: return false;
      case Need::Memory: break;
      case Need::Control: return false;
      default: return inst.form != Form::Nanosleep;
    }
    switch (inst.form) {
      case Form::Ld: case Form::Ldu: case Form::Membar: case Form::Fence: case Form::Prefetch: case Form::PrefetchEvict: case Form::Prefetchu:
        return false;
      case Form::St: return inst.space() != ptx::Space::Local;
      default: return true;
    }
  }

  Flat& flat_;
  const Shapes& shapes_;
  std::vector<BlockId>& points_;
  const std::vector<std::pair<BlockId, BlockId>>& edges_;
  std::vector<Order> orders_;  // of the regions that begin at points_
  std::vector<Interleaved> loops_;
  BlockSet parting_;
  bool arrives_ = false;       // threads may arrive at a barrier and go on
};

}  // namespace

std::vector<Interleaved> findLoneWaits(Flat& flat, const Shapes& shapes, Suspensions& suspensions) {
  return LoneWaitsFinder(flat, shapes, suspensions).run();
}

}  // namespace anywarp::analysis
