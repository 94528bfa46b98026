// Comparison and selection against plain comparisons. SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include <gtest/gtest.h>

#include "compiler/codegen/pure_harness.h"

namespace anywarp::codegen::testing {
namespace {

struct FloatTest {
  const char* name;
  bool (*holds)(double a, double b);
};
constexpr FloatTest floatTests[] = {
    {"eq", [](double a, double b) { return a == b; }},
    {"ne", [](double a, double b) { return a < b || a > b; }},
    {"lt", [](double a, double b) { return a < b; }},
    {"le", [](double a, double b) { return a <= b; }},
    {"gt", [](double a, double b) { return a > b; }},
    {"ge", [](double a, double b) { return a >= b; }},
    {"equ", [](double a, double b) { return !(a < b || a > b); }},
    {"neu", [](double a, double b) { return !(a == b); }},
    {"ltu", [](double a, double b) { return !(a >= b); }},
    {"leu", [](double a, double b) { return !(a > b); }},
    {"gtu", [](double a, double b) { return !(a <= b); }},
    {"geu", [](double a, double b) { return !(a < b); }},
    {"num", [](double a, double b) { return !std::isnan(a) && !std::isnan(b); }},
    {"nan", [](double a, double b) { return std::isnan(a) || std::isnan(b); }},
};

double half(uint64_t v) {
  int exponent = int(v >> 10 & 31);
  double mantissa = double(v & 0x3ff);
  double magnitude = exponent == 31 ? (mantissa != 0 ? NAN : INFINITY)
                     : exponent ? std::ldexp(1024 + mantissa, exponent - 25)
                                : std::ldexp(mantissa, -24);
  return v & 0x8000 ? -magnitude : magnitude;
}
double bfloat(uint64_t v) { return f32((v & 0xffff) << 16); }
double flushed(double v, double smallest) { return std::fabs(v) < smallest ? 0.0 : v; }

TEST(Comparison, Floats) {
  std::vector<Case> cases;
  for (const FloatTest& t : floatTests) {
    std::string name = t.name;
    auto holds = t.holds;
    cases.push_back({"setp." + name + ".f64", [=](const uint64_t* in, uint64_t* out) {
      out[0] = holds(f64(in[0]), f64(in[1]));
      out[1] = !out[0];
    }});
    cases.push_back({"setp." + name + ".ftz.f32", [=](const uint64_t* in, uint64_t* out) {
      out[0] = holds(flushed(f32(in[0]), 0x1p-126), flushed(f32(in[1]), 0x1p-126));
      out[1] = !out[0];
    }});
    cases.push_back({"setp." + name + ".f16", [=](const uint64_t* in, uint64_t* out) {
      out[0] = holds(half(in[0]), half(in[1]));
      out[1] = !out[0];
    }});
    cases.push_back({"setp." + name + ".bf16x2", [=](const uint64_t* in, uint64_t* out) {
      out[0] = holds(bfloat(in[0]), bfloat(in[1]));
      out[1] = holds(bfloat(in[0] >> 16), bfloat(in[1] >> 16));
    }});
    cases.push_back({"set." + name + ".f32.f32", [=](const uint64_t* in, uint64_t* out) { out[0] = holds(f32(in[0]), f32(in[1])) ? 0x3f800000 : 0; }});
    cases.push_back({"set." + name + ".u32.f16x2", [=](const uint64_t* in, uint64_t* out) {
      out[0] = (holds(half(in[0]), half(in[1])) ? 0xffffu : 0) | (holds(half(in[0] >> 16), half(in[1] >> 16)) ? 0xffff0000u : 0);
    }});
    cases.push_back({"set." + name + ".ftz.f16x2.f16x2", [=](const uint64_t* in, uint64_t* out) {
      auto at = [&](unsigned i, unsigned k) { return flushed(half(in[i] >> k), 0x1p-14); };
      out[0] = (holds(at(0, 0), at(1, 0)) ? 0x3c00u : 0) | (holds(at(0, 16), at(1, 16)) ? 0x3c000000u : 0);
    }});
  }
  check(cases);
}

TEST(Comparison, Integers) {
  std::vector<Case> cases;
  struct IntTest {
    const char* name;
    bool (*holds)(__int128 a, __int128 b);
  };
  const IntTest tests[] = {{"eq", [](__int128 a, __int128 b) { return a == b; }}, {"ne", [](__int128 a, __int128 b) { return a != b; }},
                           {"lt", [](__int128 a, __int128 b) { return a < b; }},  {"le", [](__int128 a, __int128 b) { return a <= b; }},
                           {"gt", [](__int128 a, __int128 b) { return a > b; }},  {"ge", [](__int128 a, __int128 b) { return a >= b; }},
                           {"lo", [](__int128 a, __int128 b) { return a < b; }},  {"ls", [](__int128 a, __int128 b) { return a <= b; }},
                           {"hi", [](__int128 a, __int128 b) { return a > b; }},  {"hs", [](__int128 a, __int128 b) { return a >= b; }}};
  for (const IntTest& t : tests) {
    bool unsignedOnly = t.name[1] == 'o' || t.name[1] == 's' || t.name[1] == 'i';
    for (bool isSigned : {false, true}) {
      if (unsignedOnly && isSigned) continue;
      for (unsigned n : {16u, 32u, 64u}) {
        std::string type = (isSigned ? ".s" : ".u") + std::to_string(n);
        auto value = [=](uint64_t v) {
          return isSigned ? __int128(int64_t(v << (64 - n)) >> (64 - n)) : __int128(v);
        };
        auto holds = t.holds;
        cases.push_back({std::string("setp.") + t.name + type, [=](const uint64_t* in, uint64_t* out) {
          out[0] = holds(value(in[0]), value(in[1]));
          out[1] = !out[0];
        }});
        cases.push_back({std::string("set.") + t.name + ".u32" + type, [=](const uint64_t* in, uint64_t* out) {
          out[0] = holds(value(in[0]), value(in[1])) ? 0xffffffffu : 0;
        }});
        if (n != 32) continue;
        for (const char* op : {"and", "or", "xor"}) {
          Case combined = {std::string("setp.") + t.name + "." + op + type, [=](const uint64_t* in, uint64_t* out) {
            bool p = holds(value(in[0]), value(in[1])), c = in[2];
            auto combine = [&](bool v) { return op[0] == 'a' ? v && c : op[0] == 'o' ? v || c : v != c; };
            out[0] = combine(p);
            out[1] = combine(!p);
          }};
          combined.optional = true;
          cases.push_back(combined);
        }
      }
    }
  }
  check(cases);
}

TEST(Comparison, Selection) {
  std::vector<Case> cases;
  for (const char* type : {"b16", "u32", "s64", "f32", "f64"}) {
    cases.push_back({std::string("selp.") + type, [](const uint64_t* in, uint64_t* out) { out[0] = in[2] ? in[0] : in[1]; }});
    cases.push_back({std::string("slct.") + type + ".s32", [](const uint64_t* in, uint64_t* out) { out[0] = int32_t(in[2]) >= 0 ? in[0] : in[1]; }});
    cases.push_back({std::string("slct.ftz.") + type + ".f32", [](const uint64_t* in, uint64_t* out) {
      out[0] = flushed(f32(in[2]), 0x1p-126) >= 0 ? in[0] : in[1];
    }});
  }
  check(cases);
}

}  // namespace
}  // namespace anywarp::codegen::testing
