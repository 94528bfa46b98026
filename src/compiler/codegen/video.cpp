// Scalar and SIMD video instructions (PTX: Video Instructions). SPDX-License-Identifier: Apache-2.0
#include "compiler/codegen/compare.h"
#include "compiler/codegen/pure_functions.h"
#include "compiler/ptx/ast.h"

namespace anywarp::codegen {

using ptx::Form;
using ptx::Instruction;
using ptx::Mod;
using ptx::Operand;
using ptx::Type;

namespace {

enum class VideoWork { Add, Sub, AbsDiff, Min, Max, Shl, Shr, Mad, Set, Average };

struct VideoForm {
  Form form;
  VideoWork op;
  unsigned parts;  // 1: scalar
};
constexpr VideoForm videoForms[] = {
    {Form::Vadd, VideoWork::Add, 1},          {Form::Vsub, VideoWork::Sub, 1},           {Form::Vabsdiff, VideoWork::AbsDiff, 1},
    {Form::Vmin, VideoWork::Min, 1},          {Form::Vmax, VideoWork::Max, 1},           {Form::Vshl, VideoWork::Shl, 1},
    {Form::Vshr, VideoWork::Shr, 1},          {Form::Vmad, VideoWork::Mad, 1},           {Form::Vset, VideoWork::Set, 1},
    {Form::Vadd2, VideoWork::Add, 2},         {Form::Vsub2, VideoWork::Sub, 2},          {Form::Vabsdiff2, VideoWork::AbsDiff, 2},
    {Form::Vmin2, VideoWork::Min, 2},         {Form::Vmax2, VideoWork::Max, 2},          {Form::Vavrg2, VideoWork::Average, 2},
    {Form::Vset2, VideoWork::Set, 2},         {Form::Vadd4, VideoWork::Add, 4},          {Form::Vsub4, VideoWork::Sub, 4},
    {Form::Vabsdiff4, VideoWork::AbsDiff, 4}, {Form::Vmin4, VideoWork::Min, 4},          {Form::Vmax4, VideoWork::Max, 4},
    {Form::Vavrg4, VideoWork::Average, 4},    {Form::Vset4, VideoWork::Set, 4},
};

const VideoForm& formOf(const Instruction& inst) {
  for (const VideoForm& f : videoForms) {
    if (f.form == inst.form) return f;
  }
  return videoForms[0];
}

struct Types {
  Type d, a, b;
};
// vset has no type for its result.
Types typesOf(const Instruction& inst, VideoWork op) {
  if (op == VideoWork::Set) return {Type::U32, inst.type(0), inst.type(1)};
  return {inst.type(0), inst.type(1), inst.type(2)};
}

// Bits [index * width, +width) of an i32, extended to `bits`.
Value* part(PureEmitter& e, Value* v, unsigned index, unsigned width, bool isSigned, unsigned bits) {
  if (width == 32) return ext(e, v, bits, isSigned);
  Value* moved = index ? e.b.CreateLShr(v, index * width) : v;
  return ext(e, trunc(e, moved, width), bits, isSigned);
}

Value* scalarSource(PureEmitter& e, const Operand& operand, Value* v, Type type) {
  unsigned bytes = operand.selectBytes();
  return part(e, v, bytes ? operand.selectIndex(0) : 0, bytes ? 8 * bytes : 32, ptx::isSigned(type), 64);
}

// Clamps to `width` bits of the type's signedness. `wraps`: the value is unsigned and fills all its bits.
Value* clamp(PureEmitter& e, Value* v, unsigned width, bool isSigned, bool wraps) {
  uint64_t high = (1ull << (width - isSigned)) - 1;
  if (wraps) return minMax(e, false, false, v, intConst(v, high));
  uint64_t low = isSigned ? uint64_t(-1) << (width - 1) : 0;
  Value* lowest = llvm::ConstantInt::getSigned(v->getType(), int64_t(low));
  return minMax(e, true, true, minMax(e, false, true, v, intConst(v, high)), lowest);
}

Value* absDiff(PureEmitter& e, Value* a, Value* b) { return absInt(e, e.b.CreateSub(a, b)); }

// Both sources hold their values with a bit to spare.
Value* operate(PureEmitter& e, const Instruction& inst, VideoWork op, Types types, Value* a, Value* b) {
  llvm::IRBuilder<>& i = e.b;
  switch (op) {
    case VideoWork::Add:
      return i.CreateAdd(a, b);
    case VideoWork::Sub:
      return i.CreateSub(a, b);
    case VideoWork::AbsDiff:
      return absDiff(e, a, b);
    case VideoWork::Min:
      return minMax(e, false, true, a, b);
    case VideoWork::Max:
      return minMax(e, true, true, a, b);
    case VideoWork::Average: {  // halves round away from zero for sums that are not negative
      Value* sum = i.CreateAdd(a, b);
      Value* carry = i.CreateZExt(i.CreateICmpSGE(sum, intConst(sum, 0)), sum->getType());
      return i.CreateAShr(i.CreateAdd(sum, carry), 1);
    }
    case VideoWork::Set:
      return i.CreateZExt(compareInt(e, inst, types.a == types.b ? types.a : Type::S32, a, b), a->getType());
    case VideoWork::Shl:
    case VideoWork::Shr: {
      Value* amount = inst.has(Mod::Wrap) ? i.CreateAnd(b, intConst(b, 31)) : minMax(e, false, false, b, intConst(b, 32));
      return op == VideoWork::Shl ? i.CreateShl(a, amount) : i.CreateAShr(a, amount);
    }
    case VideoWork::Mad:
      return i.CreateMul(a, b);
  }
  return a;
}

Value* minOrMax(PureEmitter& e, const Instruction& inst, Type type, Value* a, Value* b) {
  return minMax(e, inst.has(Mod::Max), ptx::isSigned(type), a, b);
}

// The part of c that the destination's selector names, replaced.
Value* merge(PureEmitter& e, Value* c, Value* v, unsigned index, unsigned width) {
  uint64_t mask = ((1ull << width) - 1) << (index * width);
  Value* moved = e.b.CreateAnd(e.b.CreateShl(v, index * width), intConst(v, mask));
  return e.b.CreateOr(e.b.CreateAnd(c, intConst(c, ~mask)), moved);
}

// Signed as soon as a factor is, or anything is negated; with `.po`, negated means complemented, and one is added.
Value* multiplyAdd(PureEmitter& e, const Instruction& inst, Types types, Value* product, Value* c) {
  bool negatesProduct = inst.operands[1].negated != inst.operands[2].negated, negatesC = inst.operands[3].negated;
  bool isSigned = ptx::isSigned(types.a) || ptx::isSigned(types.b) || negatesProduct || negatesC;
  bool unsignedFactors = !ptx::isSigned(types.a) && !ptx::isSigned(types.b);
  // A negated product of two unsigned words needs more than 64 bits.
  unsigned bits = isSigned && unsignedFactors ? 128 : 64;
  product = ext(e, product, bits, !unsignedFactors);
  Value* addend = ext(e, c, bits, isSigned);
  bool one = inst.has(Mod::Po) || negatesProduct || negatesC;
  if (negatesProduct && !inst.has(Mod::Po)) product = e.b.CreateNot(product);
  else if (negatesC && !inst.has(Mod::Po)) addend = e.b.CreateNot(addend);
  Value* sum = e.b.CreateAdd(product, addend);
  if (one) sum = e.b.CreateAdd(sum, intConst(sum, 1));
  unsigned shift = inst.has(Mod::Shr7) ? 7 : inst.has(Mod::Shr15) ? 15 : 0;
  if (shift) sum = isSigned ? e.b.CreateAShr(sum, shift) : e.b.CreateLShr(sum, shift);
  if (inst.has(Mod::Sat)) sum = clamp(e, sum, 32, isSigned, !isSigned);
  return trunc(e, sum, 32);
}

}  // namespace

Values videoScalar(PureEmitter& e, const Instruction& inst, Args args) {
  VideoWork op = formOf(inst).op;
  Types types = typesOf(inst, op);
  const Operand& destination = inst.operands[0];
  Value* a = scalarSource(e, inst.operands[1], args[0], types.a);
  Value* b = scalarSource(e, inst.operands[2], args[1], types.b);
  Value* c = args.size() > 2 ? args[2] : nullptr;
  Value* wide = operate(e, inst, op, types, a, b);
  if (op == VideoWork::Mad) return {multiplyAdd(e, inst, types, wide, c)};
  unsigned width = destination.selectBytes() ? 8 * destination.selectBytes() : 32;
  // An unsigned word shifted left fills all 64 bits.
  bool wraps = op == VideoWork::Shl && !ptx::isSigned(types.a);
  if (inst.has(Mod::Sat)) wide = clamp(e, wide, width, ptx::isSigned(types.d), wraps);
  Value* result = trunc(e, wide, 32);
  if (!c) return {result};
  if (width != 32) return {merge(e, c, result, destination.selectIndex(0), width)};
  if (inst.has(Mod::Add)) return {e.b.CreateAdd(result, c)};
  if (inst.has(Mod::Min) || inst.has(Mod::Max)) return {minOrMax(e, inst, types.d, result, c)};
  return {result};
}

namespace {

// Element i of a SIMD source: the selector picks from b:a, by default a's own (or b's own) elements.
Value* simdSource(PureEmitter& e, const Operand& operand, unsigned i, unsigned parts, bool second, Args args, Type type) {
  unsigned index = operand.select ? operand.selectIndex(i) : i + (second ? parts : 0);
  return part(e, args[index >= parts ? 1 : 0], index % parts, 32 / parts, ptx::isSigned(type), 32);
}

bool isMasked(const Operand& destination, unsigned i) {
  if (!destination.select) return true;
  for (unsigned k = 0; k < destination.selectCount(); ++k) {
    if (destination.selectIndex(k) == i) return true;
  }
  return false;
}

}  // namespace

// Elements outside the destination's mask come from c; with .add, the elements in it are summed up onto c.
Values videoSimd(PureEmitter& e, const Instruction& inst, Args args) {
  const VideoForm& form = formOf(inst);
  Types types = typesOf(inst, form.op);
  unsigned width = 32 / form.parts;
  bool isSigned = ptx::isSigned(types.d);
  Value* result = args[2];
  for (unsigned i = 0; i < form.parts; ++i) {
    if (!isMasked(inst.operands[0], i)) continue;
    Value* a = simdSource(e, inst.operands[1], i, form.parts, false, args, types.a);
    Value* b = simdSource(e, inst.operands[2], i, form.parts, true, args, types.b);
    Value* element = operate(e, inst, form.op, types, a, b);
    if (inst.has(Mod::Sat)) element = clamp(e, element, width, isSigned, false);
    if (inst.has(Mod::Add)) {
      result = e.b.CreateAdd(result, part(e, element, 0, width, isSigned, 32));
    } else {
      result = merge(e, result, element, i, width);
    }
  }
  return {result};
}

}  // namespace anywarp::codegen
