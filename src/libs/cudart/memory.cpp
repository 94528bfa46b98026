// Memory Management: allocation, host memory, pointer attributes, managed memory. SPDX-License-Identifier: Apache-2.0
#include "libs/cudart/context.h"

namespace anywarp::cudart {
namespace {

// Allocations of nothing succeed with a null pointer.
template <class Allocate>
cudaError_t allocate(void** pointer, size_t size, Allocate&& call) {
  return inContext([&]() -> cudaError_t {
    if (!pointer) return cudaErrorInvalidValue;
    *pointer = nullptr;
    if (size == 0) return cudaSuccess;
    CUdeviceptr address = 0;
    CUresult result = call(&address);
    *pointer = reinterpret_cast<void*>(address);
    return asError(result);
  });
}

template <class Allocate>
cudaError_t allocateHost(void** pointer, size_t size, Allocate&& call) {
  return inContext([&]() -> cudaError_t {
    if (!pointer) return cudaErrorInvalidValue;
    *pointer = nullptr;
    return size == 0 ? cudaSuccess : asError(call());
  });
}

#if ANYWARP_CUDART_MAJOR < 13
CUmemLocation location(int device) {
  if (device < 0) return {static_cast<CUmemLocationType>(cudaMemLocationTypeHost), 0};
  return {static_cast<CUmemLocationType>(cudaMemLocationTypeDevice), device};
}
#endif

#if ANYWARP_CUDART_MAJOR >= 12
CUmemLocation location(cudaMemLocation l) { return {static_cast<CUmemLocationType>(l.type), l.id}; }
#endif

template <class Location>
cudaError_t prefetch(const void* pointer, size_t size, Location where, unsigned flags, cudaStream_t stream) {
  return inContext(
      [&] { return driver().cuMemPrefetchAsync_v2(devicePtr(pointer), size, location(where), flags, stream); });
}

template <class Location>
cudaError_t advise(const void* pointer, size_t size, int advice, Location where) {
  return inContext([&] {
    return driver().cuMemAdvise_v2(devicePtr(pointer), size, static_cast<CUmem_advise>(advice), location(where));
  });
}

cudaMemoryType memoryType(unsigned driverType, unsigned managed) {
  if (managed) return cudaMemoryTypeManaged;
  if (driverType == CU_MEMORYTYPE_HOST) return cudaMemoryTypeHost;
  return driverType == CU_MEMORYTYPE_DEVICE ? cudaMemoryTypeDevice : cudaMemoryTypeUnregistered;
}

}  // namespace

ANYWARP_RUNTIME cudaError_t cudaMalloc(void** pointer, size_t size) {
  return allocate(pointer, size, [&](CUdeviceptr* p) { return driver().cuMemAlloc_v2(p, size); });
}

ANYWARP_RUNTIME cudaError_t cudaMallocManaged(void** pointer, size_t size, unsigned flags) {
  return inContext([&]() -> cudaError_t {
    if (!pointer || size == 0) return cudaErrorInvalidValue;
    CUdeviceptr address = 0;
    CUresult result = driver().cuMemAllocManaged(&address, size, flags);
    *pointer = reinterpret_cast<void*>(address);
    return asError(result);
  });
}

ANYWARP_RUNTIME cudaError_t cudaFree(void* pointer) {
  return inContext([&] { return driver().cuMemFree_v2(devicePtr(pointer)); });
}

ANYWARP_RUNTIME cudaError_t cudaMallocPitch(void** pointer, size_t* pitch, size_t width, size_t height) {
  if (!pitch) return record(cudaErrorInvalidValue);
  *pitch = 0;
  return allocate(pointer, width * height,
                  [&](CUdeviceptr* p) { return driver().cuMemAllocPitch_v2(p, pitch, width, height, 4); });
}

ANYWARP_RUNTIME cudaError_t cudaMalloc3D(cudaPitchedPtr* pitched, cudaExtent extent) {
  if (!pitched) return record(cudaErrorInvalidValue);
  *pitched = {nullptr, 0, extent.width, extent.height};
  return allocate(&pitched->ptr, extent.width * extent.height * extent.depth, [&](CUdeviceptr* p) {
    return driver().cuMemAllocPitch_v2(p, &pitched->pitch, extent.width, extent.height * extent.depth, 4);
  });
}

ANYWARP_RUNTIME cudaError_t cudaHostAlloc(void** pointer, size_t size, unsigned flags) {
  return allocateHost(pointer, size, [&] { return driver().cuMemHostAlloc(pointer, size, flags); });
}

ANYWARP_RUNTIME cudaError_t cudaMallocHost(void** pointer, size_t size) {
  return allocateHost(pointer, size, [&] { return driver().cuMemHostAlloc(pointer, size, 0); });
}

ANYWARP_RUNTIME cudaError_t cudaFreeHost(void* pointer) {
  return inContext([&] { return pointer ? driver().cuMemFreeHost(pointer) : CUDA_SUCCESS; });
}

ANYWARP_RUNTIME cudaError_t cudaHostRegister(void* pointer, size_t size, unsigned flags) {
  return inContext([&] { return driver().cuMemHostRegister_v2(pointer, size, flags); });
}

ANYWARP_RUNTIME cudaError_t cudaHostUnregister(void* pointer) {
  return inContext([&] { return driver().cuMemHostUnregister(pointer); });
}

ANYWARP_RUNTIME cudaError_t cudaHostGetDevicePointer(void** device, void* host, unsigned flags) {
  return inContext(
      [&] { return driver().cuMemHostGetDevicePointer_v2(reinterpret_cast<CUdeviceptr*>(device), host, flags); });
}

ANYWARP_RUNTIME cudaError_t cudaHostGetFlags(unsigned* flags, void* host) {
  return inContext([&] { return driver().cuMemHostGetFlags(flags, host); });
}

ANYWARP_RUNTIME cudaError_t cudaMemGetInfo(size_t* free, size_t* total) {
  return inContext([&] { return driver().cuMemGetInfo_v2(free, total); });
}

ANYWARP_RUNTIME cudaError_t cudaPointerGetAttributes(cudaPointerAttributes* attributes, const void* pointer) {
  return inContext([&]() -> cudaError_t {
    if (!attributes) return cudaErrorInvalidValue;
    CUcontext context = nullptr;
    unsigned type = 0, managed = 0;
    CUdeviceptr device = 0;
    void* host = nullptr;
    int ordinal = CU_DEVICE_INVALID;
    CUpointer_attribute asked[] = {CU_POINTER_ATTRIBUTE_CONTEXT,        CU_POINTER_ATTRIBUTE_MEMORY_TYPE,
                                   CU_POINTER_ATTRIBUTE_DEVICE_POINTER, CU_POINTER_ATTRIBUTE_HOST_POINTER,
                                   CU_POINTER_ATTRIBUTE_IS_MANAGED,     CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL};
    void* answers[] = {&context, &type, &device, &host, &managed, &ordinal};
    *attributes = {};
    CUresult result = driver().cuPointerGetAttributes(6, asked, answers, devicePtr(pointer));
    if (result != CUDA_SUCCESS) return asError(result);
    attributes->type = memoryType(type, managed);
    attributes->device = attributes->type == cudaMemoryTypeUnregistered ? CU_DEVICE_INVALID : ordinal;
    attributes->devicePointer = reinterpret_cast<void*>(device);
    attributes->hostPointer = host;
    return cudaSuccess;
  });
}

#if ANYWARP_CUDART_MAJOR >= 13
using Where = cudaMemLocation;
ANYWARP_RUNTIME cudaError_t cudaMemPrefetchAsync(const void* pointer, size_t size, cudaMemLocation where, unsigned flags,
                                                 cudaStream_t stream) {
  return prefetch(pointer, size, where, flags, stream);
}

ANYWARP_RUNTIME cudaError_t cudaMemPrefetchAsync_ptsz(const void* pointer, size_t size, cudaMemLocation where,
                                                      unsigned flags, cudaStream_t stream) {
  return prefetch(pointer, size, where, flags, perThread(stream));
}
#else
using Where = int;
ANYWARP_RUNTIME cudaError_t cudaMemPrefetchAsync(const void* pointer, size_t size, int device, cudaStream_t stream) {
  return prefetch(pointer, size, device, 0, stream);
}

ANYWARP_RUNTIME cudaError_t cudaMemPrefetchAsync_ptsz(const void* pointer, size_t size, int device,
                                                      cudaStream_t stream) {
  return prefetch(pointer, size, device, 0, perThread(stream));
}
#endif

ANYWARP_RUNTIME cudaError_t cudaMemAdvise(const void* pointer, size_t size, int advice, Where where) {
  return advise(pointer, size, advice, where);
}

#if ANYWARP_CUDART_MAJOR == 12
ANYWARP_RUNTIME cudaError_t cudaMemPrefetchAsync_v2(const void* pointer, size_t size, cudaMemLocation where,
                                                    unsigned flags, cudaStream_t stream) {
  return prefetch(pointer, size, where, flags, stream);
}

ANYWARP_RUNTIME cudaError_t cudaMemPrefetchAsync_v2_ptsz(const void* pointer, size_t size, cudaMemLocation where,
                                                         unsigned flags, cudaStream_t stream) {
  return prefetch(pointer, size, where, flags, perThread(stream));
}

ANYWARP_RUNTIME cudaError_t cudaMemAdvise_v2(const void* pointer, size_t size, int advice, cudaMemLocation where) {
  return advise(pointer, size, advice, where);
}
#endif

ANYWARP_RUNTIME cudaError_t cudaMemRangeGetAttribute(void* data, size_t dataSize, CUmem_range_attribute attribute,
                                                     const void* pointer, size_t size) {
  return inContext(
      [&] { return driver().cuMemRangeGetAttribute(data, dataSize, attribute, devicePtr(pointer), size); });
}

ANYWARP_RUNTIME cudaError_t cudaMemRangeGetAttributes(void** data, size_t* dataSizes, CUmem_range_attribute* attributes,
                                                      size_t count, const void* pointer, size_t size) {
  return inContext([&] {
    return driver().cuMemRangeGetAttributes(data, dataSizes, attributes, count, devicePtr(pointer), size);
  });
}

}  // namespace anywarp::cudart
