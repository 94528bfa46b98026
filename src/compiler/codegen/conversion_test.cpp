// Conversions and half precision arithmetic against searches through all codes of a format. SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cfenv>
#include <cmath>

#include <gtest/gtest.h>

#include "compiler/codegen/pure_harness.h"

namespace anywarp::codegen::testing {
namespace {

using Real = long double;

// --- A format described by what each code means.
struct Small {
  unsigned exponent, mantissa;
  int bias;
  uint64_t maxCode;  // largest finite
  uint64_t overflow; // infinity, or NaN where there is none
  uint64_t nan;
  unsigned bits() const { return 1 + exponent + mantissa; }
};
constexpr Small halfFormat = {5, 10, 15, 0x7bff, 0x7c00, 0x7fff};
constexpr Small bfloatFormat = {8, 7, 127, 0x7f7f, 0x7f80, 0x7fff};
constexpr Small e4m3 = {4, 3, 7, 0x7e, 0x7f, 0x7f};
constexpr Small e5m2 = {5, 2, 15, 0x7b, 0x7c, 0x7f};
constexpr Small tf32 = {8, 10, 127, 0x3fbff, 0x3fc00, 0x3ffff};

Real magnitudeOf(const Small& f, uint64_t code) {
  int exponent = int(code >> f.mantissa);
  Real m = Real(code & ((1ull << f.mantissa) - 1));
  if (exponent == 0) return std::ldexp(m, 1 - f.bias - int(f.mantissa));
  return std::ldexp(m + Real(1ull << f.mantissa), exponent - f.bias - int(f.mantissa));
}
Real decoded(const Small& f, uint64_t code) {
  uint64_t sign = code >> (f.bits() - 1) & 1, rest = code & ((1ull << (f.bits() - 1)) - 1);
  if (rest > f.maxCode) return rest == f.overflow && f.overflow != f.nan ? (sign ? -Real(INFINITY) : Real(INFINITY)) : Real(NAN);
  return sign ? -magnitudeOf(f, rest) : magnitudeOf(f, rest);
}

enum class To { Nearest, Zero, Down, Up, Away };

// The exact value is v + error, |error| below half a place of v.
uint64_t encoded(const Small& f, Real v, Real error, To to, bool satfinite) {
  if (std::isnan(v)) return f.nan;
  uint64_t sign = std::signbit(v) ? 1ull << (f.bits() - 1) : 0;
  bool negative = sign != 0;
  if (std::isinf(v)) return sign | (satfinite ? f.maxCode : f.overflow);
  Real m = std::fabs(v), e = negative ? -error : error;
  auto above = [&](Real x) { return m > x || (m == x && e > 0); };
  auto equal = [&](Real x) { return m == x && e == 0; };
  uint64_t low = 0, high = f.maxCode;
  while (low < high) {
    uint64_t middle = (low + high + 1) / 2;
    Real x = magnitudeOf(f, middle);
    (above(x) || equal(x) ? low : high) = above(x) || equal(x) ? middle : middle - 1;
  }
  Real x = magnitudeOf(f, low);
  if (equal(x)) return sign | low;
  Real next = low == f.maxCode ? 2 * x - magnitudeOf(f, low - 1) : magnitudeOf(f, low + 1);
  Real half = (x + next) / 2;
  bool up = to == To::Nearest ? above(half) || (equal(half) && (low & 1))
            : to == To::Away ? above(half) || equal(half)
            : to == To::Down ? negative
            : to == To::Up ? !negative
                           : false;
  uint64_t code = low + up;
  if (code > f.maxCode) code = satfinite ? f.maxCode : f.overflow;
  return sign | code;
}

const std::pair<const char*, To> roundings[] = {{"rn", To::Nearest}, {"rz", To::Zero}, {"rm", To::Down}, {"rp", To::Up}};
int hostMode(To to) { return to == To::Nearest ? FE_TONEAREST : to == To::Zero ? FE_TOWARDZERO : to == To::Down ? FE_DOWNWARD : FE_UPWARD; }

template <class T>
[[gnu::noinline]] T narrowed(To to, Real v) {
  volatile Real x = v;
  std::fesetround(hostMode(to));
  volatile T r = T(x);
  std::fesetround(FE_TONEAREST);
  return r;
}

Real relu(Real v) { return std::isnan(v) ? v : v > 0 ? v : 0; }
float flushed(float v) { return std::fabs(v) < 0x1p-126f ? std::copysign(0.0f, v) : v; }
uint64_t canonical(float v) { return std::isnan(v) ? 0x7fffffff : bits(v); }

struct IntType {
  const char* name;
  unsigned bits;
  bool isSigned;
};
constexpr IntType intTypes[] = {{"s8", 8, true},   {"u8", 8, false},   {"s16", 16, true}, {"u16", 16, false},
                                {"s32", 32, true}, {"u32", 32, false}, {"s64", 64, true}, {"u64", 64, false}};
uint64_t mask(unsigned n) { return n >= 64 ? ~0ull : (1ull << n) - 1; }
__int128 value(IntType t, uint64_t v) { return t.isSigned ? __int128(int64_t(v << (64 - t.bits)) >> (64 - t.bits)) : __int128(v & mask(t.bits)); }
__int128 lowest(IntType t) { return t.isSigned ? -(__int128(1) << (t.bits - 1)) : __int128(0); }
__int128 highest(IntType t) { return (__int128(1) << (t.bits - t.isSigned)) - 1; }

TEST(Conversion, Integers) {
  std::vector<Case> cases;
  for (IntType to : intTypes) {
    for (IntType from : intTypes) {
      std::string types = std::string(".") + to.name + "." + from.name;
      cases.push_back({"cvt" + types, [=](const uint64_t* in, uint64_t* out) { out[0] = uint64_t(value(from, in[0])) & mask(to.bits); }});
      cases.push_back({"cvt.sat" + types, [=](const uint64_t* in, uint64_t* out) {
        out[0] = uint64_t(std::clamp(value(from, in[0]), lowest(to), highest(to))) & mask(to.bits);
      }});
    }
  }
  for (bool isSigned : {false, true}) {
    for (unsigned n : {8u, 16u}) {
      IntType to = {"", n, isSigned}, s32 = intTypes[4];
      auto clamped = [=](uint64_t v) { return uint64_t(std::clamp(value(s32, v), lowest(to), highest(to))) & mask(n); };
      std::string type = std::string(isSigned ? ".s" : ".u") + std::to_string(n) + ".s32";
      if (n == 16) cases.push_back({"cvt.pack.sat" + type, [=](const uint64_t* in, uint64_t* out) { out[0] = clamped(in[0]) << 16 | clamped(in[1]); }});
      if (n == 8) {
        cases.push_back({"cvt.pack.sat" + type + ".b32", [=](const uint64_t* in, uint64_t* out) {
          out[0] = (clamped(in[0]) << 8 | clamped(in[1]) | in[2] << 16) & mask(32);
        }});
      }
    }
  }
  check(cases);
}

TEST(Conversion, IntegerToFloat) {
  std::vector<Case> cases;
  for (IntType from : intTypes) {
    for (auto& [name, to] : roundings) {
      std::string prefix = std::string("cvt.") + name;
      To mode = to;
      cases.push_back({prefix + ".f32." + from.name, [=](const uint64_t* in, uint64_t* out) { out[0] = bits(narrowed<float>(mode, Real(value(from, in[0])))); }});
      cases.push_back({prefix + ".f64." + from.name, [=](const uint64_t* in, uint64_t* out) { out[0] = bits(narrowed<double>(mode, Real(value(from, in[0])))); }});
      cases.push_back({prefix + ".f16." + from.name, [=](const uint64_t* in, uint64_t* out) { out[0] = encoded(halfFormat, Real(value(from, in[0])), 0, mode, false); }});
      cases.push_back({prefix + ".bf16." + from.name, [=](const uint64_t* in, uint64_t* out) { out[0] = encoded(bfloatFormat, Real(value(from, in[0])), 0, mode, false); }});
    }
  }
  check(cases);
}

Real integral(To to, Real v) {
  switch (to) {
    case To::Nearest:
      return std::nearbyint(v);
    case To::Zero:
      return std::trunc(v);
    case To::Down:
      return std::floor(v);
    default:
      return std::ceil(v);
  }
}

struct Source {
  const char* name;
  Real (*value)(uint64_t);
};
const Source floatSources[] = {
    {"f16", [](uint64_t v) { return decoded(halfFormat, v); }},
    {"bf16", [](uint64_t v) { return decoded(bfloatFormat, v); }},
    {"f32", [](uint64_t v) { return Real(f32(v)); }},
    {"f64", [](uint64_t v) { return Real(f64(v)); }},
};

TEST(Conversion, FloatToInteger) {
  std::vector<Case> cases;
  for (IntType to : intTypes) {
    for (const Source& from : floatSources) {
      for (auto& [name, rounding] : roundings) {
        auto source = from.value;
        bool wide = to.bits == 64 || from.name == std::string("f64");
        To mode = rounding;
        cases.push_back({std::string("cvt.") + name + "i." + to.name + "." + from.name, [=](const uint64_t* in, uint64_t* out) {
          Real v = source(in[0]);
          if (std::isnan(v)) {
            out[0] = wide ? 1ull << (to.bits - 1) : 0;
            return;
          }
          v = std::clamp(integral(mode, v), Real(lowest(to)), Real(highest(to)));
          out[0] = uint64_t(__int128(v)) & mask(to.bits);
        }});
      }
    }
  }
  check(cases);
}

TEST(Conversion, FloatToFloat) {
  std::vector<Case> cases;
  for (auto& [name, to] : roundings) {
    To mode = to;
    std::string prefix = std::string("cvt.") + name;
    auto single = [=](const uint64_t* in, uint64_t* out) { out[0] = canonical(narrowed<float>(mode, f64(in[0]))); };
    cases.push_back({prefix + ".f32.f64", single});
    cases.push_back({prefix + ".ftz.f32.f64", [=](const uint64_t* in, uint64_t* out) { out[0] = canonical(flushed(narrowed<float>(mode, f64(in[0])))); }});
    for (const Source& from : floatSources) {
      auto source = from.value;
      std::string type = from.name;
      if (type != "f16") cases.push_back({prefix + ".f16." + type, [=](const uint64_t* in, uint64_t* out) { out[0] = encoded(halfFormat, source(in[0]), 0, mode, false); }});
      if (type != "bf16") cases.push_back({prefix + ".bf16." + type, [=](const uint64_t* in, uint64_t* out) { out[0] = encoded(bfloatFormat, source(in[0]), 0, mode, false); }});
    }
    cases.push_back({prefix + "i.f32.f32", [=](const uint64_t* in, uint64_t* out) { out[0] = canonical(float(integral(mode, f32(in[0])))); }, anyNan32});
    cases.push_back({prefix + "i.f64.f64", [=](const uint64_t* in, uint64_t* out) { out[0] = bits(double(integral(mode, f64(in[0])))); }, anyNan64});
    cases.push_back({prefix + "i.f16.f16", [=](const uint64_t* in, uint64_t* out) { out[0] = encoded(halfFormat, integral(mode, decoded(halfFormat, in[0])), 0, To::Nearest, false); }});
  }
  cases.push_back({"cvt.f32.f16", [](const uint64_t* in, uint64_t* out) { out[0] = canonical(float(decoded(halfFormat, in[0]))); }});
  cases.push_back({"cvt.f32.bf16", [](const uint64_t* in, uint64_t* out) { out[0] = canonical(float(decoded(bfloatFormat, in[0]))); }});
  cases.push_back({"cvt.f64.f32", [](const uint64_t* in, uint64_t* out) { out[0] = bits(double(f32(in[0]))); }, anyNan64});
  cases.push_back({"cvt.f64.f16", [](const uint64_t* in, uint64_t* out) { out[0] = bits(double(decoded(halfFormat, in[0]))); }, anyNan64});
  auto saturated = [](Real v) { return v > 0 ? std::min(v, Real(1)) : Real(0); };
  cases.push_back({"cvt.sat.f32.f32", [=](const uint64_t* in, uint64_t* out) { out[0] = bits(float(saturated(f32(in[0])))); }});
  cases.push_back({"cvt.ftz.sat.f32.f32", [=](const uint64_t* in, uint64_t* out) { out[0] = bits(float(saturated(flushed(f32(in[0]))))); }});
  cases.push_back({"cvt.sat.f64.f64", [=](const uint64_t* in, uint64_t* out) { out[0] = bits(double(saturated(f64(in[0])))); }});
  for (bool satfinite : {false, true}) {
    std::string suffix = satfinite ? ".satfinite" : "";
    cases.push_back({"cvt.rna" + suffix + ".tf32.f32", [=](const uint64_t* in, uint64_t* out) {
      out[0] = isNan32(in[0]) ? 0x7fffffff : encoded(tf32, f32(in[0]), 0, To::Away, satfinite) << 13;
    }});
    cases.push_back({"cvt.rn.relu" + suffix + ".tf32.f32", [=](const uint64_t* in, uint64_t* out) {
      out[0] = isNan32(in[0]) ? 0x7fffffff : encoded(tf32, relu(f32(in[0])), 0, To::Nearest, satfinite) << 13;
    }});
    for (auto& [type, small] : {std::pair{"f16x2", halfFormat}, std::pair{"bf16x2", bfloatFormat}}) {
      Small f = small;
      cases.push_back({std::string("cvt.rn") + suffix + "." + type + ".f32", [=](const uint64_t* in, uint64_t* out) {
        out[0] = encoded(f, f32(in[0]), 0, To::Nearest, satfinite) << 16 | encoded(f, f32(in[1]), 0, To::Nearest, satfinite);
      }});
      cases.push_back({std::string("cvt.rz.relu") + suffix + "." + type + ".f32", [=](const uint64_t* in, uint64_t* out) {
        out[0] = encoded(f, relu(f32(in[0])), 0, To::Zero, satfinite) << 16 | encoded(f, relu(f32(in[1])), 0, To::Zero, satfinite);
      }});
    }
  }
  check(cases);
}

TEST(Conversion, Fp8) {
  std::vector<Case> cases;
  std::vector<uint64_t> allPairs;
  for (uint64_t i = 0; i < 256; ++i) allPairs.push_back(i | ((i * 7 + 3) & 0xff) << 8);
  for (auto& [name, small] : {std::pair{"e4m3x2", e4m3}, std::pair{"e5m2x2", e5m2}}) {
    Small f = small;
    std::string type = name;
    cases.push_back({"cvt.rn.satfinite." + type + ".f32", [=](const uint64_t* in, uint64_t* out) {
      out[0] = encoded(f, f32(in[0]), 0, To::Nearest, true) << 8 | encoded(f, f32(in[1]), 0, To::Nearest, true);
    }});
    cases.push_back({"cvt.rn.satfinite.relu." + type + ".f16x2", [=](const uint64_t* in, uint64_t* out) {
      auto at = [&](unsigned k) { return encoded(f, relu(decoded(halfFormat, in[0] >> k & 0xffff)), 0, To::Nearest, true); };
      out[0] = at(16) << 8 | at(0);
    }});
    Case back = {"cvt.rn.f16x2." + type, [=](const uint64_t* in, uint64_t* out) {
      auto at = [&](unsigned k) { return encoded(halfFormat, decoded(f, in[0] >> k & 0xff), 0, To::Nearest, false); };
      out[0] = at(8) << 16 | at(0);
    }};
    back.inputs = {{0, allPairs}};
    cases.push_back(back);
  }
  check(cases);
}

// --- Half precision arithmetic: v + error is exact.
struct Sum {
  Real v, error;
};
Sum add(Real a, Real b) {
  Real s = a + b, t = s - a;
  Real error = (a - (s - t)) + (b - t);
  return {s, std::isfinite(s) ? error : 0};
}

struct HalfType {
  const char* name;
  Small format;
  bool pair;
};
const HalfType halfTypes[] = {{"f16", halfFormat, false}, {"f16x2", halfFormat, true}, {"bf16", bfloatFormat, false}, {"bf16x2", bfloatFormat, true}};

using HalfOp = std::function<uint64_t(const Small&, const Real*)>;

Reference eachHalf(const HalfType& type, HalfOp op, bool ftz = false) {
  Small f = type.format;
  bool pair = type.pair;
  return [=](const uint64_t* in, uint64_t* out) {
    out[0] = 0;
    for (unsigned k = 0; k < (pair ? 32u : 16u); k += 16) {
      Real x[3];
      for (unsigned i = 0; i < 3; ++i) {
        x[i] = decoded(f, in[i] >> k & 0xffff);
        if (ftz && std::fabs(x[i]) < 0x1p-14L) x[i] = std::copysign(Real(0), x[i]);
      }
      uint64_t r = op(f, x);
      if (ftz && (r & 0x7c00) == 0) r &= 0x8000;
      out[0] |= r << k;
    }
  };
}

TEST(Half, Arithmetic) {
  std::vector<Case> cases;
  auto rounded = [](const Small& f, Sum s) { return encoded(f, s.v, s.error, To::Nearest, false); };
  auto saturated = [](const Small& f, Sum s) { return encoded(f, s.v > 0 ? std::min(s.v, Real(1)) : Real(0), s.v > 0 && s.v < 1 ? s.error : 0, To::Nearest, false); };
  auto sum = [](const Real* x) { return add(x[0], x[1]); };
  auto difference = [](const Real* x) { return add(x[0], -x[1]); };
  auto product = [](const Real* x) { return Sum{x[0] * x[1], 0}; };
  auto fused = [](const Real* x) { return add(x[0] * x[1], x[2]); };
  for (const HalfType& t : halfTypes) {
    std::string type = t.name;
    auto plain = [&](const char* opcode, auto op) { cases.push_back({std::string(opcode) + "." + type, eachHalf(t, [=](const Small& f, const Real* x) { return rounded(f, op(x)); })}); };
    plain("add.rn", sum);
    plain("sub.rn", difference);
    plain("mul.rn", product);
    plain("fma.rn", fused);
    cases.push_back({"fma.rn.relu." + type, eachHalf(t, [=](const Small& f, const Real* x) {
      Sum s = fused(x);
      return s.v < 0 || (s.v == 0) ? 0 : rounded(f, s);
    })});
    if (t.format.exponent == 5) {
      cases.push_back({"add.ftz." + type, eachHalf(t, [=](const Small& f, const Real* x) { return rounded(f, sum(x)); }, true)});
      cases.push_back({"fma.rn.ftz.sat." + type, eachHalf(t, [=](const Small& f, const Real* x) { return saturated(f, fused(x)); }, true)});
      cases.push_back({"mul.sat." + type, eachHalf(t, [=](const Small& f, const Real* x) { return saturated(f, product(x)); })});
    }
    auto sign = t.pair ? 0x80008000u : 0x8000u;
    cases.push_back({"neg." + type, [=](const uint64_t* in, uint64_t* out) { out[0] = in[0] ^ sign; }});
    cases.push_back({"abs." + type, [=](const uint64_t* in, uint64_t* out) { out[0] = in[0] & ~uint64_t(sign); }});
    for (bool max : {false, true}) {
      for (bool nan : {false, true}) {
        cases.push_back({std::string(max ? "max" : "min") + (nan ? ".NaN." : ".") + type, eachHalf(t, [=](const Small& f, const Real* x) {
          Real a = x[0], b = x[1];
          if (std::isnan(a) || std::isnan(b)) return encoded(f, nan || (std::isnan(a) && std::isnan(b)) ? Real(NAN) : std::isnan(a) ? b : a, 0, To::Nearest, false);
          bool first = a == b ? std::signbit(a) != max : max ? a > b : a < b;
          return encoded(f, first ? a : b, 0, To::Nearest, false);
        })});
      }
    }
  }
  check(cases);
}

TEST(Half, Mixed) {
  std::vector<Case> cases;
  for (auto& [type, small] : {std::pair{"f16", halfFormat}, std::pair{"bf16", bfloatFormat}}) {
    Small f = small;
    cases.push_back({std::string("add.f32.") + type, [=](const uint64_t* in, uint64_t* out) { out[0] = canonical(float(decoded(f, in[0])) + f32(in[1])); }});
    cases.push_back({std::string("fma.rn.f32.") + type, [=](const uint64_t* in, uint64_t* out) {
      out[0] = canonical(std::fma(float(decoded(f, in[0])), float(decoded(f, in[1])), f32(in[2])));
    }});
  }
  check(cases);
}

}  // namespace
}  // namespace anywarp::codegen::testing
