// Shifts that clamp, masks of a given length: the bit idioms that several instructions share.
// SPDX-License-Identifier: Apache-2.0
#include "compiler/codegen/bits.h"

namespace anywarp::codegen {

// The unselected arm may be poison: a select drops it, and hosts with clamping shifts need no compare.
Value* shiftLeft(PureEmitter& e, Value* v, Value* amount) {
  if (auto* known = knownInt(amount)) {
    return known->getValue().ult(bitsOf(v)) ? e.b.CreateShl(v, amount) : intConst(v, 0);
  }
  return e.b.CreateSelect(e.b.CreateICmpULT(amount, intConst(v, bitsOf(v))), e.b.CreateShl(v, amount), intConst(v, 0));
}

Value* shiftRight(PureEmitter& e, Value* v, Value* amount, bool isSigned) {
  uint64_t last = bitsOf(v) - 1;
  if (isSigned) return e.b.CreateAShr(v, minMax(e, false, false, amount, intConst(v, last)));
  if (auto* known = knownInt(amount)) {
    return known->getValue().ule(last) ? e.b.CreateLShr(v, amount) : intConst(v, 0);
  }
  return e.b.CreateSelect(e.b.CreateICmpULE(amount, intConst(v, last)), e.b.CreateLShr(v, amount), intConst(v, 0));
}

Value* lowMask(PureEmitter& e, Value* length) { return e.b.CreateNot(shiftLeft(e, intConst(length, ~0ull), length)); }

Value* amountFor(PureEmitter& e, Value* amount, Value* like) {
  unsigned have = bitsOf(amount), want = bitsOf(like);
  if (want < have) amount = minMax(e, false, false, amount, intConst(amount, want));
  return zext(e, amount, want);
}

Value* mulWide(PureEmitter& e, Value* a, Value* b, bool isSigned) {
  unsigned wide = 2 * bitsOf(a);
  return e.b.CreateMul(ext(e, a, wide, isSigned), ext(e, b, wide, isSigned));
}

namespace {

// 64 x 64 -> upper 64 bits from four 32 x 32 products, which vectors have.
Value* mulHigh64(PureEmitter& e, Value* a, Value* b, bool isSigned) {
  llvm::IRBuilder<>& i = e.b;
  Value* low = intConst(a, 0xffffffffu);
  Value *al = i.CreateAnd(a, low), *ah = i.CreateLShr(a, 32), *bl = i.CreateAnd(b, low), *bh = i.CreateLShr(b, 32);
  Value *ll = i.CreateMul(al, bl), *lh = i.CreateMul(al, bh), *hl = i.CreateMul(ah, bl), *hh = i.CreateMul(ah, bh);
  Value* middle = i.CreateAdd(hl, i.CreateAdd(i.CreateLShr(ll, 32), i.CreateAnd(lh, low)));
  Value* high = i.CreateAdd(hh, i.CreateAdd(i.CreateLShr(lh, 32), i.CreateLShr(middle, 32)));
  if (!isSigned) return high;
  high = i.CreateSub(high, i.CreateAnd(i.CreateAShr(a, 63), b));
  return i.CreateSub(high, i.CreateAnd(i.CreateAShr(b, 63), a));
}

}  // namespace

Value* mulHigh(PureEmitter& e, Value* a, Value* b, bool isSigned) {
  if (bitsOf(a) == 64 && a->getType()->isVectorTy()) return mulHigh64(e, a, b, isSigned);
  return highHalf(e, mulWide(e, a, b, isSigned));
}

}  // namespace anywarp::codegen
