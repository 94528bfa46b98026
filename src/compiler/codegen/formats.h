// Small floating point formats (f16, bf16, tf32, fp8, fp6, fp4) to and from float lanes, correctly rounded.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "compiler/codegen/rounding.h"
#include "compiler/ptx/types.h"

namespace anywarp::codegen {

// A format of 1 sign, `exponent` and `mantissa` bits.
struct Format {
  unsigned exponent, mantissa;
  int bias;
  bool infinity;       // the highest exponent holds infinity and NaN (IEEE 754); else it holds numbers
  uint32_t maxFinite;  // code of the largest finite magnitude
  uint32_t nan;        // code of the NaN that conversions produce; maxFinite where the format has none
  unsigned bits() const { return 1 + exponent + mantissa; }
};

// Of an element type; nullptr for f32, f64 and integers.
const Format* formatOf(ptx::Type element);

enum class Overflow { Infinity, MaxFinite };  // MaxFinite: .satfinite

// Codes (in i32 lanes) of float lanes.
Value* encode(PureEmitter& e, Value* v, const Format& format, Rounding rounding, Overflow overflow);
// Halfway cases away from zero (.rna), for formats with float's exponent.
Value* encodeAwayFromZero(PureEmitter& e, Value* v, const Format& format, Overflow overflow);
// float lanes of codes in i32 lanes, whose other bits are zero.
Value* decode(PureEmitter& e, Value* code, const Format& format);
// double -> float such that a later rounding to a smaller format is right.
Value* narrowOdd(PureEmitter& e, Value* v);

}  // namespace anywarp::codegen
