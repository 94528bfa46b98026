// Small floating point formats (f16, bf16, tf32, fp8, fp6, fp4) to and from float lanes, correctly rounded.
// SPDX-License-Identifier: Apache-2.0
#include "compiler/codegen/formats.h"

#include <algorithm>
#include <cmath>
#include <iterator>

namespace anywarp::codegen {

namespace intrinsic = llvm::Intrinsic;

namespace {

struct NamedFormat {
  ptx::Type type;
  Format format;
};

constexpr NamedFormat formats[] = {
    {ptx::Type::F16, {5, 10, 15, true, 0x7bff, 0x7fff}},
    {ptx::Type::BF16, {8, 7, 127, true, 0x7f7f, 0x7fff}},
    {ptx::Type::TF32, {8, 10, 127, true, 0x3fbff, 0x3ffff}},
    {ptx::Type::E4M3, {4, 3, 7, false, 0x7e, 0x7f}},
    {ptx::Type::E5M2, {5, 2, 15, true, 0x7b, 0x7f}},
    {ptx::Type::E2M3, {2, 3, 1, false, 0x1f, 0x1f}},
    {ptx::Type::E3M2, {3, 2, 3, false, 0x1f, 0x1f}},
    {ptx::Type::E2M1, {2, 1, 1, false, 0x07, 0x07}},
};

constexpr unsigned floatMantissa = 23;
constexpr int floatBias = 127;
constexpr uint32_t floatInfinity = 0x7f800000;

bool hasFloatExponent(const Format& f) { return f.exponent == 8; }
// Exponent of the smallest normal number and of the largest finite one.
int minExponent(const Format& f) { return 1 - f.bias; }
int maxExponent(const Format& f) { return int(f.maxFinite >> f.mantissa) - f.bias; }
uint32_t floatPower(int exponent) { return uint32_t(exponent + floatBias) << floatMantissa; }

Value* select(PureEmitter& e, Value* condition, Value* a, uint32_t b) {
  return e.b.CreateSelect(condition, intConst(a, b), a);
}

// Which magnitudes are rounded away from zero whatever the discarded bits: up for positive numbers, down for negative ones.
Value* awayFromZero(PureEmitter& e, Value* signBit, Rounding rounding) {
  return rounding == Rounding::Up ? e.b.CreateNot(signBit) : signBit;
}

// The magnitude's mantissa cut to the format's: formats with float's exponent, subnormals included.
Value* roundSameExponent(PureEmitter& e, Value* magnitude, Value* signBit, const Format& format, Rounding rounding) {
  llvm::IRBuilder<>& b = e.b;
  unsigned drop = floatMantissa - format.mantissa;
  Value* shift = intConst(magnitude, drop);
  Value* discard = intConst(magnitude, (1u << drop) - 1);
  switch (rounding) {
    case Rounding::Zero:
      return b.CreateLShr(magnitude, shift);
    case Rounding::Near: {
      Value* odd = b.CreateAnd(b.CreateLShr(magnitude, shift), intConst(magnitude, 1));
      Value* bias = b.CreateAdd(odd, intConst(magnitude, (1u << (drop - 1)) - 1));
      return b.CreateLShr(b.CreateAdd(magnitude, bias), shift);
    }
    default: {
      Value* bias = b.CreateSelect(awayFromZero(e, signBit, rounding), discard, intConst(magnitude, 0));
      return b.CreateLShr(b.CreateAdd(magnitude, bias), shift);
    }
  }
}

// Formats with a smaller exponent. For a magnitude in [2^x, 2^(x+1)), x at least the smallest normal exponent, adding
// c = 2^(x + 23 - mantissa) rounds it to the format's last place, and the difference of the sums' bits counts those places.
Value* roundSmallExponent(PureEmitter& e, Value* magnitude, Value* signBit, const Format& format, Rounding rounding) {
  llvm::IRBuilder<>& b = e.b;
  Value* lowest = intConst(magnitude, floatPower(minExponent(format)));
  Value* power = minMax(e, true, false, b.CreateAnd(magnitude, intConst(magnitude, floatInfinity)), lowest);
  Value* anchor = b.CreateAdd(power, intConst(magnitude, (floatMantissa - format.mantissa) << floatMantissa));
  Value *exact = asFloat(e, magnitude), *c = asFloat(e, anchor);
  Value* sum = b.CreateFAdd(exact, c);
  Value* places = b.CreateSub(asInt(e, sum), anchor);
  if (rounding != Rounding::Near) {
    Value* rounded = b.CreateFSub(sum, c);
    Value* tooBig = b.CreateFCmpOGT(rounded, exact);
    places = b.CreateAdd(places, b.CreateSExt(tooBig, places->getType()));  // now towards zero
    if (rounding != Rounding::Zero) {
      Value* inexact = b.CreateAnd(b.CreateFCmpONE(rounded, exact), awayFromZero(e, signBit, rounding));
      places = b.CreateAdd(places, b.CreateZExt(inexact, places->getType()));
    }
  }
  Value* exponent = b.CreateLShr(b.CreateSub(power, lowest), floatMantissa - format.mantissa);
  return b.CreateAdd(places, exponent);
}

// Infinity, NaN and what lies beyond the largest finite number.
Value* encodeSpecial(PureEmitter& e, Value* code, Value* magnitude, Value* signBit, const Format& format, Rounding rounding,
                     Overflow overflow) {
  llvm::IRBuilder<>& b = e.b;
  Value* beyond = b.CreateICmpUGT(code, intConst(code, format.maxFinite));
  if (!hasFloatExponent(format)) {
    beyond = b.CreateOr(beyond, b.CreateICmpUGE(magnitude, intConst(magnitude, floatPower(maxExponent(format) + 1))));
  }
  if (overflow == Overflow::MaxFinite) {
    code = select(e, beyond, code, format.maxFinite);
  } else {
    uint32_t infinity = format.infinity ? format.maxFinite + 1 : format.nan;
    Value* top = intConst(code, infinity);
    Value* isInfinite = b.CreateICmpEQ(magnitude, intConst(magnitude, floatInfinity));
    Value* largest = intConst(code, format.maxFinite);
    if (rounding == Rounding::Zero) top = b.CreateSelect(isInfinite, top, largest);
    if (rounding == Rounding::Up || rounding == Rounding::Down) {
      top = b.CreateSelect(b.CreateOr(isInfinite, awayFromZero(e, signBit, rounding)), top, largest);
    }
    code = b.CreateSelect(beyond, top, code);
  }
  return code;
}

Value* withSignAndNan(PureEmitter& e, Value* code, Value* bits, Value* magnitude, const Format& format) {
  llvm::IRBuilder<>& b = e.b;
  unsigned top = format.bits() - 1;
  Value* sign = b.CreateAnd(b.CreateLShr(bits, 31 - top), intConst(bits, 1u << top));
  return select(e, b.CreateICmpUGT(magnitude, intConst(magnitude, floatInfinity)), b.CreateOr(code, sign), format.nan);
}

struct Parts {
  Value *bits, *magnitude, *signBit;
};
Parts split(PureEmitter& e, Value* v) {
  Value* bits = asInt(e, v);
  return {bits, e.b.CreateAnd(bits, intConst(bits, 0x7fffffff)), e.b.CreateICmpSLT(bits, intConst(bits, 0))};
}

}  // namespace

const Format* formatOf(ptx::Type element) {
  auto* found = std::find_if(std::begin(formats), std::end(formats), [&](const NamedFormat& f) { return f.type == element; });
  return found == std::end(formats) ? nullptr : &found->format;
}

Value* encode(PureEmitter& e, Value* v, const Format& format, Rounding rounding, Overflow overflow) {
  Parts parts = split(e, v);
  auto round = hasFloatExponent(format) ? roundSameExponent : roundSmallExponent;
  Value* code = round(e, parts.magnitude, parts.signBit, format, rounding);
  code = encodeSpecial(e, code, parts.magnitude, parts.signBit, format, rounding, overflow);
  return withSignAndNan(e, code, parts.bits, parts.magnitude, format);
}

Value* encodeAwayFromZero(PureEmitter& e, Value* v, const Format& format, Overflow overflow) {
  Parts parts = split(e, v);
  unsigned drop = floatMantissa - format.mantissa;
  Value* code = e.b.CreateLShr(e.b.CreateAdd(parts.magnitude, intConst(parts.bits, 1u << (drop - 1))), drop);
  code = encodeSpecial(e, code, parts.magnitude, parts.signBit, format, Rounding::Near, overflow);
  return withSignAndNan(e, code, parts.bits, parts.magnitude, format);
}

Value* decode(PureEmitter& e, Value* code, const Format& format) {
  llvm::IRBuilder<>& b = e.b;
  unsigned top = format.bits() - 1;
  Value* sign = b.CreateShl(b.CreateLShr(code, top), 31);
  Value* magnitude = b.CreateAnd(code, intConst(code, (1u << top) - 1));
  Value* value = b.CreateShl(magnitude, floatMantissa - format.mantissa);
  if (!hasFloatExponent(format)) {
    // The exponents differ by a power of two, subnormals included.
    Value* scaled = b.CreateFMul(asFloat(e, value), floatConst(asFloat(e, value), std::ldexp(1.0, floatBias - format.bias)));
    value = asInt(e, scaled);
    if (format.infinity) {
      Value* special = b.CreateICmpUGT(magnitude, intConst(magnitude, format.maxFinite));
      value = b.CreateSelect(special, b.CreateOr(value, intConst(value, floatInfinity)), value);
    } else if (format.nan != format.maxFinite) {
      value = select(e, b.CreateICmpEQ(magnitude, intConst(magnitude, format.nan)), value, 0x7fffffff);
    }
  }
  return asFloat(e, b.CreateOr(value, sign));
}

Value* narrowOdd(PureEmitter& e, Value* v) {
  Value* cut = narrowDouble(e, v, Rounding::Zero);
  Value* inexact = e.b.CreateFCmpONE(e.b.CreateFPExt(cut, v->getType()), v);
  Value* bits = asInt(e, cut);
  return asFloat(e, e.b.CreateOr(bits, e.b.CreateZExt(inexact, bits->getType())));
}

}  // namespace anywarp::codegen
