// Driver API: Occupancy. SPDX-License-Identifier: Apache-2.0
// What programs size their grids by; computed from the presented device as a GPU of its kind would.
#include <algorithm>

#include "driver/entry.h"
#include "driver/execution.h"

using namespace anywarp;
using namespace anywarp::driver;

namespace {

using device::Attribute;

constexpr uint64_t sharedGranularity = 128;
constexpr uint32_t registerGranularity = 256;  // per warp

uint64_t roundUp(uint64_t value, uint64_t to) { return (value + to - 1) / to * to; }

template <class Body>
CUresult withKernel(const char* name, CUfunction handle, Body&& body) {
  return callInContext(name, [&](Current& current) -> CUresult {
    KernelRef ref;
    if (CUresult result = resolve(current, handle, ref); result != CUDA_SUCCESS) return result;
    Result<KernelUsage> usage = ref.kernel->usage();
    if (!usage) return toResult(usage.error(), During::Launch);
    return body(current.device(), *ref.kernel, usage->staticShared);
  });
}

CUresult maxActiveBlocks(const char* name, int* blocks, CUfunction handle, int blockSize, size_t dynamicShared, unsigned flags) {
  return withKernel(name, handle, [&](VisibleDevice& device, Kernel& kernel, uint32_t staticShared) -> CUresult {
    if (!blocks || blockSize <= 0 || flags & ~CU_OCCUPANCY_DISABLE_CACHING_OVERRIDE) return CUDA_ERROR_INVALID_VALUE;
    *blocks = activeBlocks(device, kernel, static_cast<uint32_t>(blockSize), staticShared + dynamicShared);
    return CUDA_SUCCESS;
  });
}

CUresult maxPotentialBlockSize(const char* name, int* minGrid, int* blockSize, CUfunction handle, CUoccupancyB2DSize sharedOf, size_t dynamicShared,
                               int limit, unsigned flags) {
  return withKernel(name, handle, [&](VisibleDevice& device, Kernel& kernel, uint32_t staticShared) -> CUresult {
    if (!minGrid || !blockSize || limit < 0 || flags & ~CU_OCCUPANCY_DISABLE_CACHING_OVERRIDE) return CUDA_ERROR_INVALID_VALUE;
    int warp = device.profile()[Attribute::WarpSize];
    int largest = static_cast<int>(kernel.maxThreads());
    if (limit > 0) largest = std::min(largest, limit);
    int bestThreads = 0, bestBlocks = 0, bestSize = 0;
    for (int size = largest; size > 0; size = (size - 1) / warp * warp) {
      size_t shared = staticShared + (sharedOf ? sharedOf(size) : dynamicShared);
      int blocks = activeBlocks(device, kernel, static_cast<uint32_t>(size), shared);
      if (blocks * size > bestThreads) bestThreads = blocks * size, bestBlocks = blocks, bestSize = size;
    }
    *minGrid = bestBlocks * device.profile().smCount();
    *blockSize = bestSize;
    return CUDA_SUCCESS;
  });
}

uint32_t clusterVolume(const CUlaunchConfig& config, const ptx::Function& function) {
  if (function.reqnctapercluster[0]) return function.reqnctapercluster[0] * std::max(function.reqnctapercluster[1], 1u) * std::max(function.reqnctapercluster[2], 1u);
  for (unsigned i = 0; i < config.numAttrs; ++i)
    if (config.attrs[i].id == CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION)
      return config.attrs[i].value.clusterDim.x * config.attrs[i].value.clusterDim.y * config.attrs[i].value.clusterDim.z;
  return 1;
}

}  // namespace

int anywarp::driver::activeBlocks(const VisibleDevice& device, const Kernel& kernel, uint32_t threads, uint64_t sharedBytes) {
  const device::Profile& profile = device.profile();
  uint32_t warpSize = static_cast<uint32_t>(profile[Attribute::WarpSize]);
  if (threads == 0 || threads > kernel.maxThreads() || sharedBytes > static_cast<uint64_t>(profile[Attribute::MaxSharedPerBlockOptin])) return 0;
  uint64_t warps = (threads + warpSize - 1) / warpSize;
  uint64_t shared = roundUp(sharedBytes + static_cast<uint64_t>(profile[Attribute::ReservedSharedPerBlock]), sharedGranularity);
  uint64_t registers = warps * roundUp(uint64_t(registersOf(kernel)) * warpSize, registerGranularity);
  uint64_t blocks = static_cast<uint64_t>(profile[Attribute::MaxBlocksPerSm]);
  blocks = std::min(blocks, static_cast<uint64_t>(profile[Attribute::MaxThreadsPerSm]) / (warps * warpSize));
  blocks = std::min(blocks, static_cast<uint64_t>(profile[Attribute::MaxRegistersPerSm]) / registers);
  if (shared) blocks = std::min(blocks, static_cast<uint64_t>(profile[Attribute::MaxSharedPerSm]) / shared);
  return static_cast<int>(blocks);
}

CUresult cuOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, CUfunction function, int blockSize, size_t dynamicShared) {
  return maxActiveBlocks(__func__, blocks, function, blockSize, dynamicShared, 0);
}

CUresult cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int* blocks, CUfunction function, int blockSize, size_t dynamicShared, unsigned flags) {
  return maxActiveBlocks(__func__, blocks, function, blockSize, dynamicShared, flags);
}

CUresult cuOccupancyMaxPotentialBlockSize(int* minGrid, int* blockSize, CUfunction function, CUoccupancyB2DSize sharedOf, size_t dynamicShared, int limit) {
  return maxPotentialBlockSize(__func__, minGrid, blockSize, function, sharedOf, dynamicShared, limit, 0);
}

CUresult cuOccupancyMaxPotentialBlockSizeWithFlags(int* minGrid, int* blockSize, CUfunction function, CUoccupancyB2DSize sharedOf, size_t dynamicShared,
                                                   int limit, unsigned flags) {
  return maxPotentialBlockSize(__func__, minGrid, blockSize, function, sharedOf, dynamicShared, limit, flags);
}

CUresult cuOccupancyAvailableDynamicSMemPerBlock(size_t* bytes, CUfunction function, int blocks, int blockSize) {
  return withKernel(__func__, function, [&](VisibleDevice& device, Kernel& kernel, uint32_t staticShared) -> CUresult {
    if (!bytes || blocks <= 0 || blockSize <= 0 || activeBlocks(device, kernel, static_cast<uint32_t>(blockSize), staticShared) < blocks)
      return CUDA_ERROR_INVALID_VALUE;
    const device::Profile& profile = device.profile();
    int64_t share = profile[Attribute::MaxSharedPerSm] / blocks / static_cast<int64_t>(sharedGranularity) * static_cast<int64_t>(sharedGranularity);
    int64_t free = std::min<int64_t>(share - profile[Attribute::ReservedSharedPerBlock], profile[Attribute::MaxSharedPerBlockOptin]) - staticShared;
    *bytes = static_cast<size_t>(std::clamp<int64_t>(free, 0, maxDynamicShared(kernel, device, staticShared)));
    return CUDA_SUCCESS;
  });
}

CUresult cuOccupancyMaxPotentialClusterSize(int* size, CUfunction function, const CUlaunchConfig* config) {
  return withKernel(__func__, function, [&](VisibleDevice& device, Kernel& kernel, uint32_t) -> CUresult {
    if (!size || !config) return CUDA_ERROR_INVALID_VALUE;
    *size = kernel.settings(device.ordinal).nonPortableCluster ? 16 : 8;
    return CUDA_SUCCESS;
  });
}

CUresult cuOccupancyMaxActiveClusters(int* clusters, CUfunction function, const CUlaunchConfig* config) {
  return withKernel(__func__, function, [&](VisibleDevice& device, Kernel& kernel, uint32_t staticShared) -> CUresult {
    if (!clusters || !config || (config->numAttrs && !config->attrs)) return CUDA_ERROR_INVALID_VALUE;
    uint32_t volume = clusterVolume(*config, kernel.function());
    uint64_t threads = uint64_t(config->blockDimX) * config->blockDimY * config->blockDimZ;
    if (volume == 0 || threads == 0 || threads > kernel.maxThreads()) return CUDA_ERROR_INVALID_VALUE;
    int blocks = activeBlocks(device, kernel, static_cast<uint32_t>(threads), uint64_t(staticShared) + config->sharedMemBytes);
    *clusters = blocks * device.profile().smCount() / static_cast<int>(volume);
    return CUDA_SUCCESS;
  });
}
