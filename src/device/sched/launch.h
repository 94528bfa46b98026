// One kernel launch as the driver hands it over. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "abi/kernel.h"

namespace anywarp::device {

enum class Residency : uint8_t {
  Independent,  // blocks start in index order as workers become free
  WholeGrid,    // cooperative: all blocks make progress at once; %envreg1/2 point to the grid's workspace
};

// Limits have been checked by the caller. `params` is copied; `symbols` and `kernel` live as long as `keepAlive`
// (or as long as the caller otherwise guarantees, when it is empty).
struct LaunchRequest {
  const abi::CompiledKernel* kernel = nullptr;
  const void* params = nullptr;      // packed image
  size_t paramBytes = 0;
  const uint64_t* symbols = nullptr;
  abi::Dim3 grid, block, cluster;
  uint32_t dynamicSharedBytes = 0;
  Residency residency = Residency::Independent;
  std::shared_ptr<const void> keepAlive;
};

// Workers of this process, and how many kernels can be inside each at once.
unsigned workerCount();

}  // namespace anywarp::device
