// Driver API as it was before CUDA 3.2: addresses and sizes of 32 bits. SPDX-License-Identifier: Apache-2.0
// Memory for these calls lies in the lowest addresses. What is larger than 32 bits is told as the largest number that fits, and memory
// that lies higher is unknown to them.
#include <algorithm>

#include "abi/cuda_memory.h"
#include "driver/entry.h"
#include "driver/memory.h"
#include "driver/objects/capture.h"

using namespace anywarp;
using namespace anywarp::driver;

namespace {

unsigned cut(size_t value) { return static_cast<unsigned>(std::min<size_t>(value, UINT32_MAX)); }
bool fits(CUdeviceptr pointer) { return pointer <= UINT32_MAX; }

CUresult allocateLow(Current& current, CUdeviceptr_v1* pointer, size_t bytes) {
  if (!pointer || bytes == 0) return CUDA_ERROR_INVALID_VALUE;
  if (CUresult result = checkUnsafeCall(); result != CUDA_SUCCESS) return result;
  Result<void*> memory = device::Memory::instance().allocate(
      {.bytes = bytes, .kind = device::MemoryKind::Device, .device = current.device().device->ordinal(), .owner = current.impl.get(), .low = true});
  if (!memory) return toResult(memory.error());
  *pointer = static_cast<CUdeviceptr_v1>(addressOf(*memory));
  return CUDA_SUCCESS;
}

CUDA_MEMCPY2D widened(const CUDA_MEMCPY2D_v1& c) {
  return {c.srcXInBytes, c.srcY, c.srcMemoryType, c.srcHost, c.srcDevice, c.srcArray, c.srcPitch, c.dstXInBytes,
          c.dstY,        c.dstMemoryType, c.dstHost, c.dstDevice, c.dstArray, c.dstPitch, c.WidthInBytes, c.Height};
}

CUDA_MEMCPY3D widened(const CUDA_MEMCPY3D_v1& c) {
  return {c.srcXInBytes, c.srcY, c.srcZ, c.srcLOD, c.srcMemoryType, c.srcHost, c.srcDevice, c.srcArray, nullptr, c.srcPitch, c.srcHeight,
          c.dstXInBytes, c.dstY, c.dstZ, c.dstLOD, c.dstMemoryType, c.dstHost, c.dstDevice, c.dstArray, nullptr, c.dstPitch, c.dstHeight,
          c.WidthInBytes, c.Height, c.Depth};
}

}  // namespace

CUresult cuDeviceTotalMem(unsigned* bytes, CUdevice device) {
  size_t all = 0;
  CUresult result = cuDeviceTotalMem_v2(bytes ? &all : nullptr, device);
  if (result == CUDA_SUCCESS) *bytes = cut(all);
  return result;
}

CUresult cuMemGetInfo(unsigned* free, unsigned* total) {
  size_t freeBytes = 0, totalBytes = 0;
  CUresult result = cuMemGetInfo_v2(free ? &freeBytes : nullptr, total ? &totalBytes : nullptr);
  if (result == CUDA_SUCCESS && free) *free = cut(freeBytes);
  if (result == CUDA_SUCCESS && total) *total = cut(totalBytes);
  return result;
}

CUresult cuModuleGetGlobal(CUdeviceptr_v1* pointer, unsigned* bytes, CUmodule module, const char* name) {
  CUdeviceptr wide = 0;
  size_t size = 0;
  CUresult result = cuModuleGetGlobal_v2(pointer ? &wide : nullptr, bytes ? &size : nullptr, module, name);
  if (result != CUDA_SUCCESS) return result;
  if (!fits(wide)) return CUDA_ERROR_NOT_SUPPORTED;  // variables do not lie that low
  if (pointer) *pointer = static_cast<CUdeviceptr_v1>(wide);
  if (bytes) *bytes = cut(size);
  return result;
}

CUresult cuMemAlloc(CUdeviceptr_v1* pointer, unsigned bytes) {
  return callInContext(__func__, [&](Current& current) { return allocateLow(current, pointer, bytes); });
}

CUresult cuMemAllocPitch(CUdeviceptr_v1* pointer, unsigned* pitch, unsigned width, unsigned height, unsigned elementBytes) {
  return callInContext(__func__, [&](Current& current) -> CUresult {
    constexpr size_t alignment = 512;
    bool elementOk = elementBytes == 4 || elementBytes == 8 || elementBytes == 16;
    if (!pitch || width == 0 || height == 0 || !elementOk) return CUDA_ERROR_INVALID_VALUE;
    size_t row = (size_t{width} + alignment - 1) / alignment * alignment;
    if (row > UINT32_MAX) return CUDA_ERROR_OUT_OF_MEMORY;
    CUresult result = allocateLow(current, pointer, row * height);
    if (result == CUDA_SUCCESS) *pitch = static_cast<unsigned>(row);
    return result;
  });
}

CUresult cuMemFree(CUdeviceptr_v1 pointer) { return cuMemFree_v2(pointer); }

CUresult cuMemGetAddressRange(CUdeviceptr_v1* base, unsigned* bytes, CUdeviceptr_v1 pointer) {
  CUdeviceptr wide = 0;
  size_t size = 0;
  CUresult result = cuMemGetAddressRange_v2(&wide, &size, pointer);
  if (result == CUDA_SUCCESS && base) *base = static_cast<CUdeviceptr_v1>(wide);
  if (result == CUDA_SUCCESS && bytes) *bytes = cut(size);
  return result;
}

CUresult cuMemHostGetDevicePointer(CUdeviceptr_v1* pointer, void* host, unsigned flags) {
  CUdeviceptr wide = 0;
  CUresult result = cuMemHostGetDevicePointer_v2(pointer ? &wide : nullptr, host, flags);
  if (result != CUDA_SUCCESS) return result;
  if (!fits(wide)) return CUDA_ERROR_NOT_SUPPORTED;  // host memory does not lie that low
  *pointer = static_cast<CUdeviceptr_v1>(wide);
  return result;
}

CUresult cuMemcpyHtoD(CUdeviceptr_v1 to, const void* from, unsigned bytes) { return cuMemcpyHtoD_v2(to, from, bytes); }
CUresult cuMemcpyDtoH(void* to, CUdeviceptr_v1 from, unsigned bytes) { return cuMemcpyDtoH_v2(to, from, bytes); }
CUresult cuMemcpyDtoD(CUdeviceptr_v1 to, CUdeviceptr_v1 from, unsigned bytes) { return cuMemcpyDtoD_v2(to, from, bytes); }
CUresult cuMemcpyDtoA(CUarray to, unsigned offset, CUdeviceptr_v1 from, unsigned bytes) { return cuMemcpyDtoA_v2(to, offset, from, bytes); }
CUresult cuMemcpyAtoD(CUdeviceptr_v1 to, CUarray from, unsigned offset, unsigned bytes) { return cuMemcpyAtoD_v2(to, from, offset, bytes); }
CUresult cuMemcpyHtoA(CUarray to, unsigned offset, const void* from, unsigned bytes) { return cuMemcpyHtoA_v2(to, offset, from, bytes); }
CUresult cuMemcpyAtoH(void* to, CUarray from, unsigned offset, unsigned bytes) { return cuMemcpyAtoH_v2(to, from, offset, bytes); }
CUresult cuMemcpyAtoA(CUarray to, unsigned toOffset, CUarray from, unsigned fromOffset, unsigned bytes) {
  return cuMemcpyAtoA_v2(to, toOffset, from, fromOffset, bytes);
}
CUresult cuMemcpyHtoDAsync(CUdeviceptr_v1 to, const void* from, unsigned bytes, CUstream stream) { return cuMemcpyHtoDAsync_v2(to, from, bytes, stream); }
CUresult cuMemcpyDtoHAsync(void* to, CUdeviceptr_v1 from, unsigned bytes, CUstream stream) { return cuMemcpyDtoHAsync_v2(to, from, bytes, stream); }
CUresult cuMemcpyDtoDAsync(CUdeviceptr_v1 to, CUdeviceptr_v1 from, unsigned bytes, CUstream stream) {
  return cuMemcpyDtoDAsync_v2(to, from, bytes, stream);
}
CUresult cuMemcpyHtoAAsync(CUarray to, unsigned offset, const void* from, unsigned bytes, CUstream stream) {
  return cuMemcpyHtoAAsync_v2(to, offset, from, bytes, stream);
}
CUresult cuMemcpyAtoHAsync(void* to, CUarray from, unsigned offset, unsigned bytes, CUstream stream) {
  return cuMemcpyAtoHAsync_v2(to, from, offset, bytes, stream);
}

// A copy's description in the wide form, or null for none.
#define ANYWARP_WIDENED(Wide, narrow) \
  Wide wide{};                        \
  if (narrow) wide = widened(*narrow); \
  const Wide* description = narrow ? &wide : nullptr

CUresult cuMemcpy2D(const CUDA_MEMCPY2D_v1* copy) {
  ANYWARP_WIDENED(CUDA_MEMCPY2D, copy);
  return cuMemcpy2D_v2(description);
}
CUresult cuMemcpy2DUnaligned(const CUDA_MEMCPY2D_v1* copy) {
  ANYWARP_WIDENED(CUDA_MEMCPY2D, copy);
  return cuMemcpy2DUnaligned_v2(description);
}
CUresult cuMemcpy3D(const CUDA_MEMCPY3D_v1* copy) {
  ANYWARP_WIDENED(CUDA_MEMCPY3D, copy);
  return cuMemcpy3D_v2(description);
}
CUresult cuMemcpy2DAsync(const CUDA_MEMCPY2D_v1* copy, CUstream stream) {
  ANYWARP_WIDENED(CUDA_MEMCPY2D, copy);
  return cuMemcpy2DAsync_v2(description, stream);
}
CUresult cuMemcpy3DAsync(const CUDA_MEMCPY3D_v1* copy, CUstream stream) {
  ANYWARP_WIDENED(CUDA_MEMCPY3D, copy);
  return cuMemcpy3DAsync_v2(description, stream);
}

CUresult cuMemsetD8(CUdeviceptr_v1 target, unsigned char value, unsigned count) { return cuMemsetD8_v2(target, value, count); }
CUresult cuMemsetD16(CUdeviceptr_v1 target, unsigned short value, unsigned count) { return cuMemsetD16_v2(target, value, count); }
CUresult cuMemsetD32(CUdeviceptr_v1 target, unsigned value, unsigned count) { return cuMemsetD32_v2(target, value, count); }
CUresult cuMemsetD2D8(CUdeviceptr_v1 target, unsigned pitch, unsigned char value, unsigned width, unsigned height) {
  return cuMemsetD2D8_v2(target, pitch, value, width, height);
}
CUresult cuMemsetD2D16(CUdeviceptr_v1 target, unsigned pitch, unsigned short value, unsigned width, unsigned height) {
  return cuMemsetD2D16_v2(target, pitch, value, width, height);
}
CUresult cuMemsetD2D32(CUdeviceptr_v1 target, unsigned pitch, unsigned value, unsigned width, unsigned height) {
  return cuMemsetD2D32_v2(target, pitch, value, width, height);
}
