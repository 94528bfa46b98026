// cvt in all its directions (PTX: Data Movement and Conversion Instructions, cvt and cvt.pack). SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cfenv>
#include <cmath>
#include <utility>

#include "interp/floating.h"

namespace anywarp::interp {
namespace {

using Wide = __int128;

Wide smallest(unsigned bits, bool isSigned) { return isSigned ? -(Wide{1} << (bits - 1)) : Wide{0}; }
Wide largest(unsigned bits, bool isSigned) { return isSigned ? (Wide{1} << (bits - 1)) - 1 : (Wide{1} << bits) - 1; }
Wide clamp(Wide value, Type type) {
  return std::clamp(value, smallest(ptx::bits(type), ptx::isSigned(type)), largest(ptx::bits(type), ptx::isSigned(type)));
}

Wide integerSource(const Step& step, size_t slot, Type type) {
  return ptx::isSigned(type) ? Wide{step.integer(slot, type)} : Wide{step.bits(slot, type)};
}

// Rounds to an integral value as .rni .rzi .rmi .rpi say.
double toIntegral(const Step& step, double value) {
  if (step.has(Mod::Rzi)) return std::trunc(value);
  if (step.has(Mod::Rmi)) return std::floor(value);
  if (step.has(Mod::Rpi)) return std::ceil(value);
  return std::nearbyint(value);
}

// An integer as a double rounded to odd: exact, or with the last bit set where bits were lost.
double oddDouble(Wide value) {
  bool negative = value < 0;
  unsigned __int128 magnitude = static_cast<unsigned __int128>(negative ? -value : value);
  int shift = 0;
  bool lost = false;
  while (magnitude >> 53) {
    lost |= (magnitude & 1) != 0;
    magnitude >>= 1;
    shift++;
  }
  double result = std::ldexp(static_cast<double>(static_cast<uint64_t>(magnitude) | (lost ? 1 : 0)), shift);
  return negative ? -result : result;
}

// High and low words are exact doubles, so their sum rounds once.
double roundedDouble(Wide value, Rounding rounding) {
  Wide high = value >> 32, low = value & 0xffffffff;
  return addRounded(std::ldexp(static_cast<double>(static_cast<int64_t>(high)), 32), static_cast<double>(static_cast<uint64_t>(low)), rounding);
}

// Widths narrower than a byte exist only in cvt.pack.
uint64_t packInto(const Step& step, unsigned width, bool isSigned) {
  auto part = [&](size_t slot) {
    Wide value = std::clamp(Wide{step.integer(slot, Type::S32)}, smallest(width, isSigned), largest(width, isSigned));
    return lowBits(static_cast<uint64_t>(value), width);
  };
  return part(1) << width | part(2);
}

Overflow overflowOf(const Step& step) { return step.has(Mod::Satfinite) ? Overflow::ToLargest : Overflow::ToInfinity; }

double relu(const Step& step, double value) { return step.has(Mod::Relu) ? interp::relu(value) : value; }

uint64_t narrowed(const Step& step, Format format, double value) {
  return encode(format, relu(step, value), roundingOf(step), overflowOf(step));
}

// f32 -> f32 and the like round only to integers, so the sign of a result zero is the source's.
double roundedToInteger(const Step& step, double value) {
  return step.inst.mods.has(ptx::ModGroup::IntRounding) ? std::copysign(toIntegral(step, value), value) : value;
}

}  // namespace

void cvtInt(Step& step) {
  Wide value = integerSource(step, 1, step.type(1));
  step.set(0, step.type(0), static_cast<uint64_t>(step.has(Mod::Sat) ? clamp(value, step.type(0)) : value));
}

void cvtIntToFloat(Step& step) {
  Type type = step.type(0);
  Wide value = integerSource(step, 1, step.type(1));
  double number = type == Type::F64 ? roundedDouble(value, roundingOf(step)) : oddDouble(value);
  finish(step, type, number == 0 ? 0.0 : number);
}

// Values beyond the destination's range are clamped to it. NaN gives 0 between 32-bit types and narrower, else the highest bit.
void cvtFloatToInt(Step& step) {
  Type type = step.type(0);
  double value = toIntegral(step, source(step, 1, step.type(1)));
  bool wide = step.type(1) == Type::F64 || ptx::bits(type) == 64;
  if (std::isnan(value)) return step.set(0, type, wide ? uint64_t{1} << (ptx::bits(type) - 1) : 0);
  double bounded = std::clamp(value, -std::ldexp(1.0, 70), std::ldexp(1.0, 70));
  step.set(0, type, static_cast<uint64_t>(clamp(static_cast<Wide>(bounded), type)));
}

void cvtFloat(Step& step) {
  Type to = step.type(0), from = step.type(1);
  double value = step.number(1, from);
  // On the hardware .ftz leaves subnormals alone that are rounded to half precision: .rp gives the smallest half, not zero.
  if (step.has(Mod::Ftz) && from == Type::F32 && ptx::bits(to) != 16) value = flushed(value, f32Format);
  value = relu(step, roundedToInteger(step, value));
  if (step.has(Mod::Sat)) value = unitClamp(value);
  if (to == Type::F64) return step.set(0, to, bitsOf(value));
  Format format = formatOf(to);
  uint64_t bits = encode(format, value, roundingOf(step), overflowOf(step));
  if (step.has(Mod::Ftz) && to == Type::F32) bits = encode(format, flushed(decode(format, bits), format), Rounding::NearestEven);
  step.set(0, to, bits);
}

// The first source goes to the upper half.
void cvtPackHalf(Step& step) {
  Format format = formatOf(ptx::elementType(step.type(0)));
  uint64_t high = narrowed(step, format, step.number(1, Type::F32)), low = narrowed(step, format, step.number(2, Type::F32));
  step.set(0, step.type(0), high << 16 | low);
}

void cvtTf32(Step& step) {
  double value = step.number(1, Type::F32);
  uint64_t bits = std::isnan(value) ? f32Format.canonicalNaN() : narrowed(step, tf32Format, value) << 13;
  step.set(0, Type::B32, bits);
}

namespace {

// The upper number and the lower one: two f32 operands, or the halves of one.
std::pair<double, double> sourcePair(Step& step) {
  Type type = step.type(1);
  if (type == Type::F32) return {step.number(1, Type::F32), step.number(2, Type::F32)};
  Format format = formatOf(ptx::elementType(type));
  uint64_t pair = step.bits(1, type);
  return {decode(format, pair >> 16), decode(format, lowBits(pair, 16))};
}

}  // namespace

// Pairs of fp8, fp6 (each in a byte) or fp4 (each in half a byte); the first source is the upper one.
void cvtToFp8(Step& step) {
  Format format = formatOf(ptx::elementType(step.type(0)));
  auto [high, low] = sourcePair(step);
  unsigned bits = ptx::bits(step.type(0));
  step.set(0, ptx::bitsType(bits), narrowed(step, format, high) << (bits / 2) | narrowed(step, format, low));
}

void cvtFromFp8(Step& step) {
  Format format = formatOf(ptx::elementType(step.type(1)));
  unsigned half = ptx::bits(step.type(1)) / 2;
  uint64_t pair = step.bits(1, ptx::bitsType(2 * half));
  auto widened = [&](uint64_t bits) { return encode(f16Format, relu(step, decode(format, bits)), Rounding::NearestEven); };
  step.set(0, Type::F16x2, widened(pair >> half) << 16 | widened(lowBits(pair, half)));
}

namespace {

// The exponent of a number, whatever its sign: 2^-127 to 2^127, 0xff for NaN and what is larger.
uint64_t toUe8m0(const Step& step, double value) {
  constexpr uint64_t nan = 0xff, largestPower = 0xfe;
  if (std::isnan(value)) return nan;
  double magnitude = std::fabs(value);
  uint64_t beyond = step.has(Mod::Satfinite) ? largestPower : nan;
  if (std::isinf(magnitude)) return beyond;
  if (magnitude <= std::ldexp(1.0, -127)) return 0;
  int exponent = std::ilogb(magnitude);
  if (step.has(Mod::Rp) && magnitude != std::ldexp(1.0, exponent)) exponent++;
  return exponent > 127 ? beyond : static_cast<uint64_t>(exponent + 127);
}

}  // namespace

void cvtToUe8m0(Step& step) {
  auto [high, low] = sourcePair(step);
  step.set(0, Type::B16, toUe8m0(step, high) << 8 | toUe8m0(step, low));
}

void cvtFromUe8m0(Step& step) {
  uint64_t pair = step.bits(1, Type::B16);
  auto widened = [&](uint64_t bits) { return encode(bf16Format, decode(ue8m0Format, bits), Rounding::NearestEven); };
  step.set(0, Type::BF16x2, widened(pair >> 8) << 16 | widened(lowBits(pair, 8)));
}

void cvtPack(Step& step) {
  Type type = step.type(0);
  unsigned width = ptx::bits(type);
  uint64_t result = packInto(step, width, ptx::isSigned(type));
  if (step.present(3)) result |= step.bits(3, Type::B32) << (2 * width);
  step.set(0, Type::B32, result);
}

}  // namespace anywarp::interp
