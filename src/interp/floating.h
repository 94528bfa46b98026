// What the floating-point topic files share: NaN, flush to zero, saturation, rounding by modifier. SPDX-License-Identifier: Apache-2.0
#pragma once

#include "interp/number.h"
#include "interp/step.h"

namespace anywarp::interp {

Format formatOf(Type type);  // of a scalar floating type

// .rn .rz .rm .rp .rna; to nearest even where none is written.
Rounding roundingOf(const Step& step);

double flushed(double value, Format format);  // subnormal of the format -> zero of the same sign
double unitClamp(double value);               // .sat: [0, 1], NaN -> +0

double relu(double value);                    // .relu: negative values and -0 -> +0

// minimum and maximum as PTX has them: a number beats NaN unless .NaN; -0 < +0.
double minimum(double a, double b, bool nanWins);
double maximum(double a, double b, bool nanWins);

// rcp and rsqrt .approx.ftz.f64 give the high half of a double; the low half is zero.
uint64_t approximateHigh(double value);

// A float operand as .ftz leaves it.
double source(const Step& step, size_t slot, Type type);

// Rounds `value` (exact or to odd) into the instruction's type, applies .ftz, .sat and .relu, and writes slot 0.
void finish(Step& step, Type type, double value);
uint64_t finished(const Step& step, Type type, double value);

}  // namespace anywarp::interp
