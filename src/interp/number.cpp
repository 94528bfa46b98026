// Exact rounding into floating-point formats (PTX: Types; Instructions, cvt). SPDX-License-Identifier: Apache-2.0
#include "interp/number.h"

#include <cfenv>
#include <cmath>

namespace anywarp::interp {
namespace {

int hostRounding(Rounding rounding) {
  switch (rounding) {
    case Rounding::Zero: return FE_TOWARDZERO;
    case Rounding::Down: return FE_DOWNWARD;
    case Rounding::Up: return FE_UPWARD;
    default: return FE_TONEAREST;
  }
}

// Volatile operands keep the operation between the two changes of the rounding mode.
template <class Operation>
double inMode(int mode, Operation operation) {
  std::fesetround(mode);
  volatile double result = operation();
  std::fesetround(FE_TONEAREST);
  return result;
}

template <class Operation>
double toOdd(Operation operation) {
  std::fesetround(FE_TOWARDZERO);
  std::feclearexcept(FE_ALL_EXCEPT);
  volatile double result = operation();
  bool inexact = std::fetestexcept(FE_INEXACT) != 0;
  std::fesetround(FE_TONEAREST);
  if (!inexact || !std::isfinite(result)) return result;
  return asDouble(bitsOf(static_cast<double>(result)) | 1);
}

bool roundsUp(double fraction, bool odd, bool negative, Rounding rounding) {
  if (fraction == 0) return false;
  switch (rounding) {
    case Rounding::NearestEven: return fraction > 0.5 || (fraction == 0.5 && odd);
    case Rounding::NearestAway: return fraction >= 0.5;
    case Rounding::Zero: return false;
    case Rounding::Down: return negative;
    case Rounding::Up: return !negative;
  }
  return false;
}

bool overflowsToInfinity(bool negative, Rounding rounding) {
  switch (rounding) {
    case Rounding::Zero: return false;
    case Rounding::Down: return negative;
    case Rounding::Up: return !negative;
    default: return true;
  }
}

uint64_t overflowed(Format format, bool negative, Rounding rounding, Overflow overflow) {
  if (overflow == Overflow::ToLargest || !format.hasInfinity) return format.largest();
  return overflowsToInfinity(negative, rounding) ? format.infinity() : format.largest();
}

}  // namespace

uint64_t Format::largest() const {
  if (hasInfinity) return infinity() - 1;
  return hasNaN ? canonicalNaN() - 1 : canonicalNaN();
}

double decode(Format format, uint64_t bits) {
  uint64_t magnitude = bits & (format.signBit() ? format.signBit() - 1 : format.canonicalNaN());
  bool negative = (bits & format.signBit()) != 0;
  bool isNaN = format.hasInfinity ? magnitude > format.infinity() : format.hasNaN && magnitude == format.canonicalNaN();
  if (isNaN) return std::copysign(NAN, negative ? -1.0 : 1.0);
  double value;
  if (format.hasInfinity && magnitude == format.infinity()) {
    value = INFINITY;
  } else {
    uint64_t fraction = magnitude & ((uint64_t{1} << format.fractionBits) - 1);
    int exponent = static_cast<int>(magnitude >> format.fractionBits);
    bool normal = exponent != 0 || !format.hasSign;  // ue8m0 has neither zero nor subnormals
    double significand = static_cast<double>(fraction) + (normal ? std::ldexp(1.0, format.fractionBits) : 0.0);
    value = std::ldexp(significand, (normal ? exponent : 1) - format.bias() - format.fractionBits);
  }
  return negative ? -value : value;
}

uint64_t encode(Format format, double value, Rounding rounding, Overflow overflow) {
  if (std::isnan(value)) return format.hasNaN ? format.canonicalNaN() : format.largest();
  bool negative = std::signbit(value);
  uint64_t sign = negative ? format.signBit() : 0;
  double magnitude = std::fabs(value);
  if (std::isinf(value)) return sign | (format.hasInfinity && overflow == Overflow::ToInfinity ? format.infinity() : format.largest());
  if (magnitude == 0) return sign;

  int smallest = format.hasSign ? 1 - format.bias() : -format.bias();
  int exponent = std::max(std::ilogb(magnitude), smallest);
  double scaled = std::ldexp(magnitude, format.fractionBits - exponent);
  double whole = std::floor(scaled);
  uint64_t significand = static_cast<uint64_t>(whole);
  bool odd = format.fractionBits == 0 ? ((exponent - smallest) & 1) != 0 : (significand & 1) != 0;
  if (roundsUp(scaled - whole, odd, negative, rounding)) significand++;
  // The implicit bit of a normal number counts one into the exponent field, and so does a carry out of rounding.
  uint64_t bits = (static_cast<uint64_t>(exponent - smallest) << format.fractionBits) + significand;
  if (!format.hasSign) bits -= std::min<uint64_t>(bits, 1);
  if (bits > format.largest()) bits = overflowed(format, negative, rounding, overflow);
  return sign | bits;
}

double addToOdd(double x, double y, Rounding rounding) {
  volatile double a = x, b = y;
  double sum = toOdd([&] { return a + b; });
  return sum == 0 ? addRounded(x, y, rounding) : sum;
}
double mulToOdd(double x, double y) {
  volatile double a = x, b = y;
  return toOdd([&] { return a * b; });
}
double divToOdd(double x, double y) {
  volatile double a = x, b = y;
  return toOdd([&] { return a / b; });
}
double fmaToOdd(double x, double y, double z, Rounding rounding) {
  volatile double a = x, b = y, c = z;
  double sum = toOdd([&] { return std::fma(a, b, c); });
  return sum == 0 ? fmaRounded(x, y, z, rounding) : sum;
}
double sqrtToOdd(double x) {
  volatile double a = x;
  return toOdd([&] { return std::sqrt(a); });
}

double addRounded(double x, double y, Rounding rounding) {
  volatile double a = x, b = y;
  return inMode(hostRounding(rounding), [&] { return a + b; });
}
double mulRounded(double x, double y, Rounding rounding) {
  volatile double a = x, b = y;
  return inMode(hostRounding(rounding), [&] { return a * b; });
}
double divRounded(double x, double y, Rounding rounding) {
  volatile double a = x, b = y;
  return inMode(hostRounding(rounding), [&] { return a / b; });
}
double fmaRounded(double x, double y, double z, Rounding rounding) {
  volatile double a = x, b = y, c = z;
  return inMode(hostRounding(rounding), [&] { return std::fma(a, b, c); });
}
double sqrtRounded(double x, Rounding rounding) {
  volatile double a = x;
  return inMode(hostRounding(rounding), [&] { return std::sqrt(a); });
}

}  // namespace anywarp::interp
