// Floating-point formats as sign, exponent and fraction, and exact rounding into them (PTX: Types; Instructions, cvt).
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstdint>

namespace anywarp::interp {

enum class Rounding { NearestEven, NearestAway, Zero, Down, Up };

struct Format {
  int exponentBits, fractionBits;
  bool hasInfinity = true;  // the all-ones exponent means infinity and NaN
  bool hasNaN = true;       // without infinity: all ones is the only NaN
  bool hasSign = true;

  int bits() const { return (hasSign ? 1 : 0) + exponentBits + fractionBits; }
  int bias() const { return (1 << (exponentBits - 1)) - 1; }
  uint64_t signBit() const { return hasSign ? uint64_t{1} << (exponentBits + fractionBits) : 0; }
  uint64_t canonicalNaN() const { return signBit() ? signBit() - 1 : (uint64_t{1} << bits()) - 1; }
  uint64_t infinity() const { return ((uint64_t{1} << exponentBits) - 1) << fractionBits; }
  uint64_t largest() const;
};

inline constexpr Format f16Format{5, 10}, bf16Format{8, 7}, tf32Format{8, 10}, f32Format{8, 23}, f64Format{11, 52};
inline constexpr Format e4m3Format{4, 3, false, true}, e5m2Format{5, 2};
inline constexpr Format e2m1Format{2, 1, false, false}, e2m3Format{2, 3, false, false}, e3m2Format{3, 2, false, false};
inline constexpr Format ue8m0Format{8, 0, false, true, false};

enum class Overflow { ToInfinity, ToLargest };

// The value that `bits` stand for; every format above fits a double exactly.
double decode(Format format, uint64_t bits);

// `value` rounded into `format`. A value that a roundToOdd function below made is rounded as the exact one would be.
uint64_t encode(Format format, double value, Rounding rounding, Overflow overflow = Overflow::ToInfinity);

// A double operation rounded to odd: truncated, with the last bit set when anything was lost.
double addToOdd(double a, double b, Rounding rounding);  // rounding: only for the sign of an exact zero
double mulToOdd(double a, double b);
double divToOdd(double a, double b);
double fmaToOdd(double a, double b, double c, Rounding rounding);
double sqrtToOdd(double a);

// A double operation in a rounding mode.
double addRounded(double a, double b, Rounding rounding);
double mulRounded(double a, double b, Rounding rounding);
double divRounded(double a, double b, Rounding rounding);
double fmaRounded(double a, double b, double c, Rounding rounding);
double sqrtRounded(double a, Rounding rounding);

inline float asFloat(uint64_t bits) { return std::bit_cast<float>(static_cast<uint32_t>(bits)); }
inline double asDouble(uint64_t bits) { return std::bit_cast<double>(bits); }
inline uint64_t bitsOf(float value) { return std::bit_cast<uint32_t>(value); }
inline uint64_t bitsOf(double value) { return std::bit_cast<uint64_t>(value); }

}  // namespace anywarp::interp
