// Approximate functions within PTX's stated errors, on float lanes: host estimates with a Newton step, polynomials found by
// Remez exchange (their relative errors are given beside them). SPDX-License-Identifier: Apache-2.0
#include "compiler/codegen/approximate.h"

#include "compiler/codegen/x86/host_ops.h"

namespace anywarp::codegen {

namespace intrinsic = llvm::Intrinsic;

namespace {

// a * b + c, fused where that is one instruction.
Value* mulAdd(PureEmitter& e, Value* a, Value* b, Value* c) {
  if (e.host.fma || e.host.avx512f) return call(e, intrinsic::fma, {a->getType()}, {a, b, c});
  return e.b.CreateFAdd(e.b.CreateFMul(a, b), c);
}
Value* mulAdd(PureEmitter& e, Value* a, Value* b, double c) { return mulAdd(e, a, b, floatConst(a, c)); }

// c[0] + c[1] x + c[2] x^2 + ...
Value* polynomial(PureEmitter& e, Value* x, llvm::ArrayRef<double> c) {
  Value* sum = floatConst(x, c.back());
  for (size_t i = c.size() - 1; i-- > 0;) sum = mulAdd(e, sum, x, c[i]);
  return sum;
}

// Clamps that let NaN through.
Value* atMost(PureEmitter& e, Value* v, double limit) {
  Value* c = floatConst(v, limit);
  return e.b.CreateSelect(e.b.CreateFCmpUGT(c, v), v, c);
}
Value* atLeast(PureEmitter& e, Value* v, double limit) {
  Value* c = floatConst(v, limit);
  return e.b.CreateSelect(e.b.CreateFCmpULT(c, v), v, c);
}

// Adding 1.5 * 2^23 leaves the nearest integer in the lowest bits of the sum.
struct Nearest {
  Value *value, *integer;
};
constexpr double roundingAnchor = 0x1.8p23;
Nearest nearest(PureEmitter& e, Value* anchored) {
  Value* bits = asInt(e, anchored);
  Value* anchor = floatConst(anchored, roundingAnchor);
  return {e.b.CreateFSub(anchored, anchor), e.b.CreateSub(bits, asInt(e, anchor))};
}

// The refined estimate, except where refining it made a NaN out of zero or infinity.
Value* refinedUnlessNan(PureEmitter& e, Value* error, Value* refined, Value* estimate) {
  return e.b.CreateSelect(isNan(e, error), estimate, refined);
}

// Scalars too: a value that all lanes share is the same number as one that each lane computes.
bool hasEstimates(PureEmitter& e) { return e.host.avx512f; }

// v * 2^n for integers n in [-254, 254], rounded once.
Value* scaleByPower(PureEmitter& e, Value* v, Value* n) {
  Value* half = e.b.CreateAShr(n, 1);
  auto power = [&](Value* k) {
    return asFloat(e, e.b.CreateShl(e.b.CreateAdd(k, intConst(k, 127)), 23));
  };
  return e.b.CreateFMul(e.b.CreateFMul(v, power(half)), power(e.b.CreateSub(n, half)));
}

}  // namespace

Value* approximateRcp(PureEmitter& e, Value* v, Subnormals subnormals) {
  if (subnormals == Subnormals::Kept || !hasEstimates(e)) return e.b.CreateFDiv(floatConst(v, 1), v);
  Value* estimate = x86::rcp14(e, v);
  Value* error = mulAdd(e, e.b.CreateFNeg(v), estimate, 1);
  return refinedUnlessNan(e, error, mulAdd(e, estimate, error, estimate), estimate);
}

// PTX has a finite a over |b| > 2^126 give zero, an infinite one NaN.
Value* approximateDiv(PureEmitter& e, Value* a, Value* b, Subnormals subnormals) {
  if (subnormals == Subnormals::Flushed && hasEstimates(e)) {
    return e.b.CreateFMul(a, flush(e, approximateRcp(e, b, subnormals)));
  }
  Value* huge = e.b.CreateFCmpOGT(call1(e, intrinsic::fabs, b), floatConst(b, 0x1p126));
  Value* zero = call2(e, intrinsic::copysign, floatConst(b, 0), b);
  return e.b.CreateSelect(huge, e.b.CreateFMul(a, zero), e.b.CreateFDiv(a, b));
}

Value* approximateRsqrt(PureEmitter& e, Value* v) {
  if (!hasEstimates(e)) return e.b.CreateFDiv(floatConst(v, 1), call1(e, intrinsic::sqrt, v));
  Value* estimate = x86::rsqrt14(e, v);
  Value* product = e.b.CreateFMul(v, estimate);
  Value* error = mulAdd(e, e.b.CreateFNeg(product), estimate, 1);
  Value* half = e.b.CreateFMul(estimate, floatConst(v, 0.5));
  return refinedUnlessNan(e, error, mulAdd(e, half, error, estimate), estimate);
}

// 2^x = 2^n 2^f, f in [-1/2, 1/2]; the polynomial is within 2^-28.5 of 2^f.
Value* approximateEx2(PureEmitter& e, Value* v, Subnormals subnormals) {
  Value* x = atLeast(e, atMost(e, v, 129), -152);
  Nearest n = nearest(e, e.b.CreateFAdd(x, floatConst(x, roundingAnchor)));
  Value* f = e.b.CreateFSub(x, n.value);
  Value* p = mulAdd(e, f, polynomial(e, f, {0.693147214969, 0.240226527831, 0.0555031055035, 0.00961769295253,
                                            0.00134066441317, 0.000155946844279}), 1);
  Value* result = hasEstimates(e) ? x86::scale(e, p, n.value) : scaleByPower(e, p, n.integer);
  if (subnormals == Subnormals::Kept) return result;
  result = e.b.CreateSelect(e.b.CreateFCmpOLT(v, floatConst(v, -126)), floatConst(v, 0), result);
  e.flushed.insert(result);
  return result;
}

// log2(2^n (1 + f)) = n + f p(f), 1 + f in [sqrt(1/2), sqrt(2)); p is within 2^-27.3.
Value* approximateLg2(PureEmitter& e, Value* v, Subnormals subnormals) {
  llvm::IRBuilder<>& b = e.b;
  Value *x = v, *bias = nullptr;
  if (subnormals == Subnormals::Kept) {
    Value* tiny = b.CreateFCmpOLT(v, floatConst(v, 0x1p-126));
    x = b.CreateSelect(tiny, b.CreateFMul(v, floatConst(v, 0x1p24)), v);
    bias = b.CreateSelect(tiny, floatConst(v, 24), floatConst(v, 0));
  }
  Value* bits = asInt(e, x);
  Value* exponent = b.CreateAShr(b.CreateSub(bits, intConst(bits, 0x3f3504f3)), 23);
  Value* mantissa = asFloat(e, b.CreateSub(bits, b.CreateShl(exponent, 23)));
  Value* f = b.CreateFSub(mantissa, floatConst(mantissa, 1));
  Value* n = b.CreateSIToFP(exponent, v->getType());
  if (bias) n = b.CreateFSub(n, bias);
  Value* p = polynomial(e, f, {1.44269504185, -0.721347352006, 0.480897900619, -0.360696423653, 0.288585271257, -0.23963660218,
                               0.204296019361, -0.190612490597, 0.187826653806, -0.112975221161});
  Value* result = mulAdd(e, f, p, n);
  // +0 and -0: -infinity; infinity: itself; negative numbers and NaN: NaN.
  Value* infinity = floatBits(e, v, 0x7f800000);
  Value* zero = floatConst(v, 0);
  result = b.CreateSelect(b.CreateFCmpUEQ(v, infinity), v, result);
  Value* special = b.CreateSelect(b.CreateFCmpOEQ(v, zero), floatBits(e, v, 0xff800000u), floatBits(e, v, 0x7fffffff));
  return b.CreateSelect(b.CreateFCmpOGT(v, zero), result, special);
}

namespace {

// sin(x + quadrant * pi/2). x = n pi/2 + r with pi/2 in three parts; far arguments, where r is all error, stay within [-1, 1].
Value* circular(PureEmitter& e, Value* v, unsigned quadrant) {
  llvm::IRBuilder<>& b = e.b;
  Nearest n = nearest(e, mulAdd(e, v, floatConst(v, 0.636619772367581), roundingAnchor));
  Value* back = b.CreateFNeg(n.value);
  Value* r = mulAdd(e, back, floatConst(v, 1.5703125), v);
  r = mulAdd(e, back, floatConst(v, 4.8375129699707031e-4), r);
  r = mulAdd(e, back, floatConst(v, 7.5497899548918821e-8), r);
  r = atLeast(e, atMost(e, r, 0.7854), -0.7854);
  Value* u = b.CreateFMul(r, r);
  // Within 2^-28 and 2^-24.9.
  Value* sine = b.CreateFMul(r, mulAdd(e, u, polynomial(e, u, {-0.166666549437, 0.00833217814603, -0.000195172989649}), 1));
  Value* cosine = mulAdd(e, u, polynomial(e, u, {-0.499998947814, 0.0416562945765, -0.00135978230827}), 1);
  Value* q = quadrant ? b.CreateAdd(n.integer, intConst(n.integer, quadrant)) : n.integer;
  Value* odd = b.CreateICmpNE(b.CreateAnd(q, intConst(q, 1)), intConst(q, 0));
  Value* sign = b.CreateShl(b.CreateAnd(q, intConst(q, 2)), 30);
  return asFloat(e, b.CreateXor(asInt(e, b.CreateSelect(odd, cosine, sine)), sign));
}

}  // namespace

Value* approximateSin(PureEmitter& e, Value* v) { return circular(e, v, 0); }
Value* approximateCos(PureEmitter& e, Value* v) { return circular(e, v, 1); }

// Lambert's continued fraction to the seventh term: within 2^-13.3 up to where it reaches 1.
Value* approximateTanh(PureEmitter& e, Value* v) {
  Value* x = atLeast(e, atMost(e, v, 10), -10);
  Value* u = e.b.CreateFMul(x, x);
  Value* numerator = e.b.CreateFMul(x, polynomial(e, u, {135135, 17325, 378, 1}));
  Value* denominator = polynomial(e, u, {135135, 62370, 3150, 28});
  return atLeast(e, atMost(e, e.b.CreateFDiv(numerator, denominator), 1), -1);
}

}  // namespace anywarp::codegen
