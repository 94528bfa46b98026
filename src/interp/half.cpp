// f16, bf16 and pairs of them (PTX: Half Precision Floating-Point Instructions). SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "interp/element.h"
#include "interp/floating.h"

namespace anywarp::interp {
namespace {

// How one half is read and written under the instruction's modifiers.
struct Half {
  explicit Half(const Step& step)
      : step(step), element(ptx::isPacked(step.type()) ? ptx::elementType(step.type()) : step.type()), format(formatOf(element)) {}

  const Step& step;
  Type element;
  Format format;

  double in(uint64_t bits) const {
    double value = decode(format, bits);
    return step.has(Mod::Ftz) ? flushed(value, format) : value;
  }
  uint64_t out(double value) const { return finished(step, element, value); }
};

template <class Choose>
void chooseHalf(Step& step, Choose choose) {
  Half half(step);
  bool nanWins = step.has(Mod::PropagateNan), xorsign = step.has(Mod::Xorsign);
  eachElement2(step, step.type(), 1, 2, [&](uint64_t a, uint64_t b) {
    double x = half.in(a), y = half.in(b);
    bool negative = std::signbit(x) != std::signbit(y);
    double chosen = xorsign ? choose(std::fabs(x), std::fabs(y), nanWins) : choose(x, y, nanWins);
    return half.out(xorsign && !std::isnan(chosen) ? std::copysign(chosen, negative ? -1.0 : 1.0) : chosen);
  });
}

}  // namespace

void addHalf(Step& step) {
  Half half(step);
  eachElement2(step, step.type(), 1, 2, [&](uint64_t a, uint64_t b) { return half.out(addToOdd(half.in(a), half.in(b), Rounding::NearestEven)); });
}

void subHalf(Step& step) {
  Half half(step);
  eachElement2(step, step.type(), 1, 2, [&](uint64_t a, uint64_t b) { return half.out(addToOdd(half.in(a), -half.in(b), Rounding::NearestEven)); });
}

void mulHalf(Step& step) {
  Half half(step);
  eachElement2(step, step.type(), 1, 2, [&](uint64_t a, uint64_t b) { return half.out(mulToOdd(half.in(a), half.in(b))); });
}

void fmaHalf(Step& step) {
  Half half(step);
  eachElement3(step, step.type(), 1, 2, 3,
               [&](uint64_t a, uint64_t b, uint64_t c) { return half.out(fmaToOdd(half.in(a), half.in(b), half.in(c), Rounding::NearestEven)); });
}

// The manual leaves the bits of the "OOB NaN" open (Tensors: Tiled Mode, out of boundary access); 0x7ff7 is what programs that ran on
// sm_100 use for both formats.
void fmaHalfOob(Step& step) {
  constexpr uint64_t outside = 0x7ff7;
  Half half(step);
  eachElement3(step, step.type(), 1, 2, 3, [&](uint64_t a, uint64_t b, uint64_t c) {
    return a == outside || b == outside ? 0 : half.out(fmaToOdd(half.in(a), half.in(b), half.in(c), Rounding::NearestEven));
  });
}

void negHalf(Step& step) {
  Half half(step);
  eachElement1(step, step.type(), 1, [&](uint64_t a) {
    return (step.has(Mod::Ftz) ? encode(half.format, half.in(a), Rounding::NearestEven) : a) ^ 0x8000;
  });
}

void absHalf(Step& step) {
  Half half(step);
  eachElement1(step, step.type(), 1, [&](uint64_t a) {
    return (step.has(Mod::Ftz) ? encode(half.format, half.in(a), Rounding::NearestEven) : a) & 0x7fff;
  });
}

void minHalf(Step& step) { chooseHalf(step, minimum); }
void maxHalf(Step& step) { chooseHalf(step, maximum); }

}  // namespace anywarp::interp
