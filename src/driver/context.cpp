// Driver API: Context Management. SPDX-License-Identifier: Apache-2.0
#include "driver/entry.h"
#include "driver/objects/capture.h"

using namespace anywarp;
using namespace anywarp::driver;

namespace {

constexpr unsigned apiVersion = 3020;
constexpr int lowestPriority = 0, highestPriority = -5;

// Where NULL means the current context.
std::shared_ptr<Context> contextOrCurrent(CUcontext handle) { return handle ? contexts().find(handle) : currentContext(); }

CUresult create(const char* name, CUcontext* handle, unsigned flags, CUdevice dev) {
  return call(name, [&]() -> CUresult {
    if (inCallback()) return CUDA_ERROR_NOT_PERMITTED;
    unsigned schedule = flags & CU_CTX_SCHED_MASK;
    if (!handle || (flags & ~CU_CTX_FLAGS_MASK) || (schedule & (schedule - 1))) return CUDA_ERROR_INVALID_VALUE;
    VisibleDevice* device = visibleDevice(dev);
    if (!device) return CUDA_ERROR_INVALID_DEVICE;
    std::shared_ptr<Context> context = Context::makeExplicit(*device, flags);
    *handle = context->handle;
    currentStack().push_back(std::move(context));
    return CUDA_SUCCESS;
  });
}

CUresult destroy(const char* name, CUcontext handle) {
  return call(name, [&]() -> CUresult {
    if (inCallback()) return CUDA_ERROR_NOT_PERMITTED;
    std::shared_ptr<Context> context = contexts().find(handle);
    if (!context || context->ownership == Context::Ownership::Primary) return CUDA_ERROR_INVALID_CONTEXT;
    contexts().take(handle);
    context->reset();
    auto& stack = currentStack();
    if (!stack.empty() && stack.back() == context) stack.pop_back();
    return CUDA_SUCCESS;
  });
}

CUresult push(const char* name, CUcontext handle) {
  return call(name, [&]() -> CUresult {
    std::shared_ptr<Context> context = contexts().find(handle);
    if (!context) return CUDA_ERROR_INVALID_CONTEXT;
    currentStack().push_back(std::move(context));
    return CUDA_SUCCESS;
  });
}

CUresult pop(const char* name, CUcontext* handle) {
  return call(name, [&]() -> CUresult {
    auto& stack = currentStack();
    if (stack.empty()) return CUDA_ERROR_INVALID_CONTEXT;
    if (handle) *handle = stack.back()->handle;
    stack.pop_back();
    return CUDA_SUCCESS;
  });
}

CUresult synchronize(const char* name, CUcontext handle) {
  return call(name, [&]() -> CUresult {
    if (inCallback()) return CUDA_ERROR_NOT_PERMITTED;
    Current current;
    current.context = contextOrCurrent(handle);
    if (!current.context) return CUDA_ERROR_INVALID_CONTEXT;
    current.impl = current.context->active();
    if (!current.impl) return CUDA_ERROR_CONTEXT_IS_DESTROYED;
    if (CUresult result = checkContextCapture(current); result != CUDA_SUCCESS) return result;
    current.impl->synchronize();
    return current.fault();
  });
}

std::optional<device::Limit> deviceLimit(CUlimit limit) {
  switch (limit) {
    case CU_LIMIT_STACK_SIZE: return device::Limit::StackBytes;
    case CU_LIMIT_PRINTF_FIFO_SIZE: return device::Limit::PrintfBytes;
    case CU_LIMIT_MALLOC_HEAP_SIZE: return device::Limit::HeapBytes;
    default: return std::nullopt;
  }
}

// Devices from 9.0 on have no waiting for a child, so no depth of it.
std::atomic<size_t>* deviceRuntimeLimit(const Current& current, CUlimit limit) {
  if (limit == CU_LIMIT_DEV_RUNTIME_PENDING_LAUNCH_COUNT) return &current.context->pendingLaunches;
  return limit == CU_LIMIT_DEV_RUNTIME_SYNC_DEPTH && current.device().arch() < 90 ? &current.context->syncDepth : nullptr;
}

}  // namespace

CUresult cuCtxCreate(CUcontext* handle, unsigned flags, CUdevice dev) { return create(__func__, handle, flags, dev); }
CUresult cuCtxCreate_v2(CUcontext* handle, unsigned flags, CUdevice dev) { return create(__func__, handle, flags, dev); }

CUresult cuCtxCreate_v3(CUcontext* handle, CUexecAffinityParam* affinity, int count, unsigned flags, CUdevice dev) {
  if (count < 0 || (count > 0 && !affinity)) return CUDA_ERROR_INVALID_VALUE;
  if (count > 0) return CUDA_ERROR_UNSUPPORTED_EXEC_AFFINITY;
  return create(__func__, handle, flags, dev);
}

CUresult cuCtxCreate_v4(CUcontext* handle, CUctxCreateParams* params, unsigned flags, CUdevice dev) {
  if (params && params->numExecAffinityParams > 0) return CUDA_ERROR_UNSUPPORTED_EXEC_AFFINITY;
  if (params && params->cigParams) return CUDA_ERROR_NOT_SUPPORTED;
  return create(__func__, handle, flags, dev);
}

CUresult cuCtxDestroy(CUcontext context) { return destroy(__func__, context); }
CUresult cuCtxDestroy_v2(CUcontext context) { return destroy(__func__, context); }
CUresult cuCtxPushCurrent(CUcontext context) { return push(__func__, context); }
CUresult cuCtxPushCurrent_v2(CUcontext context) { return push(__func__, context); }
CUresult cuCtxPopCurrent(CUcontext* context) { return pop(__func__, context); }
CUresult cuCtxPopCurrent_v2(CUcontext* context) { return pop(__func__, context); }

CUresult cuCtxSetCurrent(CUcontext handle) {
  return call(__func__, [&]() -> CUresult {
    auto& stack = currentStack();
    if (!handle) {
      if (!stack.empty()) stack.pop_back();
      return CUDA_SUCCESS;
    }
    std::shared_ptr<Context> context = contexts().find(handle);
    if (!context) return CUDA_ERROR_INVALID_CONTEXT;
    if (stack.empty()) stack.push_back(std::move(context));
    else stack.back() = std::move(context);
    return CUDA_SUCCESS;
  });
}

CUresult cuCtxGetCurrent(CUcontext* handle) {
  return call(__func__, [&]() -> CUresult {
    if (!handle) return CUDA_ERROR_INVALID_VALUE;
    std::shared_ptr<Context> context = currentContext();
    *handle = context ? context->handle : nullptr;
    return CUDA_SUCCESS;
  });
}

CUresult cuCtxGetDevice_v2(CUdevice* device, CUcontext handle) {
  return call(__func__, [&]() -> CUresult {
    std::shared_ptr<Context> context = contextOrCurrent(handle);
    if (!context) return CUDA_ERROR_INVALID_CONTEXT;
    if (!device) return CUDA_ERROR_INVALID_VALUE;
    *device = context->device.ordinal;
    return CUDA_SUCCESS;
  });
}

CUresult cuCtxGetDevice(CUdevice* device) { return cuCtxGetDevice_v2(device, nullptr); }

CUresult cuCtxGetFlags(unsigned* flags) {
  return callInContext(__func__, [&](Current& current) -> CUresult {
    if (!flags) return CUDA_ERROR_INVALID_VALUE;
    *flags = current.context->flags;
    return CUDA_SUCCESS;
  });
}

CUresult cuCtxSetFlags(unsigned flags) {
  return callInContext(__func__, [&](Current& current) -> CUresult {
    unsigned schedule = flags & CU_CTX_SCHED_MASK;
    if ((flags & ~CU_CTX_FLAGS_MASK) || (schedule & (schedule - 1))) return CUDA_ERROR_INVALID_VALUE;
    current.context->flags = flags;
    return CUDA_SUCCESS;
  });
}

CUresult cuCtxGetId(CUcontext handle, unsigned long long* id) {
  return call(__func__, [&]() -> CUresult {
    std::shared_ptr<Context> context = contextOrCurrent(handle);
    if (!context) return handle ? CUDA_ERROR_CONTEXT_IS_DESTROYED : CUDA_ERROR_INVALID_CONTEXT;
    if (!id) return CUDA_ERROR_INVALID_VALUE;
    std::shared_ptr<device::Context> impl = context->active();
    if (!impl) return CUDA_ERROR_CONTEXT_IS_DESTROYED;
    *id = impl->id();
    return CUDA_SUCCESS;
  });
}

CUresult cuCtxSynchronize() { return synchronize(__func__, nullptr); }
CUresult cuCtxSynchronize_v2(CUcontext context) { return synchronize(__func__, context); }

CUresult cuCtxSetLimit(CUlimit limit, size_t value) {
  return callInContext(__func__, [&](Current& current) -> CUresult {
    if (std::optional<device::Limit> known = deviceLimit(limit)) return toResult(current.impl->setLimit(*known, value));
    if (std::atomic<size_t>* kept = deviceRuntimeLimit(current, limit)) {
      *kept = value;
      return CUDA_SUCCESS;
    }
    // Hints, and limits of what does not exist here.
    if (limit == CU_LIMIT_MAX_L2_FETCH_GRANULARITY || limit == CU_LIMIT_PERSISTING_L2_CACHE_SIZE) return CUDA_SUCCESS;
    return limit <= CU_LIMIT_CIG_SHMEM_FALLBACK_ENABLED ? CUDA_ERROR_UNSUPPORTED_LIMIT : CUDA_ERROR_INVALID_VALUE;
  });
}

CUresult cuCtxGetLimit(size_t* value, CUlimit limit) {
  return callInContext(__func__, [&](Current& current) -> CUresult {
    if (!value) return CUDA_ERROR_INVALID_VALUE;
    if (std::optional<device::Limit> known = deviceLimit(limit)) *value = current.impl->limit(*known);
    else if (std::atomic<size_t>* kept = deviceRuntimeLimit(current, limit)) *value = *kept;
    else if (limit == CU_LIMIT_MAX_L2_FETCH_GRANULARITY) *value = 64;
    else if (limit == CU_LIMIT_PERSISTING_L2_CACHE_SIZE) *value = 0;
    else return limit <= CU_LIMIT_CIG_SHMEM_FALLBACK_ENABLED ? CUDA_ERROR_UNSUPPORTED_LIMIT : CUDA_ERROR_INVALID_VALUE;
    return CUDA_SUCCESS;
  });
}

CUresult cuCtxGetCacheConfig(CUfunc_cache* config) {
  return callInContext(__func__, [&](Current& current) -> CUresult {
    if (!config) return CUDA_ERROR_INVALID_VALUE;
    *config = current.context->cacheConfig;
    return CUDA_SUCCESS;
  });
}

CUresult cuCtxSetCacheConfig(CUfunc_cache config) {
  return callInContext(__func__, [&](Current& current) -> CUresult {
    if (config > CU_FUNC_CACHE_PREFER_EQUAL) return CUDA_ERROR_INVALID_VALUE;
    current.context->cacheConfig = config;
    return CUDA_SUCCESS;
  });
}

CUresult cuCtxGetSharedMemConfig(CUsharedconfig* config) {
  return callInContext(__func__, [&](Current&) -> CUresult {
    if (!config) return CUDA_ERROR_INVALID_VALUE;
    *config = CU_SHARED_MEM_CONFIG_FOUR_BYTE_BANK_SIZE;  // fixed since compute capability 5.0
    return CUDA_SUCCESS;
  });
}

CUresult cuCtxSetSharedMemConfig(CUsharedconfig config) {
  return callInContext(__func__, [&](Current& current) -> CUresult {
    if (config > CU_SHARED_MEM_CONFIG_EIGHT_BYTE_BANK_SIZE) return CUDA_ERROR_INVALID_VALUE;
    current.context->sharedConfig = config;
    return CUDA_SUCCESS;
  });
}

CUresult cuCtxGetApiVersion(CUcontext handle, unsigned* version) {
  return call(__func__, [&]() -> CUresult {
    if (!version) return CUDA_ERROR_INVALID_VALUE;
    if (!contextOrCurrent(handle)) return CUDA_ERROR_INVALID_CONTEXT;
    *version = apiVersion;
    return CUDA_SUCCESS;
  });
}

CUresult cuCtxGetStreamPriorityRange(int* least, int* greatest) {
  return callInContext(__func__, [&](Current&) -> CUresult {
    if (least) *least = lowestPriority;
    if (greatest) *greatest = highestPriority;
    return CUDA_SUCCESS;
  });
}

CUresult cuCtxResetPersistingL2Cache() {
  return callInContext(__func__, [](Current&) { return CUDA_SUCCESS; });  // nothing is ever made persistent
}

CUresult cuCtxGetExecAffinity(CUexecAffinityParam* affinity, CUexecAffinityType type) {
  return callInContext(__func__, [&](Current& current) -> CUresult {
    if (!affinity) return CUDA_ERROR_INVALID_VALUE;
    if (type != CU_EXEC_AFFINITY_TYPE_SM_COUNT) return CUDA_ERROR_UNSUPPORTED_EXEC_AFFINITY;
    affinity->type = type;
    affinity->param.smCount.val = static_cast<unsigned>(current.context->smCount());
    return CUDA_SUCCESS;
  });
}
