// Products by half and sums with carry, shared by the integer chapters. SPDX-License-Identifier: Apache-2.0
#pragma once

#include "compiler/codegen/lanes.h"

namespace anywarp::codegen {

// The half (or all) of the product that the instruction's .lo, .hi or .wide names.
Value* productHalf(PureEmitter& e, const ptx::Instruction& inst, Value* a, Value* b);

}  // namespace anywarp::codegen
