// Integer division that never traps. Hosts divide vectors of floating point numbers only, so the quotient of lanes is made from
// those; each step below is exact. SPDX-License-Identifier: Apache-2.0
#include "compiler/codegen/divide.h"

#include "compiler/codegen/bits.h"

namespace anywarp::codegen {
namespace {

// Which divisors need care: zero, and minus one for signed (INT_MIN / -1 overflows).
struct Divisor {
  Value* safe;      // the divisor, 1 where it is special
  Value* special;   // i1
  Value* zero;      // i1
};

Divisor guard(PureEmitter& e, Value* b, bool isSigned) {
  Value* zero = e.b.CreateICmpEQ(b, intConst(b, 0));
  Value* special = zero;
  if (isSigned) special = e.b.CreateICmpULT(e.b.CreateAdd(b, intConst(b, 1)), intConst(b, 2));
  return {e.b.CreateSelect(special, intConst(b, 1), b), special, zero};
}

// The quotient by `safe`, corrected for the special divisors.
Value* finish(PureEmitter& e, Value* quotient, Value* a, const Divisor& d, bool isSigned) {
  Value* ones = intConst(a, ~0ull);
  if (!isSigned) return e.b.CreateSelect(d.zero, ones, quotient);
  Value* other = e.b.CreateSelect(d.zero, ones, e.b.CreateNeg(a));
  return e.b.CreateSelect(d.special, other, quotient);
}

Value* toFloating(PureEmitter& e, Value* v, llvm::Type* type, bool isSigned) {
  return isSigned ? e.b.CreateSIToFP(v, type) : e.b.CreateUIToFP(v, type);
}
Value* toInteger(PureEmitter& e, Value* v, llvm::Type* type, bool isSigned) {
  return isSigned ? e.b.CreateFPToSI(v, type) : e.b.CreateFPToUI(v, type);
}

// Lanes of at most 32 bits. A quotient of n-bit numbers stays 2^-2n away from the next integer (relatively), so rounding it to a
// float (n <= 11 would do; 16 bits are within 2^-17) or a double (32 bits: 2^-33) never reaches that integer.
Value* divideSmall(PureEmitter& e, Value* a, const Divisor& d, bool isSigned) {
  bool narrow = bitsOf(a) <= 16;
  llvm::Type* type = narrow ? floatShaped(e, a) : doubleShaped(e, a);
  Value* numerator = toFloating(e, narrow ? ext(e, a, 32, isSigned) : a, type, isSigned);
  Value* quotient;
  if (Value* divisor = narrow ? nullptr : uniformOf(d.safe); divisor && a->getType()->isVectorTy()) {
    // One reciprocal for all lanes. (a + 1/2) / b is at least 1/(2b) away from any integer, far more than the rounding errors.
    Value* reciprocal = e.b.CreateFDiv(llvm::ConstantFP::get(e.b.getDoubleTy(), 1.0),
                                       toFloating(e, divisor, e.b.getDoubleTy(), isSigned));
    Value* half = floatConst(numerator, 0.5);
    if (isSigned) half = call2(e, llvm::Intrinsic::copysign, half, numerator);
    quotient = e.b.CreateFMul(e.b.CreateFAdd(numerator, half), e.b.CreateVectorSplat(laneCount(a), reciprocal));
  } else {
    Value* denominator = toFloating(e, narrow ? ext(e, d.safe, 32, isSigned) : d.safe, type, isSigned);
    quotient = e.b.CreateFDiv(numerator, denominator);
  }
  if (narrow) return trunc(e, toInteger(e, quotient, intShaped(e, a, 32), true), bitsOf(a));
  return toInteger(e, quotient, a->getType(), isSigned);
}

// Unsigned 64-bit lanes: a double estimate of the quotient, a second one of what remains, a correction by one.
Value* divideWideByEstimate(PureEmitter& e, Value* a, Value* b) {
  llvm::IRBuilder<>& i = e.b;
  llvm::Type* type = doubleShaped(e, a);
  // Scaling down by more than the roundings may add keeps the first estimate at or below the quotient, so what remains is not negative, and inside 64 bits.
  Value* shrink = llvm::ConstantFP::get(type, 1.0 - 0x1p-50);
  Value* divisor = i.CreateUIToFP(b, type);
  Value* reciprocal = i.CreateFDiv(llvm::ConstantFP::get(type, 1.0), divisor);
  auto estimate = [&](Value* numerator) {
    Value* q = i.CreateFMul(i.CreateFMul(i.CreateUIToFP(numerator, type), reciprocal), shrink);
    return i.CreateFPToUI(q, a->getType());
  };
  Value* q = estimate(a);
  Value* rest = i.CreateSub(a, i.CreateMul(q, b));
  Value* q2 = estimate(rest);
  q = i.CreateAdd(q, q2);
  rest = i.CreateSub(rest, i.CreateMul(q2, b));
  return i.CreateAdd(q, i.CreateZExt(i.CreateICmpUGE(rest, b), a->getType()));
}

Value* divideWideByLane(PureEmitter& e, Value* a, Value* b) {
  Value* result = llvm::PoisonValue::get(a->getType());
  for (unsigned lane = 0; lane < laneCount(a); ++lane) {
    Value* q = e.b.CreateUDiv(e.b.CreateExtractElement(a, uint64_t(lane)), e.b.CreateExtractElement(b, uint64_t(lane)));
    result = e.b.CreateInsertElement(result, q, uint64_t(lane));
  }
  return result;
}

// Vectors of unsigned 64-bit lanes by a divisor that is never zero. Most operands are small indices: then 32 bits will do.
Value* divideWideBody(PureEmitter& e, Value* a, Value* b) {
  llvm::Function* function = e.b.GetInsertBlock()->getParent();
  auto block = [&](const char* name) { return llvm::BasicBlock::Create(e.b.getContext(), name, function); };
  llvm::BasicBlock *small = block("small"), *large = block("large"), *done = block("done");
  Value* any = e.b.CreateOrReduce(e.b.CreateOr(a, b));
  e.b.CreateCondBr(e.b.CreateICmpULE(any, intConst(any, 0xffffffffu)), small, large);
  e.b.SetInsertPoint(small);
  Value* a32 = trunc(e, a, 32);
  Divisor divisor{trunc(e, b, 32), nullptr, nullptr};
  Value* fromSmall = zext(e, divideSmall(e, a32, divisor, false), 64);
  e.b.CreateBr(done);
  e.b.SetInsertPoint(large);
  Value* fromLarge = e.host.avx512dq ? divideWideByEstimate(e, a, b) : divideWideByLane(e, a, b);
  e.b.CreateBr(done);
  e.b.SetInsertPoint(done);
  llvm::PHINode* result = e.b.CreatePHI(a->getType(), 2);
  result->addIncoming(fromSmall, small);
  result->addIncoming(fromLarge, large);
  return result;
}

Value* divideWideLanes(PureEmitter& e, Value* a, Value* b) {
  return outOfLine(e, "udiv64", {a, b}, a->getType(),
                   [](PureEmitter& inner, llvm::ArrayRef<Value*> args) { return divideWideBody(inner, args[0], args[1]); });
}

Value* divideByGuarded(PureEmitter& e, Value* a, const Divisor& d, bool isSigned) {
  bool vector = a->getType()->isVectorTy();
  if (!vector) return isSigned ? e.b.CreateSDiv(a, d.safe) : e.b.CreateUDiv(a, d.safe);
  if (bitsOf(a) <= 32) return divideSmall(e, a, d, isSigned);
  if (!isSigned) return divideWideLanes(e, a, d.safe);
  Value* magnitude = divideWideLanes(e, absInt(e, a), absInt(e, d.safe));
  Value* sign = e.b.CreateAShr(e.b.CreateXor(a, d.safe), 63);
  return e.b.CreateSub(e.b.CreateXor(magnitude, sign), sign);
}

// Division by a constant that LLVM turns into a multiplication and shifts. 64-bit lanes lack the wide product for it.
Value* divideByConstant(PureEmitter& e, Value* a, Value* b, const llvm::APInt& divisor, bool isSigned) {
  bool easy = !a->getType()->isVectorTy() || bitsOf(a) <= 32 || divisor.isPowerOf2();
  if (!easy || divisor.isZero() || (isSigned && divisor.isAllOnes())) return nullptr;
  return isSigned ? e.b.CreateSDiv(a, b) : e.b.CreateUDiv(a, b);
}

}  // namespace

Value* divideInt(PureEmitter& e, Value* a, Value* b, bool isSigned) {
  if (auto* known = knownInt(b)) {
    if (Value* quotient = divideByConstant(e, a, b, known->getValue(), isSigned)) return quotient;
  }
  Divisor divisor = guard(e, b, isSigned);
  return finish(e, divideByGuarded(e, a, divisor, isSigned), a, divisor, isSigned);
}

Value* remainderInt(PureEmitter& e, Value* a, Value* b, bool isSigned) {
  if (auto* known = knownInt(b); known && known->getValue().isPowerOf2()) {
    return isSigned ? e.b.CreateSRem(a, b) : e.b.CreateURem(a, b);
  }
  if (auto* known = knownInt(b)) {
    if (Value* quotient = divideByConstant(e, a, b, known->getValue(), isSigned)) {
      return e.b.CreateSub(a, e.b.CreateMul(quotient, b));
    }
  }
  Divisor divisor = guard(e, b, isSigned);
  Value* quotient = divideByGuarded(e, a, divisor, isSigned);
  // A divisor of -1 was replaced by 1: the remainder is 0 either way.
  Value* rest = e.b.CreateSub(a, e.b.CreateMul(quotient, divisor.safe));
  return e.b.CreateSelect(divisor.zero, a, rest);
}

}  // namespace anywarp::codegen
