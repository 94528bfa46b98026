// Execution Control: functions and their attributes. Occupancy. SPDX-License-Identifier: Apache-2.0
#include "libs/cudart/context.h"
#include "libs/cudart/registry.h"

namespace anywarp::cudart {
namespace {

// Runs `body` with the driver's handle of what the program calls a function.
template <class Body>
cudaError_t withFunction(const void* function, Body&& body) {
  return inContext([&] {
    CUfunction handle = nullptr;
    cudaError_t error = resolveFunction(function, &handle);
    return error == cudaSuccess ? asError(body(handle)) : error;
  });
}

// The reader of one function's attributes; keeps the first failure.
struct Attributes {
  CUfunction function;
  CUresult result = CUDA_SUCCESS;

  int operator()(int attribute) {
    int value = 0;
    CUresult r = driver().cuFuncGetAttribute(&value, static_cast<CUfunction_attribute>(attribute), function);
    if (result == CUDA_SUCCESS) result = r;
    return value;
  }
};

CUresult fillAttributes(cudaFuncAttributes* a, CUfunction function) {
  Attributes get{function};
  *a = {};
  a->maxThreadsPerBlock = get(0);
  a->sharedSizeBytes = static_cast<size_t>(get(1));
  a->constSizeBytes = static_cast<size_t>(get(2));
  a->localSizeBytes = static_cast<size_t>(get(3));
  a->numRegs = get(4);
  a->ptxVersion = get(5);
  a->binaryVersion = get(6);
  a->cacheModeCA = get(7);
  a->maxDynamicSharedSizeBytes = get(8);
  a->preferredShmemCarveout = get(9);
#if ANYWARP_CUDART_MAJOR >= 12
  a->clusterDimMustBeSet = get(10);
  a->requiredClusterWidth = get(11);
  a->requiredClusterHeight = get(12);
  a->requiredClusterDepth = get(13);
  a->nonPortableClusterSizeAllowed = get(14);
  a->clusterSchedulingPolicyPreference = get(15);
#endif
  return get.result;
}

CUlaunchConfig driverConfig(const cudaLaunchConfig_t& c) {
  CUlaunchConfig d{};
  d.gridDimX = c.gridDim.x, d.gridDimY = c.gridDim.y, d.gridDimZ = c.gridDim.z;
  d.blockDimX = c.blockDim.x, d.blockDimY = c.blockDim.y, d.blockDimZ = c.blockDim.z;
  d.sharedMemBytes = static_cast<unsigned>(c.dynamicSmemBytes);
  d.hStream = c.stream;
  d.attrs = c.attrs;
  d.numAttrs = c.numAttrs;
  return d;
}

}  // namespace

ANYWARP_RUNTIME cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* attributes, const void* function) {
  if (!attributes) return record(cudaErrorInvalidValue);
  return withFunction(function, [&](CUfunction f) { return fillAttributes(attributes, f); });
}

ANYWARP_RUNTIME cudaError_t cudaFuncSetAttribute(const void* function, CUfunction_attribute attribute, int value) {
  return withFunction(function, [&](CUfunction f) { return driver().cuFuncSetAttribute(f, attribute, value); });
}

ANYWARP_RUNTIME cudaError_t cudaFuncSetCacheConfig(const void* function, CUfunc_cache config) {
  return withFunction(function, [&](CUfunction f) { return driver().cuFuncSetCacheConfig(f, config); });
}

ANYWARP_RUNTIME cudaError_t cudaFuncSetSharedMemConfig(const void* function, CUsharedconfig config) {
  return withFunction(function, [&](CUfunction f) { return driver().cuFuncSetSharedMemConfig(f, config); });
}

ANYWARP_RUNTIME cudaError_t cudaGetFuncBySymbol(cudaFunction_t* handle, const void* symbol) {
  if (!handle) return record(cudaErrorInvalidValue);
  return withFunction(symbol, [&](CUfunction f) {
    return driver().cuKernelGetFunction(handle, reinterpret_cast<CUkernel>(f));
  });
}

#if ANYWARP_CUDART_MAJOR >= 12
ANYWARP_RUNTIME cudaError_t cudaFuncGetName(const char** name, const void* function) {
  return withFunction(function, [&](CUfunction f) { return driver().cuFuncGetName(name, f); });
}

ANYWARP_RUNTIME cudaError_t cudaFuncGetParamInfo(const void* function, size_t index, size_t* offset, size_t* size) {
  return withFunction(function, [&](CUfunction f) { return driver().cuFuncGetParamInfo(f, index, offset, size); });
}

ANYWARP_RUNTIME cudaError_t cudaGetKernel(cudaKernel_t* handle, const void* function) {
  if (!handle) return record(cudaErrorInvalidValue);
  return withFunction(function, [&](CUfunction f) {
    *handle = reinterpret_cast<cudaKernel_t>(f);
    return CUDA_SUCCESS;
  });
}

ANYWARP_RUNTIME cudaError_t cudaKernelSetAttributeForDevice(cudaKernel_t kernel, CUfunction_attribute attribute,
                                                            int value, int device) {
  return inContext([&] { return driver().cuKernelSetAttribute(attribute, value, kernel, device); });
}
#endif

ANYWARP_RUNTIME cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int* blocks, const void* function,
                                                                                   int blockSize, size_t shared,
                                                                                   unsigned flags) {
  return withFunction(function, [&](CUfunction f) {
    return driver().cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(blocks, f, blockSize, shared, flags);
  });
}

ANYWARP_RUNTIME cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, const void* function,
                                                                          int blockSize, size_t shared) {
  return cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(blocks, function, blockSize, shared, 0);
}

ANYWARP_RUNTIME cudaError_t cudaOccupancyAvailableDynamicSMemPerBlock(size_t* shared, const void* function, int blocks,
                                                                      int blockSize) {
  return withFunction(function, [&](CUfunction f) {
    return driver().cuOccupancyAvailableDynamicSMemPerBlock(shared, f, blocks, blockSize);
  });
}

ANYWARP_RUNTIME cudaError_t cudaOccupancyMaxPotentialClusterSize(int* size, const void* function,
                                                                 const cudaLaunchConfig_t* config) {
  if (!config) return record(cudaErrorInvalidValue);
  return withFunction(function, [&](CUfunction f) {
    CUlaunchConfig c = driverConfig(*config);
    return driver().cuOccupancyMaxPotentialClusterSize(size, f, &c);
  });
}

ANYWARP_RUNTIME cudaError_t cudaOccupancyMaxActiveClusters(int* clusters, const void* function,
                                                           const cudaLaunchConfig_t* config) {
  if (!config) return record(cudaErrorInvalidValue);
  return withFunction(function, [&](CUfunction f) {
    CUlaunchConfig c = driverConfig(*config);
    return driver().cuOccupancyMaxActiveClusters(clusters, f, &c);
  });
}

}  // namespace anywarp::cudart
