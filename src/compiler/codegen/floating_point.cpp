// f32 and f64 arithmetic (PTX: Floating-Point Instructions). SPDX-License-Identifier: Apache-2.0
#include "compiler/codegen/approximate.h"
#include "compiler/codegen/min_max.h"
#include "compiler/codegen/pure_functions.h"
#include "compiler/codegen/rounding.h"
#include "compiler/ptx/ast.h"

namespace anywarp::codegen {

namespace intrinsic = llvm::Intrinsic;
using ptx::Instruction;
using ptx::Mod;
using ptx::Type;

namespace {

bool isDouble(Value* v) { return v->getType()->getScalarType()->isDoubleTy(); }

// The lanes of an f32x2 value as floats.
Value* unpackFloats(PureEmitter& e, Value* v) { return asFloat(e, unpack(e, v, 32)); }

// What .ftz and .sat add to an operation, and the two elements of f32x2.
template <class Op>
Values floating(PureEmitter& e, const Instruction& inst, Args args, Op op) {
  llvm::SmallVector<Value*, 3> inputs;
  for (Value* arg : args) {
    Value* input = inst.type() == Type::F32x2 ? unpackFloats(e, arg) : arg;
    inputs.push_back(inst.has(Mod::Ftz) ? flush(e, input) : input);
  }
  Value* result = op(Args(inputs));
  if (inst.has(Mod::Sat)) result = saturate(e, result);
  if ((e.canonicalNans || inst.type() == Type::F32x2) && !inst.has(Mod::Sat) && !isDouble(result)) result = canonicalNan(e, result);
  // A saturated result may be subnormal still.
  if (inst.has(Mod::Ftz)) result = flush(e, result);
  return {inst.type() == Type::F32x2 ? pack(e, asInt(e, result), 64) : result};
}

// Invalid operands are where NaNs come from; host and PTX differ in the payload. (add, mul and fma keep a NaN operand's payload, and
// only make one of infinities: see PureEmitter::canonicalNans.)
Value* canonicalIfSingle(PureEmitter& e, Value* v) { return isDouble(v) ? v : canonicalNan(e, v); }

// Bit operations on the sign: the result of abs and neg is not rounded, so flushing the input is enough.
template <class Op>
Values signOnly(PureEmitter& e, const Instruction& inst, Args args, Op op) {
  Value* v = inst.has(Mod::Ftz) ? flush(e, args[0]) : args[0];
  Value* result = op(v);
  if (inst.has(Mod::Ftz)) e.flushed.insert(result);
  return {result};
}

Values minMaxFloat(PureEmitter& e, const Instruction& inst, Args args, bool max) {
  MinMaxRules rules{max, inst.has(Mod::PropagateNan), inst.has(Mod::Xorsign)};
  llvm::SmallVector<Value*, 3> inputs;
  for (Value* arg : args) inputs.push_back(inst.has(Mod::Ftz) ? flush(e, arg) : arg);
  Value* result = minMaxOf(e, inputs, rules);
  if (inst.has(Mod::Ftz)) e.flushed.insert(result);
  return {result};
}

Subnormals subnormalsOf(PureEmitter& e, const Instruction& inst) {
  return inst.has(Mod::Ftz) || e.hostFlushes ? Subnormals::Flushed : Subnormals::Kept;
}

// rcp.approx.ftz.f64 and rsqrt.approx.ftz.f64 read and write the upper halves of doubles; the lower one of the result is zero.
template <class Op>
Value* onUpperHalf(PureEmitter& e, Value* v, Op op) {
  auto upper = [&](Value* bits) { return e.b.CreateAnd(bits, intConst(bits, 0xffffffff00000000ull)); };
  Value* input = flush(e, asFloat(e, upper(asInt(e, v))));
  Value* result = flush(e, op(input));
  Value* bits = upper(e.b.CreateAdd(asInt(e, result), intConst(asInt(e, result), 0x80000000u)));
  return e.b.CreateSelect(isNan(e, result), floatBits(e, v, 0x7fffffff00000000ull), asFloat(e, bits));
}

Value* inverse(PureEmitter& e, Value* v) { return e.b.CreateFDiv(floatConst(v, 1), v); }
Value* inverseRoot(PureEmitter& e, Value* v) { return inverse(e, call1(e, intrinsic::sqrt, v)); }

}  // namespace

Values testp(PureEmitter& e, const Instruction& inst, Args args) {
  llvm::IRBuilder<>& b = e.b;
  Value* bits = asInt(e, args[0]);
  bool isDouble = bitsOf(bits) == 64;
  Value* magnitude = b.CreateAnd(bits, intConst(bits, isDouble ? 0x7fffffffffffffffull : 0x7fffffffull));
  Value* infinity = intConst(bits, isDouble ? 0x7ff0000000000000ull : 0x7f800000ull);
  Value* smallest = intConst(bits, isDouble ? 0x0010000000000000ull : 0x00800000ull);
  switch (inst.mods.first(ptx::ModGroup::Test)) {
    case Mod::Finite:
      return {b.CreateICmpULT(magnitude, infinity)};
    case Mod::Infinite:
      return {b.CreateICmpEQ(magnitude, infinity)};
    case Mod::Number:
      return {b.CreateICmpULE(magnitude, infinity)};
    case Mod::Notanumber:
      return {b.CreateICmpUGT(magnitude, infinity)};
    case Mod::Normal:
      // Zeros count as normal.
      return {b.CreateOr(b.CreateICmpULT(b.CreateSub(magnitude, smallest), b.CreateSub(infinity, smallest)),
                         b.CreateICmpEQ(magnitude, intConst(bits, 0)))};
    case Mod::Subnormal:  // zero is not
      return {b.CreateICmpULT(b.CreateSub(magnitude, intConst(bits, 1)), b.CreateSub(smallest, intConst(bits, 1)))};
    default:
      return e.unsupported(inst, "unknown test");
  }
}

// The sign of the first operand, the rest of the second.
Values copysign(PureEmitter& e, const Instruction&, Args args) { return {call2(e, intrinsic::copysign, args[1], args[0])}; }

Values addFloat(PureEmitter& e, const Instruction& inst, Args args) {
  return floating(e, inst, args, [&](Args x) { return addFloat(e, x[0], x[1], roundingOf(inst)); });
}
Values subFloat(PureEmitter& e, const Instruction& inst, Args args) {
  return floating(e, inst, args, [&](Args x) { return subFloat(e, x[0], x[1], roundingOf(inst)); });
}
Values mulFloat(PureEmitter& e, const Instruction& inst, Args args) {
  return floating(e, inst, args, [&](Args x) { return mulFloat(e, x[0], x[1], roundingOf(inst)); });
}
Values fmaFloat(PureEmitter& e, const Instruction& inst, Args args) {
  return floating(e, inst, args, [&](Args x) { return fmaFloat(e, x[0], x[1], x[2], roundingOf(inst)); });
}

Values divFloat(PureEmitter& e, const Instruction& inst, Args args) {
  return floating(e, inst, args, [&](Args x) {
    return canonicalIfSingle(e, inst.has(Mod::Approx) ? approximateDiv(e, x[0], x[1], subnormalsOf(e, inst))
                                                      : divFloat(e, x[0], x[1], roundingOf(inst)));
  });
}

Values absFloat(PureEmitter& e, const Instruction& inst, Args args) {
  return signOnly(e, inst, args, [&](Value* v) { return call1(e, intrinsic::fabs, v); });
}
Values negFloat(PureEmitter& e, const Instruction& inst, Args args) {
  return signOnly(e, inst, args, [&](Value* v) { return e.b.CreateFNeg(v); });
}

Values minFloat(PureEmitter& e, const Instruction& inst, Args args) { return minMaxFloat(e, inst, args, false); }
Values maxFloat(PureEmitter& e, const Instruction& inst, Args args) { return minMaxFloat(e, inst, args, true); }

Values rcp(PureEmitter& e, const Instruction& inst, Args args) {
  bool approximate = inst.has(Mod::Approx);
  if (approximate && isDouble(args[0])) return {onUpperHalf(e, args[0], [&](Value* v) { return inverse(e, v); })};
  return floating(e, inst, args, [&](Args x) {
    return approximate ? approximateRcp(e, x[0], subnormalsOf(e, inst))
                       : divFloat(e, floatConst(x[0], 1), x[0], roundingOf(inst));
  });
}

Values sqrt(PureEmitter& e, const Instruction& inst, Args args) {
  return floating(e, inst, args, [&](Args x) { return canonicalIfSingle(e, sqrtFloat(e, x[0], roundingOf(inst))); });
}

Values rsqrt(PureEmitter& e, const Instruction& inst, Args args) {
  if (isDouble(args[0])) {
    if (!inst.has(Mod::Ftz)) return {inverseRoot(e, args[0])};
    return {onUpperHalf(e, args[0], [&](Value* v) { return inverseRoot(e, v); })};
  }
  return floating(e, inst, args, [&](Args x) { return canonicalNan(e, approximateRsqrt(e, x[0])); });
}

namespace {

// `op` of one operand; in kernels with many of these, in a function of its own.
template <class Op>
Values approximated(PureEmitter& e, const Instruction& inst, Args args, const char* name, Op op) {
  return floating(e, inst, args, [&](Args x) {
    if (!e.callsApproximations || !x[0]->getType()->isVectorTy()) return op(e, x[0]);
    const bool flushes = subnormalsOf(e, inst) == Subnormals::Flushed;
    Value* result = outOfLine(e, std::string(name) + (flushes ? ".ftz" : ""), {x[0]}, x[0]->getType(),
                              [&](PureEmitter& inner, Args parameters) { return flushes ? flush(inner, op(inner, parameters[0])) : op(inner, parameters[0]); });
    if (flushes) e.flushed.insert(result);
    return result;
  });
}

}  // namespace

Values sin(PureEmitter& e, const Instruction& inst, Args args) {
  return approximated(e, inst, args, "sin", [](PureEmitter& in, Value* v) { return canonicalNan(in, approximateSin(in, v)); });
}
Values cos(PureEmitter& e, const Instruction& inst, Args args) {
  return approximated(e, inst, args, "cos", [](PureEmitter& in, Value* v) { return canonicalNan(in, approximateCos(in, v)); });
}
Values lg2(PureEmitter& e, const Instruction& inst, Args args) {
  const Subnormals subnormals = subnormalsOf(e, inst);
  return approximated(e, inst, args, "lg2", [=](PureEmitter& in, Value* v) { return approximateLg2(in, v, subnormals); });
}
Values ex2(PureEmitter& e, const Instruction& inst, Args args) {
  const Subnormals subnormals = subnormalsOf(e, inst);
  return approximated(e, inst, args, "ex2", [=](PureEmitter& in, Value* v) { return approximateEx2(in, v, subnormals); });
}
Values tanh(PureEmitter& e, const Instruction& inst, Args args) {
  return approximated(e, inst, args, "tanh", [](PureEmitter& in, Value* v) { return approximateTanh(in, v); });
}

}  // namespace anywarp::codegen
