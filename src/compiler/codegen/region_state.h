// What the functions of a kernel in lockstep know of how its warps meet. SPDX-License-Identifier: Apache-2.0
#pragma once

#include "compiler/analysis/together.h"
#include "compiler/codegen/kernel_state.h"

namespace anywarp::codegen {

// Every KernelState of a kernel is one of these.
struct RegionState : KernelState {
  analysis::Together together;

  static const RegionState& of(const KernelState& k) { return static_cast<const RegionState&>(k); }
};

}  // namespace anywarp::codegen
