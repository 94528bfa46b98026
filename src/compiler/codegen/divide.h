// Integer division that never traps. SPDX-License-Identifier: Apache-2.0
#pragma once

#include "compiler/codegen/lanes.h"

namespace anywarp::codegen {

// Truncating division. By zero: all ones. INT_MIN / -1 wraps.
Value* divideInt(PureEmitter& e, Value* a, Value* b, bool isSigned);
// a - (a / b) * b. By zero: a.
Value* remainderInt(PureEmitter& e, Value* a, Value* b, bool isSigned);

}  // namespace anywarp::codegen
