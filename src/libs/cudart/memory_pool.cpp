// Stream Ordered Memory Allocator. SPDX-License-Identifier: Apache-2.0
#include "libs/cudart/context.h"

namespace anywarp::cudart {

ANYWARP_RUNTIME cudaError_t cudaMallocAsync(void** pointer, size_t size, cudaStream_t stream) {
  return inContext(
      [&] { return driver().cuMemAllocAsync(reinterpret_cast<CUdeviceptr*>(pointer), size, stream); });
}

ANYWARP_RUNTIME cudaError_t cudaMallocAsync_ptsz(void** pointer, size_t size, cudaStream_t stream) {
  return cudaMallocAsync(pointer, size, perThread(stream));
}

ANYWARP_RUNTIME cudaError_t cudaFreeAsync(void* pointer, cudaStream_t stream) {
  return inContext([&] { return driver().cuMemFreeAsync(devicePtr(pointer), stream); });
}

ANYWARP_RUNTIME cudaError_t cudaFreeAsync_ptsz(void* pointer, cudaStream_t stream) {
  return cudaFreeAsync(pointer, perThread(stream));
}

ANYWARP_RUNTIME cudaError_t cudaMallocFromPoolAsync(void** pointer, size_t size, cudaMemPool_t pool,
                                                    cudaStream_t stream) {
  return inContext(
      [&] { return driver().cuMemAllocFromPoolAsync(reinterpret_cast<CUdeviceptr*>(pointer), size, pool, stream); });
}

ANYWARP_RUNTIME cudaError_t cudaMallocFromPoolAsync_ptsz(void** pointer, size_t size, cudaMemPool_t pool,
                                                         cudaStream_t stream) {
  return cudaMallocFromPoolAsync(pointer, size, pool, perThread(stream));
}

ANYWARP_RUNTIME cudaError_t cudaDeviceGetDefaultMemPool(cudaMemPool_t* pool, int device) {
  return inDriver([&] { return driver().cuDeviceGetDefaultMemPool(pool, device); });
}

ANYWARP_RUNTIME cudaError_t cudaDeviceGetMemPool(cudaMemPool_t* pool, int device) {
  return inDriver([&] { return driver().cuDeviceGetMemPool(pool, device); });
}

ANYWARP_RUNTIME cudaError_t cudaDeviceSetMemPool(int device, cudaMemPool_t pool) {
  return inDriver([&] { return driver().cuDeviceSetMemPool(device, pool); });
}

ANYWARP_RUNTIME cudaError_t cudaMemPoolCreate(cudaMemPool_t* pool, const CUmemPoolProps* properties) {
  return inContext([&] { return driver().cuMemPoolCreate(pool, properties); });
}

ANYWARP_RUNTIME cudaError_t cudaMemPoolDestroy(cudaMemPool_t pool) {
  return inContext([&] { return driver().cuMemPoolDestroy(pool); });
}

ANYWARP_RUNTIME cudaError_t cudaMemPoolTrimTo(cudaMemPool_t pool, size_t keep) {
  return inContext([&] { return driver().cuMemPoolTrimTo(pool, keep); });
}

ANYWARP_RUNTIME cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t pool, CUmemPool_attribute attribute, void* value) {
  return inContext([&] { return driver().cuMemPoolSetAttribute(pool, attribute, value); });
}

ANYWARP_RUNTIME cudaError_t cudaMemPoolGetAttribute(cudaMemPool_t pool, CUmemPool_attribute attribute, void* value) {
  return inContext([&] { return driver().cuMemPoolGetAttribute(pool, attribute, value); });
}

ANYWARP_RUNTIME cudaError_t cudaMemPoolSetAccess(cudaMemPool_t pool, const CUmemAccessDesc* list, size_t count) {
  return inContext([&] { return driver().cuMemPoolSetAccess(pool, list, count); });
}

ANYWARP_RUNTIME cudaError_t cudaMemPoolGetAccess(CUmemAccess_flags* flags, cudaMemPool_t pool,
                                                 CUmemLocation* location) {
  return inContext([&] { return driver().cuMemPoolGetAccess(flags, pool, location); });
}

}  // namespace anywarp::cudart
