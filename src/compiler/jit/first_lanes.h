// The first active lane of a mask that turns out to be full. SPDX-License-Identifier: Apache-2.0
#pragma once

namespace llvm {
class Function;
}  // namespace llvm

namespace anywarp::jit {

// Lanes packed under a mask (codegen/lane_patterns.cpp) are the lanes themselves where promoteRegisters() has shown the mask to be full:
// what follows then computes for lane 0 alone. A lane that is chosen at run time from lanes that are the same is the value they have.
void takeFirstLanes(llvm::Function& function);

}  // namespace anywarp::jit
