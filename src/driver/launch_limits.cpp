// Driver API: Execution Control, the limits of launches. SPDX-License-Identifier: Apache-2.0
#include "driver/launch_limits.h"

#include <algorithm>

#include "abi/dimensions.h"
#include "driver/errors.h"
#include "support/demangle.h"
#include "support/log.h"

namespace anywarp::driver {
namespace {

constexpr uint32_t portableClusterSize = 8, largestClusterSize = 16;

std::string text(const abi::Dim3& d) { return fmt::format("({},{},{})", d.x, d.y, d.z); }

// Programs often look at the error of a launch much later, or never: the reason goes to the log at once.
template <class... Args>
CUresult refuse(const Kernel& kernel, CUresult result, fmt::format_string<Args...> reason, Args&&... args) {
  if (log::enabled(log::Level::Warn))
    log::warn("{}: launch refused: {} ({})", demangled(kernel.function().name), fmt::format(reason, std::forward<Args>(args)...), errorName(result));
  return result;
}

abi::Dim3 limits(const device::Profile& profile, device::Attribute x, device::Attribute y, device::Attribute z) {
  return {static_cast<uint32_t>(profile[x]), static_cast<uint32_t>(profile[y]), static_cast<uint32_t>(profile[z])};
}

bool within(const abi::Dim3& d, const abi::Dim3& most) { return d.x <= most.x && d.y <= most.y && d.z <= most.z; }

CUresult checkCluster(Kernel& kernel, const VisibleDevice& device, const LaunchShape& shape) {
  uint64_t size = abi::volume(shape.cluster);
  if (size == 1) return CUDA_SUCCESS;
  if (shape.grid.x % shape.cluster.x || shape.grid.y % shape.cluster.y || shape.grid.z % shape.cluster.z)
    return refuse(kernel, CUDA_ERROR_INVALID_VALUE, "grid {} is not a multiple of the cluster {}", text(shape.grid), text(shape.cluster));
  uint32_t limit = kernel.settings(device.ordinal).nonPortableCluster ? largestClusterSize : portableClusterSize;
  if (uint32_t rank = kernel.function().maxclusterrank) limit = std::min(limit, rank);
  if (size > limit) return refuse(kernel, CUDA_ERROR_INVALID_CLUSTER_SIZE, "cluster of {} blocks, at most {}", size, limit);
  return CUDA_SUCCESS;
}

}  // namespace

CUresult checkShape(Kernel& kernel, const VisibleDevice& device, const LaunchShape& shape, EmptyGrid emptyGrid) {
  using device::Attribute;
  const device::Profile& profile = device.profile();
  abi::Dim3 most = limits(profile, Attribute::MaxGridX, Attribute::MaxGridY, Attribute::MaxGridZ);
  bool gridGood = within(shape.grid, most) && (abi::volume(shape.grid) > 0 || emptyGrid != EmptyGrid::Refused);
  if (!gridGood) return refuse(kernel, CUDA_ERROR_INVALID_VALUE, "grid {}, allowed are (1,1,1) to {}", text(shape.grid), text(most));
  most = limits(profile, Attribute::MaxBlockX, Attribute::MaxBlockY, Attribute::MaxBlockZ);
  if (!within(shape.block, most) || abi::volume(shape.block) == 0) return refuse(kernel, CUDA_ERROR_INVALID_VALUE, "block {}, allowed are (1,1,1) to {}", text(shape.block), text(most));
  uint64_t threads = abi::volume(shape.block);
  if (threads > static_cast<uint64_t>(profile[Attribute::MaxThreadsPerBlock]))
    return refuse(kernel, CUDA_ERROR_INVALID_VALUE, "block {} of {} threads, at most {}", text(shape.block), threads, profile[Attribute::MaxThreadsPerBlock]);
  const ptx::Function& f = kernel.function();
  if (f.reqntid[0]) {
    abi::Dim3 required{f.reqntid[0], std::max(f.reqntid[1], 1u), std::max(f.reqntid[2], 1u)};
    if (required.x != shape.block.x || required.y != shape.block.y || required.z != shape.block.z)
      return refuse(kernel, CUDA_ERROR_INVALID_VALUE, "block {}, the kernel is made for blocks {} only", text(shape.block), text(required));
  }
  if (threads > kernel.maxThreads())
    return refuse(kernel, CUDA_ERROR_INVALID_VALUE, "{} threads in a block, the kernel is made for at most {} (its launch bounds)", threads, kernel.maxThreads());
  return checkCluster(kernel, device, shape);
}

CUresult checkShared(Kernel& kernel, const VisibleDevice& device, uint32_t staticShared, unsigned dynamicShared) {
  auto most = static_cast<unsigned>(std::max(maxDynamicShared(kernel, device, staticShared), 0));
  int optin = device.profile()[device::Attribute::MaxSharedPerBlockOptin];
  if (dynamicShared > most)
    return refuse(kernel, CUDA_ERROR_INVALID_VALUE,
                  "{} bytes of dynamic shared memory beside {} static ones, at most {}; the function's attribute for the largest dynamic size allows up to {}",
                  dynamicShared, staticShared, most, std::max(optin - static_cast<int>(staticShared), 0));
  uint64_t total = uint64_t(staticShared) + dynamicShared;
  if (total > static_cast<uint64_t>(optin))
    return refuse(kernel, CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES, "{} bytes of shared memory in a block, at most {}", total, optin);
  return CUDA_SUCCESS;
}

CUresult checkCooperative(Kernel& kernel, const VisibleDevice& device, const LaunchShape& shape, uint64_t sharedBytes) {
  auto perSm = static_cast<uint64_t>(activeBlocks(device, kernel, static_cast<uint32_t>(abi::volume(shape.block)), sharedBytes));
  std::shared_ptr<Context> context = currentContext();
  int smCount = context && &context->device == &device ? context->smCount() : device.profile().smCount();
  uint64_t most = perSm * static_cast<uint64_t>(smCount);
  if (abi::volume(shape.grid) > most)
    return refuse(kernel, CUDA_ERROR_COOPERATIVE_LAUNCH_TOO_LARGE, "cooperative grid of {} blocks, {} fit on the device together ({} on each of {} SMs)",
                  abi::volume(shape.grid), most, perSm, smCount);
  return CUDA_SUCCESS;
}

}  // namespace anywarp::driver
