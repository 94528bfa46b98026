// Which loops stride over memory, by following addresses back to what the loop counts up. SPDX-License-Identifier: Apache-2.0
#include "compiler/analysis/interleave.h"

#include <algorithm>
#include <cstdlib>
#include <map>

#include "compiler/analysis/operands.h"
#include "compiler/analysis/turns.h"

namespace anywarp::analysis {
namespace {

using ptx::Form;
using ptx::Space;

// Streams of memory that one warp keeps open in its turn: about as many as a core's prefetchers follow.
constexpr uint32_t accessesPerTurn = 12;
constexpr uint32_t mostRounds = 8;
// Lane vectors that go to the frame and back each turn, for each access of a round.
constexpr uint32_t mostCarried = 8;
constexpr int largeStep = INT32_MAX;

class LoopReader {
 public:
  LoopReader(Flat& flat, const Webs& webs, const Order& order, const Shapes& shapes, uint32_t loop)
      : flat_(flat), webs_(webs), order_(order), shapes_(shapes), loop_(loop) {}

  // A loop over barriers that strides over memory.
  bool waitsAndStrides(uint32_t width) {
    const auto& blocks = order_.loops[loop_].blocks;
    auto isWait = [&](BlockId x) { return flat_.blocks[x].terminator == Terminator::Suspend && order_.innermost[x] == loop_; };
    if (std::none_of(blocks.begin(), blocks.end(), isWait)) return false;
    findWriters();
    bool strides = false;
    for (BlockId x : blocks) {
      const Block& block = flat_.blocks[x];
      for (uint32_t i = block.first; i < block.last && !strides; ++i) {
        const Inst& inst = flat_.instructions[i];
        strides = inst.pseudo == Pseudo::None && inst.form != Form::Unknown && !isCall(inst) && stridesFar(inst, width);
      }
    }
    return strides;
  }

  // 0: not worth it; otherwise iterations per turn.
  uint32_t rounds(uint32_t width) {
    const Loop& loop = order_.loops[loop_];
    // In an outer loop, lanes that have left this one could go on to its next round, where a warp or barrier wants all of them.
    if (loop.parent != noLoop) return 0;
    findWriters();
    uint32_t accesses = 0;
    for (BlockId x : loop.blocks) {
      const Block& block = flat_.blocks[x];
      if (block.terminator == Terminator::Suspend || block.within.size() != block.successors.size()) return 0;
      if (order_.innermost[x] != loop_) return 0;
      for (uint32_t i = block.first; i < block.last; ++i) {
        const Inst& inst = flat_.instructions[i];
        if (inst.pseudo != Pseudo::None || inst.form == Form::Unknown) continue;
        if (isCall(inst)) return 0;
        if (stridesFar(inst, width)) ++accesses;
      }
    }
    if (accesses == 0 || carried() > mostCarried) return 0;
    return std::clamp(accessesPerTurn / accesses, 1u, mostRounds);
  }

 private:
  void findWriters() {
    for (BlockId x : order_.loops[loop_].blocks)
      for (uint32_t i = flat_.blocks[x].first; i < flat_.blocks[x].last; ++i) {
        Inst& inst = flat_.instructions[i];
        forEachDef(inst, [&](ptx::RegId& r) { writers_[r].push_back(&inst); });
      }
  }

  bool isContiguous(const Shape& shape) const {
    int64_t stride = 0;
    if (shape.kind == Shape::Kind::Affine) stride = shape.stride;
    if (shape.kind == Shape::Kind::Extended) stride = shape.stride * shape.scale;
    return stride != 0 && std::abs(stride) <= 16;
  }

  bool stridesFar(const Inst& inst, uint32_t width) {
    bool load = inst.form == Form::Ld, store = inst.form == Form::St;
    if (!load && !store) return false;
    if (inst.space() != Space::Global && inst.space() != Space::Generic && inst.space() != Space::None) return false;
    const ptx::Operand& at = inst.operands[load ? 1 : 0];
    if (at.reg == ptx::noReg || !isContiguous(shapes_.registers[at.reg])) return false;
    int64_t step = stepOf(at.reg, 0);
    const Shape& shape = shapes_.registers[at.reg];
    int64_t touched = std::abs(shape.kind == Shape::Kind::Affine ? shape.stride : shape.stride * shape.scale) * width;
    return std::abs(step) >= 2 * touched;
  }

  // How far r moves per iteration, largeStep where that is not a constant; 0: it does not, or not by addition.
  int64_t stepOf(ptx::RegId r, unsigned depth) {
    auto it = writers_.find(r);
    if (it == writers_.end() || it->second.size() != 1 || depth > 16) return 0;
    const Inst& inst = *it->second[0];
    if (inst.pseudo != Pseudo::None || inst.guard != ptx::noReg) return 0;
    bool carriedOver = webs_.isLiveIn(order_.loops[loop_].header, r);
    auto source = [&](unsigned i) { return inst.operands[i].isReg() ? inst.operands[i].reg : ptx::noReg; };
    auto stepAt = [&](unsigned i) { return source(i) == ptx::noReg ? 0 : stepOf(source(i), depth + 1); };
    auto scaled = [&](int64_t step, const ptx::Operand& by) -> int64_t {
      if (step == 0 || step == largeStep) return step;
      return by.isImmediate() ? step * int64_t(ptx::immediateBits(by, inst.type())) : largeStep;
    };
    switch (inst.form) {
      case Form::AddInt: case Form::SubInt:
        if (carriedOver) {
          // Counts itself up, perhaps through a copy.
          unsigned self = leadsTo(source(1), r, 0) ? 1 : leadsTo(source(2), r, 0) ? 2 : 0;
          if (self == 0) return 0;
          const ptx::Operand& by = inst.operands[3 - self];
          return by.isImmediate() ? int64_t(ptx::immediateBits(by, ptx::Type::S64)) : largeStep;
        }
        return combine(stepAt(1), stepAt(2));
      case Form::Mov: case Form::Cvta: case Form::CvtaTo: case Form::CvtInt: return stepAt(1);
      case Form::MulWide: case Form::MulInt:
        return inst.operands[1].isImmediate() ? scaled(stepAt(2), inst.operands[1]) : scaled(stepAt(1), inst.operands[2]);
      case Form::MadWide: case Form::MadInt: return combine(scaled(stepAt(1), inst.operands[2]), stepAt(3));
      case Form::Shl:
        if (!inst.operands[2].isImmediate()) return 0;
        if (int64_t step = stepAt(1); step != largeStep) return step << (inst.operands[2].bits & 31);
        return largeStep;
      default: return 0;
    }
  }

  static int64_t combine(int64_t a, int64_t b) {
    if (a == largeStep || b == largeStep) return largeStep;
    return a + b;
  }

  // r holds the value that `target` had when the iteration began.
  bool leadsTo(ptx::RegId r, ptx::RegId target, unsigned depth) {
    if (r == target) return true;
    auto it = writers_.find(r);
    if (r == ptx::noReg || it == writers_.end() || it->second.size() != 1 || depth > 4) return false;
    const Inst& inst = *it->second[0];
    return inst.form == Form::Mov && inst.operands[1].isReg() && leadsTo(inst.operands[1].reg, target, depth + 1);
  }

  // Lane vectors that change from iteration to iteration.
  uint32_t carried() const {
    uint32_t count = 0;
    for (ptx::RegId r : webs_.liveIn[order_.loops[loop_].header]) {
      Shape::Kind kind = shapes_.registers[r].kind;
      if (writers_.count(r) && (kind == Shape::Kind::Varying || kind == Shape::Kind::ExtendedVarying)) ++count;
    }
    return count;
  }

  Flat& flat_;
  const Webs& webs_;
  const Order& order_;
  const Shapes& shapes_;
  uint32_t loop_;
  std::map<ptx::RegId, std::vector<const Inst*>> writers_;
};

}  // namespace

std::vector<Interleaved> findInterleaved(Flat& flat, const Webs& webs, const Order& order, const Shapes& shapes, uint32_t width) {
  std::vector<Interleaved> found;
  for (uint32_t l = 0; l < order.loops.size(); ++l)
    if (uint32_t rounds = LoopReader(flat, webs, order, shapes, l).rounds(width)) found.push_back({order.loops[l].header, rounds});
  return found;
}

std::vector<BlockId> findTurnsAtBarriers(Flat& flat, const Webs& webs, const Order& order, const Shapes& shapes, uint32_t width) {
  std::vector<BlockId> found;
  for (uint32_t l = 0; l < order.loops.size(); ++l) {
    if (!LoopReader(flat, webs, order, shapes, l).waitsAndStrides(width)) continue;
    // One of them will do: after it, what a round reads and writes lies together.
    for (BlockId x : order.loops[l].blocks) {
      if (flat.blocks[x].terminator != Terminator::Suspend || order.innermost[x] != l) continue;
      found.push_back(flat.blocks[x].successors[0]);
      break;
    }
  }
  return found;
}

std::vector<BlockId> turnRoots(const Interleaved& loop) {
  std::vector<BlockId> roots{loop.header};
  roots.insert(roots.end(), loop.pending.begin(), loop.pending.end());
  return roots;
}

Order orderTurn(const Flat& flat, const Interleaved& loop) {
  return orderBlocks(flat, loop.waits() ? std::vector{loop.seenFrom} : turnRoots(loop), Through::UntilSuspensions);
}

void findPending(const Flat& flat, const Shapes& shapes, const std::vector<BlockId>& resumePoints, std::vector<Interleaved>& loops) {
  auto gather = [&](const std::vector<BlockId>& roots) {
    Order order = orderBlocks(flat, roots, Through::UntilSuspensions);
    Linear linear(flat, order, shapes, PendingSet(roots.begin(), roots.end()), false);
    bool grew = false;
    for (Interleaved& loop : loops)
      for (BlockId x : linear.pendingAtBackEdges(loop.header)) grew |= loop.pending.insert(x);
    return grew;
  };
  for (BlockId root : resumePoints) gather({root});
  for (bool again = true; again;) {
    again = false;
    for (const Interleaved& loop : loops) again |= gather(turnRoots(loop));
  }
}

}  // namespace anywarp::analysis
