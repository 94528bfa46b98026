// What kernels ask of the driver about kernels: which one a handle means, its attributes, how it is launched. SPDX-License-Identifier: Apache-2.0
#include "driver/execution.h"
#include "driver/objects/library.h"
#include "driver/process.h"

namespace anywarp::driver {

Kernel* SymbolTable::kernelOf(uint64_t function) const {
  auto first = reinterpret_cast<uint64_t>(functions.get());
  uint64_t index = (function - first) / sizeof(uint64_t);
  if (function < first || (function - first) % sizeof(uint64_t) || index >= code->module->functions.size()) return nullptr;
  for (const std::shared_ptr<Kernel>& kernel : code->kernels)
    if (kernel->index == index) return kernel.get();
  return nullptr;
}

std::optional<size_t> SymbolTable::paramBytes(uint64_t function) const {
  const Kernel* kernel = kernelOf(function);
  return kernel ? std::optional(kernel->layout.total) : std::nullopt;
}

std::optional<device::KernelFacts> SymbolTable::facts(uint64_t function) const {
  Kernel* kernel = kernelOf(function);
  if (!kernel || !device) return std::nullopt;
  auto get = [&](CUfunction_attribute attribute) {
    int value = 0;
    (void)getAttribute(*kernel, *device, attribute, &value);
    return static_cast<uint32_t>(value);
  };
  return device::KernelFacts{.sharedBytes = get(CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES),
                             .constBytes = get(CU_FUNC_ATTRIBUTE_CONST_SIZE_BYTES),
                             .localBytes = get(CU_FUNC_ATTRIBUTE_LOCAL_SIZE_BYTES),
                             .maxThreads = get(CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK),
                             .registers = get(CU_FUNC_ATTRIBUTE_NUM_REGS),
                             .ptxVersion = get(CU_FUNC_ATTRIBUTE_PTX_VERSION),
                             .binaryVersion = get(CU_FUNC_ATTRIBUTE_BINARY_VERSION)};
}

std::optional<int> SymbolTable::activeBlocks(uint64_t function, uint32_t threads, uint64_t dynamicSharedBytes) const {
  Kernel* kernel = kernelOf(function);
  if (!kernel || !device) return std::nullopt;
  Result<KernelUsage> usage = kernel->usage();
  if (!usage) return std::nullopt;
  return driver::activeBlocks(*device, *kernel, threads, usage->staticShared + dynamicSharedBytes);
}

Result<device::LaunchRequest> SymbolTable::prepare(uint64_t function, const abi::Dim3& grid, const abi::Dim3& block, uint32_t sharedBytes) const {
  constexpr uint64_t limit = uint64_t(1) << 31;
  const Kernel* kernel = kernelOf(function);
  if (!kernel || !device) return Error{ErrorKind::Invalid, "no such kernel"};
  const auto mostShared = static_cast<uint64_t>(device->profile()[device::Attribute::MaxSharedPerBlockOptin]);
  bool small = uint64_t(grid.x) * block.x < limit && uint64_t(grid.y) * block.y < limit && uint64_t(grid.z) * block.z < limit;
  Result<const abi::CompiledKernel*> plan = code->plans.getPlan(kernel->index, block, small);
  if (!plan) return plan.error();
  if (uint64_t{(*plan)->staticSharedBytes} + sharedBytes > mostShared)
    return Error{ErrorKind::Limit, kernel->function().name + ": too much shared memory"};
  return device::LaunchRequest{.kernel = *plan,
                               .paramBytes = kernel->layout.total,
                               .symbols = addresses.data(),
                               .grid = grid,
                               .block = block,
                               .cluster = {1, 1, 1},
                               .dynamicSharedBytes = sharedBytes,
                               .launcher = this,
                               .keepAlive = nullptr};
}

}  // namespace anywarp::driver
