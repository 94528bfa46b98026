// Which kernels run a block in one go, all warps by number (block_at_once.cpp). SPDX-License-Identifier: Apache-2.0
#pragma once

#include "compiler/codegen/kernel_state.h"

namespace anywarp::codegen {

// A kernel with barriers, so small that every warp can have code of its own, all of whose warps take the same way from barrier to
// barrier.
bool runsAtOnce(const KernelState& k, const Analyzed& kernel);

}  // namespace anywarp::codegen
