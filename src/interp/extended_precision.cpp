// Arithmetic through the condition code (PTX: Extended-Precision Integer Arithmetic Instructions).
// SPDX-License-Identifier: Apache-2.0
#include "interp/step.h"

namespace anywarp::interp {
namespace {

using Unsigned = unsigned __int128;

bool readsCarry(const Step& step) {
  return step.inst.form == ptx::Form::Addc || step.inst.form == ptx::Form::Subc || step.inst.form == ptx::Form::Madc;
}

Unsigned carryIn(const Step& step) { return readsCarry(step) && step.thread.carry ? 1 : 0; }

void finish(Step& step, Unsigned result, bool carry) {
  if (step.has(Mod::Cc)) step.thread.carry = carry;
  step.set(0, step.type(), static_cast<uint64_t>(result));
}

bool overflows(const Step& step, Unsigned sum) { return (sum >> ptx::bits(step.type())) != 0; }

}  // namespace

void addExtended(Step& step) {
  Unsigned sum = Unsigned{step.bits(1, step.type())} + step.bits(2, step.type()) + carryIn(step);
  finish(step, sum, overflows(step, sum));
}

// As on the hardware, a difference is the sum a + ~b + carry: the carry is set where nothing is borrowed.
void subExtended(Step& step) {
  Unsigned inverted = lowBits(~step.bits(2, step.type()), ptx::bits(step.type()));
  Unsigned sum = Unsigned{step.bits(1, step.type())} + inverted + (readsCarry(step) ? carryIn(step) : 1);
  finish(step, sum, overflows(step, sum));
}

void madExtended(Step& step) {
  Type type = step.type();
  __int128 product = __int128{step.integer(1, type)} * step.integer(2, type);
  if (!ptx::isSigned(type)) product = static_cast<__int128>(Unsigned{step.bits(1, type)} * step.bits(2, type));
  uint64_t part = step.has(Mod::Hi) ? static_cast<uint64_t>(product >> ptx::bits(type)) : static_cast<uint64_t>(product);
  Unsigned sum = Unsigned{lowBits(part, ptx::bits(type))} + step.bits(3, type) + carryIn(step);
  finish(step, sum, overflows(step, sum));
}

}  // namespace anywarp::interp
