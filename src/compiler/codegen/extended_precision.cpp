// Carry chains (PTX: Extended-Precision Integer Arithmetic Instructions). The carry-in is an extra last source where the opcode
// reads it, the carry-out an extra last result where .cc writes it; subtraction keeps its borrow there.
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

Carried subBorrow(PureEmitter& e, Value* a, Value* b, Value* borrow) {
  Value* difference = e.b.CreateSub(a, b);
  Value* out = e.b.CreateICmpULT(a, b);
  if (!borrow) return {difference, out};
  Value* extra = e.b.CreateZExt(borrow, a->getType());
  return {e.b.CreateSub(difference, extra), e.b.CreateOr(out, e.b.CreateICmpULT(difference, extra))};
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
  return results(inst, subBorrow(e, args[0], args[1], carryIn(args, 2)));
}

Values madExtended(PureEmitter& e, const Instruction& inst, Args args) {
  Value* product = productHalf(e, inst, args[0], args[1]);
  return results(inst, addCarry(e, product, args[2], carryIn(args, 3)));
}

}  // namespace anywarp::codegen
