// Optimistic data flow: shapes rise from unknown to varying until nothing changes. SPDX-License-Identifier: Apache-2.0
#include "compiler/analysis/shapes.h"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <unordered_map>

#include "compiler/analysis/invariants.h"
#include "compiler/analysis/operands.h"
#include "compiler/analysis/runs.h"
#include "compiler/analysis/work_limit.h"
#include "support/options.h"

namespace anywarp::analysis {
namespace {

using Kind = Shape::Kind;
using ptx::Form;
using ptx::Mod;
using ptx::Operand;
using ptx::Type;

constexpr int64_t limit32 = int64_t(1) << 31;

// All threads of the block are looked at as one warp (together.h).
bool isWholeBlock(const LaunchShape& launch) { return launch.width > abi::maxWarpWidth; }

bool comparesAligned() {
  static const bool on = !options::isPassOff("aligned-compares");
  return on;
}

bool sumsBits() {
  static const bool on = !options::isPassOff("disjoint-bits");
  return on;
}

Shape withRange(Shape s, int64_t low, int64_t high) {
  if (low >= -limit32 && high < limit32 && low <= high) s.low = low, s.high = high;
  else s.low = s.high = Shape::unbounded;
  return s;
}

int64_t signedImmediate(const Operand& o, Type type) {
  uint64_t v = ptx::immediateBits(o, type);
  unsigned n = ptx::bits(type);
  if (n == 0 || n >= 64) return int64_t(v);
  return int64_t(v << (64 - n)) >> (64 - n);
}

class Analysis {
 public:
  Analysis(Flat& flat, const Webs& webs, const Order& order, const LaunchShape& launch)
      : flat_(flat), webs_(webs), order_(order), launch_(launch), postDominator_(postDominators(flat, order)) {}

  Shapes run() {
    size_t n = flat_.registers.size();
    result_.registers.assign(n, Shape{});
    result_.divergent.assign(flat_.blocks.size(), 0);
    result_.partial.assign(flat_.blocks.size(), launch_.free);
    users_.resize(n);
    updates_.assign(n, 0);
    // With lanes at different places, what one path writes is there for lanes on another before they are.
    invariant_ = launch_.free || !launch_.invariants ? std::vector<uint8_t>(n) : findInvariants(flat_, webs_);
    defsIn_.resize(flat_.blocks.size());
    for (BlockId b : order_.blocks) {
      Block& block = flat_.blocks[b];
      for (uint32_t i = block.first; i < block.last; ++i) {
        Inst& inst = flat_.instructions[i];
        forEachUse(inst, flat_.registers, [&](ptx::RegId& r) { users_[r].push_back(i); });
        forEachDef(inst, [&](ptx::RegId& r) { defsIn_[b].push_back(r); });
      }
      if (block.condition != ptx::noReg) branchUsers_[block.condition].push_back(b);
    }
    for (auto& pieces : flat_.params)
      for (Piece& p : pieces) raise(p.reg, Shape::varying());
    for (auto& pieces : flat_.returns)
      for (Piece& p : pieces) raise(p.reg, Shape::varying());
    for (ptx::RegId r = 0; r < n; ++r) {
      const Web& web = webs_.webs[r];
      if (web.defs == 0) raise(r, Shape::uniform());  // never written: any value
      if (launch_.free && (web.defs > 1 || web.maybeUndefined)) raise(r, Shape::varying());
    }
    for (BlockId b : order_.blocks)
      for (uint32_t i = flat_.blocks[b].first; i < flat_.blocks[b].last; ++i) visit(flat_.instructions[i]);
    propagate();
    // What depends only on values that nothing has written yet (a sum that is not set to zero first): any value, then what follows.
    for (ptx::RegId r = 0; r < n; ++r)
      if (webs_.webs[r].maybeUndefined && shape(r).kind == Kind::Unknown) raise(r, Shape::uniform());
    propagate();
    for (Shape& s : result_.registers)
      if (s.kind == Kind::Unknown) s = Shape::uniform();
    return std::move(result_);
  }

 private:
  Shape& shape(ptx::RegId r) { return result_.registers[r]; }

  void propagate() {
    while (!work_.empty()) {
      ptx::RegId r = work_.back();
      work_.pop_back();
      for (uint32_t i : users_[r]) visit(flat_.instructions[i]);
      if (result_.registers[r].kind != Kind::Uniform)
        if (auto it = branchUsers_.find(r); it != branchUsers_.end())
          for (BlockId b : it->second) part(b);
    }
  }

  // Joins `s` into the register's shape.
  void raise(ptx::RegId r, Shape s) {
    Shape& old = shape(r);
    if (s.kind == Kind::Unknown || (old.kind == Kind::Varying && !old.run)) return;
    bool single = (invariant_[r] || (webs_.webs[r].defs == 1 && !webs_.webs[r].maybeUndefined)) && updates_[r] < 8;
    if (invariant_[r] && webs_.webs[r].defs > 1 && !s.isScalarBased()) s = Shape::varying();
    Shape next = join(single ? Shape{} : old, s, r);
    if (next == old) return;
    ++updates_[r];
    old = next;
    work_.push_back(r);
  }

  // Extended values whose runs differ have none together.
  static void forgetRuns(Shape& a, Shape& b) {
    if (a.kind != Kind::ExtendedVarying || b.kind != a.kind || (a.run == b.run && a.stride == b.stride)) return;
    a.run = b.run = 0;
    a.stride = b.stride = 0;
  }

  Shape join(Shape old, Shape s, ptx::RegId r) const {
    unsigned n = ptx::bits(flat_.registers[r].type);
    if (flat_.registers[r].type == Type::Pred && s.kind != Kind::Uniform) return Shape::varying();
    if (s.kind == Kind::Affine && n < 8) return Shape::varying();
    bool several = webs_.webs[r].defs > 1 && !invariant_[r];
    if (several) s.low = s.high = Shape::unbounded;  // loops would count up for ever
    if (old.kind == Kind::Unknown) return s;
    forgetRuns(old, s);
    if (old.kind != s.kind || old.stride != s.stride || old.scale != s.scale || old.isSigned != s.isSigned)
      return joinRuns(old, s, launch_);
    Shape next = old;
    next.alignLog2 = std::min(old.alignLog2, s.alignLog2);
    next.run = std::min(old.run, s.run);
    if (!next.run && !next.isScalarBased()) next.stride = 0;
    if (old.low != s.low || old.high != s.high) next.low = next.high = Shape::unbounded;
    return next;
  }

  // The lanes may part at block b: what is written before they meet again differs from lane to lane.
  void part(BlockId b) {
    if (result_.divergent[b]) return;
    result_.divergent[b] = 1;
    Influence in = influence(flat_, order_, postDominator_, b);
    for (BlockId r : in.region) result_.partial[r] = 1;
    keepForOthers(b, in);
    if (in.joins.empty()) return;
    written_.resize(flat_.registers.size());
    ++parted_;
    for (BlockId r : in.region)
      for (ptx::RegId d : defsIn_[r]) written_[d] = parted_;
    if (mayDiffer_.empty()) mayDiffer_ = webs_.liveIn;
    for (BlockId j : in.joins)
      std::erase_if(mayDiffer_[j], [&](ptx::RegId r) {
        if (written_[r] == parted_ && !invariant_[r]) raise(r, Shape::varying());
        return invariant_[r] || (shape(r).kind == Kind::Varying && !shape(r).run);
      });
  }

  // One value for all lanes has one place: where lanes on one way write it, those on another that run later would find it changed.
  void keepForOthers(BlockId b, const Influence& in) {
    struct Write {
      BlockId from;
      uint32_t position;
    };
    std::unordered_map<ptx::RegId, std::vector<Write>> writes;
    for (size_t i = 0; i < in.region.size(); ++i)
      for (ptx::RegId d : defsIn_[in.region[i]]) {
        const Web& web = webs_.webs[d];
        const bool isKept = invariant_[d] || (web.defs == 1 && !web.maybeUndefined) || (shape(d).kind == Kind::Varying && !shape(d).run);
        if (!isKept) writes[d].push_back({in.from[i], order_.position[in.region[i]]});
      }
    if (writes.empty()) return;
    const bool twoWays = flat_.blocks[b].successors.size() <= 2;
    auto isJoin = [&](BlockId x) { return std::find(in.joins.begin(), in.joins.end(), x) != in.joins.end(); };
    for (size_t i = 0; i < in.region.size(); ++i) {
      const BlockId reader = in.region[i], from = in.from[i];
      const uint32_t position = order_.position[reader];
      const bool joins = isJoin(from), gaveUp = !looks_.spend(webs_.liveIn[reader].size());
      for (ptx::RegId r : webs_.liveIn[reader]) {
        auto it = writes.find(r);
        if (it == writes.end()) continue;
        const bool changes = gaveUp || !looks_.spend(it->second.size()) || std::any_of(it->second.begin(), it->second.end(), [&](const Write& w) {
          // All ways of two lead to a join: what is live there and written before differs there already.
          return w.from != from && w.position < position && !(twoWays && joins && !isJoin(w.from));
        });
        if (!changes) continue;
        raise(r, Shape::varying());
        writes.erase(it);
      }
    }
  }

  // --- instructions --------------------------------------------------------------------------------------------------------

  void visit(Inst& inst) {
    Shape s = evaluate(inst);
    if (s.kind == Kind::Unknown) return;
    if (inst.guard != ptx::noReg) {
      const Shape& g = shape(inst.guard);
      if (g.kind == Kind::Unknown) return;
      bool kept = false;
      forEachDef(inst, [&](ptx::RegId& r) { kept |= webs_.webs[r].defs > 1 || webs_.webs[r].maybeUndefined; });
      if (kept && !g.isUniform()) s = Shape::varying();
    }
    bool first = true;
    forEachDef(inst, [&](ptx::RegId& r) {
      raise(r, first || s.kind == Kind::Uniform ? s : Shape::varying());
      first = false;
    });
  }

  Shape of(const Operand& o, Type type) {
    switch (o.kind) {
      case Operand::Kind::Register: return shape(o.reg);
      case Operand::Kind::Integer: {
        int64_t v = signedImmediate(o, type);
        Shape s = Shape::uniform(v == 0 ? 63 : uint8_t(std::countr_zero(uint64_t(v))));
        return withRange(s, v, v);
      }
      case Operand::Kind::Special: return specialShape(o.special, launch_);
      case Operand::Kind::Address: return o.reg != ptx::noReg ? shape(o.reg) : addressBase(o);
      case Operand::Kind::Symbol: return addressBase(o);
      case Operand::Kind::Vector: {
        Shape s = Shape::uniform();
        for (const Operand& e : o.elements) {
          Shape x = of(e, type);
          if (x.kind == Kind::Unknown) return x;
          if (!x.isUniform()) s = Shape::varying();
        }
        return s;
      }
      default: return Shape::uniform();
    }
  }

  // Addresses of variables are launch constants (generic addresses of .local ones are made by cvta).
  Shape addressBase(const Operand&) { return Shape::uniform(); }

  // Uniform if every source is, otherwise varying (the same for a run where every source is); unknown while a source is.
  Shape combine(Inst& inst) {
    Shape s = Shape::uniform();
    Run same = runOf(s, launch_);
    auto add = [&](const Shape& x) {
      if (s.kind == Kind::Unknown) return;
      if (x.kind == Kind::Unknown) {
        s = x;
      } else if (!x.isUniform()) {
        Run run = runOf(x, launch_);
        same = run.isSame() ? shorter(same, run, 0) : Run{};
        same.alignLog2 = 0;
        s = inRuns(same);
      }
    };
    if (inst.pseudo != Pseudo::None) {
      add(of(inst.operands[1], inst.type()));
      return s;
    }
    for (unsigned i = 0; i < inst.operands.size(); ++i)
      if (ptx::slotRole(inst, i) != ptx::SlotRole::Dest) add(of(inst.operands[i], ptx::slotType(inst, i)));
    if (inst.carryIn != ptx::noReg) add(shape(inst.carryIn));
    return s;
  }

  static bool integer(const Inst& inst) {
    Type t = inst.type();
    return (ptx::isInteger(t) || ptx::isBits(t)) && !ptx::isPacked(t);
  }

  Shape evaluate(Inst& inst) {
    if (inst.pseudo != Pseudo::None) {
      bool whole = inst.shift == 0 && ptx::bits(inst.type()) == ptx::bits(flat_.registers[inst.operands[0].reg].type);
      return whole ? of(inst.operands[1], inst.type()) : combine(inst);
    }
    switch (inst.form) {
      case Form::Unknown: return Shape{};
      case Form::Mov: return of(inst.operands[1], inst.type());
      case Form::AddInt: return add(of(inst.operands[1], inst.type()), of(inst.operands[2], inst.type()), 1, inst);
      case Form::SubInt: return add(of(inst.operands[1], inst.type()), of(inst.operands[2], inst.type()), -1, inst);
      case Form::MulInt:
        if (inst.has(Mod::Lo)) return scaled(inst, 1, ptx::bits(inst.type()));
        return combine(inst);
      case Form::MulWide: return widened(inst);
      case Form::MadInt:
        if (inst.has(Mod::Lo)) return add(scaled(inst, 1, ptx::bits(inst.type())), of(inst.operands[3], inst.type()), 1, inst);
        return combine(inst);
      case Form::MadWide: return add(widened(inst), of(inst.operands[3], Type::B64), 1, inst);
      case Form::Shl: return shiftLeft(inst);
      case Form::Shr: return shiftRight(inst);
      case Form::And: return mask(inst);
      case Form::CvtInt: return convert(inst);
      case Form::Cvta: case Form::CvtaTo: return convertAddress(inst);
      case Form::Selp: return select(inst);
      case Form::SetpInt: return compare(inst);
      case Form::Or: case Form::Xor: return disjoint(inst);
      case Form::Not: return complement(inst);
      case Form::Ld: case Form::Ldu: return load(inst);
      case Form::MbarrierTestWait: case Form::MbarrierTestWaitParity: case Form::MbarrierTryWait: case Form::MbarrierTryWaitParity:
        return launch_.free || isWholeBlock(launch_) ? Shape::varying() : combine(inst);
      case Form::MbarrierPendingCount: return combine(inst);
      default: break;
    }
    switch (ptx::formInfo(inst.form).needs) {
      case ptx::Need::None: return combine(inst);
      case ptx::Need::Warp: return warp(inst);
      case ptx::Need::Barrier: return launch_.free || isWholeBlock(launch_) ? Shape::varying() : Shape::uniform();
      default: return Shape::varying();
    }
  }

  Shape add(Shape a, Shape b, int sign, const Inst& inst) {
    if (a.kind == Kind::Unknown || b.kind == Kind::Unknown) return {};
    if (!integer(inst)) return a.isUniform() && b.isUniform() ? Shape::uniform() : Shape::varying();
    Shape s = Shape::varying();
    bool extendedA = a.kind == Kind::Extended || a.kind == Kind::ExtendedVarying;
    bool extendedB = b.kind == Kind::Extended || b.kind == Kind::ExtendedVarying;
    auto linear = [](const Shape& x) { return x.kind == Kind::Uniform || x.kind == Kind::Affine; };
    if (linear(a) && linear(b)) {
      s = Shape{};
      s.stride = a.stride + sign * b.stride;
      s.kind = s.stride == 0 ? Kind::Uniform : Kind::Affine;
      s.alignLog2 = std::min(a.alignLog2, b.alignLog2);
      if (a.bounded() && b.bounded())
        s = sign > 0 ? withRange(s, a.low + b.low, a.high + b.high) : withRange(s, a.low - b.high, a.high - b.low);
      if (s.kind == Kind::Uniform && (a.stride != 0)) s.alignLog2 = 0;
    } else if (extendedA && b.isUniform()) {
      s = a;
    } else if (extendedB && a.isUniform() && sign > 0) {
      s = b;
    } else {
      s = inRuns(shorter(runOf(a, launch_), runOf(b, launch_), a.stride + sign * b.stride));
      if (s.run && a.bounded() && b.bounded())
        s = sign > 0 ? withRange(s, a.low + b.low, a.high + b.high) : withRange(s, a.low - b.high, a.high - b.low);
    }
    return s;
  }

  static bool constantOf(const Operand& o, Type type, int64_t& value) {
    if (o.kind != Operand::Kind::Integer) return false;
    value = signedImmediate(o, type);
    return true;
  }

  // operands[1] * operands[2], low half.
  Shape scaled(Inst& inst, int, unsigned) {
    Type t = inst.type();
    Shape a = of(inst.operands[1], t), b = of(inst.operands[2], t);
    if (a.kind == Kind::Unknown || b.kind == Kind::Unknown) return {};
    if (a.isUniform() && b.isUniform()) {
      Shape s = Shape::uniform(uint8_t(std::min(63, a.alignLog2 + b.alignLog2)));
      return product(s, a, b);
    }
    int64_t c;
    if (constantOf(inst.operands[2], t, c) || fixedNtid(inst.operands[2], c)) return times(a, c, b);
    if (constantOf(inst.operands[1], t, c) || fixedNtid(inst.operands[1], c)) return times(b, c, a);
    Run x = runOf(a, launch_), y = runOf(b, launch_);
    return x.isSame() && y.isSame() ? inRuns(shorter(x, y, 0)) : Shape::varying();
  }

  bool fixedNtid(const Operand& o, int64_t& value) const {
    // A register that holds a block dimension is seen by its exact range.
    if (!o.isReg()) return false;
    const Shape& s = result_.registers[o.reg];
    if (!s.isUniform() || !s.bounded() || s.low != s.high || launch_.free) return false;
    value = s.low;
    return true;
  }

  static Shape product(Shape s, const Shape& a, const Shape& b) {
    if (!a.bounded() || !b.bounded()) return s;
    int64_t p[4] = {a.low * b.low, a.low * b.high, a.high * b.low, a.high * b.high};
    return withRange(s, *std::min_element(p, p + 4), *std::max_element(p, p + 4));
  }

  Shape times(Shape a, int64_t c, const Shape& constant) {
    if (std::llabs(c) > (int64_t(1) << 40) || (c == 0 && !a.isScalarBased())) return Shape::varying();
    if (c == 0) return withRange(Shape::uniform(63), 0, 0);
    Shape s = a;
    switch (a.kind) {
      case Kind::Affine:
        if (std::llabs(a.stride) > (int64_t(1) << 40) / std::llabs(c)) return Shape::varying();
        s.stride = a.stride * c;
        s.alignLog2 = uint8_t(std::min(63, a.alignLog2 + std::countr_zero(uint64_t(c))));
        s.low = s.high = Shape::unbounded;
        return product(s, a, constant);
      case Kind::Varying:
        if (!a.run || std::llabs(a.stride) > (int64_t(1) << 40) / std::llabs(c)) return Shape::varying();
        s = inRuns({a.run, a.stride * c, uint8_t(std::min(63, a.alignLog2 + std::countr_zero(uint64_t(c))))});
        return product(s, a, constant);
      case Kind::Extended: case Kind::ExtendedVarying:
        if (std::llabs(a.scale) > (int64_t(1) << 40) / std::llabs(c)) return Shape::varying();
        s.scale = a.scale * c;
        return s;
      default: return Shape::varying();
    }
  }

  // A 32-bit value extended to 64 bits.
  Shape extend(const Shape& a, bool isSigned) {
    Shape s;
    s.isSigned = isSigned;
    bool exact = a.bounded() && (isSigned || a.low >= 0);
    switch (a.kind) {
      case Kind::Unknown: return {};
      case Kind::Uniform: return exact ? withRange(Shape::uniform(a.alignLog2), a.low, a.high) : Shape::uniform(a.alignLog2);
      case Kind::Affine:
        if (exact) {
          s.kind = Kind::Affine;
          s.isSigned = false;
          s.stride = a.stride;
          s.alignLog2 = a.alignLog2;
          return withRange(s, a.low, a.high);
        }
        s.kind = Kind::Extended;
        s.stride = int32_t(a.stride);
        return s;
      case Kind::Varying:
        s.kind = Kind::ExtendedVarying;
        s.run = a.run;
        s.stride = a.run ? int32_t(a.stride) : 0;
        return s;
      default: return Shape::varying();
    }
  }

  Shape widened(Inst& inst) {
    Type t = inst.type();
    Shape a = of(inst.operands[1], t), b = of(inst.operands[2], t);
    if (a.kind == Kind::Unknown || b.kind == Kind::Unknown) return {};
    if (a.isUniform() && b.isUniform()) return Shape::uniform();
    if (ptx::bits(t) != 32) return Shape::varying();
    int64_t c;
    if (constantOf(inst.operands[2], t, c)) return times(extend(a, ptx::isSigned(t)), unsignedConstant(c, t), {});
    if (constantOf(inst.operands[1], t, c)) return times(extend(b, ptx::isSigned(t)), unsignedConstant(c, t), {});
    return Shape::varying();
  }
  static int64_t unsignedConstant(int64_t c, Type t) { return ptx::isSigned(t) ? c : int64_t(uint32_t(c)); }

  Shape shiftLeft(Inst& inst) {
    int64_t k;
    Type t = inst.type();
    if (!constantOf(inst.operands[2], Type::U32, k) || k < 0 || k > 40 || k >= int64_t(ptx::bits(t))) return combine(inst);
    Shape a = of(inst.operands[1], t);
    if (a.kind == Kind::Unknown) return a;
    int64_t c = int64_t(1) << k;
    if (a.isUniform()) {
      Shape s = Shape::uniform(uint8_t(std::min<int64_t>(63, a.alignLog2 + k)));
      Shape f = withRange(Shape::uniform(), c, c);
      return product(s, a, f);
    }
    return times(a, c, withRange(Shape::uniform(), c, c));
  }

  // Lanes of an aligned run of indices share their upper bits.
  bool sharesUpperBits(const Shape& a, int64_t k) const {
    if (a.kind != Kind::Affine || a.stride <= 0) return false;
    int64_t span = a.stride * (launch_.width - 1);
    return a.alignLog2 < 63 && span < (int64_t(1) << std::min<int64_t>(a.alignLog2, k));
  }

  Shape shiftRight(Inst& inst) {
    int64_t k;
    Type t = inst.type();
    Shape a = of(inst.operands[1], t);
    if (a.kind == Kind::Unknown) return a;
    if (!constantOf(inst.operands[2], Type::U32, k) || k < 0 || k >= int64_t(ptx::bits(t))) return combine(inst);
    if (a.isUniform()) {
      Shape s = Shape::uniform(uint8_t(std::max<int64_t>(0, a.alignLog2 - k)));
      if (a.bounded() && a.low >= 0) s = withRange(s, a.low >> k, a.high >> k);
      return s;
    }
    Shape s = Shape::uniform();
    if (!sharesUpperBits(a, k)) s = inRuns(sameUpperBits(a, k));
    if ((s.isUniform() || s.run) && a.bounded() && a.low >= 0) s = withRange(s, a.low >> k, a.high >> k);
    return s;
  }

  Run sameUpperBits(const Shape& a, int64_t k) const {
    Run run = runBelow(a, k, launch_);
    run.stride = 0;
    run.alignLog2 = 0;
    return run;
  }

  Shape mask(Inst& inst) {
    Type t = inst.type();
    Shape a = of(inst.operands[1], t);
    int64_t m;
    if (a.kind == Kind::Unknown) return a;
    if (!constantOf(inst.operands[2], t, m)) return combine(inst);
    if (a.isUniform()) {
      Shape s = Shape::uniform(uint8_t(std::max<int>(a.alignLog2, m ? std::countr_zero(uint64_t(m)) : 63)));
      return m >= 0 ? withRange(s, 0, m) : s;
    }
    uint64_t bits = uint64_t(m);
    // Low bits of an aligned run: the run itself, folded.
    if (m > 0 && std::has_single_bit(bits + 1) && sharesUpperBits(a, std::countr_zero(bits + 1))) {
      Shape s = a;
      s.low = s.high = Shape::unbounded;
      return withRange(s, 0, m);
    }
    if (m > 0 && std::has_single_bit(bits + 1)) {
      Shape s = inRuns(runBelow(a, std::countr_zero(bits + 1), launch_));
      if (s.run) return withRange(s, 0, m);
    }
    // Upper bits of it: the same for all lanes.
    unsigned n = ptx::bits(t);
    uint64_t full = n >= 64 ? ~uint64_t(0) : (uint64_t(1) << n) - 1;
    uint64_t inverse = ~bits & full;
    if (inverse != 0 && std::has_single_bit(inverse + 1) && sharesUpperBits(a, std::countr_zero(inverse + 1)))
      return Shape::uniform(uint8_t(std::countr_zero(inverse + 1)));
    if (inverse != 0 && std::has_single_bit(inverse + 1)) {
      Run run = sameUpperBits(a, std::countr_zero(inverse + 1));
      run.alignLog2 = uint8_t(std::countr_zero(inverse + 1));
      return inRuns(run);
    }
    return combine(inst);
  }

  Shape convert(Inst& inst) {
    Type to = inst.type(0), from = inst.type(1);
    Shape a = of(inst.operands[1], from);
    if (a.kind == Kind::Unknown || inst.has(Mod::Sat)) return a.kind == Kind::Unknown || a.isUniform() ? a : Shape::varying();
    unsigned n = ptx::bits(to), m = ptx::bits(from);
    if (a.isUniform()) {
      Shape s = a;
      if ((n < m && n < 32) || !(ptx::isSigned(from) || (a.bounded() && a.low >= 0))) s.low = s.high = Shape::unbounded;
      if (n < m) s.alignLog2 = std::min<uint8_t>(a.alignLog2, uint8_t(n));
      return s;
    }
    if (n == m) return a;
    if (n == 64 && m == 32) return extend(a, ptx::isSigned(from));
    if (n < m && n >= 16 && a.kind == Kind::Affine) {
      Shape s = a;
      if (n < 32) s.low = s.high = Shape::unbounded;
      return s;
    }
    if (n == 32 && m == 64 && a.kind == Kind::Extended) {
      Shape s;
      s.kind = Kind::Affine;
      s.stride = int32_t(a.stride * a.scale);
      return s.stride == 0 ? Shape::varying() : s;
    }
    return Shape::varying();
  }

  Shape convertAddress(Inst& inst) {
    Shape a = of(inst.operands[1], inst.type());
    if (a.kind == Kind::Unknown) return a;
    if (inst.has(Mod::Local)) return Shape::varying();
    a.low = a.high = Shape::unbounded;
    if (a.isUniform() || a.kind == Kind::Affine) a.alignLog2 = 0;
    return a;
  }

  Shape select(Inst& inst) {
    Shape a = of(inst.operands[1], inst.type()), b = of(inst.operands[2], inst.type()), c = of(inst.operands[3], Type::Pred);
    if (a.kind == Kind::Unknown || b.kind == Kind::Unknown || c.kind == Kind::Unknown) return {};
    if (!c.isUniform()) return Shape::varying();
    forgetRuns(a, b);
    if (a.kind != b.kind || a.stride != b.stride || a.scale != b.scale || a.isSigned != b.isSigned) return joinRuns(a, b, launch_);
    a.alignLog2 = std::min(a.alignLog2, b.alignLog2);
    a.run = std::min(a.run, b.run);
    if (!a.run && !a.isScalarBased()) a.stride = 0;
    if (a.bounded() && b.bounded()) a.low = std::min(a.low, b.low), a.high = std::max(a.high, b.high);
    else a.low = a.high = Shape::unbounded;
    return a;
  }

  // Low bits that are zero in every lane, and how many bits from below may be one.
  static int zerosBelow(const Shape& s) {
    if (s.kind == Kind::Uniform) return s.alignLog2;
    return std::min<int>(s.alignLog2, s.stride ? std::countr_zero(uint64_t(s.stride)) : 63);
  }
  static int bitsUsed(const Shape& s) { return s.bounded() && s.low >= 0 ? std::bit_width(uint64_t(s.high)) : 64; }

  // Where no bit can be one on both sides, `or` and `xor` are sums; all bits of an index turned are its distance from the last one.
  Shape disjoint(Inst& inst) {
    Shape all = combine(inst);
    if (all.kind != Kind::Varying || all.run || !sumsBits() || inst.type() == Type::Pred) return all;
    Shape a = of(inst.operands[1], inst.type()), b = of(inst.operands[2], inst.type());
    auto linear = [](const Shape& x) { return x.kind == Kind::Uniform || x.kind == Kind::Affine || x.run; };
    if (!linear(a) || !linear(b) || !integer(inst)) return all;
    if (zerosBelow(a) >= bitsUsed(b) || zerosBelow(b) >= bitsUsed(a)) return add(a, b, 1, inst);
    if (b.kind != Kind::Uniform) std::swap(a, b);
    bool mask = inst.form == Form::Xor && b.bounded() && b.low == b.high && b.low > 0 && std::has_single_bit(uint64_t(b.low) + 1);
    return mask && bitsUsed(a) <= bitsUsed(b) ? add(b, a, -1, inst) : all;
  }

  Shape complement(Inst& inst) {
    Shape a = of(inst.operands[1], inst.type());
    if (a.kind != Kind::Affine || !sumsBits() || !integer(inst)) return combine(inst);
    return add(withRange(Shape::uniform(), -1, -1), a, -1, inst);
  }

  // Lanes of an aligned run of indices lie on one side of a multiple of its size.
  Shape compare(Inst& inst) {
    Shape all = combine(inst);
    if (all.kind != Kind::Varying || !comparesAligned() || (inst.operands.size() > 4 && !inst.operands[4].isNone())) return all;
    Type t = inst.type();
    Shape a = of(inst.operands[2], t), b = of(inst.operands[3], t);
    bool less = inst.has(Mod::Lt) || inst.has(Mod::Lo) || inst.has(Mod::Ge) || inst.has(Mod::Hs);
    bool greater = inst.has(Mod::Gt) || inst.has(Mod::Hi) || inst.has(Mod::Le) || inst.has(Mod::Ls);
    const Operand* fixed = &inst.operands[3];
    if (a.isUniform()) {
      std::swap(a, b);
      std::swap(less, greater);
      fixed = &inst.operands[2];
    }
    if (!b.isUniform() || !sharesUpperBits(a, ptx::bits(t) - 1)) return all;
    int run = std::bit_width(uint64_t(a.stride) * (launch_.width - 1));
    if (less && b.alignLog2 >= run) return Shape::uniform();
    int64_t c;
    return greater && constantOf(*fixed, t, c) && std::countr_zero(uint64_t(c) + 1) >= run ? Shape::uniform() : all;
  }

  Shape load(Inst& inst) {
    ptx::Space space = inst.space();
    if (space == ptx::Space::Local) return Shape::varying();
    Shape a = of(inst.operands[1], Type::B64);
    if (a.kind == Kind::Unknown) return a;
    bool constant = space == ptx::Space::Param || space == ptx::Space::Const;
    if ((launch_.free || isWholeBlock(launch_)) && !constant) return Shape::varying();
    return a.isUniform() ? Shape::uniform() : Shape::varying();
  }

  Shape warp(Inst& inst) {
    if (launch_.free || isWholeBlock(launch_)) return Shape::varying();
    auto uniformSource = [&](unsigned slot) {
      Shape s = of(inst.operands[slot], ptx::slotType(inst, slot));
      return s.isUniform();
    };
    switch (inst.form) {
      case Form::ShflSync: {
        int64_t c;
        bool whole = constantOf(inst.operands[4], Type::U32, c) && c == 31;
        return whole && inst.has(Mod::Idx) && uniformSource(3) ? Shape::uniform() : Shape::varying();
      }
      case Form::VoteSync: case Form::VoteSyncBallot: return uniformSource(2) ? Shape::uniform() : Shape::varying();
      case Form::Vote: case Form::VoteBallot: case Form::Activemask: return Shape::uniform();
      case Form::ReduxInt: case Form::ReduxBits: case Form::ReduxFloat:
        return uniformSource(2) ? Shape::uniform() : Shape::varying();
      default: return Shape::varying();
    }
  }

  Flat& flat_;
  const Webs& webs_;
  const Order& order_;
  LaunchShape launch_;
  std::vector<BlockId> postDominator_;
  Shapes result_;
  std::vector<std::vector<uint32_t>> users_;
  std::vector<std::vector<ptx::RegId>> defsIn_;
  std::map<ptx::RegId, std::vector<BlockId>> branchUsers_;
  std::vector<ptx::RegId> work_;
  std::vector<uint32_t> updates_;
  std::vector<uint8_t> invariant_;
  WorkLimit looks_{uint64_t{64} << 20};
  std::vector<uint32_t> written_;  // by register: the last parting of lanes (counted by parted_) before whose meeting it is written
  uint32_t parted_ = 0;
  std::vector<std::vector<ptx::RegId>> mayDiffer_;  // by block: what is live at its entry and not known to differ by lane yet
};

Shape affineIndex(int64_t stride, uint32_t align, int64_t high) {
  Shape s;
  s.kind = Kind::Affine;
  s.stride = stride;
  s.alignLog2 = uint8_t(std::countr_zero(align));
  return withRange(s, 0, high);
}

}  // namespace

// The threads of a warp are `width` consecutive ones of the block, x fastest.
Shape specialShape(ptx::SpecialReg reg, const LaunchShape& launch) {
  using R = ptx::SpecialReg;
  uint32_t w = launch.width, bx = launch.block.x, by = launch.block.y, bz = launch.block.z;
  auto exact = [](int64_t v) {
    return withRange(Shape::uniform(v ? uint8_t(std::countr_zero(uint64_t(v))) : 63), v, v);
  };
  auto index = [&](uint32_t count) { return withRange(Shape::uniform(), 0, int64_t(count) - 1); };
  auto blockIndex = [&](uint32_t dim) {
    Shape s = Shape::uniform();
    if (launch.smallGrid && dim) s = withRange(s, 0, (limit32 - 1) / dim - 1);
    return s;
  };
  bool oneDimensional = by == 1 && bz == 1;
  if (isWholeBlock(launch) && !(reg >= R::TidX && reg <= R::NctaidW && reg != R::Warpid && reg != R::Laneid)) return Shape::varying();
  switch (reg) {
    case R::TidX:
      if (bx == 1) return exact(0);
      if (oneDimensional || bx % w == 0) return affineIndex(1, w, int64_t(bx) - 1);
      return threadIndexInRuns(reg, launch);
    case R::TidY:
      if (by == 1) return exact(0);
      if (bx % w == 0) return index(by);
      if (bx == 1 && (bz == 1 || by % w == 0)) return affineIndex(1, w, int64_t(by) - 1);
      return threadIndexInRuns(reg, launch);
    case R::TidZ:
      if (bz == 1) return exact(0);
      if (uint64_t(bx) * by % w == 0) return index(bz);
      if (bx == 1 && by == 1) return affineIndex(1, w, int64_t(bz) - 1);
      return threadIndexInRuns(reg, launch);
    case R::NtidX: return exact(bx);
    case R::NtidY: return exact(by);
    case R::NtidZ: return exact(bz);
    case R::CtaidX: return blockIndex(bx);
    case R::CtaidY: return blockIndex(by);
    case R::CtaidZ: return blockIndex(bz);
    case R::NctaidX: case R::NctaidY: case R::NctaidZ: {
      Shape s = Shape::uniform();
      return launch.smallGrid ? withRange(s, 1, limit32 - 1) : s;
    }
    case R::Laneid: return affineIndex(1, w, 31);
    case R::Warpid: return index(32);
    case R::LanemaskEq: case R::LanemaskLe: case R::LanemaskLt: case R::LanemaskGe: case R::LanemaskGt: return Shape::varying();
    default: return Shape::uniform();
  }
}

Shapes findShapes(Flat& flat, const Webs& webs, const Order& order, const LaunchShape& launch) {
  return Analysis(flat, webs, order, launch).run();
}

}  // namespace anywarp::analysis
