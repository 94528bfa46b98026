// Bit patterns of floating-point constants. SPDX-License-Identifier: Apache-2.0
#include "compiler/ptx/literals.h"

#include <bit>
#include <cmath>

#include "compiler/ptx/ast.h"

namespace anywarp::ptx {
namespace {

// Rounds a double to a narrow binary format, nearest even, subnormals and infinities included.
uint64_t narrow(double value, int exponentBits, int mantissaBits) {
  const uint64_t bits = std::bit_cast<uint64_t>(value);
  const uint64_t sign = bits >> 63 << (exponentBits + mantissaBits);
  const uint64_t infinity = ((uint64_t(1) << exponentBits) - 1) << mantissaBits;
  const int biased = int(bits >> 52 & 0x7ff);
  const uint64_t fraction = bits & 0xfffffffffffff;
  if (biased == 0x7ff) return sign | infinity | (fraction ? (uint64_t(1) << (mantissaBits - 1)) | fraction >> (52 - mantissaBits) : 0);
  if (biased == 0) return sign;
  const int bias = (1 << (exponentBits - 1)) - 1;
  int exponent = biased - 1023 + bias;
  uint64_t significand = fraction | uint64_t(1) << 52;
  int drop = 52 - mantissaBits;
  if (exponent < 1) {
    drop += 1 - exponent;
    exponent = 1;
    if (drop > 53) return sign;
  }
  uint64_t kept = significand >> drop;
  const uint64_t rest = significand & ((uint64_t(1) << drop) - 1);
  const uint64_t half = uint64_t(1) << (drop - 1);
  if (rest > half || (rest == half && (kept & 1))) ++kept;
  // A significand without its leading one is subnormal; a carry out of it moves into the exponent by itself.
  const uint64_t magnitude = (uint64_t(exponent - 1) << mantissaBits) + kept;
  return sign | (magnitude < infinity ? magnitude : infinity);
}

}  // namespace

uint64_t floatBits(double value, Type type) {
  switch (type) {
    case Type::F16: return narrow(value, 5, 10);
    case Type::BF16: return narrow(value, 8, 7);
    case Type::TF32: return narrow(value, 8, 10) << 13;
    case Type::F32: return std::bit_cast<uint32_t>(float(value));
    default: return std::bit_cast<uint64_t>(value);
  }
}

uint64_t doubleBits(uint64_t pattern, Type type) {
  const int mantissaBits = type == Type::F16 ? 10 : 7, exponentBits = 15 - mantissaBits;
  const uint64_t sign = pattern >> 15 << 63;
  const uint64_t fraction = pattern & ((uint64_t(1) << mantissaBits) - 1);
  const int biased = int(pattern >> mantissaBits) & ((1 << exponentBits) - 1);
  const int bias = (1 << (exponentBits - 1)) - 1;
  if (biased == (1 << exponentBits) - 1) return sign | uint64_t(0x7ff) << 52 | fraction << (52 - mantissaBits);
  const double magnitude = biased == 0 ? std::ldexp(double(fraction), 1 - bias - mantissaBits)
                                       : std::ldexp(double(fraction | uint64_t(1) << mantissaBits), biased - bias - mantissaBits);
  return sign | std::bit_cast<uint64_t>(magnitude);
}

uint64_t immediateBits(const Operand& operand, Type type) {
  const bool single = operand.kind == Operand::Kind::Float32;
  if (operand.kind == Operand::Kind::Integer) {
    if (isFloat(type) && !isPacked(type)) return floatBits(double(int64_t(operand.bits)), type);
    return bits(type) < 64 && type != Type::None ? operand.bits & ((uint64_t(1) << bits(type)) - 1) : operand.bits;
  }
  if (!isFloat(type) || isPacked(type)) {
    // As bits: an F32 literal for 32 bits, a double for 64; a double literal in a 32-bit place is rounded first.
    return !single && bits(type) == 32 ? floatBits(std::bit_cast<double>(operand.bits), Type::F32) : operand.bits;
  }
  if (single && type == Type::F32) return operand.bits;
  const double value = single ? double(std::bit_cast<float>(uint32_t(operand.bits))) : std::bit_cast<double>(operand.bits);
  return floatBits(value, type);
}

}  // namespace anywarp::ptx
