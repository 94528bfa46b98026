// From a form to the function that emits it. SPDX-License-Identifier: Apache-2.0
#pragma once

#include "compiler/codegen/pure.h"
#include "compiler/ptx/instructions.h"

namespace anywarp::codegen {

// nullptr for rows that are planned, and for rows that need more than their operands.
PureFn pureFunction(ptx::Form form);

}  // namespace anywarp::codegen
