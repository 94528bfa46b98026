// Functions of three bits as the fewest and, or, xor and not. SPDX-License-Identifier: Apache-2.0
#pragma once

#include "compiler/codegen/lanes.h"

namespace anywarp::codegen {

// Bit i of the result is bit (4*a_i + 2*b_i + c_i) of the table.
Value* lookupLogic(PureEmitter& e, Value* a, Value* b, Value* c, uint8_t table);

}  // namespace anywarp::codegen
