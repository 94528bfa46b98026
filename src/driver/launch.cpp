// Driver API: Execution Control, launches. SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>

#include "driver/entry.h"
#include "driver/execution.h"
#include "driver/launch_limits.h"
#include "driver/objects/capture.h"
#include "support/options.h"

using namespace anywarp;
using namespace anywarp::driver;

namespace {

// The buffer that `extra` names; false where the list is not one.
bool readExtra(void** extra, const void*& buffer, size_t& bytes) {
  const size_t* size = nullptr;
  for (void** item = extra; *item != CU_LAUNCH_PARAM_END; item += 2) {
    if (*item == CU_LAUNCH_PARAM_BUFFER_POINTER) buffer = item[1];
    else if (*item == CU_LAUNCH_PARAM_BUFFER_SIZE) size = static_cast<const size_t*>(item[1]);
    else return false;
  }
  if (size) bytes = *size;
  return true;
}

CUresult packParams(const ParamLayout& layout, const LaunchArguments& arguments, ParamImage& image) {
  uint8_t* target = image.resize(layout.total);
  if (layout.params.empty()) return CUDA_SUCCESS;
  if (arguments.extra) {
    if (arguments.params) return CUDA_ERROR_INVALID_VALUE;
    const void* buffer = nullptr;
    size_t bytes = 0;
    if (!readExtra(arguments.extra, buffer, bytes) || !buffer || bytes < layout.total) return CUDA_ERROR_INVALID_VALUE;
    std::memcpy(target, buffer, layout.total);
    return CUDA_SUCCESS;
  }
  if (!arguments.params) return CUDA_ERROR_INVALID_VALUE;
  for (size_t i = 0; i < layout.params.size(); ++i) {
    const ParamLayout::Param& param = layout.params[i];
    if (!arguments.params[i]) return CUDA_ERROR_INVALID_VALUE;
    std::memcpy(target + param.offset, arguments.params[i], param.size);
  }
  return CUDA_SUCCESS;
}

// What the launch and the kernel's directives say together. .blocksareclusters: the grid counts clusters, and their shape and that
// of blocks come from the kernel.
LaunchShape shapeOf(Kernel& kernel, const VisibleDevice& device, const LaunchArguments& arguments) {
  const ptx::Function& f = kernel.function();
  KernelSettings& settings = kernel.settings(device.ordinal);
  LaunchShape shape{arguments.grid, arguments.block, arguments.cluster};
  if (f.reqnctapercluster[0]) shape.cluster = {f.reqnctapercluster[0], std::max(f.reqnctapercluster[1], 1u), std::max(f.reqnctapercluster[2], 1u)};
  else if (!shape.cluster.x && settings.clusterDim[0] > 0)
    shape.cluster = {static_cast<uint32_t>(settings.clusterDim[0]), static_cast<uint32_t>(std::max<int>(settings.clusterDim[1], 1)),
                     static_cast<uint32_t>(std::max<int>(settings.clusterDim[2], 1))};
  if (!shape.cluster.x) shape.cluster = {1, 1, 1};
  if (f.blocksareclusters && f.reqntid[0]) {
    shape.grid = {arguments.grid.x * shape.cluster.x, arguments.grid.y * shape.cluster.y, arguments.grid.z * shape.cluster.z};
    shape.block = {f.reqntid[0], std::max(f.reqntid[1], 1u), std::max(f.reqntid[2], 1u)};
  }
  return shape;
}

// No thread index, in either direction, reaches 2^31: the plan may compute with 32 bits.
bool isSmallGrid(const LaunchShape& shape) {
  constexpr uint64_t limit = uint64_t(1) << 31;
  return uint64_t(shape.grid.x) * shape.block.x < limit && uint64_t(shape.grid.y) * shape.block.y < limit && uint64_t(shape.grid.z) * shape.block.z < limit;
}

CUresult recordEvents(Current& current, const StreamRef& stream, const LaunchArguments& arguments) {
  for (CUevent handle : arguments.recordAfter) {
    if (!handle) continue;
    std::shared_ptr<EventObject> event = events().find(handle);
    if (!event || event->impl != current.impl) return CUDA_ERROR_INVALID_HANDLE;
    recordOn(*stream.stream, *event);
  }
  return CUDA_SUCCESS;
}

CUresult launchHandle(const char* name, CUfunction handle, const LaunchArguments& arguments) {
  return callInContext(name, [&](Current& current) -> CUresult {
    KernelRef ref;
    CUresult result = resolve(current, handle, ref);
    return result == CUDA_SUCCESS ? driver::launch(current, ref, arguments) : result;
  });
}

}  // namespace

bool anywarp::driver::readAttribute(const CUlaunchAttribute& attribute, LaunchArguments& arguments) {
  const CUlaunchAttributeValue& value = attribute.value;
  switch (attribute.id) {
    case CU_LAUNCH_ATTRIBUTE_COOPERATIVE: arguments.cooperative = value.cooperative != 0; return true;
    case CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION:
      arguments.cluster = {value.clusterDim.x, value.clusterDim.y, value.clusterDim.z};
      return value.clusterDim.x > 0 && value.clusterDim.y > 0 && value.clusterDim.z > 0;
    case CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_EVENT: arguments.recordAfter[0] = value.programmaticEvent.event; return true;
    case CU_LAUNCH_ATTRIBUTE_LAUNCH_COMPLETION_EVENT: arguments.recordAfter[1] = value.launchCompletionEvent.event; return true;
    // Hints about caches, placement and overlap; plain stream order satisfies them.
    case CU_LAUNCH_ATTRIBUTE_IGNORE:
    case CU_LAUNCH_ATTRIBUTE_ACCESS_POLICY_WINDOW:
    case CU_LAUNCH_ATTRIBUTE_SYNCHRONIZATION_POLICY:
    case CU_LAUNCH_ATTRIBUTE_CLUSTER_SCHEDULING_POLICY_PREFERENCE:
    case CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_STREAM_SERIALIZATION:
    case CU_LAUNCH_ATTRIBUTE_PRIORITY:
    case CU_LAUNCH_ATTRIBUTE_MEM_SYNC_DOMAIN_MAP:
    case CU_LAUNCH_ATTRIBUTE_MEM_SYNC_DOMAIN:
    case CU_LAUNCH_ATTRIBUTE_PREFERRED_CLUSTER_DIMENSION:
    case CU_LAUNCH_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT:
    case CU_LAUNCH_ATTRIBUTE_NVLINK_UTIL_CENTRIC_SCHEDULING: return true;
    // Updates from kernels need device code that we cannot see.
    case CU_LAUNCH_ATTRIBUTE_DEVICE_UPDATABLE_KERNEL_NODE: return value.deviceUpdatableKernelNode.deviceUpdatable == 0;
  }
  return false;
}

CUresult anywarp::driver::prepareLaunch(const VisibleDevice& device, const KernelRef& ref, const LaunchArguments& arguments, ParamImage& image,
                                       device::LaunchRequest& request) {
  Kernel& kernel = *ref.kernel;
  LaunchShape shape = shapeOf(kernel, device, arguments);
  if (CUresult result = checkShape(kernel, device, shape, arguments.emptyGrid); result != CUDA_SUCCESS) return result;
  if (CUresult result = packParams(kernel.layout, arguments, image); result != CUDA_SUCCESS) return result;

  Result<const abi::CompiledKernel*> plan = ref.instance->code().plans.getPlan(kernel.index, shape.block, isSmallGrid(shape));
  if (!plan) return toResult(plan.error(), During::Launch);
  uint32_t staticShared = (*plan)->staticSharedBytes;
  if (CUresult result = checkShared(kernel, device, staticShared, arguments.sharedBytes); result != CUDA_SUCCESS) return result;
  if (arguments.cooperative)
    if (CUresult result = checkCooperative(kernel, device, shape, uint64_t(staticShared) + arguments.sharedBytes); result != CUDA_SUCCESS) return result;
  request.kernel = *plan;
  request.params = image.data();
  request.paramBytes = kernel.layout.total;
  request.symbols = ref.instance->addresses().data();
  request.grid = shape.grid;
  request.block = shape.block;
  request.cluster = shape.cluster;
  request.dynamicSharedBytes = arguments.sharedBytes;
  request.residency = arguments.cooperative ? device::Residency::WholeGrid : device::Residency::Independent;
  request.launcher = ref.instance->symbols().get();
  request.keepAlive = ref.instance->symbols();
  return CUDA_SUCCESS;
}

CUresult anywarp::driver::launch(Current& current, const KernelRef& ref, const LaunchArguments& arguments) {
  StreamRef stream = streamOf(current, arguments.stream);
  if (!stream) return CUDA_ERROR_INVALID_HANDLE;
  if (stream.capture) return captureLaunch(current, stream, ref, arguments);
  ParamImage image;
  device::LaunchRequest request;
  if (CUresult result = prepareLaunch(current.device(), ref, arguments, image, request); result != CUDA_SUCCESS) return result;
  current.impl->flushPrintf();
  stream->launch(request);
  if (CUresult result = recordEvents(current, stream, arguments); result != CUDA_SUCCESS) return result;
  static const bool blocking = options::cudaLaunchBlocking();
  if (blocking) {
    stream->synchronize();
    return current.fault();
  }
  return CUDA_SUCCESS;
}

CUresult cuLaunchKernel(CUfunction function, unsigned gridX, unsigned gridY, unsigned gridZ, unsigned blockX, unsigned blockY, unsigned blockZ,
                        unsigned sharedBytes, CUstream stream, void** params, void** extra) {
  LaunchArguments arguments;
  arguments.grid = {gridX, gridY, gridZ};
  arguments.block = {blockX, blockY, blockZ};
  arguments.sharedBytes = sharedBytes;
  arguments.stream = stream;
  arguments.params = params;
  arguments.extra = extra;
  return launchHandle(__func__, function, arguments);
}

CUresult cuLaunchCooperativeKernel(CUfunction function, unsigned gridX, unsigned gridY, unsigned gridZ, unsigned blockX, unsigned blockY, unsigned blockZ,
                                   unsigned sharedBytes, CUstream stream, void** params) {
  LaunchArguments arguments;
  arguments.grid = {gridX, gridY, gridZ};
  arguments.block = {blockX, blockY, blockZ};
  arguments.sharedBytes = sharedBytes;
  arguments.stream = stream;
  arguments.cooperative = true;
  arguments.params = params;
  return launchHandle(__func__, function, arguments);
}

CUresult cuLaunchKernelEx(const CUlaunchConfig* config, CUfunction function, void** params, void** extra) {
  if (!config || (config->numAttrs && !config->attrs)) return initialised() ? CUDA_ERROR_INVALID_VALUE : CUDA_ERROR_NOT_INITIALIZED;
  LaunchArguments arguments;
  arguments.grid = {config->gridDimX, config->gridDimY, config->gridDimZ};
  arguments.block = {config->blockDimX, config->blockDimY, config->blockDimZ};
  arguments.sharedBytes = config->sharedMemBytes;
  arguments.stream = config->hStream;
  arguments.params = params;
  arguments.extra = extra;
  for (unsigned i = 0; i < config->numAttrs; ++i)
    if (!readAttribute(config->attrs[i], arguments)) return CUDA_ERROR_INVALID_VALUE;
  return launchHandle(__func__, function, arguments);
}
