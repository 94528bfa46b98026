// The comparison that an instruction's modifier names. SPDX-License-Identifier: Apache-2.0
#pragma once

#include "compiler/codegen/lanes.h"
#include "compiler/ptx/types.h"

namespace anywarp::codegen {

// i1 lanes; integers compare by the signedness of `type`.
Value* compareInt(PureEmitter& e, const ptx::Instruction& inst, ptx::Type type, Value* a, Value* b);

}  // namespace anywarp::codegen
