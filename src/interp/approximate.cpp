// Approximations, here to double precision and then rounded (PTX: Floating-Point Instructions: rsqrt, sin, cos, lg2, ex2, tanh).
// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "interp/element.h"
#include "interp/floating.h"

namespace anywarp::interp {
namespace {

template <class Operation>
void approximate(Step& step, Operation operation) {
  finish(step, step.type(), operation(source(step, 1, step.type())));
}

template <class Operation>
void approximateHalf(Step& step, Operation operation) {
  Type element = ptx::isPacked(step.type()) ? ptx::elementType(step.type()) : step.type();
  Format format = formatOf(element);
  bool ftz = step.has(Mod::Ftz);
  eachElement1(step, step.type(), 1, [&](uint64_t bits) {
    double value = decode(format, bits);
    double result = operation(ftz ? flushed(value, format) : value);
    uint64_t rounded = encode(format, result, Rounding::NearestEven);
    return ftz ? encode(format, flushed(decode(format, rounded), format), Rounding::NearestEven) : rounded;
  });
}

}  // namespace

uint64_t approximateHigh(double value) {
  if (std::isnan(value)) return 0x7fffffff'00000000;
  return bitsOf(flushed(value, f64Format)) & 0xffffffff'00000000;
}

void rsqrt(Step& step) {
  if (step.type() == Type::F64 && step.has(Mod::Ftz))
    return step.set(0, Type::F64, approximateHigh(1.0 / std::sqrt(flushed(step.number(1, Type::F64), f64Format))));
  approximate(step, [](double x) { return 1.0 / std::sqrt(x); });
}

void sin(Step& step) {
  approximate(step, [](double x) { return std::sin(x); });
}
void cos(Step& step) {
  approximate(step, [](double x) { return std::cos(x); });
}
void lg2(Step& step) {
  approximate(step, [](double x) { return std::log2(x); });
}
void ex2(Step& step) {
  approximate(step, [](double x) { return std::exp2(x); });
}
void tanh(Step& step) {
  approximate(step, [](double x) { return std::tanh(x); });
}
void ex2Half(Step& step) {
  approximateHalf(step, [](double x) { return std::exp2(x); });
}
void tanhHalf(Step& step) {
  approximateHalf(step, [](double x) { return std::tanh(x); });
}

}  // namespace anywarp::interp
