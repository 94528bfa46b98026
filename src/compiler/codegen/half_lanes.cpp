// f16 and bf16 lanes, single or packed in pairs, as floats and back. SPDX-License-Identifier: Apache-2.0
#include "compiler/codegen/half_lanes.h"

#include "compiler/codegen/formats.h"

namespace anywarp::codegen {
namespace {

bool isBf16(ptx::Type type) { return type == ptx::Type::BF16 || type == ptx::Type::BF16x2; }

bool hostHasHalves(PureEmitter& e) { return e.host.f16c || e.host.avx512f || e.host.aarch64; }

Value* flushHalf(PureEmitter& e, Value* v) {
  Value* bits = asInt(e, v);
  Value* tiny = e.b.CreateFCmpOLT(call1(e, llvm::Intrinsic::fabs, v), floatConst(v, 0x1p-14));
  return asFloat(e, e.b.CreateSelect(tiny, e.b.CreateAnd(bits, intConst(bits, 0x80000000u)), bits));
}

}  // namespace

Value* halvesToFloat(PureEmitter& e, Value* v, ptx::Type type, bool ftz) {
  if (bitsOf(v) != 16) v = unpack(e, v, 16);
  if (isBf16(type)) return asFloat(e, e.b.CreateShl(zext(e, v, 32), 16));
  Value* result;
  if (hostHasHalves(e)) {
    result = e.b.CreateFPExt(e.b.CreateBitCast(v, shaped(v, e.b.getHalfTy())), floatShaped(e, v));
  } else {
    result = decode(e, zext(e, v, 32), *formatOf(ptx::Type::F16));
  }
  return ftz ? flushHalf(e, result) : result;
}

Value* floatToHalves(PureEmitter& e, Value* v, ptx::Type type, Rounding rounding) {
  if (!isBf16(type) && rounding == Rounding::Near && hostHasHalves(e)) {
    Value* half = e.b.CreateBitCast(e.b.CreateFPTrunc(v, shaped(v, e.b.getHalfTy())), intShaped(e, v, 16));
    return e.b.CreateSelect(isNan(e, v), intConst(half, 0x7fff), half);
  }
  const Format& format = *formatOf(isBf16(type) ? ptx::Type::BF16 : ptx::Type::F16);
  return trunc(e, encode(e, v, format, rounding, Overflow::Infinity), 16);
}

}  // namespace anywarp::codegen
