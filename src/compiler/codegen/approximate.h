// Approximate functions within PTX's stated errors, on float lanes. Inputs are flushed already where .ftz is written.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "compiler/codegen/rounding.h"

namespace anywarp::codegen {

enum class Subnormals { Kept, Flushed };

Value* approximateRcp(PureEmitter& e, Value* v, Subnormals subnormals);     // 1 ulp
Value* approximateDiv(PureEmitter& e, Value* a, Value* b, Subnormals subnormals);            // div.approx, 2 ulp for |b| in [2^-126, 2^126]
Value* approximateRsqrt(PureEmitter& e, Value* v);                           // 2^-22.9
Value* approximateEx2(PureEmitter& e, Value* v, Subnormals subnormals);     // 2^-22
Value* approximateLg2(PureEmitter& e, Value* v, Subnormals subnormals);     // 2^-22
Value* approximateSin(PureEmitter& e, Value* v);                            // 2^-20.5 absolute in [-2 pi, 2 pi]
Value* approximateCos(PureEmitter& e, Value* v);
Value* approximateTanh(PureEmitter& e, Value* v);                           // 2^-11

}  // namespace anywarp::codegen
