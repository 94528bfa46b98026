// Branches on `index == value`, where the index differs from lane to lane, and what only they lead to. SPDX-License-Identifier: Apache-2.0
#include "compiler/analysis/one_lane.h"

#include <cstdlib>

#include "compiler/analysis/operands.h"

namespace anywarp::analysis {
namespace {

using ptx::Form;
using ptx::Mod;
using ptx::Operand;

constexpr int64_t widestStride = 1 << 20;  // times a warp's lanes it does not come round to the same 32 bits
constexpr unsigned deepest = 4;            // of predicates made from predicates

class OneLaneFinder {
 public:
  OneLaneFinder(Flat& flat, const Webs& webs, const Order& order, const Shapes& shapes) : flat_(flat), webs_(webs), order_(order), shapes_(shapes) {}

  std::vector<uint8_t> run() {
    const size_t n = flat_.blocks.size();
    findWriters();
    // The block that a branch of one lane leads to, and those that are reached through it alone, have that block.
    constexpr BlockId unknown = noBlock - 1;
    std::vector<BlockId> from(n, noBlock);
    std::vector<uint8_t> starts(n), found(n);
    bool any = false;
    for (BlockId x : order_.blocks) {
      from[x] = unknown;
      for (BlockId s : flat_.blocks[x].successors)
        if (flat_.blocks[s].predecessors.size() == 1 && isTakenByOne(x, s)) starts[s] = any = 1;
    }
    if (!any) return {};
    from[order_.blocks[0]] = noBlock;
    for (bool changed = true; changed;) {
      changed = false;
      for (BlockId x : order_.blocks) {
        if (x == order_.blocks[0]) continue;
        BlockId now = starts[x] ? x : unknown;
        for (BlockId p : flat_.blocks[x].predecessors) {
          if (starts[x] || !order_.contains(p) || from[p] == unknown) continue;
          now = now == unknown || now == from[p] ? from[p] : noBlock;
        }
        if (now != noBlock && now != unknown && !starts[x] && leavesLoopOf(flat_.blocks[now].predecessors[0], x)) now = noBlock;
        if (now != from[x]) from[x] = now, changed = true;
      }
    }
    for (BlockId x : order_.blocks) found[x] = from[x] != noBlock && from[x] != unknown;
    return found;
  }

 private:
  struct Writer {
    Inst* inst;
    BlockId block;
  };

  void findWriters() {
    writers_.assign(flat_.registers.size(), {});
    for (BlockId x : order_.blocks)
      for (uint32_t i = flat_.blocks[x].first; i < flat_.blocks[x].last; ++i)
        forEachDef(flat_.instructions[i], [&](ptx::RegId& r) {
          if (flat_.registers[r].type == ptx::Type::Pred) writers_[r] = {&flat_.instructions[i], x};
        });
  }

  // Lanes that leave the loop of block x round by round meet behind it.
  bool leavesLoopOf(BlockId x, BlockId to) const {
    const uint32_t loop = order_.innermost[x];
    return loop != noLoop && !order_.inLoop(to, loop);
  }

  bool isTakenByOne(BlockId x, BlockId to) const {
    const Block& block = flat_.blocks[x];
    if (block.terminator != Terminator::Branch || block.successors[0] == block.successors[1] || leavesLoopOf(x, to)) return false;
    return holdsOnce(block.condition, (block.successors[0] == to) != block.negated, x, 0);
  }

  // Whether a predicate, as it is at block x, has `value` in one lane at most.
  bool holdsOnce(ptx::RegId r, bool value, BlockId x, unsigned depth) const {
    if (r == ptx::noReg || webs_.webs[r].defs != 1 || webs_.webs[r].maybeUndefined || depth > deepest) return false;
    const auto [inst, at] = writers_[r];
    if (!inst || inst->pseudo != Pseudo::None || inst->guard != ptx::noReg || inst->form == Form::Unknown) return false;
    // Made anew for all lanes whenever it is asked, or once.
    if (leavesLoopOf(at, x)) return false;
    auto source = [&](unsigned i, bool wanted) {
      const Operand& o = inst->operands[i];
      return o.isReg() && holdsOnce(o.reg, o.negated ? !wanted : wanted, at, depth + 1);
    };
    switch (inst->form) {
      case Form::SetpInt: return inst->has(value ? Mod::Eq : Mod::Ne) && comparesIndex(*inst);
      case Form::And: return value && (source(1, true) || source(2, true));
      case Form::Or: return !value && (source(1, false) || source(2, false));
      case Form::Not: return source(1, !value);
      default: return false;
    }
  }

  bool comparesIndex(const Inst& inst) const {
    if (!inst.operands[1].isNone() || (inst.operands.size() > 4 && !inst.operands[4].isNone()) || ptx::bits(inst.type()) < 32) return false;
    auto isIndex = [&](const Operand& o) {
      if (!o.isReg()) return false;
      const Shape& s = shapes_.registers[o.reg];
      return s.kind == Shape::Kind::Affine && s.stride != 0 && std::llabs(s.stride) <= widestStride;
    };
    auto isOne = [&](const Operand& o) { return o.isImmediate() || (o.isReg() && shapes_.registers[o.reg].isUniform()); };
    return (isIndex(inst.operands[2]) && isOne(inst.operands[3])) || (isOne(inst.operands[2]) && isIndex(inst.operands[3]));
  }

  Flat& flat_;
  const Webs& webs_;
  const Order& order_;
  const Shapes& shapes_;
  std::vector<Writer> writers_;  // by register: the last one
};

}  // namespace

std::vector<uint8_t> findOneLaneBlocks(Flat& flat, const Webs& webs, const Order& order, const Shapes& shapes) {
  return OneLaneFinder(flat, webs, order, shapes).run();
}

}  // namespace anywarp::analysis
