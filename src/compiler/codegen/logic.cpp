// Logic and shifts (PTX: Logic and Shift Instructions). SPDX-License-Identifier: Apache-2.0
#include "compiler/codegen/bits.h"
#include "compiler/codegen/lookup_logic.h"
#include "compiler/codegen/pure_functions.h"
#include "compiler/ptx/ast.h"

namespace anywarp::codegen {

using ptx::Instruction;
using ptx::Mod;

Values andLogic(PureEmitter& e, const Instruction&, Args args) { return {e.b.CreateAnd(args[0], args[1])}; }
Values orLogic(PureEmitter& e, const Instruction&, Args args) { return {e.b.CreateOr(args[0], args[1])}; }
Values xorLogic(PureEmitter& e, const Instruction&, Args args) { return {e.b.CreateXor(args[0], args[1])}; }
Values notLogic(PureEmitter& e, const Instruction&, Args args) { return {e.b.CreateNot(args[0])}; }

Values cnot(PureEmitter& e, const Instruction&, Args args) {
  return {e.b.CreateZExt(e.b.CreateICmpEQ(args[0], intConst(args[0], 0)), args[0]->getType())};
}

// Any function of three bits, by its truth table. The form with a predicate also gives (d != 0) and/or q.
Values lop3(PureEmitter& e, const Instruction& inst, Args args) {
  auto* table = knownInt(args[3]);
  if (!table) return e.unsupported(inst, "the table of lop3 is not a constant");
  Value* d = lookupLogic(e, args[0], args[1], args[2], uint8_t(table->getZExtValue()));
  if (args.size() < 5) return {d};
  Value* any = e.b.CreateICmpNE(d, intConst(d, 0));
  return {d, inst.has(Mod::And) ? e.b.CreateAnd(any, args[4]) : e.b.CreateOr(any, args[4])};
}

// Funnel shift of the 64 bits b:a; left gives the upper word, right the lower one.
Values shf(PureEmitter& e, const Instruction& inst, Args args) {
  Value *low = args[0], *high = args[1], *amount = args[2];
  bool left = inst.has(Mod::L);
  auto id = left ? llvm::Intrinsic::fshl : llvm::Intrinsic::fshr;  // these wrap
  Value* result = call(e, id, {low->getType()}, {high, low, amount});
  if (inst.has(Mod::Wrap)) return {result};
  Value* beyond = left ? low : high;
  if (auto* known = knownInt(amount)) return {known->getValue().ult(32) ? result : beyond};
  return {e.b.CreateSelect(e.b.CreateICmpULT(amount, intConst(amount, 32)), result, beyond)};
}

Values shl(PureEmitter& e, const Instruction&, Args args) {
  return {shiftLeft(e, args[0], amountFor(e, args[1], args[0]))};
}

Values shr(PureEmitter& e, const Instruction& inst, Args args) {
  return {shiftRight(e, args[0], amountFor(e, args[1], args[0]), ptx::isSigned(inst.type()))};
}

}  // namespace anywarp::codegen
