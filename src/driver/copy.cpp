// Driver API: Memory Management, cuMemcpy* between linear memory. SPDX-License-Identifier: Apache-2.0
// A blocking function and its _ptds twin differ in the stream that they mean; the _ptsz twins are in per_thread.cpp.
#include "driver/default_stream.h"
#include "driver/entry.h"
#include "driver/memory.h"

using namespace anywarp;
using namespace anywarp::driver;

namespace {

struct Flat {
  CUdeviceptr target;
  Side targetSide;
  CUdeviceptr source;
  Side sourceSide;
  size_t bytes;
};

CUresult copyFlat(const char* name, CUstream handle, Ordering ordering, const Flat& flat) {
  return callInContext(name, handle, [&](Current& current) -> CUresult {
    StreamRef stream = enterStream(current, handle);
    if (!stream) return CUDA_ERROR_INVALID_HANDLE;
    if (flat.bytes == 0) return CUDA_SUCCESS;
    if (!validRange(pointerOf(flat.target), flat.bytes, flat.targetSide) || !validRange(pointerOf(flat.source), flat.bytes, flat.sourceSide))
      return CUDA_ERROR_INVALID_VALUE;
    return submit(current, stream, device::Copy::flat(pointerOf(flat.target), pointerOf(flat.source), flat.bytes), ordering);
  });
}

CUresult copyPlaces(const char* name, CUstream handle, Ordering ordering, const Place& target, const Place& source, size_t width, size_t height,
                    size_t depth) {
  return callInContext(name, handle, [&](Current& current) -> CUresult {
    StreamRef stream = enterStream(current, handle);
    if (!stream) return CUDA_ERROR_INVALID_HANDLE;
    device::Copy copy;
    CUresult result = makeCopy(target, source, width, height, depth, copy);
    return result == CUDA_SUCCESS ? submit(current, stream, copy, ordering) : result;
  });
}

CUresult copy2D(const char* name, CUstream stream, Ordering ordering, const CUDA_MEMCPY2D* c) {
  if (!c) return CUDA_ERROR_INVALID_VALUE;
  Place target{c->dstMemoryType, c->dstHost, c->dstDevice, c->dstArray, c->dstXInBytes, c->dstY, 0, c->dstPitch, 0};
  Place source{c->srcMemoryType, c->srcHost, c->srcDevice, c->srcArray, c->srcXInBytes, c->srcY, 0, c->srcPitch, 0};
  return copyPlaces(name, stream, ordering, target, source, c->WidthInBytes, c->Height, 1);
}

// CUDA_MEMCPY3D and CUDA_MEMCPY3D_PEER differ in two members that are not used here.
template <class Params>
CUresult copy3D(const char* name, CUstream stream, Ordering ordering, const Params* c) {
  if (!c || c->srcLOD || c->dstLOD) return CUDA_ERROR_INVALID_VALUE;
  Place target{c->dstMemoryType, c->dstHost, c->dstDevice, c->dstArray, c->dstXInBytes, c->dstY, c->dstZ, c->dstPitch, c->dstHeight};
  Place source{c->srcMemoryType, c->srcHost, c->srcDevice, c->srcArray, c->srcXInBytes, c->srcY, c->srcZ, c->srcPitch, c->srcHeight};
  return copyPlaces(name, stream, ordering, target, source, c->WidthInBytes, c->Height, c->Depth);
}

bool areContexts(CUcontext a, CUcontext b) { return contexts().find(a) && contexts().find(b); }

CUresult copyPeer(const char* name, CUstream stream, Ordering ordering, const Flat& flat, CUcontext a, CUcontext b) {
  if (initialised() && !areContexts(a, b)) return CUDA_ERROR_INVALID_CONTEXT;
  return copyFlat(name, stream, ordering, flat);
}

CUresult copy3DPeer(const char* name, CUstream stream, Ordering ordering, const CUDA_MEMCPY3D_PEER* c) {
  if (c && initialised() && !areContexts(c->dstContext, c->srcContext)) return CUDA_ERROR_INVALID_CONTEXT;
  return copy3D(name, stream, ordering, c);
}

Flat unified(CUdeviceptr target, CUdeviceptr source, size_t bytes) { return {target, Side::Any, source, Side::Any, bytes}; }
Flat toDevice(CUdeviceptr target, const void* source, size_t bytes) { return {target, Side::Device, addressOf(source), Side::Any, bytes}; }
Flat toHost(void* target, CUdeviceptr source, size_t bytes) { return {addressOf(target), Side::Any, source, Side::Device, bytes}; }
Flat within(CUdeviceptr target, CUdeviceptr source, size_t bytes) { return {target, Side::Device, source, Side::Device, bytes}; }

}  // namespace

CUresult cuMemcpy(CUdeviceptr to, CUdeviceptr from, size_t bytes) { return copyFlat(__func__, legacy, Ordering::Blocking, unified(to, from, bytes)); }
CUresult cuMemcpy_ptds(CUdeviceptr to, CUdeviceptr from, size_t bytes) {
  return copyFlat(__func__, perThread, Ordering::Blocking, unified(to, from, bytes));
}
CUresult cuMemcpyAsync(CUdeviceptr to, CUdeviceptr from, size_t bytes, CUstream stream) {
  return copyFlat(__func__, stream, Ordering::Async, unified(to, from, bytes));
}

CUresult cuMemcpyHtoD_v2(CUdeviceptr to, const void* from, size_t bytes) {
  return copyFlat(__func__, legacy, Ordering::Blocking, toDevice(to, from, bytes));
}
CUresult cuMemcpyHtoD_v2_ptds(CUdeviceptr to, const void* from, size_t bytes) {
  return copyFlat(__func__, perThread, Ordering::Blocking, toDevice(to, from, bytes));
}
CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr to, const void* from, size_t bytes, CUstream stream) {
  return copyFlat(__func__, stream, Ordering::Async, toDevice(to, from, bytes));
}

CUresult cuMemcpyDtoH_v2(void* to, CUdeviceptr from, size_t bytes) { return copyFlat(__func__, legacy, Ordering::Blocking, toHost(to, from, bytes)); }
CUresult cuMemcpyDtoH_v2_ptds(void* to, CUdeviceptr from, size_t bytes) {
  return copyFlat(__func__, perThread, Ordering::Blocking, toHost(to, from, bytes));
}
CUresult cuMemcpyDtoHAsync_v2(void* to, CUdeviceptr from, size_t bytes, CUstream stream) {
  return copyFlat(__func__, stream, Ordering::Async, toHost(to, from, bytes));
}

CUresult cuMemcpyDtoD_v2(CUdeviceptr to, CUdeviceptr from, size_t bytes) {
  return copyFlat(__func__, legacy, Ordering::Blocking, within(to, from, bytes));
}
CUresult cuMemcpyDtoD_v2_ptds(CUdeviceptr to, CUdeviceptr from, size_t bytes) {
  return copyFlat(__func__, perThread, Ordering::Blocking, within(to, from, bytes));
}
CUresult cuMemcpyDtoDAsync_v2(CUdeviceptr to, CUdeviceptr from, size_t bytes, CUstream stream) {
  return copyFlat(__func__, stream, Ordering::Async, within(to, from, bytes));
}

CUresult cuMemcpyPeer(CUdeviceptr to, CUcontext toContext, CUdeviceptr from, CUcontext fromContext, size_t bytes) {
  return copyPeer(__func__, legacy, Ordering::Blocking, within(to, from, bytes), toContext, fromContext);
}
CUresult cuMemcpyPeer_ptds(CUdeviceptr to, CUcontext toContext, CUdeviceptr from, CUcontext fromContext, size_t bytes) {
  return copyPeer(__func__, perThread, Ordering::Blocking, within(to, from, bytes), toContext, fromContext);
}
CUresult cuMemcpyPeerAsync(CUdeviceptr to, CUcontext toContext, CUdeviceptr from, CUcontext fromContext, size_t bytes, CUstream stream) {
  return copyPeer(__func__, stream, Ordering::Async, within(to, from, bytes), toContext, fromContext);
}

CUresult cuMemcpy2D_v2(const CUDA_MEMCPY2D* params) { return copy2D(__func__, legacy, Ordering::Blocking, params); }
CUresult cuMemcpy2D_v2_ptds(const CUDA_MEMCPY2D* params) { return copy2D(__func__, perThread, Ordering::Blocking, params); }
CUresult cuMemcpy2DUnaligned_v2(const CUDA_MEMCPY2D* params) { return copy2D(__func__, legacy, Ordering::Blocking, params); }
CUresult cuMemcpy2DUnaligned_v2_ptds(const CUDA_MEMCPY2D* params) { return copy2D(__func__, perThread, Ordering::Blocking, params); }
CUresult cuMemcpy2DAsync_v2(const CUDA_MEMCPY2D* params, CUstream stream) { return copy2D(__func__, stream, Ordering::Async, params); }

CUresult cuMemcpy3D_v2(const CUDA_MEMCPY3D* params) { return copy3D(__func__, legacy, Ordering::Blocking, params); }
CUresult cuMemcpy3D_v2_ptds(const CUDA_MEMCPY3D* params) { return copy3D(__func__, perThread, Ordering::Blocking, params); }
CUresult cuMemcpy3DAsync_v2(const CUDA_MEMCPY3D* params, CUstream stream) { return copy3D(__func__, stream, Ordering::Async, params); }

CUresult cuMemcpy3DPeer(const CUDA_MEMCPY3D_PEER* params) { return copy3DPeer(__func__, legacy, Ordering::Blocking, params); }
CUresult cuMemcpy3DPeer_ptds(const CUDA_MEMCPY3D_PEER* params) { return copy3DPeer(__func__, perThread, Ordering::Blocking, params); }
CUresult cuMemcpy3DPeerAsync(const CUDA_MEMCPY3D_PEER* params, CUstream stream) { return copy3DPeer(__func__, stream, Ordering::Async, params); }
