// f16 and bf16 lanes, single or packed in pairs, as floats and back. SPDX-License-Identifier: Apache-2.0
#pragma once

#include "compiler/codegen/rounding.h"
#include "compiler/ptx/types.h"

namespace anywarp::codegen {

// Lanes of f16, bf16 (i16) or their pairs (i32) as floats: twice as many for pairs. `ftz` flushes f16 subnormals.
Value* halvesToFloat(PureEmitter& e, Value* v, ptx::Type type, bool ftz = false);
// i16 lanes of floats, correctly rounded; NaN is 0x7fff.
Value* floatToHalves(PureEmitter& e, Value* v, ptx::Type type, Rounding rounding = Rounding::Near);

}  // namespace anywarp::codegen
