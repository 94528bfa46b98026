// f32 arithmetic with a half operand (PTX: Mixed Precision Floating-Point Instructions). SPDX-License-Identifier: Apache-2.0
#include "interp/floating.h"

namespace anywarp::interp {

void addMixed(Step& step) { finish(step, Type::F32, addToOdd(step.number(1, step.type(1)), step.number(2, Type::F32), roundingOf(step))); }

void subMixed(Step& step) { finish(step, Type::F32, addToOdd(step.number(1, step.type(1)), -step.number(2, Type::F32), roundingOf(step))); }

void fmaMixed(Step& step) {
  double product = fmaToOdd(step.number(1, step.type(1)), step.number(2, step.type(1)), step.number(3, Type::F32), roundingOf(step));
  finish(step, Type::F32, product);
}

}  // namespace anywarp::interp
