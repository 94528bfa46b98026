// Shifts that clamp, masks of a given length: the bit idioms that several instructions share.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "compiler/codegen/lanes.h"

namespace anywarp::codegen {

// PTX shifts: an amount of the width or more gives zero (or the sign). `amount` has the type of `v`.
Value* shiftLeft(PureEmitter& e, Value* v, Value* amount);
Value* shiftRight(PureEmitter& e, Value* v, Value* amount, bool isSigned);
// The lowest `length` bits set; all of them for a length of the width or more.
Value* lowMask(PureEmitter& e, Value* length);
// An i32 amount as a value of the type of `like`, clamped where it would not fit.
Value* amountFor(PureEmitter& e, Value* amount, Value* like);
// The upper half of the product.
Value* mulHigh(PureEmitter& e, Value* a, Value* b, bool isSigned);
Value* mulWide(PureEmitter& e, Value* a, Value* b, bool isSigned);

}  // namespace anywarp::codegen
