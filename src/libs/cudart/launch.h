// Kernel launches of the runtime. SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libs/cudart/registry.h"

namespace anywarp::cudart {

struct LaunchShape {
  dim3 grid, block;
  size_t shared = 0;
  cudaStream_t stream = nullptr;
};

cudaError_t launch(Kernel* kernel, const LaunchShape& shape, void** args);

}  // namespace anywarp::cudart
