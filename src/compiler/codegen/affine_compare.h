// Comparisons of what is affine in the lane with what is the same for all lanes. SPDX-License-Identifier: Apache-2.0
#pragma once

#include "compiler/codegen/compare.h"

namespace anywarp::codegen {

// Whether lanes this far apart can be compared as bytes.
bool strideFitsBytes(int64_t stride, unsigned width);

// base + stride * lane compared with `other`, both scalars of one type, where no lane wraps: the distance between the two is found
// once, and lane numbers are compared with it as bytes. `affineFirst`: which of the two stands first in the instruction.
Value* compareAffine(PureEmitter& e, const ptx::Instruction& inst, ptx::Type type, unsigned width, Value* base, int64_t stride, Value* other,
                     bool affineFirst);

}  // namespace anywarp::codegen
