// Driver API: Execution Control, functions and their attributes. SPDX-License-Identifier: Apache-2.0
#include "driver/execution.h"

#include <algorithm>

#include "driver/entry.h"

using namespace anywarp;
using namespace anywarp::driver;

namespace anywarp::driver {
namespace {

constexpr int defaultSharedLimit = 48 * 1024;
constexpr uint32_t defaultRegisters = 32;  // of a body that does not parse
constexpr uint32_t registersPerSm = 65536, fewestRegisters = 16;

int deviceAttribute(const VisibleDevice& device, device::Attribute attribute) { return device.profile()[attribute]; }

int constBytes(const ptx::Module& module) {
  uint64_t total = 0;
  for (const ptx::Variable& variable : module.variables)
    if (variable.space == ptx::Space::Const) total += variable.size;
  return static_cast<int>(std::min<uint64_t>(total, INT32_MAX));
}

int clusterDimension(Kernel& kernel, const VisibleDevice& device, int axis) {
  if (uint32_t required = kernel.function().reqnctapercluster[axis]) return static_cast<int>(required);
  return kernel.settings(device.ordinal).clusterDim[axis];
}

}  // namespace

uint32_t registersOf(const Kernel& kernel) {
  const Result<KernelUsage>& usage = kernel.usage();
  uint32_t registers = usage ? usage->registers : defaultRegisters;
  const ptx::Function& f = kernel.function();
  if (f.maxnreg) return std::min(registers, f.maxnreg);
  if (!f.maxntid[0] && !f.reqntid[0]) return registers;
  // As many as leave room for the blocks that the kernel promises; a GPU keeps the rest in local memory.
  uint32_t threads = (kernel.maxThreads() + 31) / 32 * 32 * std::max(f.minnctapersm, 1u);
  return std::min(registers, std::max(registersPerSm / threads / 8 * 8, fewestRegisters));
}

int maxDynamicShared(Kernel& kernel, const VisibleDevice& device, uint32_t staticShared) {
  int set = kernel.settings(device.ordinal).maxDynamicShared;
  return set >= 0 ? set : std::max(defaultSharedLimit - static_cast<int>(staticShared), 0);
}

CUresult resolve(Current& current, CUfunction handle, KernelRef& ref) {
  if (kindOf(handle) == HandleKind::Function) {
    ref.function = functions().find(handle);
    ref.instance = ref.function ? ref.function->instance.lock() : nullptr;
    if (!ref.instance || ref.instance->impl() != current.impl) return CUDA_ERROR_INVALID_HANDLE;
    ref.kernel = ref.function->kernel;
    ref.library = ref.instance->library();
    return CUDA_SUCCESS;
  }
  ref.kernel = kernels().find(reinterpret_cast<CUkernel>(handle));
  ref.library = ref.kernel ? ref.kernel->library.lock() : nullptr;
  if (!ref.library) return CUDA_ERROR_INVALID_HANDLE;
  Result<std::shared_ptr<Instance>> instance = current.context->instanceOf(ref.library);
  if (!instance) return toResult(instance.error(), During::ReadPtx);
  ref.instance = std::move(*instance);
  ref.kernel = ref.instance->kernelLike(ref.kernel);
  return ref.kernel ? CUDA_SUCCESS : CUDA_ERROR_NOT_FOUND;  // its code for this device's capability lacks the kernel
}

CUresult getAttribute(Kernel& kernel, const VisibleDevice& device, CUfunction_attribute attribute, int* value) {
  if (!value) return CUDA_ERROR_INVALID_VALUE;
  KernelSettings& settings = kernel.settings(device.ordinal);
  KernelUsage usage;
  if (Result<KernelUsage> known = kernel.usage()) usage = *known;  // a body that does not parse fails at launch
  switch (attribute) {
    case CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK: *value = static_cast<int>(kernel.maxThreads()); return CUDA_SUCCESS;
    case CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES: *value = static_cast<int>(usage.staticShared); return CUDA_SUCCESS;
    case CU_FUNC_ATTRIBUTE_CONST_SIZE_BYTES: *value = constBytes(kernel.module); return CUDA_SUCCESS;
    case CU_FUNC_ATTRIBUTE_LOCAL_SIZE_BYTES: *value = static_cast<int>(usage.local); return CUDA_SUCCESS;
    case CU_FUNC_ATTRIBUTE_NUM_REGS: *value = static_cast<int>(registersOf(kernel)); return CUDA_SUCCESS;
    case CU_FUNC_ATTRIBUTE_PTX_VERSION: *value = static_cast<int>(kernel.module.target); return CUDA_SUCCESS;
    case CU_FUNC_ATTRIBUTE_BINARY_VERSION: *value = static_cast<int>(device.arch()); return CUDA_SUCCESS;
    case CU_FUNC_ATTRIBUTE_CACHE_MODE_CA: *value = 0; return CUDA_SUCCESS;
    case CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES: *value = maxDynamicShared(kernel, device, usage.staticShared); return CUDA_SUCCESS;
    case CU_FUNC_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT: *value = settings.carveout; return CUDA_SUCCESS;
    case CU_FUNC_ATTRIBUTE_CLUSTER_SIZE_MUST_BE_SET: *value = kernel.function().explicitcluster; return CUDA_SUCCESS;
    case CU_FUNC_ATTRIBUTE_REQUIRED_CLUSTER_WIDTH: *value = clusterDimension(kernel, device, 0); return CUDA_SUCCESS;
    case CU_FUNC_ATTRIBUTE_REQUIRED_CLUSTER_HEIGHT: *value = clusterDimension(kernel, device, 1); return CUDA_SUCCESS;
    case CU_FUNC_ATTRIBUTE_REQUIRED_CLUSTER_DEPTH: *value = clusterDimension(kernel, device, 2); return CUDA_SUCCESS;
    case CU_FUNC_ATTRIBUTE_NON_PORTABLE_CLUSTER_SIZE_ALLOWED: *value = settings.nonPortableCluster; return CUDA_SUCCESS;
    case CU_FUNC_ATTRIBUTE_CLUSTER_SCHEDULING_POLICY_PREFERENCE: *value = settings.clusterPolicy; return CUDA_SUCCESS;
  }
  return CUDA_ERROR_INVALID_VALUE;
}

CUresult setAttribute(Kernel& kernel, const VisibleDevice& device, CUfunction_attribute attribute, int value) {
  KernelSettings& settings = kernel.settings(device.ordinal);
  switch (attribute) {
    case CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES: {
      Result<KernelUsage> usage = kernel.usage();
      int used = usage ? static_cast<int>(usage->staticShared) : 0;
      if (value < 0 || value > deviceAttribute(device, device::Attribute::MaxSharedPerBlockOptin) - used) return CUDA_ERROR_INVALID_VALUE;
      settings.maxDynamicShared = value;
      return CUDA_SUCCESS;
    }
    case CU_FUNC_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT:
      if (value < -1 || value > 100) return CUDA_ERROR_INVALID_VALUE;
      settings.carveout = value;
      return CUDA_SUCCESS;
    case CU_FUNC_ATTRIBUTE_REQUIRED_CLUSTER_WIDTH:
    case CU_FUNC_ATTRIBUTE_REQUIRED_CLUSTER_HEIGHT:
    case CU_FUNC_ATTRIBUTE_REQUIRED_CLUSTER_DEPTH: {
      unsigned axis = attribute - CU_FUNC_ATTRIBUTE_REQUIRED_CLUSTER_WIDTH;
      if (value < 0 || kernel.function().reqnctapercluster[0]) return CUDA_ERROR_INVALID_VALUE;
      settings.clusterDim[axis] = value;
      return CUDA_SUCCESS;
    }
    case CU_FUNC_ATTRIBUTE_NON_PORTABLE_CLUSTER_SIZE_ALLOWED:
      if (value != 0 && value != 1) return CUDA_ERROR_INVALID_VALUE;
      settings.nonPortableCluster = value;
      return CUDA_SUCCESS;
    case CU_FUNC_ATTRIBUTE_CLUSTER_SCHEDULING_POLICY_PREFERENCE:
      if (value < 0 || value > static_cast<int>(CU_CLUSTER_SCHEDULING_POLICY_LOAD_BALANCING)) return CUDA_ERROR_INVALID_VALUE;
      settings.clusterPolicy = value;
      return CUDA_SUCCESS;
    default: return CUDA_ERROR_INVALID_VALUE;  // the others only tell
  }
}

CUresult paramInfo(const Kernel& kernel, size_t index, size_t* offset, size_t* size) {
  if (!offset || index >= kernel.layout.params.size()) return CUDA_ERROR_INVALID_VALUE;
  *offset = kernel.layout.params[index].offset;
  if (size) *size = kernel.layout.params[index].size;
  return CUDA_SUCCESS;
}

}  // namespace anywarp::driver

namespace {

template <class Body>
CUresult withFunction(const char* name, CUfunction handle, Body&& body) {
  return callInContext(name, [&](Current& current) -> CUresult {
    KernelRef ref;
    CUresult result = resolve(current, handle, ref);
    return result == CUDA_SUCCESS ? body(current, ref) : result;
  });
}

// The calls before cuLaunchKernel keep their state in the function, which a CUkernel does not have.
template <class Body>
CUresult withPending(const char* name, CUfunction handle, Body&& body) {
  return withFunction(name, handle, [&](Current& current, KernelRef& ref) -> CUresult {
    if (!ref.function) return CUDA_ERROR_INVALID_HANDLE;
    std::lock_guard lock(ref.function->pendingMutex);
    return body(current, ref, ref.function->pending);
  });
}

CUresult setParam(const char* name, CUfunction handle, int offset, const void* value, unsigned bytes) {
  return withPending(name, handle, [&](Current&, KernelRef& ref, PendingLaunch& pending) -> CUresult {
    size_t total = ref.kernel->layout.total;
    if (offset < 0 || (bytes && !value) || static_cast<size_t>(offset) > total || total - static_cast<size_t>(offset) < bytes) return CUDA_ERROR_INVALID_VALUE;
    pending.params.resize(total);
    std::copy_n(static_cast<const uint8_t*>(value), bytes, pending.params.begin() + offset);
    return CUDA_SUCCESS;
  });
}

CUresult launchPending(const char* name, CUfunction handle, int width, int height, CUstream stream) {
  return withPending(name, handle, [&](Current& current, KernelRef& ref, PendingLaunch& pending) -> CUresult {
    if (width <= 0 || height <= 0) return CUDA_ERROR_INVALID_VALUE;
    pending.params.resize(ref.kernel->layout.total);
    size_t bytes = pending.params.size();
    void* extra[] = {CU_LAUNCH_PARAM_BUFFER_POINTER, pending.params.data(), CU_LAUNCH_PARAM_BUFFER_SIZE, &bytes, CU_LAUNCH_PARAM_END};
    LaunchArguments arguments;
    arguments.grid = {static_cast<uint32_t>(width), static_cast<uint32_t>(height), 1};
    arguments.block = pending.block;
    arguments.sharedBytes = pending.sharedBytes;
    arguments.stream = stream;
    arguments.extra = extra;
    return driver::launch(current, ref, arguments);
  });
}

}  // namespace

CUresult cuFuncGetAttribute(int* value, CUfunction_attribute attribute, CUfunction function) {
  return withFunction(__func__, function, [&](Current& current, KernelRef& ref) { return getAttribute(*ref.kernel, current.device(), attribute, value); });
}

CUresult cuFuncSetAttribute(CUfunction function, CUfunction_attribute attribute, int value) {
  return withFunction(__func__, function, [&](Current& current, KernelRef& ref) { return setAttribute(*ref.kernel, current.device(), attribute, value); });
}

CUresult cuFuncSetCacheConfig(CUfunction function, CUfunc_cache config) {
  return withFunction(__func__, function, [&](Current& current, KernelRef& ref) -> CUresult {
    if (config > CU_FUNC_CACHE_PREFER_EQUAL) return CUDA_ERROR_INVALID_VALUE;
    ref.kernel->settings(current.device().ordinal).cacheConfig = config;
    return CUDA_SUCCESS;
  });
}

CUresult cuFuncSetSharedMemConfig(CUfunction function, CUsharedconfig config) {
  return withFunction(__func__, function, [&](Current&, KernelRef&) {
    return config > CU_SHARED_MEM_CONFIG_EIGHT_BYTE_BANK_SIZE ? CUDA_ERROR_INVALID_VALUE : CUDA_SUCCESS;  // there are no banks
  });
}

CUresult cuFuncGetModule(CUmodule* module, CUfunction function) {
  return withFunction(__func__, function, [&](Current&, KernelRef& ref) -> CUresult {
    if (!module) return CUDA_ERROR_INVALID_VALUE;
    *module = ref.instance->handle;
    return CUDA_SUCCESS;
  });
}

CUresult cuFuncGetName(const char** name, CUfunction function) {
  return withFunction(__func__, function, [&](Current&, KernelRef& ref) -> CUresult {
    if (!name) return CUDA_ERROR_INVALID_VALUE;
    *name = ref.kernel->function().name.c_str();
    return CUDA_SUCCESS;
  });
}

CUresult cuFuncGetParamInfo(CUfunction function, size_t index, size_t* offset, size_t* size) {
  return withFunction(__func__, function, [&](Current&, KernelRef& ref) { return paramInfo(*ref.kernel, index, offset, size); });
}

CUresult cuFuncIsLoaded(CUfunctionLoadingState* state, CUfunction function) {
  return withFunction(__func__, function, [&](Current&, KernelRef&) -> CUresult {
    if (!state) return CUDA_ERROR_INVALID_VALUE;
    *state = CU_FUNCTION_LOADING_STATE_LOADED;  // its variables exist; its code depends on the block of a launch
    return CUDA_SUCCESS;
  });
}

CUresult cuFuncLoad(CUfunction function) {
  return withFunction(__func__, function, [](Current&, KernelRef&) { return CUDA_SUCCESS; });
}

CUresult cuFuncSetBlockShape(CUfunction function, int x, int y, int z) {
  return withPending(__func__, function, [&](Current&, KernelRef&, PendingLaunch& pending) -> CUresult {
    if (x <= 0 || y <= 0 || z <= 0) return CUDA_ERROR_INVALID_VALUE;
    pending.block = {static_cast<uint32_t>(x), static_cast<uint32_t>(y), static_cast<uint32_t>(z)};
    return CUDA_SUCCESS;
  });
}

CUresult cuFuncSetSharedSize(CUfunction function, unsigned bytes) {
  return withPending(__func__, function, [&](Current&, KernelRef&, PendingLaunch& pending) {
    pending.sharedBytes = bytes;
    return CUDA_SUCCESS;
  });
}

CUresult cuParamSetSize(CUfunction function, unsigned bytes) {
  return withPending(__func__, function, [&](Current&, KernelRef& ref, PendingLaunch&) {
    return bytes < ref.kernel->layout.total ? CUDA_ERROR_INVALID_VALUE : CUDA_SUCCESS;
  });
}

CUresult cuParamSeti(CUfunction function, int offset, unsigned value) { return setParam(__func__, function, offset, &value, sizeof(value)); }
CUresult cuParamSetf(CUfunction function, int offset, float value) { return setParam(__func__, function, offset, &value, sizeof(value)); }
CUresult cuParamSetv(CUfunction function, int offset, void* value, unsigned bytes) { return setParam(__func__, function, offset, value, bytes); }

CUresult cuLaunch(CUfunction function) { return launchPending(__func__, function, 1, 1, nullptr); }
CUresult cuLaunchGrid(CUfunction function, int width, int height) { return launchPending(__func__, function, width, height, nullptr); }
CUresult cuLaunchGridAsync(CUfunction function, int width, int height, CUstream stream) {
  return launchPending(__func__, function, width, height, stream);
}
