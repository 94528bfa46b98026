// Bitwise logic and shifts (PTX: Logic and Shift Instructions). SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "interp/step.h"

namespace anywarp::interp {
namespace {

uint64_t lookUp(uint64_t a, uint64_t b, uint64_t c, uint64_t table) {
  uint64_t result = 0;
  for (unsigned i = 0; i < 32; i++) {
    uint64_t row = (a >> i & 1) << 2 | (b >> i & 1) << 1 | (c >> i & 1);
    result |= (table >> row & 1) << i;
  }
  return result;
}

// Negated predicates are read as such by bits().
uint64_t first(const Step& step) { return step.bits(1, step.type()); }
uint64_t second(const Step& step) { return step.bits(2, step.type()); }

}  // namespace

void andLogic(Step& step) { step.set(0, step.type(), first(step) & second(step)); }
void orLogic(Step& step) { step.set(0, step.type(), first(step) | second(step)); }
void xorLogic(Step& step) { step.set(0, step.type(), first(step) ^ second(step)); }
void notLogic(Step& step) { step.set(0, step.type(), ~first(step)); }
void cnot(Step& step) { step.set(0, step.type(), first(step) == 0 ? 1 : 0); }

void lop3(Step& step) {
  bool boolean = step.inst.form == ptx::Form::Lop3Bool;
  size_t first = boolean ? 2 : 1;
  uint64_t result = lookUp(step.bits(first, Type::B32), step.bits(first + 1, Type::B32), step.bits(first + 2, Type::B32),
                           step.bits(first + 3, Type::U32));
  if (boolean) {
    bool other = step.predicate(6);
    step.setPredicate(1, step.has(Mod::And) ? result != 0 && other : result != 0 || other);
  }
  step.set(0, Type::B32, result);
}

void shf(Step& step) {
  uint64_t both = step.bits(2, Type::B32) << 32 | step.bits(1, Type::B32);
  uint64_t amount = step.bits(3, Type::U32);
  amount = step.has(Mod::Wrap) ? amount & 31 : std::min<uint64_t>(amount, 32);
  step.set(0, Type::B32, step.has(Mod::L) ? both << amount >> 32 : both >> amount);
}

void shl(Step& step) {
  unsigned width = ptx::bits(step.type());
  uint64_t amount = step.bits(2, Type::U32);
  step.set(0, step.type(), amount >= width ? 0 : first(step) << amount);
}

void shr(Step& step) {
  unsigned width = ptx::bits(step.type());
  uint64_t amount = step.bits(2, Type::U32);
  if (ptx::isSigned(step.type())) {
    step.set(0, step.type(), static_cast<uint64_t>(step.integer(1, step.type()) >> std::min<uint64_t>(amount, width - 1)));
  } else {
    step.set(0, step.type(), amount >= width ? 0 : first(step) >> amount);
  }
}

}  // namespace anywarp::interp
