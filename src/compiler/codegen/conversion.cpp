// cvt between integers and floating point (PTX: Data Movement and Conversion Instructions: cvt). SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "compiler/codegen/formats.h"
#include "compiler/codegen/half_lanes.h"
#include "compiler/codegen/pure_functions.h"
#include "compiler/codegen/rounding.h"
#include "compiler/ptx/ast.h"

namespace anywarp::codegen {

namespace intrinsic = llvm::Intrinsic;
using ptx::Instruction;
using ptx::Mod;
using ptx::Type;

namespace {

struct Range {
  llvm::APInt low, high;
};

// The range of an integer type, as numbers of `bits` bits (which hold it).
Range rangeOf(Type type, unsigned bits) {
  unsigned width = ptx::bits(type);
  if (ptx::isSigned(type)) return {llvm::APInt::getSignedMinValue(width).sext(bits), llvm::APInt::getSignedMaxValue(width).sext(bits)};
  return {llvm::APInt(bits, 0), llvm::APInt::getMaxValue(width).zext(bits)};
}

Value* apConst(Value* like, const llvm::APInt& value) { return llvm::ConstantInt::get(like->getType(), value); }

// Clamps an integer of type `from` to what `to` holds.
Value* clampInt(PureEmitter& e, Value* v, Type from, Type to) {
  unsigned have = ptx::bits(from), want = ptx::bits(to);
  bool fromSigned = ptx::isSigned(from), toSigned = ptx::isSigned(to);
  if (fromSigned && !toSigned) v = minMax(e, true, true, v, intConst(v, 0));
  bool narrows = want < have || (want == have && toSigned && !fromSigned);
  if (!narrows) return v;
  Range range = rangeOf(to, have);
  v = minMax(e, false, fromSigned && toSigned, v, apConst(v, range.high));
  return fromSigned && toSigned ? minMax(e, true, true, v, apConst(v, range.low)) : v;
}

// An integer as a double: exact, or rounded to odd (64 bits). `error` tells on which side.
ExactSum intAsDouble(PureEmitter& e, Value* v, bool isSigned) {
  llvm::Type* type = doubleShaped(e, v);
  if (bitsOf(v) <= 32) {
    Value* wide = ext(e, v, 32, isSigned);
    return {isSigned ? e.b.CreateSIToFP(wide, type) : e.b.CreateUIToFP(wide, type), nullptr};
  }
  Value *high = highHalf(e, v), *low = lowHalf(e, v);
  Value* highPart = isSigned ? e.b.CreateSIToFP(high, type) : e.b.CreateUIToFP(high, type);
  highPart = e.b.CreateFMul(highPart, llvm::ConstantFP::get(type, 0x1p32));
  Value* lowPart = e.b.CreateUIToFP(low, type);
  Value* sum = e.b.CreateFAdd(highPart, lowPart);
  return {sum, e.b.CreateFSub(lowPart, e.b.CreateFSub(sum, highPart))};
}

Value* oddDouble(PureEmitter& e, ExactSum exact) { return exact.error ? roundToOdd(e, exact.sum, exact.error) : exact.sum; }

// 64-bit integer -> double in a directed mode.
Value* intToDouble(PureEmitter& e, Value* v, bool isSigned, Rounding rounding) {
  llvm::Type* type = doubleShaped(e, v);
  if (rounding == Rounding::Near) return isSigned ? e.b.CreateSIToFP(v, type) : e.b.CreateUIToFP(v, type);
  ExactSum exact = intAsDouble(e, v, isSigned);
  if (!exact.error) return exact.sum;
  Value* zero = floatConst(exact.sum, 0);
  if (rounding == Rounding::Zero) {
    // Towards zero is down for positive numbers and up for negative ones.
    Value* down = stepDown(e, exact.sum, e.b.CreateFCmpOLT(exact.error, zero));
    Value* up = stepUp(e, exact.sum, e.b.CreateFCmpOGT(exact.error, zero));
    return e.b.CreateSelect(e.b.CreateFCmpOLT(exact.sum, zero), up, down);
  }
  if (rounding == Rounding::Down) return stepDown(e, exact.sum, e.b.CreateFCmpOLT(exact.error, zero));
  return stepUp(e, exact.sum, e.b.CreateFCmpOGT(exact.error, zero));
}

Value* intToFloat(PureEmitter& e, Value* v, bool isSigned, Rounding rounding) {
  if (bitsOf(v) < 32) v = ext(e, v, 32, isSigned), isSigned = true;
  if (rounding != Rounding::Near) return narrowDouble(e, oddDouble(e, intAsDouble(e, v, isSigned)), rounding);
  llvm::Type* type = floatShaped(e, v);
  return isSigned ? e.b.CreateSIToFP(v, type) : e.b.CreateUIToFP(v, type);
}

bool isHalfType(Type type) { return type == Type::F16 || type == Type::BF16; }

// .relu: negative results and -0 become +0, NaN stays.
Value* relu(PureEmitter& e, const Instruction& inst, Value* v) {
  if (!inst.has(Mod::Relu)) return v;
  Value* zero = floatConst(v, 0);
  return e.b.CreateSelect(e.b.CreateFCmpUGT(v, zero), v, zero);
}

Overflow overflowOf(const Instruction& inst) { return inst.has(Mod::Satfinite) ? Overflow::MaxFinite : Overflow::Infinity; }

// A float or double as f16 or bf16.
Value* toHalf(PureEmitter& e, const Instruction& inst, Value* v, Type type, Rounding rounding) {
  if (v->getType()->getScalarType()->isDoubleTy()) v = narrowOdd(e, v);
  v = relu(e, inst, v);
  if (!inst.has(Mod::Satfinite)) return floatToHalves(e, v, type, rounding);
  return trunc(e, encode(e, v, *formatOf(type), rounding, Overflow::MaxFinite), 16);
}

Value* toIntegral(PureEmitter& e, Value* v, Rounding rounding) {
  constexpr intrinsic::ID ids[] = {intrinsic::roundeven, intrinsic::trunc, intrinsic::floor, intrinsic::ceil};
  return call1(e, ids[int(rounding)], v);
}

// The integral part of float or double lanes, clamped to the range of `to`. NaN gives zero, or the highest bit alone.
// (LLVM's saturating conversions go lane by lane.)
Value* clampToInt(PureEmitter& e, Value* v, Type to, bool nanIsTopBit) {
  llvm::IRBuilder<>& b = e.b;
  unsigned bits = ptx::bits(to);
  bool isSigned = ptx::isSigned(to);
  int power = int(bits) - isSigned;  // the range ends before 2^power
  int precision = bitsOf(v) == 64 ? 53 : 24;
  bool exactTop = power <= precision;
  double limit = std::ldexp(1.0, power);
  Value* low = floatConst(v, isSigned ? -limit : 0);
  Value* high = floatConst(v, exactTop ? limit - 1 : limit - std::ldexp(1.0, power - precision));
  Value* clamped = b.CreateSelect(b.CreateFCmpOGT(v, low), v, low);  // NaN becomes `low`
  clamped = b.CreateSelect(b.CreateFCmpOLT(clamped, high), clamped, high);
  llvm::Type* converted = intShaped(e, v, std::max(32u, bits));
  Value* result = isSigned || bits < 32 ? b.CreateFPToSI(clamped, converted) : b.CreateFPToUI(clamped, converted);
  if (bits < 32) result = trunc(e, result, bits);
  if (!exactTop) result = b.CreateSelect(b.CreateFCmpOGE(v, floatConst(v, limit)), apConst(result, rangeOf(to, bits).high), result);
  if (isSigned == nanIsTopBit) return result;
  return b.CreateSelect(isNan(e, v), intConst(result, nanIsTopBit ? 1ull << (bits - 1) : 0), result);
}

// A source of any floating type as float or double lanes.
Value* widenSource(PureEmitter& e, const Instruction& inst, Value* v, Type type) {
  if (isHalfType(type)) return halvesToFloat(e, v, type);
  return type == Type::F32 && inst.has(Mod::Ftz) ? flush(e, v) : v;
}

bool roundsToIntegral(const Instruction& inst) { return inst.mods.has(ptx::ModGroup::IntRounding); }

// Lanes of `inst`'s format from float lanes, as codes in i32.
Value* encodeFor(PureEmitter& e, const Instruction& inst, Value* v, Type element) {
  return encode(e, relu(e, inst, v), *formatOf(element), roundingOf(inst), overflowOf(inst));
}

}  // namespace

Values cvtInt(PureEmitter& e, const Instruction& inst, Args args) {
  Type to = inst.type(0), from = inst.type(1);
  Value* v = inst.has(Mod::Sat) ? clampInt(e, args[0], from, to) : args[0];
  return {ext(e, v, ptx::bits(to), ptx::isSigned(from))};
}

Values cvtIntToFloat(PureEmitter& e, const Instruction& inst, Args args) {
  Type to = inst.type(0);
  bool isSigned = ptx::isSigned(inst.type(1));
  Rounding rounding = roundingOf(inst);
  auto finish = [&](Value* v) { return inst.has(Mod::Sat) ? saturate(e, v) : v; };
  if (to == Type::F64) return {finish(intToDouble(e, args[0], isSigned, rounding))};
  if (to == Type::F32) return {finish(intToFloat(e, args[0], isSigned, rounding))};
  if (!isHalfType(to)) return e.unsupported(inst, "integer to this floating type");
  // 16 bits are exact in float.
  Value* v = bitsOf(args[0]) <= 16 ? intToFloat(e, args[0], isSigned, Rounding::Near)
                                   : oddDouble(e, intAsDouble(e, args[0], isSigned));
  return {toHalf(e, inst, finish(v), to, rounding)};
}

// Out of range values are clamped. NaN gives 0, or the highest bit alone where 64 bits are on either side.
Values cvtFloatToInt(PureEmitter& e, const Instruction& inst, Args args) {
  Type to = inst.type(0), from = inst.type(1);
  Value* v = widenSource(e, inst, args[0], from);
  Rounding rounding = roundingOf(inst);
  if (rounding != Rounding::Zero) v = toIntegral(e, v, rounding);
  return {clampToInt(e, v, to, from == Type::F64 || ptx::bits(to) == 64)};
}

Values cvtFloat(PureEmitter& e, const Instruction& inst, Args args) {
  Type to = inst.type(0), from = inst.type(1);
  if (!isHalfType(from) && from != Type::F32 && from != Type::F64) return e.unsupported(inst, "conversion from this type");
  if (!isHalfType(to) && to != Type::F32 && to != Type::F64) return e.unsupported(inst, "conversion to this type");
  bool integral = roundsToIntegral(inst);
  bool plainCopy = to == from && !integral && !inst.has(Mod::Ftz) && !inst.has(Mod::Sat) && !inst.has(Mod::Relu);
  if (plainCopy) return {args[0]};
  // On the hardware .ftz leaves subnormals alone that are rounded to half precision.
  Value* v = from == Type::F32 && isHalfType(to) ? args[0] : widenSource(e, inst, args[0], from);
  if (integral) v = toIntegral(e, v, roundingOf(inst));
  if (inst.has(Mod::Sat)) v = saturate(e, v);
  Rounding rounding = integral ? Rounding::Near : roundingOf(inst);
  if (isHalfType(to)) return {toHalf(e, inst, v, to, rounding)};
  v = relu(e, inst, v);
  if (to == Type::F64) return {bitsOf(v) == 64 ? v : e.b.CreateFPExt(v, doubleShaped(e, v))};
  if (bitsOf(v) == 64) v = narrowDouble(e, v, rounding);
  if (from != to) v = canonicalNan(e, v);
  return {inst.has(Mod::Ftz) ? flush(e, v) : v};
}

// The first operand is the upper half.
Values cvtPackHalf(PureEmitter& e, const Instruction& inst, Args args) {
  Type half = inst.type(0) == Type::F16x2 ? Type::F16 : Type::BF16;
  Rounding rounding = roundingOf(inst);
  return {joinHalves(e, toHalf(e, inst, args[1], half, rounding), toHalf(e, inst, args[0], half, rounding))};
}

// tf32 is kept in the upper 19 bits of a register.
Values cvtTf32(PureEmitter& e, const Instruction& inst, Args args) {
  Value* v = relu(e, inst, args[0]);
  const Format& format = *formatOf(Type::TF32);
  Value* code = inst.has(Mod::Rna) ? encodeAwayFromZero(e, v, format, overflowOf(inst))
                                   : encode(e, v, format, roundingOf(inst), overflowOf(inst));
  return {e.b.CreateSelect(isNan(e, v), intConst(code, 0x7fffffff), e.b.CreateShl(code, 13))};
}

// Pairs of fp8, fp6 (each in a byte) or fp4 (each in half a byte) from two floats (the first one is the upper) or from f16x2.
Values cvtToFp8(PureEmitter& e, const Instruction& inst, Args args) {
  Type element = ptx::elementType(inst.type(0));
  unsigned size = ptx::bits(inst.type(0));
  if (inst.type(1) == Type::F16x2) {
    Value* codes = encodeFor(e, inst, halvesToFloat(e, args[0], Type::F16x2), element);
    return {pack(e, trunc(e, codes, 8), 16)};
  }
  Value *upper = encodeFor(e, inst, args[0], element), *lower = encodeFor(e, inst, args[1], element);
  return {trunc(e, e.b.CreateOr(e.b.CreateShl(upper, size / 2), lower), size)};
}

Values cvtFromFp8(PureEmitter& e, const Instruction& inst, Args args) {
  Type element = ptx::elementType(inst.type(1));
  Value* codes = zext(e, unpack(e, args[0], ptx::bits(inst.type(1)) / 2), 32);
  codes = e.b.CreateAnd(codes, intConst(codes, (1u << formatOf(element)->bits()) - 1));
  Value* halves = floatToHalves(e, relu(e, inst, decode(e, codes, *formatOf(element))), Type::F16);
  return {pack(e, halves, 32)};
}

namespace {

// Exponents of float lanes, whatever the sign, in i32 lanes; all ones for NaN and what is larger than 2^127.
Value* exponents(PureEmitter& e, const Instruction& inst, Value* v) {
  llvm::IRBuilder<>& b = e.b;
  Value* magnitude = b.CreateAnd(asInt(e, v), intConst(asInt(e, v), 0x7fffffff));
  Value* infinity = intConst(magnitude, 0x7f800000);
  Value* code = b.CreateLShr(magnitude, 23);
  if (inst.has(Mod::Rp)) {
    Value* between = b.CreateICmpNE(b.CreateAnd(magnitude, intConst(magnitude, 0x7fffff)), intConst(magnitude, 0));
    Value* notLeast = b.CreateICmpUGT(magnitude, intConst(magnitude, 0x400000));  // 2^-127
    Value* up = b.CreateAnd(b.CreateAnd(between, notLeast), b.CreateICmpULT(magnitude, infinity));
    code = b.CreateAdd(code, b.CreateZExt(up, code->getType()));
  }
  if (!inst.has(Mod::Satfinite)) return code;
  Value* beyond = b.CreateAnd(b.CreateICmpULE(magnitude, infinity), b.CreateICmpEQ(code, intConst(code, 0xff)));
  return b.CreateSelect(beyond, intConst(code, 0xfe), code);
}

}  // namespace

Values cvtToUe8m0(PureEmitter& e, const Instruction& inst, Args args) {
  if (inst.type(1) == Type::BF16x2) return {pack(e, trunc(e, exponents(e, inst, halvesToFloat(e, args[0], Type::BF16x2)), 8), 16)};
  Value *upper = exponents(e, inst, args[0]), *lower = exponents(e, inst, args[1]);
  return {joinHalves(e, trunc(e, lower, 8), trunc(e, upper, 8))};
}

Values cvtFromUe8m0(PureEmitter& e, const Instruction&, Args args) {
  Value* code = zext(e, unpack(e, args[0], 8), 16);
  Value* value = e.b.CreateShl(code, 7);
  value = e.b.CreateSelect(e.b.CreateICmpEQ(code, intConst(code, 0xff)), intConst(code, 0x7fff), value);
  return {pack(e, e.b.CreateSelect(e.b.CreateICmpEQ(code, intConst(code, 0)), intConst(code, 0x40), value), 32)};
}

// Two clamped integers side by side, below what is left of c.
Values cvtPack(PureEmitter& e, const Instruction& inst, Args args) {
  Type to = inst.type(0);
  unsigned size = ptx::bits(to);
  if (size > 16) return e.unsupported(inst, "cvt.pack to this type");
  auto clamped = [&](Value* v) {
    Value* bits = clampInt(e, v, Type::S32, to);
    return e.b.CreateAnd(bits, intConst(bits, (1u << size) - 1));
  };
  Value* result = e.b.CreateOr(e.b.CreateShl(clamped(args[0]), size), clamped(args[1]));
  if (args.size() > 2 && args[2] && size < 16) result = e.b.CreateOr(result, e.b.CreateShl(args[2], 2 * size));
  return {result};
}

}  // namespace anywarp::codegen
