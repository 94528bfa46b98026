// Comparison and selection (PTX: Comparison and Selection Instructions). SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "interp/floating.h"

namespace anywarp::interp {
namespace {

template <class T>
bool ordered(Mod op, T a, T b) {
  switch (op) {
    case Mod::Eq: case Mod::Equ: return a == b;
    case Mod::Ne: case Mod::Neu: return a != b;
    case Mod::Lt: case Mod::Ltu: case Mod::Lo: return a < b;
    case Mod::Le: case Mod::Leu: case Mod::Ls: return a <= b;
    case Mod::Gt: case Mod::Gtu: case Mod::Hi: return a > b;
    default: return a >= b;
  }
}

bool trueOnNaN(Mod op) {
  switch (op) {
    case Mod::Equ: case Mod::Neu: case Mod::Ltu: case Mod::Leu: case Mod::Gtu: case Mod::Geu: case Mod::Nan: return true;
    default: return false;
  }
}

Mod comparison(const Step& step) { return step.inst.mods.first(ptx::ModGroup::Compare); }

bool compareFloats(Mod op, double a, double b) {
  bool unordered = std::isnan(a) || std::isnan(b);
  if (unordered || op == Mod::Num || op == Mod::Nan) return op == Mod::Num ? !unordered : unordered && trueOnNaN(op);
  return ordered(op, a, b);
}

bool compareInts(const Step& step, size_t a, size_t b, Type type) {
  if (ptx::isSigned(type)) return ordered(comparison(step), step.integer(a, type), step.integer(b, type));
  return ordered(comparison(step), step.bits(a, type), step.bits(b, type));
}

// Joins a comparison with predicate operand `slot` as .and, .or, .xor say.
bool joined(const Step& step, bool value, size_t slot) {
  if (!step.present(slot)) return value;
  bool other = step.predicate(slot);
  if (step.has(Mod::And)) return value && other;
  if (step.has(Mod::Or)) return value || other;
  return value != other;
}

// True in set's destination type, for one element.
uint64_t truth(Type type) {
  switch (type) {
    case Type::F32: return 0x3f800000;
    case Type::F16: return 0x3c00;
    case Type::BF16: return 0x3f80;
    case Type::U16: case Type::S16: return 0xffff;
    default: return 0xffffffff;
  }
}

void finishSet(Step& step, bool value) { step.set(0, step.type(0), joined(step, value, 3) ? truth(step.type(0)) : 0); }

void finishSetp(Step& step, bool value) {
  step.setPredicate(0, joined(step, value, 4));
  if (step.present(1)) step.setPredicate(1, joined(step, !value, 4));
}

// The comparisons of both halves of a packed operand pair.
struct Halves {
  bool low, high;
};
Halves compareHalves(const Step& step, size_t a, size_t b, Type packed) {
  Format format = formatOf(ptx::elementType(packed));
  auto in = [&](uint64_t bits) { return step.has(Mod::Ftz) ? flushed(decode(format, bits), format) : decode(format, bits); };
  uint64_t x = step.bits(a, packed), y = step.bits(b, packed);
  Mod op = comparison(step);
  return {compareFloats(op, in(lowBits(x, 16)), in(lowBits(y, 16))), compareFloats(op, in(x >> 16), in(y >> 16))};
}

}  // namespace

void setInt(Step& step) { finishSet(step, compareInts(step, 1, 2, step.type(1))); }

void setFloat(Step& step) {
  finishSet(step, compareFloats(comparison(step), source(step, 1, step.type(1)), source(step, 2, step.type(1))));
}

void setHalf(Step& step) {
  Type type = step.type(1);
  if (!ptx::isPacked(type)) return setFloat(step);
  Halves halves = compareHalves(step, 1, 2, type);
  uint64_t one = ptx::isFloat(step.type(0)) ? truth(ptx::elementType(step.type(0))) : 0xffff;
  uint64_t low = joined(step, halves.low, 3) ? one : 0, high = joined(step, halves.high, 3) ? one : 0;
  step.set(0, step.type(0), high << 16 | low);
}

void setpInt(Step& step) { finishSetp(step, compareInts(step, 2, 3, step.type())); }

void setpFloat(Step& step) {
  finishSetp(step, compareFloats(comparison(step), source(step, 2, step.type()), source(step, 3, step.type())));
}

void setpHalf(Step& step) {
  if (!ptx::isPacked(step.type())) return setpFloat(step);
  Halves halves = compareHalves(step, 2, 3, step.type());
  step.setPredicate(0, joined(step, halves.low, 4));
  step.setPredicate(1, joined(step, halves.high, 4));
}

void selp(Step& step) { step.set(0, step.type(), step.bits(step.predicate(3) ? 1 : 2, step.type())); }

void slct(Step& step) {
  bool first = step.type(1) == Type::F32 ? source(step, 3, Type::F32) >= 0 : step.integer(3, Type::S32) >= 0;
  step.set(0, step.type(0), step.bits(first ? 1 : 2, step.type(0)));
}

}  // namespace anywarp::interp
