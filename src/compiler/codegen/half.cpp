// f16 and bf16 arithmetic, single and in pairs (PTX: Half Precision Floating-Point Instructions).
// SPDX-License-Identifier: Apache-2.0
#include "compiler/codegen/approximate.h"
#include "compiler/codegen/formats.h"
#include "compiler/codegen/half_lanes.h"
#include "compiler/codegen/min_max.h"
#include "compiler/codegen/pure_functions.h"
#include "compiler/ptx/ast.h"

namespace anywarp::codegen {

namespace intrinsic = llvm::Intrinsic;
using ptx::Instruction;
using ptx::Mod;
using ptx::Type;

namespace {

bool isBf16(const Instruction& inst) { return inst.type() == Type::BF16 || inst.type() == Type::BF16x2; }

// i16 lanes; pairs become twice as many.
Value* halves(PureEmitter& e, Value* v) { return bitsOf(v) == 16 ? v : unpack(e, v, 16); }
Value* likeOperand(PureEmitter& e, Value* halves, Value* operand) {
  return bitsOf(operand) == 16 ? halves : pack(e, halves, 32);
}

Value* flushHalves(PureEmitter& e, Value* v) {
  Value* subnormal = e.b.CreateICmpEQ(e.b.CreateAnd(v, intConst(v, 0x7c00)), intConst(v, 0));
  return e.b.CreateSelect(subnormal, e.b.CreateAnd(v, intConst(v, 0x8000)), v);
}

// What .sat and .relu do to a result before it is rounded, which both commute with.
Value* limited(PureEmitter& e, const Instruction& inst, Value* v) {
  if (inst.has(Mod::Sat)) return saturate(e, v);
  if (!inst.has(Mod::Relu)) return v;
  Value* zero = floatConst(v, 0);
  return e.b.CreateSelect(e.b.CreateFCmpUGT(v, zero), v, zero);
}

// `op` on float lanes, its result rounded.
template <class Op>
Values throughFloat(PureEmitter& e, const Instruction& inst, Args args, Op op) {
  llvm::SmallVector<Value*, 3> inputs;
  for (Value* arg : args) inputs.push_back(halvesToFloat(e, arg, inst.type(), inst.has(Mod::Ftz)));
  Value* result = floatToHalves(e, limited(e, inst, op(Args(inputs))), inst.type());
  if (inst.has(Mod::Ftz) && !isBf16(inst)) result = flushHalves(e, result);
  return {likeOperand(e, result, args[0])};
}

// The host's own f16 instructions, for plain forms.
bool hostDoes(PureEmitter& e, const Instruction& inst) {
  bool host = e.host.avx512fp16 || (e.host.aarch64 && e.host.fullfp16);
  return host && !isBf16(inst) && !inst.has(Mod::Ftz) && !inst.has(Mod::Sat) && !inst.has(Mod::Relu);
}

template <class Op>
Values onHost(PureEmitter& e, Args args, Op op) {
  llvm::SmallVector<Value*, 3> inputs;
  for (Value* arg : args) {
    Value* v = halves(e, arg);
    inputs.push_back(e.b.CreateBitCast(v, shaped(v, e.b.getHalfTy())));
  }
  Value* result = op(Args(inputs));
  Value* bits = e.b.CreateBitCast(result, intShaped(e, result, 16));
  if (e.canonicalNans) bits = e.b.CreateSelect(isNan(e, result), intConst(bits, 0x7fff), bits);
  return {likeOperand(e, bits, args[0])};
}

// A product of halves is exact in float; the sum is rounded to odd before it is rounded to f16.
Value* fmaForF16(PureEmitter& e, Args x) {
  ExactSum s = addExactly(e, e.b.CreateFMul(x[0], x[1]), x[2]);
  return roundToOdd(e, s.sum, s.error);
}

// The same in double: bf16 has float's exponents.
Value* fmaForBf16(PureEmitter& e, Args x) {
  auto wide = [&](Value* v) { return e.b.CreateFPExt(v, doubleShaped(e, v)); };
  ExactSum s = addExactly(e, e.b.CreateFMul(wide(x[0]), wide(x[1])), wide(x[2]));
  return narrowOdd(e, roundToOdd(e, s.sum, s.error));
}

template <class Op>
Values signBitOnly(PureEmitter& e, const Instruction& inst, Args args, Op op) {
  Value* v = halves(e, args[0]);
  if (inst.has(Mod::Ftz) && !isBf16(inst)) v = flushHalves(e, v);
  return {likeOperand(e, op(v), args[0])};
}

Values minMaxHalf(PureEmitter& e, const Instruction& inst, Args args, bool max) {
  MinMaxRules rules{max, inst.has(Mod::PropagateNan), inst.has(Mod::Xorsign)};
  return throughFloat(e, inst, args, [&](Args x) { return minMaxOf(e, x, rules); });
}

}  // namespace

Values addHalf(PureEmitter& e, const Instruction& inst, Args args) {
  auto op = [&](Args x) { return e.b.CreateFAdd(x[0], x[1]); };
  return hostDoes(e, inst) ? onHost(e, args, op) : throughFloat(e, inst, args, op);
}

Values subHalf(PureEmitter& e, const Instruction& inst, Args args) {
  auto op = [&](Args x) { return e.b.CreateFSub(x[0], x[1]); };
  return hostDoes(e, inst) ? onHost(e, args, op) : throughFloat(e, inst, args, op);
}

Values mulHalf(PureEmitter& e, const Instruction& inst, Args args) {
  auto op = [&](Args x) { return e.b.CreateFMul(x[0], x[1]); };
  return hostDoes(e, inst) ? onHost(e, args, op) : throughFloat(e, inst, args, op);
}

Values fmaHalf(PureEmitter& e, const Instruction& inst, Args args) {
  if (hostDoes(e, inst)) {
    return onHost(e, args, [&](Args x) { return call(e, intrinsic::fma, {x[0]->getType()}, x); });
  }
  return throughFloat(e, inst, args, [&](Args x) { return isBf16(inst) ? fmaForBf16(e, x) : fmaForF16(e, x); });
}

// +0 where a factor is the NaN that marks elements outside a tensor, f16's and bf16's alike.
Values fmaHalfOob(PureEmitter& e, const Instruction& inst, Args args) {
  Value* sums = halves(e, throughFloat(e, inst, args, [&](Args x) { return isBf16(inst) ? fmaForBf16(e, x) : fmaForF16(e, x); })[0]);
  for (Value* factor : args.take_front(2)) {
    Value* bits = halves(e, factor);
    sums = e.b.CreateSelect(e.b.CreateICmpEQ(bits, intConst(bits, 0x7ff7)), intConst(sums, 0), sums);
  }
  return {likeOperand(e, sums, args[0])};
}

Values negHalf(PureEmitter& e, const Instruction& inst, Args args) {
  return signBitOnly(e, inst, args, [&](Value* v) { return e.b.CreateXor(v, intConst(v, 0x8000)); });
}
Values absHalf(PureEmitter& e, const Instruction& inst, Args args) {
  return signBitOnly(e, inst, args, [&](Value* v) { return e.b.CreateAnd(v, intConst(v, 0x7fff)); });
}

Values minHalf(PureEmitter& e, const Instruction& inst, Args args) { return minMaxHalf(e, inst, args, false); }
Values maxHalf(PureEmitter& e, const Instruction& inst, Args args) { return minMaxHalf(e, inst, args, true); }

Values tanhHalf(PureEmitter& e, const Instruction& inst, Args args) {
  return throughFloat(e, inst, args, [&](Args x) { return approximateTanh(e, x[0]); });
}
Values ex2Half(PureEmitter& e, const Instruction& inst, Args args) {
  const Subnormals subnormals = inst.has(Mod::Ftz) ? Subnormals::Flushed : Subnormals::Kept;
  return throughFloat(e, inst, args, [&](Args x) { return approximateEx2(e, x[0], subnormals); });
}

}  // namespace anywarp::codegen
