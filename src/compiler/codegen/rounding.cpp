// Floating point arithmetic in every rounding mode, flushing and saturation, for float and double lanes.
// Directed modes: AVX-512 has them in the instruction. Elsewhere floats are computed in double, where the nearest result and the
// sign of its error are known exactly, and stepped to the neighbour; doubles change the host's rounding mode, out of line.
// SPDX-License-Identifier: Apache-2.0
#include "compiler/codegen/rounding.h"

#include <llvm/IR/IntrinsicsX86.h>

#include "compiler/codegen/x86/host_ops.h"
#include "compiler/ptx/ast.h"
#include "support/options.h"

namespace anywarp::codegen {

namespace intrinsic = llvm::Intrinsic;
using ptx::Mod;

Rounding roundingOf(const ptx::Instruction& inst) {
  if (inst.has(Mod::Rz) || inst.has(Mod::Rzi)) return Rounding::Zero;
  if (inst.has(Mod::Rm) || inst.has(Mod::Rmi)) return Rounding::Down;
  if (inst.has(Mod::Rp) || inst.has(Mod::Rpi)) return Rounding::Up;
  return Rounding::Near;
}

Value* isNan(PureEmitter& e, Value* v) { return e.b.CreateFCmpUNO(v, v); }

namespace {

bool isFloat(Value* v) { return v->getType()->getScalarType()->isFloatTy(); }

Value* widen(PureEmitter& e, Value* v) { return e.b.CreateFPExt(v, doubleShaped(e, v)); }

// v - 1 ulp or v + 1 ulp in magnitude order of the real line: bits of negative numbers count the other way.
Value* stepTowards(PureEmitter& e, Value* v, Value* condition, bool up) {
  Value* bits = asInt(e, v);
  Value* direction = e.b.CreateOr(e.b.CreateAShr(bits, bitsOf(v) - 1), intConst(bits, 1));
  Value* stepped = up ? e.b.CreateAdd(bits, direction) : e.b.CreateSub(bits, direction);
  return asFloat(e, e.b.CreateSelect(condition, stepped, bits));
}

// The float nearest to `exact`, moved to the side that the mode wants.
Value* adjustToMode(PureEmitter& e, Value* nearest, Value* nearestWide, Value* exact, Rounding rounding) {
  switch (rounding) {
    case Rounding::Near:
      return nearest;
    case Rounding::Down:
      return stepDown(e, nearest, e.b.CreateFCmpOGT(nearestWide, exact));
    case Rounding::Up:
      return stepUp(e, nearest, e.b.CreateFCmpOLT(nearestWide, exact));
    case Rounding::Zero: {
      Value* over = e.b.CreateFCmpOGT(call1(e, intrinsic::fabs, nearestWide), call1(e, intrinsic::fabs, exact));
      Value* bits = asInt(e, nearest);
      return asFloat(e, e.b.CreateSelect(over, e.b.CreateSub(bits, intConst(bits, 1)), bits));
    }
  }
  return nearest;
}

// An exact zero sum of operands that differ in sign is -0 when rounding down.
Value* fixZeroSum(PureEmitter& e, Value* sum, Value* a, Value* b, Rounding rounding) {
  if (rounding != Rounding::Down) return sum;
  Value* sign = e.b.CreateAnd(e.b.CreateOr(asInt(e, a), asInt(e, b)), intConst(asInt(e, a), 1ull << (bitsOf(a) - 1)));
  return e.b.CreateSelect(e.b.CreateFCmpOEQ(sum, floatConst(sum, 0)), asFloat(e, sign), sum);
}

// The float nearest to sum + error, moved to the side that the mode wants.
Value* narrowSum(PureEmitter& e, ExactSum exact, Rounding rounding) {
  llvm::IRBuilder<>& b = e.b;
  if (rounding == Rounding::Near) return b.CreateFPTrunc(roundToOdd(e, exact.sum, exact.error), floatShaped(e, exact.sum));
  Value* nearest = b.CreateFPTrunc(exact.sum, floatShaped(e, exact.sum));
  Value* wide = widen(e, nearest);
  Value* rest = b.CreateFAdd(b.CreateFSub(exact.sum, wide), exact.error);  // what nearest lacks: its sign is exact
  Value* zero = floatConst(rest, 0);
  if (rounding == Rounding::Down) return stepDown(e, nearest, b.CreateFCmpOLT(rest, zero));
  if (rounding == Rounding::Up) return stepUp(e, nearest, b.CreateFCmpOGT(rest, zero));
  Value* opposite = b.CreateICmpSLT(b.CreateXor(asInt(e, rest), asInt(e, wide)), intConst(asInt(e, rest), 0));
  Value* bits = asInt(e, nearest);
  Value* over = b.CreateAnd(opposite, b.CreateFCmpONE(rest, zero));
  return asFloat(e, b.CreateSelect(over, b.CreateSub(bits, intConst(bits, 1)), bits));
}

// Float sum of two doubles.
Value* narrowedSum(PureEmitter& e, Value* a, Value* b, Rounding rounding) {
  ExactSum s = addExactly(e, a, b);
  s.sum = fixZeroSum(e, s.sum, a, b, rounding);
  return narrowSum(e, s, rounding);
}

enum class Op { Add, Sub, Mul, Div, Fma, Sqrt };
struct OpNames {
  const char* name;
  intrinsic::ID constrained, x86Float, x86Double;
};
constexpr OpNames opNames[] = {
    {"add", intrinsic::experimental_constrained_fadd, intrinsic::x86_avx512_add_ps_512, intrinsic::x86_avx512_add_pd_512},
    {"sub", intrinsic::experimental_constrained_fsub, intrinsic::x86_avx512_sub_ps_512, intrinsic::x86_avx512_sub_pd_512},
    {"mul", intrinsic::experimental_constrained_fmul, intrinsic::x86_avx512_mul_ps_512, intrinsic::x86_avx512_mul_pd_512},
    {"div", intrinsic::experimental_constrained_fdiv, intrinsic::x86_avx512_div_ps_512, intrinsic::x86_avx512_div_pd_512},
    {"fma", intrinsic::experimental_constrained_fma, intrinsic::x86_avx512_vfmadd_ps_512, intrinsic::x86_avx512_vfmadd_pd_512},
    {"sqrt", intrinsic::experimental_constrained_sqrt, intrinsic::x86_avx512_sqrt_ps_512, intrinsic::x86_avx512_sqrt_pd_512},
};
constexpr const char* roundingNames[] = {"round.tonearest", "round.towardzero", "round.downward", "round.upward"};

Value* embedded(PureEmitter& e, Op op, Args args, Rounding rounding) {
  const OpNames& names = opNames[int(op)];
  bool single = isFloat(args[0]);
  return inGroups(e, single ? 16 : 8, args, [&](Args group) {
    llvm::SmallVector<Value*, 4> operands(group.begin(), group.end());
    operands.push_back(e.b.getInt32(x86::embeddedRounding(rounding)));
    return call(e, single ? names.x86Float : names.x86Double, {}, operands);
  });
}

// The operation itself, in a function that has set the host's rounding mode.
Value* constrained(PureEmitter& e, Op op, Args args, Rounding rounding) {
  llvm::LLVMContext& context = e.b.getContext();
  auto metadata = [&](const char* text) { return llvm::MetadataAsValue::get(context, llvm::MDString::get(context, text)); };
  llvm::SmallVector<Value*, 5> operands(args.begin(), args.end());
  operands.push_back(metadata(roundingNames[int(rounding)]));
  operands.push_back(metadata("fpexcept.ignore"));
  llvm::CallInst* result = e.b.CreateIntrinsic(opNames[int(op)].constrained, {args[0]->getType()}, operands);
  result->addFnAttr(llvm::Attribute::StrictFP);
  return result;
}

Value* inHostMode(PureEmitter& e, Op op, Args args, Rounding rounding) {
  std::string name = std::string(opNames[int(op)].name) + "." + roundingNames[int(rounding)] + (isFloat(args[0]) ? ".f32" : ".f64");
  return outOfLine(e, name, args, args[0]->getType(), [&](PureEmitter& inner, Args parameters) {
    // LLVM's codes: 0 zero, 1 nearest, 2 up, 3 down.
    constexpr unsigned codes[] = {1, 0, 3, 2};
    auto setMode = [&](unsigned code) {
      llvm::CallInst* set = inner.b.CreateIntrinsic(intrinsic::set_rounding, {}, {inner.b.getInt32(code)});
      set->addFnAttr(llvm::Attribute::StrictFP);
    };
    setMode(codes[int(rounding)]);
    Value* result = constrained(inner, op, parameters, rounding);
    setMode(1);
    return result;
  }, true);
}

// Floats through doubles: exact or rounded to odd there, then narrowed in the mode.
Value* throughDouble(PureEmitter& e, Op op, Args args, Rounding rounding) {
  llvm::SmallVector<Value*, 3> w;
  for (Value* arg : args) w.push_back(widen(e, arg));
  llvm::IRBuilder<>& i = e.b;
  switch (op) {
    case Op::Add:
      return narrowedSum(e, w[0], w[1], rounding);
    case Op::Sub:
      return narrowedSum(e, w[0], i.CreateFNeg(w[1]), rounding);
    case Op::Mul:
      return narrowDouble(e, i.CreateFMul(w[0], w[1]), rounding);
    case Op::Fma:
      return narrowedSum(e, i.CreateFMul(w[0], w[1]), w[2], rounding);
    // A quotient or root of floats is a float or stays 2^-49 (relatively) away from any: its double lies on the same side.
    case Op::Div:
      return narrowDouble(e, i.CreateFDiv(w[0], w[1]), rounding);
    case Op::Sqrt:
      return narrowDouble(e, call1(e, intrinsic::sqrt, w[0]), rounding);
  }
  return nullptr;
}

Value* directed(PureEmitter& e, Op op, Args args, Rounding rounding) {
  if (e.host.avx512f) return embedded(e, op, args, rounding);
  if (isFloat(args[0])) return throughDouble(e, op, args, rounding);
  return inHostMode(e, op, args, rounding);
}

}  // namespace

Value* stepDown(PureEmitter& e, Value* v, Value* condition) { return stepTowards(e, v, condition, false); }
Value* stepUp(PureEmitter& e, Value* v, Value* condition) { return stepTowards(e, v, condition, true); }

ExactSum addExactly(PureEmitter& e, Value* a, Value* b) {
  llvm::IRBuilder<>& i = e.b;
  Value* sum = i.CreateFAdd(a, b);
  Value* bPart = i.CreateFSub(sum, a);
  Value* aPart = i.CreateFSub(sum, bPart);
  return {sum, i.CreateFAdd(i.CreateFSub(a, aPart), i.CreateFSub(b, bPart))};
}

Value* roundToOdd(PureEmitter& e, Value* rounded, Value* error) {
  llvm::IRBuilder<>& i = e.b;
  Value* bits = asInt(e, rounded);
  Value* zero = floatConst(error, 0);
  // An even inexact result moves one step towards the exact one: away from zero where the signs agree. An infinite or NaN result
  // has a NaN error, which compares false.
  Value* inexact = i.CreateFCmpONE(error, zero);
  Value* even = i.CreateICmpEQ(i.CreateAnd(bits, intConst(bits, 1)), intConst(bits, 0));
  Value* sameSign = i.CreateAShr(i.CreateXor(bits, asInt(e, error)), bitsOf(bits) - 1);  // 0 or -1
  Value* step = i.CreateOr(sameSign, intConst(bits, 1));
  return asFloat(e, i.CreateSelect(i.CreateAnd(inexact, even), i.CreateAdd(bits, step), bits));
}

Value* narrowDouble(PureEmitter& e, Value* v, Rounding rounding) {
  llvm::Type* type = floatShaped(e, v);
  if (rounding == Rounding::Near) return e.b.CreateFPTrunc(v, type);
  if (e.host.avx512f) return x86::narrowDouble(e, v, rounding);
  Value* nearest = e.b.CreateFPTrunc(v, type);
  return adjustToMode(e, nearest, widen(e, nearest), v, rounding);
}

Value* addFloat(PureEmitter& e, Value* a, Value* b, Rounding rounding) {
  return rounding == Rounding::Near ? e.b.CreateFAdd(a, b) : directed(e, Op::Add, {a, b}, rounding);
}
Value* subFloat(PureEmitter& e, Value* a, Value* b, Rounding rounding) {
  return rounding == Rounding::Near ? e.b.CreateFSub(a, b) : directed(e, Op::Sub, {a, b}, rounding);
}
Value* mulFloat(PureEmitter& e, Value* a, Value* b, Rounding rounding) {
  return rounding == Rounding::Near ? e.b.CreateFMul(a, b) : directed(e, Op::Mul, {a, b}, rounding);
}
Value* divFloat(PureEmitter& e, Value* a, Value* b, Rounding rounding) {
  return rounding == Rounding::Near ? e.b.CreateFDiv(a, b) : directed(e, Op::Div, {a, b}, rounding);
}

Value* fmaFloat(PureEmitter& e, Value* a, Value* b, Value* c, Rounding rounding) {
  if (rounding != Rounding::Near) return directed(e, Op::Fma, {a, b, c}, rounding);
  // Without the instruction LLVM calls libm lane by lane; floats are quicker through doubles.
  if (!e.host.fma && !e.host.avx512f && isFloat(a)) return throughDouble(e, Op::Fma, {a, b, c}, rounding);
  return call(e, intrinsic::fma, {a->getType()}, {a, b, c});
}

Value* sqrtFloat(PureEmitter& e, Value* a, Rounding rounding) {
  return rounding == Rounding::Near ? call1(e, intrinsic::sqrt, a) : directed(e, Op::Sqrt, {a}, rounding);
}

namespace {

// Zero or subnormal. Where masks are registers, a test of the exponent's bits: one instruction for each vector that the host has, and words
// of LLVM's, which takes vectors of any length apart itself.
Value* isTiny(PureEmitter& e, Value* v) {
  static const bool testsBits = !options::isPassOff("flush-by-bits");
  if (e.host.avx512dq && v->getType()->isVectorTy() && isFloat(v)) {
    if (!testsBits) return x86::isSubnormal(e, v);
    Value* bits = asInt(e, v);
    return e.b.CreateICmpEQ(e.b.CreateAnd(bits, intConst(bits, 0x7f800000)), intConst(bits, 0));
  }
  return e.b.CreateFCmpOLT(call1(e, intrinsic::fabs, v), floatConst(v, isFloat(v) ? 0x1p-126 : 0x1p-1022));
}

}  // namespace

Value* flush(PureEmitter& e, Value* v) {
  if (e.hostFlushes || e.flushed.contains(v)) return v;
  Value* bits = asInt(e, v);
  Value* zero = e.b.CreateAnd(bits, intConst(bits, 1ull << (bitsOf(v) - 1)));
  Value* result = asFloat(e, e.b.CreateSelect(isTiny(e, v), zero, bits));
  e.flushed.insert(result);
  return result;
}

Value* saturate(PureEmitter& e, Value* v) {
  Value *zero = floatConst(v, 0), *one = floatConst(v, 1);
  Value* positive = e.b.CreateSelect(e.b.CreateFCmpOGT(v, zero), v, zero);
  return e.b.CreateSelect(e.b.CreateFCmpOLT(positive, one), positive, one);
}

Value* canonicalNan(PureEmitter& e, Value* v) { return e.b.CreateSelect(isNan(e, v), floatBits(e, v, 0x7fffffff), v); }

}  // namespace anywarp::codegen
