// Memory Management: copies of linear and pitched memory, and between devices. SPDX-License-Identifier: Apache-2.0
#include "libs/cudart/copy.h"

#include "libs/cudart/context.h"

namespace anywarp::cudart {
namespace {

bool isKind(cudaMemcpyKind kind) { return kind >= cudaMemcpyHostToHost && kind <= cudaMemcpyDefault; }

CUresult copySync(const void* source, void* target, size_t count, cudaMemcpyKind kind, DefaultStream stream) {
  const Driver& d = driver();
  bool own = stream == DefaultStream::PerThread;
  switch (kind) {
    case cudaMemcpyHostToDevice:
      return (own ? d.cuMemcpyHtoD_v2_ptds : d.cuMemcpyHtoD_v2)(devicePtr(target), source, count);
    case cudaMemcpyDeviceToHost:
      return (own ? d.cuMemcpyDtoH_v2_ptds : d.cuMemcpyDtoH_v2)(target, devicePtr(source), count);
    case cudaMemcpyDeviceToDevice:
      return (own ? d.cuMemcpyDtoD_v2_ptds : d.cuMemcpyDtoD_v2)(devicePtr(target), devicePtr(source), count);
    default:
      return (own ? d.cuMemcpy_ptds : d.cuMemcpy)(devicePtr(target), devicePtr(source), count);
  }
}

CUmemorytype sourceType(cudaMemcpyKind kind) {
  switch (kind) {
    case cudaMemcpyHostToHost:
    case cudaMemcpyHostToDevice: return CU_MEMORYTYPE_HOST;
    case cudaMemcpyDefault: return CU_MEMORYTYPE_UNIFIED;
    default: return CU_MEMORYTYPE_DEVICE;
  }
}

CUmemorytype targetType(cudaMemcpyKind kind) {
  switch (kind) {
    case cudaMemcpyHostToHost:
    case cudaMemcpyDeviceToHost: return CU_MEMORYTYPE_HOST;
    case cudaMemcpyDefault: return CU_MEMORYTYPE_UNIFIED;
    default: return CU_MEMORYTYPE_DEVICE;
  }
}

cudaError_t describe2D(CUDA_MEMCPY2D* copy, void* target, size_t targetPitch, const void* source, size_t sourcePitch,
                       size_t width, size_t height, cudaMemcpyKind kind) {
  if (!isKind(kind)) return cudaErrorInvalidMemcpyDirection;
  if (width > targetPitch || width > sourcePitch) return cudaErrorInvalidPitchValue;
  *copy = {};
  copy->srcMemoryType = sourceType(kind);
  copy->srcHost = source;
  copy->srcDevice = devicePtr(source);
  copy->srcPitch = sourcePitch;
  copy->dstMemoryType = targetType(kind);
  copy->dstHost = target;
  copy->dstDevice = devicePtr(target);
  copy->dstPitch = targetPitch;
  copy->WidthInBytes = width;
  copy->Height = height;
  return cudaSuccess;
}

cudaError_t copy2D(const CUDA_MEMCPY2D& copy, DefaultStream stream) {
  if (copy.WidthInBytes == 0 || copy.Height == 0) return cudaSuccess;
  bool own = stream == DefaultStream::PerThread;
  return asError((own ? driver().cuMemcpy2DUnaligned_v2_ptds : driver().cuMemcpy2DUnaligned_v2)(&copy));
}

cudaError_t peerContexts(int target, int source, CUcontext* targetContext, CUcontext* sourceContext) {
  if (cudaError_t error = primaryContext(target, targetContext); error != cudaSuccess) return error;
  return primaryContext(source, sourceContext);
}

}  // namespace

cudaError_t copyLinear(void* target, const void* source, size_t count, cudaMemcpyKind kind, DefaultStream stream) {
  if (!isKind(kind)) return cudaErrorInvalidMemcpyDirection;
  if (count == 0) return cudaSuccess;
  return asError(copySync(source, target, count, kind, stream));
}

cudaError_t copyLinearAsync(void* target, const void* source, size_t count, cudaMemcpyKind kind, cudaStream_t stream) {
  if (!isKind(kind)) return cudaErrorInvalidMemcpyDirection;
  if (count == 0) return cudaSuccess;
  const Driver& d = driver();
  switch (kind) {
    case cudaMemcpyHostToDevice:
      return asError(d.cuMemcpyHtoDAsync_v2(devicePtr(target), source, count, stream));
    case cudaMemcpyDeviceToHost:
      return asError(d.cuMemcpyDtoHAsync_v2(target, devicePtr(source), count, stream));
    case cudaMemcpyDeviceToDevice:
      return asError(d.cuMemcpyDtoDAsync_v2(devicePtr(target), devicePtr(source), count, stream));
    default:
      return asError(d.cuMemcpyAsync(devicePtr(target), devicePtr(source), count, stream));
  }
}

ANYWARP_RUNTIME cudaError_t cudaMemcpy(void* target, const void* source, size_t count, cudaMemcpyKind kind) {
  return inContext([&] { return copyLinear(target, source, count, kind, DefaultStream::Legacy); });
}

ANYWARP_RUNTIME cudaError_t cudaMemcpy_ptds(void* target, const void* source, size_t count, cudaMemcpyKind kind) {
  return inContext([&] { return copyLinear(target, source, count, kind, DefaultStream::PerThread); });
}

ANYWARP_RUNTIME cudaError_t cudaMemcpyAsync(void* target, const void* source, size_t count, cudaMemcpyKind kind,
                                            cudaStream_t stream) {
  return inContext([&] { return copyLinearAsync(target, source, count, kind, stream); });
}

ANYWARP_RUNTIME cudaError_t cudaMemcpyAsync_ptsz(void* target, const void* source, size_t count, cudaMemcpyKind kind,
                                                 cudaStream_t stream) {
  return cudaMemcpyAsync(target, source, count, kind, perThread(stream));
}

ANYWARP_RUNTIME cudaError_t cudaMemcpy2D(void* target, size_t targetPitch, const void* source, size_t sourcePitch,
                                         size_t width, size_t height, cudaMemcpyKind kind) {
  return inContext([&] {
    CUDA_MEMCPY2D copy;
    cudaError_t error = describe2D(&copy, target, targetPitch, source, sourcePitch, width, height, kind);
    return error == cudaSuccess ? copy2D(copy, DefaultStream::Legacy) : error;
  });
}

ANYWARP_RUNTIME cudaError_t cudaMemcpy2D_ptds(void* target, size_t targetPitch, const void* source, size_t sourcePitch,
                                              size_t width, size_t height, cudaMemcpyKind kind) {
  return inContext([&] {
    CUDA_MEMCPY2D copy;
    cudaError_t error = describe2D(&copy, target, targetPitch, source, sourcePitch, width, height, kind);
    return error == cudaSuccess ? copy2D(copy, DefaultStream::PerThread) : error;
  });
}

ANYWARP_RUNTIME cudaError_t cudaMemcpy2DAsync(void* target, size_t targetPitch, const void* source, size_t sourcePitch,
                                              size_t width, size_t height, cudaMemcpyKind kind, cudaStream_t stream) {
  return inContext([&] {
    CUDA_MEMCPY2D copy;
    cudaError_t error = describe2D(&copy, target, targetPitch, source, sourcePitch, width, height, kind);
    if (error != cudaSuccess || width == 0 || height == 0) return error;
    return asError(driver().cuMemcpy2DAsync_v2(&copy, stream));
  });
}

ANYWARP_RUNTIME cudaError_t cudaMemcpy2DAsync_ptsz(void* target, size_t targetPitch, const void* source,
                                                   size_t sourcePitch, size_t width, size_t height, cudaMemcpyKind kind,
                                                   cudaStream_t stream) {
  return cudaMemcpy2DAsync(target, targetPitch, source, sourcePitch, width, height, kind, perThread(stream));
}

ANYWARP_RUNTIME cudaError_t cudaMemcpyPeer(void* target, int targetDevice, const void* source, int sourceDevice,
                                           size_t count) {
  return inContext([&] {
    CUcontext to = nullptr, from = nullptr;
    cudaError_t error = peerContexts(targetDevice, sourceDevice, &to, &from);
    if (error != cudaSuccess || count == 0) return error;
    return asError(driver().cuMemcpyPeer(devicePtr(target), to, devicePtr(source), from, count));
  });
}

ANYWARP_RUNTIME cudaError_t cudaMemcpyPeerAsync(void* target, int targetDevice, const void* source, int sourceDevice,
                                                size_t count, cudaStream_t stream) {
  return inContext([&] {
    CUcontext to = nullptr, from = nullptr;
    cudaError_t error = peerContexts(targetDevice, sourceDevice, &to, &from);
    if (error != cudaSuccess || count == 0) return error;
    return asError(driver().cuMemcpyPeerAsync(devicePtr(target), to, devicePtr(source), from, count, stream));
  });
}

// ---- three dimensions: array positions count elements, pointer positions count bytes ----

namespace {

// One side of a 3-D copy in the driver's terms.
struct Side {
  size_t x = 0;
  CUmemorytype type = CU_MEMORYTYPE_UNIFIED;
  size_t pitch = 0, height = 0;
};

cudaError_t describeSide(Side* side, cudaArray_t array, const cudaPitchedPtr& pointer, const cudaPos& position,
                         CUmemorytype pointerType, size_t* elementBytes) {
  bool isArray = array != nullptr;
  if (isArray == (pointer.ptr != nullptr)) return cudaErrorInvalidValue;
  if (!isArray) {
    *side = {position.x, pointerType, pointer.pitch, pointer.ysize};
    return cudaSuccess;
  }
  if (cudaError_t error = arrayElementBytes(array, elementBytes); error != cudaSuccess) return error;
  *side = {position.x * *elementBytes, CU_MEMORYTYPE_ARRAY, 0, 0};
  return cudaSuccess;
}

template <class Copy, class Parms>
cudaError_t describe3D(Copy* copy, const Parms& p, CUmemorytype sourceType, CUmemorytype targetType) {
  Side source, target;
  size_t elementBytes = 1;
  cudaError_t error = describeSide(&source, p.srcArray, p.srcPtr, p.srcPos, sourceType, &elementBytes);
  if (error == cudaSuccess) error = describeSide(&target, p.dstArray, p.dstPtr, p.dstPos, targetType, &elementBytes);
  if (error != cudaSuccess) return error;
  copy->srcXInBytes = source.x, copy->srcY = p.srcPos.y, copy->srcZ = p.srcPos.z;
  copy->srcMemoryType = source.type;
  copy->srcHost = p.srcPtr.ptr, copy->srcDevice = devicePtr(p.srcPtr.ptr), copy->srcArray = p.srcArray;
  copy->srcPitch = source.pitch, copy->srcHeight = source.height;
  copy->dstXInBytes = target.x, copy->dstY = p.dstPos.y, copy->dstZ = p.dstPos.z;
  copy->dstMemoryType = target.type;
  copy->dstHost = p.dstPtr.ptr, copy->dstDevice = devicePtr(p.dstPtr.ptr), copy->dstArray = p.dstArray;
  copy->dstPitch = target.pitch, copy->dstHeight = target.height;
  copy->WidthInBytes = p.extent.width * elementBytes;
  copy->Height = p.extent.height;
  copy->Depth = p.extent.depth;
  return cudaSuccess;
}

bool isEmpty(const cudaExtent& e) { return e.width == 0 || e.height == 0 || e.depth == 0; }

template <class Submit>
cudaError_t copy3D(const cudaMemcpy3DParms* p, Submit&& submit) {
  return inContext([&]() -> cudaError_t {
    if (!p) return cudaErrorInvalidValue;
    if (!isKind(p->kind)) return cudaErrorInvalidMemcpyDirection;
    CUDA_MEMCPY3D copy{};
    cudaError_t error = describe3D(&copy, *p, sourceType(p->kind), targetType(p->kind));
    if (error != cudaSuccess || isEmpty(p->extent)) return error;
    return asError(submit(&copy));
  });
}

template <class Submit>
cudaError_t copy3DPeer(const cudaMemcpy3DPeerParms* p, Submit&& submit) {
  return inContext([&]() -> cudaError_t {
    if (!p) return cudaErrorInvalidValue;
    CUDA_MEMCPY3D_PEER copy{};
    cudaError_t error = describe3D(&copy, *p, CU_MEMORYTYPE_UNIFIED, CU_MEMORYTYPE_UNIFIED);
    if (error == cudaSuccess) error = peerContexts(p->dstDevice, p->srcDevice, &copy.dstContext, &copy.srcContext);
    if (error != cudaSuccess || isEmpty(p->extent)) return error;
    return asError(submit(&copy));
  });
}

}  // namespace

cudaError_t describe3D(CUDA_MEMCPY3D* copy, const cudaMemcpy3DParms& parms) {
  if (!isKind(parms.kind)) return cudaErrorInvalidMemcpyDirection;
  *copy = {};
  return describe3D(copy, parms, sourceType(parms.kind), targetType(parms.kind));
}

cudaError_t describe3D(cudaMemcpy3DParms* parms, const CUDA_MEMCPY3D& copy) {
  *parms = {};
  size_t bytes = 1;
  bool fromArray = copy.srcMemoryType == CU_MEMORYTYPE_ARRAY, toArray = copy.dstMemoryType == CU_MEMORYTYPE_ARRAY;
  if (fromArray || toArray)
    if (cudaError_t error = arrayElementBytes(fromArray ? copy.srcArray : copy.dstArray, &bytes); error != cudaSuccess) return error;
  auto pointer = [](CUmemorytype type, const void* host, CUdeviceptr device) {
    return type == CU_MEMORYTYPE_HOST ? const_cast<void*>(host) : reinterpret_cast<void*>(device);
  };
  parms->srcPos = {fromArray ? copy.srcXInBytes / bytes : copy.srcXInBytes, copy.srcY, copy.srcZ};
  parms->dstPos = {toArray ? copy.dstXInBytes / bytes : copy.dstXInBytes, copy.dstY, copy.dstZ};
  if (fromArray) parms->srcArray = copy.srcArray;
  else parms->srcPtr = {pointer(copy.srcMemoryType, copy.srcHost, copy.srcDevice), copy.srcPitch, copy.WidthInBytes, copy.srcHeight};
  if (toArray) parms->dstArray = copy.dstArray;
  else parms->dstPtr = {pointer(copy.dstMemoryType, copy.dstHost, copy.dstDevice), copy.dstPitch, copy.WidthInBytes, copy.dstHeight};
  parms->extent = {copy.WidthInBytes / bytes, copy.Height, copy.Depth};
  bool fromHost = copy.srcMemoryType == CU_MEMORYTYPE_HOST, toHost = copy.dstMemoryType == CU_MEMORYTYPE_HOST;
  bool isDefault = copy.srcMemoryType == CU_MEMORYTYPE_UNIFIED || copy.dstMemoryType == CU_MEMORYTYPE_UNIFIED;
  parms->kind = isDefault ? cudaMemcpyDefault
                : fromHost ? (toHost ? cudaMemcpyHostToHost : cudaMemcpyHostToDevice)
                           : (toHost ? cudaMemcpyDeviceToHost : cudaMemcpyDeviceToDevice);
  return cudaSuccess;
}

ANYWARP_RUNTIME cudaError_t cudaMemcpy3D(const cudaMemcpy3DParms* p) {
  return copy3D(p, [](const CUDA_MEMCPY3D* c) { return driver().cuMemcpy3D_v2(c); });
}

ANYWARP_RUNTIME cudaError_t cudaMemcpy3D_ptds(const cudaMemcpy3DParms* p) {
  return copy3D(p, [](const CUDA_MEMCPY3D* c) { return driver().cuMemcpy3D_v2_ptds(c); });
}

ANYWARP_RUNTIME cudaError_t cudaMemcpy3DAsync(const cudaMemcpy3DParms* p, cudaStream_t stream) {
  return copy3D(p, [&](const CUDA_MEMCPY3D* c) { return driver().cuMemcpy3DAsync_v2(c, stream); });
}

ANYWARP_RUNTIME cudaError_t cudaMemcpy3DAsync_ptsz(const cudaMemcpy3DParms* p, cudaStream_t stream) {
  return cudaMemcpy3DAsync(p, perThread(stream));
}

ANYWARP_RUNTIME cudaError_t cudaMemcpy3DPeer(const cudaMemcpy3DPeerParms* p) {
  return copy3DPeer(p, [](const CUDA_MEMCPY3D_PEER* c) { return driver().cuMemcpy3DPeer(c); });
}

ANYWARP_RUNTIME cudaError_t cudaMemcpy3DPeer_ptds(const cudaMemcpy3DPeerParms* p) {
  return copy3DPeer(p, [](const CUDA_MEMCPY3D_PEER* c) { return driver().cuMemcpy3DPeer_ptds(c); });
}

ANYWARP_RUNTIME cudaError_t cudaMemcpy3DPeerAsync(const cudaMemcpy3DPeerParms* p, cudaStream_t stream) {
  return copy3DPeer(p, [&](const CUDA_MEMCPY3D_PEER* c) { return driver().cuMemcpy3DPeerAsync(c, stream); });
}

ANYWARP_RUNTIME cudaError_t cudaMemcpy3DPeerAsync_ptsz(const cudaMemcpy3DPeerParms* p, cudaStream_t stream) {
  return cudaMemcpy3DPeerAsync(p, perThread(stream));
}

}  // namespace anywarp::cudart
