// Integer arithmetic (PTX: Integer Arithmetic Instructions). SPDX-License-Identifier: Apache-2.0
#include "compiler/codegen/bits.h"
#include "compiler/codegen/carry.h"
#include "compiler/codegen/divide.h"
#include "compiler/codegen/pure_functions.h"
#include "compiler/ptx/ast.h"

namespace anywarp::codegen {

using ptx::Instruction;
using ptx::Mod;
using ptx::Type;

namespace {

bool isSignedType(const Instruction& inst) { return inst.type() == Type::S16x2 || ptx::isSigned(inst.type()); }

// Runs `op` on the elements of a packed type, or on the lanes themselves.
template <class Op>
Value* elementwise(PureEmitter& e, const Instruction& inst, Args args, Op op) {
  unsigned lanes = ptx::lanes(inst.type());
  if (lanes == 1) return op(args);
  unsigned packed = bitsOf(args[0]);
  llvm::SmallVector<Value*, 3> elements;
  for (Value* arg : args) elements.push_back(unpack(e, arg, packed / lanes));
  return pack(e, op(elements), packed);
}

Value* relu(PureEmitter& e, const Instruction& inst, Value* v) {
  return inst.has(Mod::Relu) ? minMax(e, true, true, v, intConst(v, 0)) : v;
}

// Product of the low 24 bits: its low 32 bits, or its bits 16 to 47.
Value* product24(PureEmitter& e, const Instruction& inst, Value* a, Value* b) {
  bool isSigned = isSignedType(inst);
  auto low24 = [&](Value* v) -> Value* {
    if (!isSigned) return e.b.CreateAnd(v, intConst(v, 0xffffff));
    return e.b.CreateAShr(e.b.CreateShl(v, 8), 8);
  };
  a = low24(a), b = low24(b);
  if (!inst.has(Mod::Hi)) return e.b.CreateMul(a, b);
  return trunc(e, e.b.CreateLShr(mulWide(e, a, b, isSigned), 16), 32);
}

Value* addMaybeSat(PureEmitter& e, const Instruction& inst, Value* a, Value* b) {
  return inst.has(Mod::Sat) ? call2(e, llvm::Intrinsic::sadd_sat, a, b) : e.b.CreateAdd(a, b);
}

Value* reverseBits(PureEmitter& e, Value* v) { return call1(e, llvm::Intrinsic::bitreverse, v); }

Value* leadingZeros(PureEmitter& e, Value* v) { return e.b.CreateBinaryIntrinsic(llvm::Intrinsic::ctlz, v, e.b.getFalse()); }
Value* popCount(PureEmitter& e, Value* v) { return call1(e, llvm::Intrinsic::ctpop, v); }

}  // namespace

Value* productHalf(PureEmitter& e, const Instruction& inst, Value* a, Value* b) {
  bool isSigned = isSignedType(inst);
  if (inst.has(Mod::Wide)) return mulWide(e, a, b, isSigned);
  if (inst.has(Mod::Hi)) return mulHigh(e, a, b, isSigned);
  return e.b.CreateMul(a, b);
}

Values addInt(PureEmitter& e, const Instruction& inst, Args args) {
  return {elementwise(e, inst, args, [&](Args x) { return addMaybeSat(e, inst, x[0], x[1]); })};
}

Values subInt(PureEmitter& e, const Instruction& inst, Args args) {
  return {elementwise(e, inst, args, [&](Args x) -> Value* {
    if (inst.has(Mod::Sat)) return call2(e, llvm::Intrinsic::ssub_sat, x[0], x[1]);
    return e.b.CreateSub(x[0], x[1]);
  })};
}

Values mulInt(PureEmitter& e, const Instruction& inst, Args args) { return {productHalf(e, inst, args[0], args[1])}; }

Values madInt(PureEmitter& e, const Instruction& inst, Args args) {
  return {addMaybeSat(e, inst, productHalf(e, inst, args[0], args[1]), args[2])};
}

Values mul24(PureEmitter& e, const Instruction& inst, Args args) { return {product24(e, inst, args[0], args[1])}; }

Values mad24(PureEmitter& e, const Instruction& inst, Args args) {
  return {addMaybeSat(e, inst, product24(e, inst, args[0], args[1]), args[2])};
}

Values sadInt(PureEmitter& e, const Instruction& inst, Args args) {
  bool isSigned = isSignedType(inst);
  Value* larger = minMax(e, true, isSigned, args[0], args[1]);
  Value* smaller = minMax(e, false, isSigned, args[0], args[1]);
  return {e.b.CreateAdd(args[2], e.b.CreateSub(larger, smaller))};
}

Values divInt(PureEmitter& e, const Instruction& inst, Args args) {
  return {divideInt(e, args[0], args[1], isSignedType(inst))};
}

Values remInt(PureEmitter& e, const Instruction& inst, Args args) {
  return {remainderInt(e, args[0], args[1], isSignedType(inst))};
}

Values absInt(PureEmitter& e, const Instruction&, Args args) { return {absInt(e, args[0])}; }
Values negInt(PureEmitter& e, const Instruction&, Args args) { return {e.b.CreateNeg(args[0])}; }

Values minInt(PureEmitter& e, const Instruction& inst, Args args) {
  return {elementwise(e, inst, args,
                      [&](Args x) { return relu(e, inst, minMax(e, false, isSignedType(inst), x[0], x[1])); })};
}

Values maxInt(PureEmitter& e, const Instruction& inst, Args args) {
  return {elementwise(e, inst, args,
                      [&](Args x) { return relu(e, inst, minMax(e, true, isSignedType(inst), x[0], x[1])); })};
}

Values popc(PureEmitter& e, const Instruction&, Args args) { return {zext(e, popCount(e, args[0]), 32)}; }
Values clz(PureEmitter& e, const Instruction&, Args args) { return {zext(e, leadingZeros(e, args[0]), 32)}; }
Values brev(PureEmitter& e, const Instruction&, Args args) { return {reverseBits(e, args[0])}; }

// Position of the highest bit that is not the sign, all ones where there is none; .shiftamt counts from the top instead.
Values bfind(PureEmitter& e, const Instruction& inst, Args args) {
  Value* v = args[0];
  unsigned bits = bitsOf(v);
  if (isSignedType(inst)) v = e.b.CreateXor(v, e.b.CreateAShr(v, bits - 1));
  Value* zeros = zext(e, leadingZeros(e, v), 32);
  if (!inst.has(Mod::Shiftamt)) return {e.b.CreateSub(intConst(zeros, bits - 1), zeros)};
  return {e.b.CreateSelect(e.b.CreateICmpEQ(v, intConst(v, 0)), intConst(zeros, ~0ull), zeros)};
}

// Find the n-th set bit from `base`, upwards for a positive offset, downwards for a negative one.
// Downwards is upwards in the reversed word. The position grows by halves of what is left, guided by bit counts.
Values fns(PureEmitter& e, const Instruction&, Args args) {
  llvm::IRBuilder<>& i = e.b;
  Value *word = args[0], *base = args[1], *offset = args[2];
  Value* down = i.CreateICmpSLT(offset, intConst(offset, 0));
  Value* here = i.CreateICmpEQ(offset, intConst(offset, 0));
  word = i.CreateSelect(down, reverseBits(e, word), word);
  Value* from = i.CreateSelect(down, i.CreateSub(intConst(base, 31), base), base);
  Value* fromBit = shiftLeft(e, intConst(word, 1), from);
  Value* candidates = i.CreateAnd(word, i.CreateSelect(here, fromBit, i.CreateNeg(fromBit)));
  Value* skip = i.CreateSelect(here, intConst(word, 0), i.CreateSub(absInt(e, offset), intConst(word, 1)));
  Value* found = i.CreateICmpULT(skip, popCount(e, candidates));
  Value* position = intConst(word, 0);
  for (unsigned half = 16; half; half /= 2) {
    Value* lower = i.CreateAnd(i.CreateLShr(candidates, position), intConst(word, (1ull << half) - 1));
    Value* below = popCount(e, lower);
    Value* above = i.CreateICmpUGE(skip, below);
    skip = i.CreateSub(skip, i.CreateSelect(above, below, intConst(word, 0)));
    position = i.CreateAdd(position, i.CreateSelect(above, intConst(word, half), intConst(word, 0)));
    position = i.CreateAnd(position, intConst(word, 31));
  }
  position = i.CreateSelect(down, i.CreateSub(intConst(word, 31), position), position);
  return {i.CreateSelect(found, position, intConst(word, ~0ull))};
}

// A position or length of bfe and bfi: modulo 256, but all 32 bits count where the field is in 64 bits, as on the hardware.
Value* fieldBound(PureEmitter& e, Value* bound, unsigned bits) {
  return zext(e, bits == 64 ? bound : e.b.CreateAnd(bound, intConst(bound, 0xff)), bits);
}

// The field of `length` bits at `position`, extended with zeros or with its highest bit.
Values bfe(PureEmitter& e, const Instruction& inst, Args args) {
  Value* v = args[0];
  unsigned bits = bitsOf(v);
  Value* position = fieldBound(e, args[1], bits);
  Value* length = fieldBound(e, args[2], bits);
  Value* shifted = shiftRight(e, v, position, isSignedType(inst));
  if (!isSignedType(inst)) return {e.b.CreateAnd(shifted, lowMask(e, length))};
  // A field that reaches past the top is sign-filled by the shift already.
  Value* spare = e.b.CreateSub(intConst(v, bits), minMax(e, false, false, length, intConst(v, bits)));
  return {shiftRight(e, shiftLeft(e, shifted, spare), spare, true)};
}

Values bfi(PureEmitter& e, const Instruction&, Args args) {
  Value *field = args[0], *into = args[1];
  unsigned bits = bitsOf(field);
  Value* position = fieldBound(e, args[2], bits);
  Value* length = fieldBound(e, args[3], bits);
  Value* mask = shiftLeft(e, lowMask(e, length), position);
  Value* moved = shiftLeft(e, field, position);
  return {e.b.CreateOr(e.b.CreateAnd(into, e.b.CreateNot(mask)), e.b.CreateAnd(moved, mask))};
}

// Sign- or zero-extends the lowest n bits.
Values szext(PureEmitter& e, const Instruction& inst, Args args) {
  Value *v = args[0], *n = args[1];
  if (inst.has(Mod::Wrap)) n = e.b.CreateAnd(n, intConst(n, 31));
  if (!isSignedType(inst)) return {e.b.CreateAnd(v, lowMask(e, n))};
  Value* spare = e.b.CreateSub(intConst(v, 32), minMax(e, false, false, n, intConst(v, 32)));
  return {shiftRight(e, shiftLeft(e, v, spare), spare, true)};
}

// Ones from bit `position` on, `length` of them.
Values bmsk(PureEmitter& e, const Instruction& inst, Args args) {
  Value *position = args[0], *length = args[1];
  if (inst.has(Mod::Wrap)) {
    position = e.b.CreateAnd(position, intConst(position, 31));
    length = e.b.CreateAnd(length, intConst(length, 31));
  }
  return {shiftLeft(e, lowMask(e, length), position)};
}

namespace {

Value* field(PureEmitter& e, Value* v, unsigned index, unsigned bits, bool isSigned) {
  if (!isSigned) {
    v = index ? e.b.CreateLShr(v, index * bits) : v;
    return (index + 1) * bits == 32 ? v : e.b.CreateAnd(v, intConst(v, (1ull << bits) - 1));
  }
  unsigned above = 32 - (index + 1) * bits;
  if (above) v = e.b.CreateShl(v, above);
  return e.b.CreateAShr(v, 32 - bits);
}

}  // namespace

Values dp4a(PureEmitter& e, const Instruction& inst, Args args) {
  Value* sum = args[2];
  for (unsigned i = 0; i < 4; ++i) {
    Value* a = field(e, args[0], i, 8, ptx::isSigned(inst.type(0)));
    Value* b = field(e, args[1], i, 8, ptx::isSigned(inst.type(1)));
    sum = e.b.CreateAdd(sum, e.b.CreateMul(a, b));
  }
  return {sum};
}

// Two 16-bit elements of a times the low or high two bytes of b.
Values dp2a(PureEmitter& e, const Instruction& inst, Args args) {
  Value* sum = args[2];
  unsigned first = inst.has(Mod::Hi) ? 2 : 0;
  for (unsigned i = 0; i < 2; ++i) {
    Value* a = field(e, args[0], i, 16, ptx::isSigned(inst.type(0)));
    Value* b = field(e, args[1], first + i, 8, ptx::isSigned(inst.type(1)));
    sum = e.b.CreateAdd(sum, e.b.CreateMul(a, b));
  }
  return {sum};
}

}  // namespace anywarp::codegen
