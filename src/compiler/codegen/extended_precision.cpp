// Carry chains (PTX: Extended-Precision Integer Arithmetic Instructions). The carry-in is an extra last source where the opcode
// reads it, the carry-out an extra last result where .cc writes it. A subtraction is a sum with the complement, as on the hardware: its
// carry-out is set where nothing is borrowed (docs/compatibility.md).
// SPDX-License-Identifier: Apache-2.0
#include "compiler/codegen/carry.h"
#include "compiler/codegen/pure_functions.h"
#include "compiler/ptx/ast.h"

namespace anywarp::codegen {

using ptx::Instruction;
using ptx::Mod;

namespace {

struct Carried {
  Value *result, *carry;
};

Carried addCarry(PureEmitter& e, Value* a, Value* b, Value* carry) {
  Value* sum = e.b.CreateAdd(a, b);
  Value* out = e.b.CreateICmpULT(sum, a);
  if (!carry) return {sum, out};
  Value* extra = e.b.CreateZExt(carry, sum->getType());
  Value* total = e.b.CreateAdd(sum, extra);
  return {total, e.b.CreateOr(out, e.b.CreateICmpULT(total, extra))};
}

Carried subCarry(PureEmitter& e, Value* a, Value* b, Value* carry) {
  Value* difference = e.b.CreateSub(a, b);
  Value* borrow = e.b.CreateICmpULT(a, b);
  if (!carry) return {difference, e.b.CreateNot(borrow)};
  Value* extra = e.b.CreateZExt(e.b.CreateNot(carry), a->getType());
  borrow = e.b.CreateOr(borrow, e.b.CreateICmpULT(difference, extra));
  return {e.b.CreateSub(difference, extra), e.b.CreateNot(borrow)};
}

Values results(const Instruction& inst, Carried c) {
  if (inst.has(Mod::Cc)) return {c.result, c.carry};
  return {c.result};
}

Value* carryIn(Args args, size_t sources) { return args.size() > sources ? args[sources] : nullptr; }

}  // namespace

Values addExtended(PureEmitter& e, const Instruction& inst, Args args) {
  return results(inst, addCarry(e, args[0], args[1], carryIn(args, 2)));
}

Values subExtended(PureEmitter& e, const Instruction& inst, Args args) {
  return results(inst, subCarry(e, args[0], args[1], carryIn(args, 2)));
}

Values madExtended(PureEmitter& e, const Instruction& inst, Args args) {
  Value* product = productHalf(e, inst, args[0], args[1]);
  return results(inst, addCarry(e, product, args[2], carryIn(args, 3)));
}

}  // namespace anywarp::codegen
