// Barriers are found by name; spin loops by what their exits depend on (PTX ISA: Memory Consistency Model, forward progress).
// SPDX-License-Identifier: Apache-2.0
#include "compiler/analysis/suspensions.h"

#include <algorithm>
#include <set>

#include "compiler/analysis/block_set.h"
#include "compiler/analysis/operands.h"

namespace anywarp::analysis {
namespace {

using ptx::Form;
using ptx::Mod;

// atom.add of 0, an idiom for an atomic read.
bool isZeroAdd(const Inst& inst) {
  return inst.has(Mod::Add) && inst.operands.size() > 2 && inst.operands[2].kind == ptx::Operand::Kind::Integer &&
         inst.operands[2].bits == 0;
}

// A read of memory that is meant to see what other threads write.
bool observesOthers(const Inst& inst) {
  switch (inst.form) {
    case Form::Ld: return !isWeak(inst);
    case Form::MbarrierTestWait: case Form::MbarrierTestWaitParity: case Form::MbarrierTryWait: case Form::MbarrierTryWaitParity:
      return true;
    case Form::AtomCas: return true;
    case Form::Atom: return inst.has(Mod::Exch) || inst.has(Mod::Or) || inst.has(Mod::And) || inst.has(Mod::Xor) ||
                            inst.has(Mod::Min) || inst.has(Mod::Max) || isZeroAdd(inst);
    default: return false;
  }
}

// An operation whose result says whether this thread got what others may hold.
bool triesLock(const Inst& inst) {
  return inst.form == Form::AtomCas || (inst.form == Form::Atom && (inst.has(Mod::Exch) || inst.has(Mod::Or) || inst.has(Mod::And)));
}

// A load of what other threads may write meanwhile, as `volatile` and the atomic ones are.
bool loadsFromOthers(const Inst& inst) { return inst.form == Form::Ld && observesOthers(inst); }

class SpinFinder {
 public:
  SpinFinder(Flat& flat, const Order& order, WorkLimit* limit) : flat_(flat), order_(order), limit_(limit) {}

  // Edges (from, to) that close a loop which waits.
  std::set<std::pair<BlockId, BlockId>> run() {
    std::set<std::pair<BlockId, BlockId>> edges;
    for (uint32_t l = 0; l < order_.loops.size(); ++l) {
      if (!waits(order_.loops[l])) continue;
      BlockId header = order_.loops[l].header;
      for (BlockId b : order_.loops[l].blocks) {
        if (flat_.blocks[b].terminator == Terminator::Suspend) continue;
        for (BlockId s : flat_.blocks[b].successors)
          if (s == header) edges.insert({b, s});
      }
    }
    return edges;
  }

 private:
  struct Writer {
    Inst* inst;
    BlockId block;
  };
  using Writers = std::map<ptx::RegId, std::vector<Writer>>;

  void findCandidates() {
    candidates_.resize(flat_.blocks.size());
    for (BlockId b = 0; b < flat_.blocks.size(); ++b)
      for (uint32_t i = flat_.blocks[b].first; i < flat_.blocks[b].last; ++i)
        candidates_[b] |= observesOthers(flat_.instructions[i]) || flat_.instructions[i].form == Form::Nanosleep;
  }

  bool waits(const Loop& loop) {
    if (candidates_.empty()) findCandidates();
    if (std::none_of(loop.blocks.begin(), loop.blocks.end(), [&](BlockId b) { return candidates_[b]; })) return false;
    if (!maySpend(limit_, loop.blocks.size())) return false;
    BlockSet blocks(loop.blocks.begin(), loop.blocks.end());
    Writers writers;
    for (BlockId b : loop.blocks)
      for (uint32_t i = flat_.blocks[b].first; i < flat_.blocks[b].last; ++i)
        forEachDef(flat_.instructions[i], [&](ptx::RegId& r) { writers[r].push_back({&flat_.instructions[i], b}); });
    std::vector<ptx::RegId> exits;
    for (BlockId b : loop.blocks) {
      const Block& block = flat_.blocks[b];
      if (block.condition == ptx::noReg) continue;
      bool leaves = false;
      for (BlockId s : block.successors) leaves |= !blocks.count(s);
      if (leaves) exits.push_back(block.condition);
    }
    auto observes = [&](const Writer& w) { return observesOthers(*w.inst) && !isUpdateLoop(*w.inst, writers); };
    auto exitsBy = [&](const std::set<ptx::RegId>& registers) {
      return std::any_of(exits.begin(), exits.end(), [&](ptx::RegId r) { return registers.count(r) != 0; });
    };
    if (exitsBy(dependents(writers, observes))) return true;
    // `while (waits) if (tryLock()) waits = false;` or `do { again = false; if (state[neighbour] == undecided) again = true; } while (again);`:
    // the exit depends on what others write by way of a branch.
    std::set<BlockId> guarded = guardedByOthers(loop, writers);
    if (guarded.empty()) return false;
    auto isGuarded = [&](const Writer& w) { return guarded.count(w.block) != 0; };
    return exitsBy(dependents(writers, isGuarded));
  }

  // The registers whose values come, in this loop, from a write that `is`.
  template <typename Predicate>
  std::set<ptx::RegId> dependents(const Writers& writers, Predicate is) {
    std::set<ptx::RegId> found;
    std::vector<ptx::RegId> work;
    std::map<ptx::RegId, std::vector<ptx::RegId>> readers;
    auto add = [&](ptx::RegId r) {
      if (found.insert(r).second) work.push_back(r);
    };
    for (const auto& [r, all] : writers)
      for (const Writer& writer : all) {
        if (is(writer)) add(r);
        forEachUse(*writer.inst, flat_.registers, [&](ptx::RegId& u) { readers[u].push_back(r); });
      }
    while (!work.empty()) {
      ptx::RegId r = work.back();
      work.pop_back();
      if (auto it = readers.find(r); it != readers.end())
        for (ptx::RegId reader : it->second) add(reader);
    }
    return found;
  }

  // Blocks of the loop that run or not as an attempt to take a lock turns out, or as others have written.
  std::set<BlockId> guardedByOthers(const Loop& loop, const Writers& writers) {
    std::set<BlockId> guarded;
    auto attempts = [&](const Writer& w) { return (triesLock(*w.inst) || loadsFromOthers(*w.inst)) && !isUpdateLoop(*w.inst, writers); };
    const std::set<ptx::RegId> attempted = dependents(writers, attempts);
    for (BlockId b : loop.blocks) {
      const Block& block = flat_.blocks[b];
      if (block.condition == ptx::noReg || !attempted.count(block.condition)) continue;
      if (!maySpend(limit_, order_.blocks.size())) break;
      if (postDominator_.empty()) postDominator_ = postDominators(flat_, order_);
      for (BlockId g : influence(flat_, order_, postDominator_, b).region)
        if (g != loop.header && order_.inLoop(g, uint32_t(&loop - order_.loops.data()))) guarded.insert(g);
    }
    return guarded;
  }

  // atom.cas whose expected value comes from the previous round: some lane always succeeds, nobody waits.
  static bool isUpdateLoop(const Inst& inst, const Writers& writers) {
    if (inst.form != Form::AtomCas || inst.operands.size() < 4) return false;
    const ptx::Operand& expected = inst.operands[2];
    return expected.isReg() && writers.count(expected.reg);
  }

  Flat& flat_;
  const Order& order_;
  WorkLimit* limit_;
  std::vector<BlockId> postDominator_;
  std::vector<uint8_t> candidates_;  // by block
};

}  // namespace

bool isWarpSync(const Inst& inst) {
  if (inst.form == Form::Unknown || !inst.has(Mod::Sync)) return false;
  ptx::Need needs = ptx::formInfo(inst.form).needs;
  return needs == ptx::Need::Warp || needs == ptx::Need::Matrix;
}

namespace {

// A new block on the edge from `from` to `to`, which may be suspended.
BlockId insertBlock(Flat& flat, BlockId from, BlockId to) {
  auto between = BlockId(flat.blocks.size());
  Block& block = flat.blocks.emplace_back();
  block.first = block.last = flat.blocks[to].first;
  block.terminator = Terminator::Jump;
  block.line = flat.blocks[from].line;
  block.successors = block.within = {to};
  block.predecessors = {from};
  std::replace(flat.blocks[from].successors.begin(), flat.blocks[from].successors.end(), to, between);
  std::replace(flat.blocks[to].predecessors.begin(), flat.blocks[to].predecessors.end(), from, between);
  return between;
}

}  // namespace

Suspensions findSuspensions(Flat& flat, WorkLimit* limit) {
  Suspensions result;
  result.resumePoints.push_back(0);
  BlockSet points{0};
  auto addPoint = [&](BlockId b) {
    if (points.insert(b)) result.resumePoints.push_back(b);
  };
  for (Block& block : flat.blocks) block.within = block.successors;
  Order order = orderBlocks(flat, {0}, Through::Suspensions, limit);
  if (limit && limit->isPassed()) return result;
  auto spins = SpinFinder(flat, order, limit).run();
  result.spins = !spins.empty();
  for (BlockId b : order.blocks) {
    Block& block = flat.blocks[b];
    if (block.terminator == Terminator::Suspend) {
      addPoint(block.successors[0]);
      block.within.clear();
      continue;
    }
    if (block.yields) {
      addPoint(block.successors[0]);
      block.within.clear();
      continue;
    }
    std::erase_if(block.within, [&](BlockId s) { return spins.count({b, s}) != 0; });
  }
  const BlockSet others = points;
  for (auto [from, to] : spins) {
    if (!others.count(to)) result.waitEdges.push_back({from, to});
    addPoint(others.count(to) ? insertBlock(flat, from, to) : to);
  }
  return result;
}

BlockId splitBlock(Flat& flat, BlockId block, uint32_t at) {
  auto rest = BlockId(flat.blocks.size());
  flat.blocks.push_back(flat.blocks[block]);
  Block& head = flat.blocks[block];
  Block& tail = flat.blocks[rest];
  tail.first = head.last = at;
  tail.predecessors = {block};
  head.terminator = Terminator::Jump;
  head.condition = ptx::noReg;
  head.yields = false;
  head.successors = {rest};
  for (BlockId s : tail.successors) std::replace(flat.blocks[s].predecessors.begin(), flat.blocks[s].predecessors.end(), block, rest);
  return rest;
}

void splitAtWarpSync(Flat& flat) {
  // Tails are appended, so the loop meets them too.
  for (BlockId b = 0; b < flat.blocks.size(); ++b) {
    for (uint32_t i = flat.blocks[b].first + 1; i < flat.blocks[b].last; ++i) {
      if (!isWarpSync(flat.instructions[i])) continue;
      splitBlock(flat, b, i);
      break;
    }
  }
}

}  // namespace anywarp::analysis
