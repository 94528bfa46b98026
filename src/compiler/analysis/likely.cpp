// Follows clamps and selections back to what strides. SPDX-License-Identifier: Apache-2.0
#include "compiler/analysis/likely.h"

#include <optional>

#include "compiler/analysis/assumptions.h"
#include "compiler/analysis/operands.h"

namespace anywarp::analysis {
namespace {

using Kind = Shape::Kind;
using ptx::Form;
using ptx::Mod;
using ptx::Operand;
using ptx::Type;

using Stride = std::optional<int64_t>;

class StrideFinder {
 public:
  StrideFinder(Flat& flat, const Webs& webs, const Shapes& shapes, const LaunchShape& launch)
      : flat_(flat), webs_(webs), shapes_(shapes), launch_(launch), writes_(findOnlyWrites(flat)), state_(flat.registers.size()), found_(flat.registers.size()) {}

  std::vector<int64_t> run() {
    std::vector<int64_t> strides(flat_.registers.size());
    for (ptx::RegId r = 0; r < strides.size(); ++r) {
      Kind kind = shapes_.registers[r].kind;
      if (kind == Kind::Varying || kind == Kind::ExtendedVarying) strides[r] = of(r, 0).value_or(0);
    }
    return strides;
  }

 private:
  bool isNarrow(ptx::RegId r) const { return ptx::bits(flat_.registers[r].type) <= 32; }

  Stride of(ptx::RegId r, int depth) {
    constexpr int deepest = 32;
    const Shape& shape = shapes_.registers[r];
    if (shape.kind == Kind::Uniform) return 0;
    if (isNarrow(r) && shape.kind == Kind::Affine) return shape.stride;
    bool asked = isNarrow(r) ? shape.kind == Kind::Varying : shape.kind == Kind::ExtendedVarying;
    if (!asked || webs_.webs[r].maybeUndefined || !writes_[r] || depth > deepest) return {};
    if (!state_[r]) {
      state_[r] = true;  // what is made from itself has none
      found_[r] = made(*writes_[r], isNarrow(r), depth + 1);
    }
    return found_[r];
  }

  Stride of(const Operand& o, int depth) {
    switch (o.kind) {
      case Operand::Kind::Register: return of(o.reg, depth);
      case Operand::Kind::Integer: return 0;
      case Operand::Kind::Special: {
        Shape shape = specialShape(o.special, launch_);
        if (shape.isUniform()) return 0;
        return shape.kind == Kind::Affine ? Stride(shape.stride) : Stride();
      }
      default: return {};
    }
  }

  static Stride either(Stride a, Stride b) {
    if (!a || !b) return {};
    if (*a == *b || *b == 0) return a;
    return *a == 0 ? b : Stride();
  }

  static Stride times(Stride a, const Operand& factor) {
    constexpr int64_t most = 1 << 20;
    auto c = int64_t(int32_t(factor.bits));
    if (!a || factor.kind != Operand::Kind::Integer || c < -most || c > most || *a < -most || *a > most) return {};
    return *a * c;
  }

  Stride made(const Inst& inst, bool narrow, int depth) {
    auto operand = [&](size_t i) { return of(inst.operands[i], depth); };
    switch (inst.form) {
      case Form::Mov: case Form::Cvta: case Form::CvtaTo: return operand(1);
      case Form::Selp: return narrow ? either(operand(1), operand(2)) : Stride();
      case Form::MinInt: case Form::MaxInt: return narrow ? either(operand(1), operand(2)) : Stride();
      case Form::AddInt: case Form::SubInt: {
        Stride a = operand(1), b = operand(2);
        if (!a || !b || (!narrow && *a != 0 && *b != 0)) return {};
        return inst.form == Form::AddInt ? *a + *b : *a - *b;
      }
      // A factor of 64-bit values is the scale of their shape; that of narrow ones is in the stride.
      case Form::MulInt: {
        if (!inst.has(Mod::Lo)) return {};
        bool second = inst.operands[2].kind == Operand::Kind::Integer;
        if (!narrow) return operand(second ? 1 : 2);
        return second ? times(operand(1), inst.operands[2]) : times(operand(2), inst.operands[1]);
      }
      case Form::MadInt: {
        if (!inst.has(Mod::Lo) || !narrow) return {};
        bool second = inst.operands[2].kind == Operand::Kind::Integer;
        Stride product = second ? times(operand(1), inst.operands[2]) : times(operand(2), inst.operands[1]);
        if (!product && operand(1) == Stride(0) && operand(2) == Stride(0)) product = 0;
        Stride sum = operand(3);
        return product && sum ? Stride(*product + *sum) : Stride();
      }
      case Form::Shl: {
        const Operand& by = inst.operands[2];
        if (by.kind != Operand::Kind::Integer || by.bits > 16) return {};
        Stride a = operand(1);
        return a && narrow ? Stride(*a * (int64_t(1) << by.bits)) : a;
      }
      case Form::MulWide: return operand(inst.operands[2].kind == Operand::Kind::Integer ? 1 : 2);
      case Form::CvtInt: return ptx::bits(inst.type(0)) >= ptx::bits(inst.type(1)) && !inst.has(Mod::Sat) ? operand(1) : Stride();
      default: return {};
    }
  }

  Flat& flat_;
  const Webs& webs_;
  const Shapes& shapes_;
  LaunchShape launch_;
  const std::vector<Inst*> writes_;
  std::vector<bool> state_;
  std::vector<Stride> found_;
};

}  // namespace

std::vector<int64_t> findLikelyStrides(Flat& flat, const Webs& webs, const Shapes& shapes, const LaunchShape& launch) {
  return StrideFinder(flat, webs, shapes, launch).run();
}

}  // namespace anywarp::analysis
