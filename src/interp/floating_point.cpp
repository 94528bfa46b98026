// Floating-point arithmetic with defined rounding (PTX: Floating-Point Instructions). SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "interp/element.h"
#include "interp/floating.h"

namespace anywarp::interp {

Format formatOf(Type type) {
  switch (type) {
    case Type::F16: return f16Format;
    case Type::BF16: return bf16Format;
    case Type::TF32: return tf32Format;
    case Type::F32: return f32Format;
    case Type::E4M3: return e4m3Format;
    case Type::E5M2: return e5m2Format;
    case Type::E2M1: return e2m1Format;
    case Type::E2M3: return e2m3Format;
    case Type::E3M2: return e3m2Format;
    case Type::UE8M0: return ue8m0Format;
    default: return f64Format;
  }
}

Rounding roundingOf(const Step& step) {
  if (step.has(Mod::Rz)) return Rounding::Zero;
  if (step.has(Mod::Rm)) return Rounding::Down;
  if (step.has(Mod::Rp)) return Rounding::Up;
  if (step.has(Mod::Rna)) return Rounding::NearestAway;
  return Rounding::NearestEven;
}

double flushed(double value, Format format) {
  double lowestNormal = std::ldexp(1.0, 1 - format.bias());
  return std::fabs(value) < lowestNormal ? std::copysign(0.0, value) : value;
}

double unitClamp(double value) { return std::isnan(value) || value <= 0 ? 0.0 : std::min(value, 1.0); }

double relu(double value) { return std::isnan(value) || value > 0 ? value : 0.0; }

double minimum(double a, double b, bool nanWins) {
  if (std::isnan(a)) return nanWins ? a : b;
  if (std::isnan(b)) return nanWins ? b : a;
  if (a == b) return std::signbit(a) ? a : b;
  return a < b ? a : b;
}

double maximum(double a, double b, bool nanWins) {
  if (std::isnan(a)) return nanWins ? a : b;
  if (std::isnan(b)) return nanWins ? b : a;
  if (a == b) return std::signbit(a) ? b : a;
  return a < b ? b : a;
}

double Step::number(size_t slot, Type type) const {
  uint64_t value = bits(slot, type);
  return type == Type::F64 ? asDouble(value) : decode(formatOf(type), value);
}

double source(const Step& step, size_t slot, Type type) {
  double value = step.number(slot, type);
  return step.has(Mod::Ftz) && type != Type::F64 ? flushed(value, formatOf(type)) : value;
}

uint64_t finished(const Step& step, Type type, double value) {
  if (step.has(Mod::Sat)) value = unitClamp(value);
  if (step.has(Mod::Relu)) value = relu(value);
  if (type == Type::F64) return bitsOf(value);
  Format format = formatOf(type);
  uint64_t bits = encode(format, value, roundingOf(step));
  if (step.has(Mod::Ftz)) bits = encode(format, flushed(decode(format, bits), format), Rounding::NearestEven);
  return bits;
}

void finish(Step& step, Type type, double value) { step.set(0, type, finished(step, type, value)); }

namespace {

// An operation on doubles in the instruction's rounding mode, or to odd so that narrowing rounds once.
double add(const Step& step, double a, double b) {
  return step.type() == Type::F64 ? addRounded(a, b, roundingOf(step)) : addToOdd(a, b, roundingOf(step));
}
double mul(const Step& step, double a, double b) {
  return step.type() == Type::F64 ? mulRounded(a, b, roundingOf(step)) : mulToOdd(a, b);
}
double divide(const Step& step, double a, double b) {
  return step.type() == Type::F64 ? divRounded(a, b, roundingOf(step)) : divToOdd(a, b);
}

double a(const Step& step) { return source(step, 1, step.type()); }
double b(const Step& step) { return source(step, 2, step.type()); }
double c(const Step& step) { return source(step, 3, step.type()); }

// Bits of the sign of an operand's type.
uint64_t signOf(Type type) { return uint64_t{1} << (ptx::bits(type) - 1); }

template <class Choose>
void chooseFloat(Step& step, Choose choose) {
  bool nanWins = step.has(Mod::PropagateNan), xorsign = step.has(Mod::Xorsign);
  double result = a(step);
  bool negative = std::signbit(result);
  if (xorsign) result = std::fabs(result);
  for (size_t slot = 2; slot < step.slots() && step.present(slot); slot++) {
    double next = source(step, slot, step.type());
    negative ^= std::signbit(next);
    result = choose(result, xorsign ? std::fabs(next) : next, nanWins);
  }
  if (xorsign && !std::isnan(result)) result = std::copysign(result, negative ? -1.0 : 1.0);
  finish(step, step.type(), result);
}

}  // namespace

namespace {

// One float of an f32x2 operand.
double element(const Step& step, uint64_t bits) {
  double value = decode(f32Format, bits);
  return step.has(Mod::Ftz) ? flushed(value, f32Format) : value;
}

bool isPair(const Step& step) { return step.type() == Type::F32x2; }

// On the two floats of f32x2, each by itself.
template <class Operation>
void onPairs(Step& step, Operation operation) {
  eachElement2(step, Type::F32x2, 1, 2,
               [&](uint64_t x, uint64_t y) { return finished(step, Type::F32, operation(element(step, x), element(step, y))); });
}

}  // namespace

void addFloat(Step& step) {
  if (isPair(step)) return onPairs(step, [&](double x, double y) { return addToOdd(x, y, roundingOf(step)); });
  finish(step, step.type(), add(step, a(step), b(step)));
}

void subFloat(Step& step) {
  if (isPair(step)) return onPairs(step, [&](double x, double y) { return addToOdd(x, -y, roundingOf(step)); });
  finish(step, step.type(), add(step, a(step), -b(step)));
}

void mulFloat(Step& step) {
  if (isPair(step)) return onPairs(step, mulToOdd);
  finish(step, step.type(), mul(step, a(step), b(step)));
}

void fmaFloat(Step& step) {
  if (isPair(step))
    return eachElement3(step, Type::F32x2, 1, 2, 3, [&](uint64_t x, uint64_t y, uint64_t z) {
      return finished(step, Type::F32, fmaToOdd(element(step, x), element(step, y), element(step, z), roundingOf(step)));
    });
  double result = step.type() == Type::F64 ? fmaRounded(a(step), b(step), c(step), roundingOf(step)) : fmaToOdd(a(step), b(step), c(step), roundingOf(step));
  finish(step, step.type(), result);
}

// .approx: a divisor too large to invert gives 0, or NaN for an infinite dividend.
void divFloat(Step& step) {
  if (step.has(Mod::Approx) && std::fabs(b(step)) > std::ldexp(1.0, 126) && !std::isinf(b(step)) && !std::isnan(a(step)))
    return finish(step, step.type(), std::isinf(a(step)) ? NAN : std::copysign(0.0, a(step)) * std::copysign(1.0, b(step)));
  finish(step, step.type(), divide(step, a(step), b(step)));
}

void rcp(Step& step) {
  if (step.type() == Type::F64 && step.has(Mod::Approx)) return step.set(0, Type::F64, approximateHigh(1.0 / flushed(step.number(1, Type::F64), f64Format)));
  finish(step, step.type(), divide(step, 1.0, a(step)));
}

void sqrt(Step& step) {
  finish(step, step.type(), step.type() == Type::F64 ? sqrtRounded(a(step), roundingOf(step)) : sqrtToOdd(a(step)));
}

void minFloat(Step& step) { chooseFloat(step, minimum); }
void maxFloat(Step& step) { chooseFloat(step, maximum); }

namespace {

// The sign of an f64 NaN changes like another's; of an f32 one comes PTX's NaN.
template <class Operation>
void onSign(Step& step, Operation operation) {
  uint64_t value = step.bits(1, step.type());
  if (step.type() == Type::F32) {
    value = encode(f32Format, a(step), Rounding::NearestEven);
    if (value == f32Format.canonicalNaN()) return step.set(0, Type::F32, value);
  }
  step.set(0, step.type(), operation(value, signOf(step.type())));
}

}  // namespace

void absFloat(Step& step) {
  onSign(step, [](uint64_t value, uint64_t sign) { return value & ~sign; });
}

void negFloat(Step& step) {
  onSign(step, [](uint64_t value, uint64_t sign) { return value ^ sign; });
}

void copysign(Step& step) {
  uint64_t sign = signOf(step.type());
  step.set(0, step.type(), (step.bits(1, step.type()) & sign) | (step.bits(2, step.type()) & ~sign));
}

// Zeros count as normal.
void testp(Step& step) {
  double value = step.number(1, step.type());
  bool subnormal = value != 0 && flushed(value, formatOf(step.type())) == 0;
  bool result = false;
  if (step.has(Mod::Finite)) result = std::isfinite(value);
  if (step.has(Mod::Infinite)) result = std::isinf(value);
  if (step.has(Mod::Number)) result = !std::isnan(value);
  if (step.has(Mod::Notanumber)) result = std::isnan(value);
  if (step.has(Mod::Normal)) result = std::isfinite(value) && !subnormal;
  if (step.has(Mod::Subnormal)) result = subnormal;
  step.setPredicate(0, result);
}

}  // namespace anywarp::interp
