// Floating point arithmetic in every rounding mode, flushing and saturation, for float and double lanes.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "compiler/codegen/lanes.h"

namespace anywarp::codegen {

enum class Rounding { Near, Zero, Down, Up };
// The one that the instruction's .rn/.rz/.rm/.rp (or .rni...) names; nearest where it names none.
Rounding roundingOf(const ptx::Instruction& inst);

// Correctly rounded; float or double.
Value* addFloat(PureEmitter& e, Value* a, Value* b, Rounding rounding);
Value* subFloat(PureEmitter& e, Value* a, Value* b, Rounding rounding);
Value* mulFloat(PureEmitter& e, Value* a, Value* b, Rounding rounding);
Value* divFloat(PureEmitter& e, Value* a, Value* b, Rounding rounding);
Value* fmaFloat(PureEmitter& e, Value* a, Value* b, Value* c, Rounding rounding);
Value* sqrtFloat(PureEmitter& e, Value* a, Rounding rounding);

// double -> float.
Value* narrowDouble(PureEmitter& e, Value* v, Rounding rounding);
// A double that stands for an inexact result: `rounded` is it rounded to nearest, `error` (exact value - rounded) is not zero where
// it was inexact. Gives the neighbour with an odd last bit, from which any later rounding to fewer bits is right.
Value* roundToOdd(PureEmitter& e, Value* rounded, Value* error);
// The next float or double below / above where `condition` holds.
Value* stepDown(PureEmitter& e, Value* v, Value* condition);
Value* stepUp(PureEmitter& e, Value* v, Value* condition);
// sum + error == a + b exactly.
struct ExactSum {
  Value *sum, *error;
};
ExactSum addExactly(PureEmitter& e, Value* a, Value* b);

// Subnormals become zeros of the same sign. Remembers what is flushed already.
Value* flush(PureEmitter& e, Value* v);
// [0, 1]; NaN and -0 become +0.
Value* saturate(PureEmitter& e, Value* v);
Value* isNan(PureEmitter& e, Value* v);

}  // namespace anywarp::codegen
