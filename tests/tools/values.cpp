// Values of buffers: written, generated, printed, compared. SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <random>

#include "spec.h"

namespace anywarp::tests {
namespace {

using ptx::Type;

struct FloatShape {
  int exponentBits, fractionBits;
};

FloatShape shapeOf(Type type) {
  switch (type) {
    case Type::F16: return {5, 10};
    case Type::BF16: return {8, 7};
    case Type::F32: return {8, 23};
    default: return {11, 52};
  }
}

uint64_t mask(unsigned bits) { return bits >= 64 ? ~uint64_t{0} : (uint64_t{1} << bits) - 1; }

double toDouble(Type type, uint64_t bits) {
  FloatShape shape = shapeOf(type);
  uint64_t fraction = bits & mask(shape.fractionBits);
  int exponent = static_cast<int>(bits >> shape.fractionBits & mask(shape.exponentBits));
  bool negative = bits >> (shape.exponentBits + shape.fractionBits) & 1;
  int bias = (1 << (shape.exponentBits - 1)) - 1;
  double value;
  if (exponent == (1 << shape.exponentBits) - 1) {
    value = fraction ? NAN : INFINITY;
  } else {
    double significand = static_cast<double>(fraction) + (exponent ? std::ldexp(1.0, shape.fractionBits) : 0);
    value = std::ldexp(significand, std::max(exponent, 1) - bias - shape.fractionBits);
  }
  return negative ? -value : value;
}

// Bit patterns of positive numbers are ordered as the numbers are: the last one not above, or its neighbour.
uint64_t nearestHalf(Type type, double value) {
  if (std::isnan(value)) return 0x7fff;
  double magnitude = std::fabs(value);
  uint64_t low = 0, high = mask(shapeOf(type).exponentBits) << shapeOf(type).fractionBits;  // infinity
  while (high - low > 1) {
    uint64_t middle = (low + high) / 2;
    (toDouble(type, middle) <= magnitude ? low : high) = middle;
  }
  bool upper = std::isinf(magnitude) || toDouble(type, high) - magnitude < magnitude - toDouble(type, low);
  return (upper ? high : low) | (std::signbit(value) ? 0x8000 : 0);
}

uint64_t fromDouble(Type type, double value) {
  switch (type) {
    case Type::F32: return std::bit_cast<uint32_t>(static_cast<float>(value));
    case Type::F64: return std::bit_cast<uint64_t>(value);
    default: return nearestHalf(type, value);
  }
}

bool isNaN(Type type, uint64_t bits) { return ptx::isFloat(type) && std::isnan(toDouble(type, bits)); }

// Bit patterns on a line: neighbours differ by one, negative values mirrored.
int64_t ordered(Type type, uint64_t bits) {
  unsigned width = ptx::bits(type);
  uint64_t sign = uint64_t{1} << (width - 1);
  return bits & sign ? -static_cast<int64_t>(bits & (sign - 1)) : static_cast<int64_t>(bits);
}

const std::vector<uint64_t>& integerSpecials() {
  static const std::vector<uint64_t>& values = *new std::vector<uint64_t>{
      0, 1, 2, 3, ~uint64_t{0}, ~uint64_t{1}, 0x80, 0x7f, 0xff, 0x100, 0x8000, 0x7fff, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0x80000001,
      0xffffffff, 0x100000000, 0x7fffffffffffffff, 0x8000000000000000, 0x8000000000000001, 31, 32, 33, 63, 64, 65, 0x55555555, 0xaaaaaaaa,
      0x5555555555555555, 0xaaaaaaaaaaaaaaaa, 0xffff0000, 0xffffffff00000000, 0xdeadbeef, 10, 7, 0x01234567, 255, 0xfffffff0};
  return values;
}

std::vector<uint64_t> floatSpecials(Type type) {
  FloatShape s = shapeOf(type);
  uint64_t one = mask(s.exponentBits - 1) << s.fractionBits;
  uint64_t infinity = mask(s.exponentBits) << s.fractionBits;
  uint64_t lowestNormal = uint64_t{1} << s.fractionBits;
  uint64_t half = one - lowestNormal, two = one + lowestNormal;
  std::vector<uint64_t> positive = {0, 1, 2, lowestNormal - 1, lowestNormal, lowestNormal + 1, lowestNormal / 2, one, one + 1, one - 1, two, half,
                                    one + lowestNormal / 2, two + lowestNormal / 2, infinity, infinity - 1, infinity | lowestNormal / 2,
                                    infinity | 1, mask(s.exponentBits + s.fractionBits),
                                    // around the integers that conversions saturate at
                                    fromDouble(type, 127.5), fromDouble(type, 255.5), fromDouble(type, 32767.5), fromDouble(type, 65535.5),
                                    fromDouble(type, 2147483647.0), fromDouble(type, 2147483648.0), fromDouble(type, 4294967295.0),
                                    fromDouble(type, 9223372036854775807.0), fromDouble(type, 18446744073709551615.0), fromDouble(type, 0.1),
                                    fromDouble(type, 3.14159265358979), fromDouble(type, 2.5), fromDouble(type, 3.5), fromDouble(type, 1e-3)};
  std::vector<uint64_t> all;
  for (uint64_t bits : positive) {
    all.push_back(bits);
    all.push_back(bits | uint64_t{1} << (s.exponentBits + s.fractionBits));
  }
  return all;
}

size_t sizeArgument(const std::vector<std::string>& args) { return args.empty() ? 0 : std::strtoull(args[0].c_str(), nullptr, 0); }
uint64_t seedArgument(const std::vector<std::string>& args) { return args.size() > 1 ? std::strtoull(args[1].c_str(), nullptr, 0) : 1; }

std::vector<uint64_t> packed(Type type, const std::vector<uint64_t>& low, const std::vector<uint64_t>& high) {
  unsigned half = ptx::bits(type) / 2;
  std::vector<uint64_t> values;
  for (size_t i = 0; i < low.size(); i++) values.push_back((low[i] & mask(half)) | high[i] << half);
  return values;
}

}  // namespace

uint64_t floatBits(Type type, double value) { return fromDouble(type, value); }

std::vector<uint64_t> randomBits(Type type, size_t count, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<uint64_t> values;
  for (size_t i = 0; i < count; i++) {
    uint64_t bits = random();
    if (!ptx::isFloat(type) || ptx::isPacked(type)) {
      // Small values and single bits meet edge cases that uniform bits never do.
      uint64_t kind = random() % 4;
      if (kind == 0) bits >>= random() % 64;
      if (kind == 1) bits = static_cast<uint64_t>(static_cast<int64_t>(bits) >> (random() % 64));
    } else if (random() % 2) {
      // Exponents close to one, so that sums and products neither overflow nor swallow an operand.
      FloatShape s = shapeOf(type);
      uint64_t exponent = mask(s.exponentBits - 1) - 8 + random() % 16;
      bits = (bits & ~(mask(s.exponentBits) << s.fractionBits)) | exponent << s.fractionBits;
    }
    values.push_back(bits & mask(ptx::bits(type)));
  }
  return values;
}

std::vector<uint64_t> specialBits(Type type, size_t count, uint64_t seed) {
  if (type == Type::F16x2 || type == Type::BF16x2) {
    Type element = ptx::elementType(type);
    return packed(type, specialBits(element, count, seed), specialBits(element, count, seed + 1));
  }
  std::mt19937_64 random(seed);
  std::vector<uint64_t> pool = ptx::isFloat(type) && !ptx::isPacked(type) ? floatSpecials(type) : integerSpecials();
  std::vector<uint64_t> noise = randomBits(type, count, seed);
  std::vector<uint64_t> values;
  for (size_t i = 0; i < count; i++)
    values.push_back((random() % 3 ? pool[random() % pool.size()] : noise[i]) & mask(ptx::bits(type)));
  return values;
}

Result<uint64_t> parseValue(Type type, const std::string& text) {
  if (text.empty()) return Error{ErrorKind::Invalid, "empty value"};
  const char* begin = text.c_str();
  char* end = nullptr;
  uint64_t bits;
  bool pattern = text.rfind("0x", 0) == 0 || text.rfind("0X", 0) == 0;
  if (ptx::isFloat(type) && !pattern && !ptx::isPacked(type)) {
    bits = fromDouble(type, std::strtod(begin, &end));
  } else if (text[0] == '-') {
    bits = static_cast<uint64_t>(std::strtoll(begin, &end, 0));
  } else {
    bits = std::strtoull(begin, &end, 0);
  }
  if (*end) return Error{ErrorKind::Invalid, "bad value `" + text + "`"};
  return bits & mask(ptx::bits(type));
}

std::string formatValue(Type type, uint64_t bits) {
  char text[80];
  if (ptx::isFloat(type) && !ptx::isPacked(type)) {
    std::snprintf(text, sizeof text, "%.9g (0x%0*llx)", toDouble(type, bits), static_cast<int>(ptx::bytes(type) * 2), static_cast<unsigned long long>(bits));
  } else if (ptx::isSigned(type)) {
    unsigned shift = 64 - ptx::bits(type);
    std::snprintf(text, sizeof text, "%lld (0x%llx)", static_cast<long long>(bits << shift) >> shift, static_cast<unsigned long long>(bits));
  } else {
    std::snprintf(text, sizeof text, "%llu (0x%llx)", static_cast<unsigned long long>(bits), static_cast<unsigned long long>(bits));
  }
  return text;
}

Result<std::vector<uint64_t>> makeFill(Type type, const std::string& fill, const std::vector<std::string>& args) {
  size_t count = sizeArgument(args);
  if (fill != "values" && count > 64 << 20) return Error{ErrorKind::Limit, "buffer is too large"};
  if (fill == "random") return randomBits(type, count, seedArgument(args));
  if (fill == "special") return specialBits(type, count, seedArgument(args));
  std::vector<uint64_t> values;
  if (fill == "values") {
    for (const std::string& arg : args) {
      auto value = parseValue(type, arg);
      if (!value) return value.error();
      values.push_back(*value);
    }
    return values;
  }
  if (fill == "fill" && args.size() == 2) {
    auto value = parseValue(type, args[1]);
    if (!value) return value.error();
    return std::vector<uint64_t>(count, *value);
  }
  if (fill == "iota") {
    double start = args.size() > 1 ? std::strtod(args[1].c_str(), nullptr) : 0, step = args.size() > 2 ? std::strtod(args[2].c_str(), nullptr) : 1;
    for (size_t i = 0; i < count; i++) {
      double value = start + step * static_cast<double>(i);
      bool floating = ptx::isFloat(type) && !ptx::isPacked(type);
      values.push_back((floating ? fromDouble(type, value) : static_cast<uint64_t>(static_cast<int64_t>(value))) & mask(ptx::bits(type)));
    }
    return values;
  }
  return Error{ErrorKind::Invalid, "unknown fill `" + fill + "`"};
}

bool sameWithin(Type type, const Tolerance& tolerance, uint64_t a, uint64_t b) {
  if (a == b || tolerance.kind == Tolerance::Kind::Any) return true;
  if (!ptx::isFloat(type)) return false;
  if (ptx::isPacked(type)) {
    unsigned half = ptx::bits(type) / 2;
    Type element = ptx::elementType(type);
    return sameWithin(element, tolerance, a & mask(half), b & mask(half)) && sameWithin(element, tolerance, a >> half, b >> half);
  }
  if (isNaN(type, a) || isNaN(type, b)) return tolerance.anyNaN && isNaN(type, a) && isNaN(type, b);
  double x = toDouble(type, a), y = toDouble(type, b);
  if (x == y && tolerance.kind != Tolerance::Kind::Exact) return true;
  if (std::isinf(x) || std::isinf(y)) return false;
  switch (tolerance.kind) {
    case Tolerance::Kind::Ulp: return std::fabs(static_cast<double>(ordered(type, a)) - static_cast<double>(ordered(type, b))) <= tolerance.amount;
    case Tolerance::Kind::Absolute: return std::fabs(x - y) <= tolerance.amount;
    case Tolerance::Kind::Either: return std::fabs(x - y) <= std::max(tolerance.amount, tolerance.relative * std::max(std::fabs(x), std::fabs(y)));
    case Tolerance::Kind::Relative: return std::fabs(x - y) <= tolerance.amount * std::max(std::fabs(x), std::fabs(y));
    default: return false;
  }
}

std::string compareBuffers(const Buffer& shape, const Tolerance& tolerance, const std::vector<uint8_t>& expected, const std::string& expectedBy,
                           const std::vector<uint8_t>& actual, const std::string& actualBy, const Program* inputs) {
  Buffer a{shape.name, shape.type, expected}, b{shape.name, shape.type, actual};
  std::string report;
  size_t wrong = 0;
  for (size_t i = 0; i < a.count(); i++) {
    if (sameWithin(shape.type, tolerance, a.element(i), b.element(i))) continue;
    if (++wrong > 8) continue;
    report += "  " + shape.name + "[" + std::to_string(i) + "]: " + expectedBy + " " + formatValue(shape.type, a.element(i)) + ", " + actualBy + " " +
              formatValue(shape.type, b.element(i)) + "\n";
    if (!inputs) continue;
    for (const Buffer& input : inputs->buffers)
      if (&input != &shape && input.name != shape.name && i < input.count())
        report += "      " + input.name + "[" + std::to_string(i) + "] = " + formatValue(input.type, input.element(i)) + "\n";
  }
  if (wrong > 8) report += "  ... " + std::to_string(wrong) + " of " + std::to_string(a.count()) + " elements differ\n";
  return report;
}

}  // namespace anywarp::tests
