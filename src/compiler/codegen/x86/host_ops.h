// x86 instructions that LLVM's IR has no words for: embedded rounding, estimates, classification.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "compiler/codegen/rounding.h"

namespace anywarp::codegen::x86 {

// The rounding operand of AVX-512 instructions, exceptions suppressed.
unsigned embeddedRounding(Rounding rounding);

// Any: i16 lanes, products of neighbours added as i32
Value* multiplyAddPairs(PureEmitter& e, Value* a, Value* b);

// SSSE3: i8 lanes, each the byte of its sixteen in `bytes` that the low four bits of `index` choose; nullptr where the host has no such
// instruction or there are not sixteen
Value* shuffleBytes(PureEmitter& e, Value* bytes, Value* index);

// Of the first lane that `mask` has (0: there is none); nullptr where the host has no such instruction
Value* firstActive(PureEmitter& e, Value* lanes, Value* mask);

// AVX-512F
Value* narrowDouble(PureEmitter& e, Value* v, Rounding rounding);
Value* fromInteger(PureEmitter& e, Value* v, llvm::Type* element, bool isSigned, Rounding rounding);  // i32 -> float; DQ: i64 -> both
Value* rsqrt14(PureEmitter& e, Value* v);   // float: relative error 2^-14, subnormals included
Value* rcp14(PureEmitter& e, Value* v);
Value* scale(PureEmitter& e, Value* v, Value* exponent);  // v * 2^floor(exponent), rounded once

// AVX-512DQ
Value* isSubnormal(PureEmitter& e, Value* v);
Value* minMaxNumber(PureEmitter& e, bool max, Value* a, Value* b);  // vrangeps/pd: -0 < +0, a quiet NaN gives the other operand

}  // namespace anywarp::codegen::x86
