// min and max of floating point lanes by PTX's rules. SPDX-License-Identifier: Apache-2.0
#include "compiler/codegen/min_max.h"

#include "compiler/codegen/rounding.h"
#include "compiler/codegen/x86/host_ops.h"

namespace anywarp::codegen {
namespace {

Value* nanOf(PureEmitter& e, Value* like) {
  return floatBits(e, like, bitsOf(like) == 64 ? 0x7fffffffffffffffull : 0x7fffffffull);
}

// `a < b ? a : b`, which hosts have as one instruction: the second operand where they are equal or one is NaN.
Value* choose(PureEmitter& e, bool max, Value* a, Value* b) {
  return e.b.CreateSelect(max ? e.b.CreateFCmpOGT(a, b) : e.b.CreateFCmpOLT(a, b), a, b);
}

// Neither operand is NaN, or both are.
Value* ofNumbers(PureEmitter& e, bool max, Value* a, Value* b) {
  if (e.host.avx512dq && a->getType()->isVectorTy()) return x86::minMaxNumber(e, max, a, b);
  // Both orders differ only for zeros of different sign: the sign bits are or-ed for min, and-ed for max.
  Value *x = asInt(e, choose(e, max, a, b)), *y = asInt(e, choose(e, max, b, a));
  return asFloat(e, max ? e.b.CreateAnd(x, y) : e.b.CreateOr(x, y));
}

// The constant that every lane of `v` holds, if it is not NaN.
const llvm::ConstantFP* knownNumber(Value* v) {
  Value* scalar = uniformOf(v);
  auto* constant = scalar ? llvm::dyn_cast<llvm::ConstantFP>(scalar) : nullptr;
  return constant && !constant->isNaN() ? constant : nullptr;
}

// Against a constant one comparison does: a NaN in `v` compares false and gives the constant.
Value* withConstant(PureEmitter& e, bool max, Value* v, Value* constant, const llvm::APFloat& c) {
  if (!c.isZero()) return choose(e, max, v, constant);
  // -0 is the lesser zero. max(-0, +0) and min(+0, -0) are the constant; max(+0, -0) and min(-0, +0) are v.
  bool constantWins = c.isNegative() != max;
  if (constantWins) return choose(e, max, v, constant);
  return e.b.CreateSelect(max ? e.b.CreateFCmpOGE(v, constant) : e.b.CreateFCmpOLE(v, constant), v, constant);
}

Value* ofTwo(PureEmitter& e, bool max, bool propagateNan, Value* a, Value* b) {
  if (propagateNan) {
    Value* result = ofNumbers(e, max, a, b);
    return e.b.CreateSelect(e.b.CreateFCmpUNO(a, b), nanOf(e, a), result);
  }
  if (knownNumber(a)) std::swap(a, b);
  if (auto* constant = knownNumber(b)) return withConstant(e, max, a, b, constant->getValueAPF());
  Value *aIsNan = isNan(e, a), *bIsNan = isNan(e, b);
  Value* result = ofNumbers(e, max, e.b.CreateSelect(aIsNan, b, a), e.b.CreateSelect(bIsNan, a, b));
  return e.b.CreateSelect(e.b.CreateAnd(aIsNan, bIsNan), nanOf(e, a), result);
}

Value* signBits(PureEmitter& e, Value* v) { return e.b.CreateAnd(v, intConst(v, 1ull << (bitsOf(v) - 1))); }

}  // namespace

Value* minMaxOf(PureEmitter& e, Args operands, MinMaxRules rules) {
  Value* result = nullptr;
  Value* signs = nullptr;
  for (Value* operand : operands) {
    if (!operand) continue;
    Value* v = rules.xorSign ? call1(e, llvm::Intrinsic::fabs, operand) : operand;
    if (rules.xorSign) signs = signs ? e.b.CreateXor(signs, asInt(e, operand)) : asInt(e, operand);
    result = result ? ofTwo(e, rules.max, rules.propagateNan, result, v) : v;
  }
  if (!rules.xorSign) return result;
  Value* signedResult = asFloat(e, e.b.CreateOr(asInt(e, result), signBits(e, signs)));
  return e.b.CreateSelect(isNan(e, result), result, signedResult);
}

}  // namespace anywarp::codegen
