// One kernel launch as the driver hands it over. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "abi/kernel.h"
#include "support/result.h"

namespace anywarp::device {

enum class Residency : uint8_t {
  Independent,  // blocks start in index order as workers become free
  WholeGrid,    // cooperative: all blocks make progress at once; %envreg1/2 point to the grid's workspace
};

struct LaunchRequest;

// What cudaFuncGetAttributes tells.
struct KernelFacts {
  uint64_t sharedBytes = 0, constBytes = 0, localBytes = 0;
  uint32_t maxThreads = 0, registers = 0, ptxVersion = 0, binaryVersion = 0;
};

// How kernels launch kernels: the driver knows what a function's handle is. Called on workers.
class ChildLauncher {
 public:
  virtual ~ChildLauncher() = default;
  // Of the function's parameters; nothing where the handle is no kernel's.
  virtual std::optional<size_t> paramBytes(uint64_t function) const = 0;
  // Nothing where the handle is no kernel's.
  virtual std::optional<KernelFacts> facts(uint64_t function) const = 0;
  // How many blocks fit on a multiprocessor together.
  virtual std::optional<int> activeBlocks(uint64_t function, uint32_t threads, uint64_t dynamicSharedBytes) const = 0;
  // All but the parameters; what it points to lives as long as the parent's launch.
  virtual Result<LaunchRequest> prepare(uint64_t function, const abi::Dim3& grid, const abi::Dim3& block, uint32_t sharedBytes) const = 0;
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
  const ChildLauncher* launcher = nullptr;  // lives as long as `keepAlive`
  std::shared_ptr<const void> keepAlive;
};

// Workers of this process, and how many kernels can be inside each at once.
unsigned workerCount();

}  // namespace anywarp::device
