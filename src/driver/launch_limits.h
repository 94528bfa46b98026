// What a launch may ask for: shape, shared memory, cooperation. Each refusal says on the log which limit it met.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "driver/execution.h"

namespace anywarp::driver {

struct LaunchShape {
  abi::Dim3 grid, block, cluster;
};

CUresult checkShape(Kernel& kernel, const VisibleDevice& device, const LaunchShape& shape, EmptyGrid emptyGrid);
CUresult checkShared(Kernel& kernel, const VisibleDevice& device, uint32_t staticShared, unsigned dynamicShared);
CUresult checkCooperative(Kernel& kernel, const VisibleDevice& device, const LaunchShape& shape, uint64_t sharedBytes);

}  // namespace anywarp::driver
