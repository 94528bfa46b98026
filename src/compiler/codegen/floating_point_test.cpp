// f32 and f64 instructions against the host's arithmetic in every rounding mode. SPDX-License-Identifier: Apache-2.0
#include <cfenv>
#include <cmath>

#include <gtest/gtest.h>

#include "compiler/codegen/pure_harness.h"

namespace anywarp::codegen::testing {
namespace {

struct Mode {
  const char* name;
  int host;
};
constexpr Mode modes[] = {{"rn", FE_TONEAREST}, {"rz", FE_TOWARDZERO}, {"rm", FE_DOWNWARD}, {"rp", FE_UPWARD}};

template <class T>
using Function = T (*)(T, T, T);

// The operands and the result go through memory, so nothing moves across the change of mode.
template <class T>
[[gnu::noinline]] T inMode(int mode, Function<T> f, T a, T b, T c) {
  volatile T x = a, y = b, z = c;
  std::fesetround(mode);
  volatile T r = f(x, y, z);
  std::fesetround(FE_TONEAREST);
  return r;
}

template <class T>
struct Operation {
  const char* name;
  Function<T> function;
  unsigned sources;
};
template <class T>
constexpr Operation<T> operations[] = {
    {"add", [](T a, T b, T) { return a + b; }, 2},        {"sub", [](T a, T b, T) { return a - b; }, 2},
    {"mul", [](T a, T b, T) { return a * b; }, 2},        {"div", [](T a, T b, T) { return a / b; }, 2},
    {"fma", [](T a, T b, T c) { return std::fma(a, b, c); }, 3}, {"rcp", [](T a, T, T) { return T(1) / a; }, 1},
    {"sqrt", [](T a, T, T) { return std::sqrt(a); }, 1},
};

float flushed(float v) { return std::fabs(v) < 0x1p-126f ? std::copysign(0.0f, v) : v; }
uint64_t canonical(float v) { return std::isnan(v) ? 0x7fffffff : bits(v); }

void floatCase(std::vector<Case>& cases, const Operation<float>& op, const Mode& mode, bool ftz, bool sat) {
  auto reference = [=](const uint64_t* in, uint64_t* out) {
    auto source = [&](unsigned i) { return i >= op.sources ? 0.0f : ftz ? flushed(f32(in[i])) : f32(in[i]); };
    float r = inMode(mode.host, op.function, source(0), source(1), source(2));
    if (sat) r = r > 0 ? (r < 1 ? r : 1.0f) : 0.0f;
    out[0] = canonical(ftz ? flushed(r) : r);
  };
  // Hosts may flush a result that rounding makes the smallest normal number.
  Accept accept = nullptr;
  cases.push_back({std::string(op.name) + "." + mode.name + (ftz ? ".ftz" : "") + (sat ? ".sat" : "") + ".f32", reference, accept});
}

TEST(FloatingPoint, RoundingModes) {
  std::vector<Case> cases;
  for (const Mode& mode : modes) {
    for (const auto& op : operations<float>) {
      floatCase(cases, op, mode, false, false);
      floatCase(cases, op, mode, true, false);
      bool canSat = op.sources > 1 && op.name[0] != 'd';
      if (canSat) floatCase(cases, op, mode, true, true);
    }
    for (const auto& op : operations<double>) {
      cases.push_back({std::string(op.name) + "." + mode.name + ".f64", [=](const uint64_t* in, uint64_t* out) {
        auto source = [&](unsigned i) { return i >= op.sources ? 0.0 : f64(in[i]); };
        out[0] = bits(inMode(mode.host, op.function, source(0), source(1), source(2)));
      }, anyNan64});
    }
  }
  check(cases);
}

template <class T>
T lesser(T a, T b) {
  return a < b ? a : b < a ? b : std::signbit(a) ? a : b;
}
template <class T>
T greater(T a, T b) {
  return a > b ? a : b > a ? b : std::signbit(a) ? b : a;
}

template <class T>
T minMax(bool max, bool nan, T a, T b) {
  if (std::isnan(a) && std::isnan(b)) return a;
  if (std::isnan(a)) return nan ? a : b;
  if (std::isnan(b)) return nan ? b : a;
  return max ? greater(a, b) : lesser(a, b);
}

TEST(FloatingPoint, MinMax) {
  std::vector<Case> cases;
  for (bool max : {false, true}) {
    std::string name = max ? "max" : "min";
    for (bool nan : {false, true}) {
      for (bool ftz : {false, true}) {
        auto source = [=](uint64_t v) { return ftz ? flushed(f32(v)) : f32(v); };
        std::string prefix = name + (ftz ? ".ftz" : "") + (nan ? ".NaN" : "");
        auto reference = [=](const uint64_t* in, uint64_t* out) { out[0] = canonical(minMax(max, nan, source(in[0]), source(in[1]))); };
        cases.push_back({prefix + ".f32", reference});
        for (float c : {0.0f, -0.0f, 1.0f}) {
          Case known = {prefix + ".f32", reference};
          known.constants = {{1, bits(c)}};
          cases.push_back(known);
        }
        cases.push_back({prefix + ".xorsign.abs.f32", [=](const uint64_t* in, uint64_t* out) {
          float r = minMax(max, nan, std::fabs(source(in[0])), std::fabs(source(in[1])));
          out[0] = std::isnan(r) ? 0x7fffffff : bits(r) | ((in[0] ^ in[1]) & 0x80000000u);
        }});
      }
    }
    cases.push_back({name + ".f64", [=](const uint64_t* in, uint64_t* out) { out[0] = bits(minMax(max, false, f64(in[0]), f64(in[1]))); }, anyNan64});
    Case three = {name + ".f32", [=](const uint64_t* in, uint64_t* out) {
      out[0] = canonical(minMax(max, false, minMax(max, false, f32(in[0]), f32(in[1])), f32(in[2])));
    }};
    three.form = 1;
    cases.push_back(three);
  }
  check(cases);
}

TEST(FloatingPoint, SignsAndTests) {
  std::vector<Case> cases;
  cases.push_back({"abs.f32", [](const uint64_t* in, uint64_t* out) { out[0] = in[0] & 0x7fffffff; }, anyNan32});
  cases.push_back({"neg.f32", [](const uint64_t* in, uint64_t* out) { out[0] = in[0] ^ 0x80000000u; }, anyNan32});
  cases.push_back({"neg.ftz.f32", [](const uint64_t* in, uint64_t* out) { out[0] = bits(-flushed(f32(in[0]))); }, anyNan32});
  cases.push_back({"abs.f64", [](const uint64_t* in, uint64_t* out) { out[0] = bits(std::fabs(f64(in[0]))); }, anyNan64});
  cases.push_back({"copysign.f32", [](const uint64_t* in, uint64_t* out) { out[0] = (in[1] & 0x7fffffff) | (in[0] & 0x80000000u); }});
  cases.push_back({"copysign.f64", [](const uint64_t* in, uint64_t* out) { out[0] = bits(std::copysign(f64(in[1]), f64(in[0]))); }});
  const std::pair<const char*, bool (*)(int)> tests[] = {
      {"finite", [](int c) { return c != FP_NAN && c != FP_INFINITE; }}, {"infinite", [](int c) { return c == FP_INFINITE; }},
      {"number", [](int c) { return c != FP_NAN; }},                     {"notanumber", [](int c) { return c == FP_NAN; }},
      {"normal", [](int c) { return c == FP_NORMAL || c == FP_ZERO; }},  // the manual counts zeros as normal
      {"subnormal", [](int c) { return c == FP_SUBNORMAL; }},
  };
  for (auto& [name, test] : tests) {
    cases.push_back({std::string("testp.") + name + ".f32", [test = test](const uint64_t* in, uint64_t* out) { out[0] = test(std::fpclassify(f32(in[0]))); }});
    cases.push_back({std::string("testp.") + name + ".f64", [test = test](const uint64_t* in, uint64_t* out) { out[0] = test(std::fpclassify(f64(in[0]))); }});
  }
  check(cases);
}

// --- Approximations: exact for special values, within PTX's bound elsewhere.
struct Bound {
  long double relative, absolute;
};

Case approximate(const std::string& opcode, long double (*f)(long double), Bound bound, bool ftz, float limit = INFINITY) {
  auto exact = [=](const uint64_t* in) {
    float x = ftz ? flushed(f32(in[0])) : f32(in[0]);
    return f(x);
  };
  auto reference = [=](const uint64_t* in, uint64_t* out) {
    float r = float(exact(in));
    out[0] = canonical(ftz ? flushed(r) : r);
  };
  auto accept = [=](const uint64_t* in, uint64_t got, uint64_t want) {
    float x = f32(in[0]);
    if (std::fabs(x) > limit) return !std::isinf(x) && std::fabs(f32(got)) <= 1.0f;
    if (isNan32(want) || isNan32(got)) return false;
    long double e = exact(in), g = f32(got);
    if (std::isinf(f32(want)) || std::isinf(f32(got))) return std::fabs(e) > 3.4028e38L && std::fabs(f32(got)) > 3.4028e38f;
    if (ftz && std::fabs(e) < 0x1.00001p-126L && (got & 0x7fffffff) == 0) return true;
    long double slack = std::fabs(e) < 0x1p-126L ? 0x1p-149L : 0;
    return std::fabs(g - e) <= std::max(bound.relative * std::fabs(e), bound.absolute) + slack;
  };
  return {opcode, reference, accept};
}

TEST(FloatingPoint, Approximations) {
  std::vector<Case> cases;
  for (bool ftz : {false, true}) {
    std::string suffix = ftz ? ".approx.ftz.f32" : ".approx.f32";
    cases.push_back(approximate("rcp" + suffix, [](long double x) { return 1 / x; }, {0x1p-23L, 0}, ftz));
    cases.push_back(approximate("sqrt" + suffix, [](long double x) { return std::sqrt(x); }, {0x1p-23L, 0}, ftz));
    cases.push_back(approximate("rsqrt" + suffix, [](long double x) { return x == 0 ? 1 / x : 1 / std::sqrt(x); }, {0x1.12p-23L, 0}, ftz));
    cases.push_back(approximate("ex2" + suffix, [](long double x) { return std::exp2(x); }, {0x1p-22L, 0}, ftz));
    cases.push_back(approximate("lg2" + suffix, [](long double x) { return x == 0 ? -INFINITY : std::log2(x); }, {0x1p-22L, 0x1p-22L}, ftz));
    // 2^-20.5 in [-2 pi, 2 pi]; a little more further out.
    cases.push_back(approximate("sin" + suffix, [](long double x) { return std::sin(x); }, {0x1.6ap-21L, 0x1.6ap-21L}, ftz, 6.2832f));
    cases.push_back(approximate("cos" + suffix, [](long double x) { return std::cos(x); }, {0, 0x1.6ap-21L}, ftz, 6.2832f));
    auto quotient = [=](const uint64_t* in) {
      auto source = [&](uint64_t v) { return ftz ? flushed(f32(v)) : f32(v); };
      float a = source(in[0]), b = source(in[1]);
      if (std::fabs(b) > 0x1p126f && std::isfinite(b)) return (long double)(a * std::copysign(0.0f, b));
      return (long double)a / b;
    };
    cases.push_back({"div" + suffix, [=](const uint64_t* in, uint64_t* out) {
      float r = float(quotient(in));
      out[0] = canonical(ftz ? flushed(r) : r);
    }, [=](const uint64_t* in, uint64_t got, uint64_t want) {
      if (isNan32(got) || isNan32(want)) return false;
      long double e = quotient(in), g = f32(got);
      if (std::isinf(f32(want)) || std::isinf(f32(got))) return std::fabs(e) > 3.4028e38L && std::fabs(f32(got)) > 3.4028e38f;
      if (ftz && std::fabs(e) < 0x1.00001p-126L && (got & 0x7fffffff) == 0) return true;
      return std::fabs(g - e) <= 0x1p-22L * std::fabs(e) + 0x1p-149L;
    }});
  }
  cases.push_back(approximate("tanh.approx.f32", [](long double x) { return std::tanh(x); }, {0x1p-11L, 0}, false));
  for (bool root : {false, true}) {
    cases.push_back({root ? "rsqrt.approx.ftz.f64" : "rcp.approx.ftz.f64", [=](const uint64_t* in, uint64_t* out) {
      double x = f64(in[0] & ~0xffffffffull);
      if (std::fabs(x) < 0x1p-1022) x = std::copysign(0.0, x);
      double r = root ? 1 / std::sqrt(x) : 1 / x;
      if (std::fabs(r) < 0x1p-1022) r = std::copysign(0.0, r);
      out[0] = bits(r);
    }, [](const uint64_t*, uint64_t got, uint64_t want) {
      if (isNan64(want)) return isNan64(got) && (got & 0xffffffffu) == 0;
      return (got & 0xffffffffu) == 0 && std::fabs(f64(got) - f64(want)) <= 0x1p-20 * std::fabs(f64(want));
    }});
  }
  check(cases);
}

}  // namespace
}  // namespace anywarp::codegen::testing
