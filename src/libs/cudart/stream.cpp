// Stream Management, without capture into graphs. SPDX-License-Identifier: Apache-2.0
#include "libs/cudart/context.h"

namespace anywarp::cudart {

ANYWARP_RUNTIME cudaError_t cudaStreamCreate(cudaStream_t* stream) {
  return inContext([&] { return driver().cuStreamCreate(stream, 0); });
}

ANYWARP_RUNTIME cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags) {
  return inContext([&] { return driver().cuStreamCreate(stream, flags); });
}

ANYWARP_RUNTIME cudaError_t cudaStreamCreateWithPriority(cudaStream_t* stream, unsigned flags, int priority) {
  return inContext([&] { return driver().cuStreamCreateWithPriority(stream, flags, priority); });
}

ANYWARP_RUNTIME cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  return inContext([&] { return driver().cuStreamDestroy_v2(stream); });
}

ANYWARP_RUNTIME cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  return inContext([&] { return driver().cuStreamSynchronize(stream); });
}

ANYWARP_RUNTIME cudaError_t cudaStreamSynchronize_ptsz(cudaStream_t stream) {
  return cudaStreamSynchronize(perThread(stream));
}

ANYWARP_RUNTIME cudaError_t cudaStreamQuery(cudaStream_t stream) {
  return inContext([&] { return driver().cuStreamQuery(stream); });
}

ANYWARP_RUNTIME cudaError_t cudaStreamQuery_ptsz(cudaStream_t stream) { return cudaStreamQuery(perThread(stream)); }

ANYWARP_RUNTIME cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned flags) {
  return inContext([&] { return driver().cuStreamWaitEvent(stream, event, flags); });
}

ANYWARP_RUNTIME cudaError_t cudaStreamWaitEvent_ptsz(cudaStream_t stream, cudaEvent_t event, unsigned flags) {
  return cudaStreamWaitEvent(perThread(stream), event, flags);
}

// cudaError_t and CUresult have one representation, so the driver calls the program's function directly.
ANYWARP_RUNTIME cudaError_t cudaStreamAddCallback(cudaStream_t stream, cudaStreamCallback_t callback, void* userData,
                                                  unsigned flags) {
  return inContext([&] {
    return driver().cuStreamAddCallback(stream, reinterpret_cast<CUstreamCallback>(callback), userData, flags);
  });
}

ANYWARP_RUNTIME cudaError_t cudaStreamAddCallback_ptsz(cudaStream_t stream, cudaStreamCallback_t callback,
                                                       void* userData, unsigned flags) {
  return cudaStreamAddCallback(perThread(stream), callback, userData, flags);
}

ANYWARP_RUNTIME cudaError_t cudaStreamAttachMemAsync(cudaStream_t stream, void* pointer, size_t size, unsigned flags) {
  return inContext([&] { return driver().cuStreamAttachMemAsync(stream, devicePtr(pointer), size, flags); });
}

ANYWARP_RUNTIME cudaError_t cudaStreamAttachMemAsync_ptsz(cudaStream_t stream, void* pointer, size_t size,
                                                          unsigned flags) {
  return cudaStreamAttachMemAsync(perThread(stream), pointer, size, flags);
}

ANYWARP_RUNTIME cudaError_t cudaStreamGetPriority(cudaStream_t stream, int* priority) {
  return inContext([&] { return driver().cuStreamGetPriority(stream, priority); });
}

ANYWARP_RUNTIME cudaError_t cudaStreamGetPriority_ptsz(cudaStream_t stream, int* priority) {
  return cudaStreamGetPriority(perThread(stream), priority);
}

ANYWARP_RUNTIME cudaError_t cudaStreamGetFlags(cudaStream_t stream, unsigned* flags) {
  return inContext([&] { return driver().cuStreamGetFlags(stream, flags); });
}

ANYWARP_RUNTIME cudaError_t cudaStreamGetFlags_ptsz(cudaStream_t stream, unsigned* flags) {
  return cudaStreamGetFlags(perThread(stream), flags);
}

#if ANYWARP_CUDART_MAJOR >= 12
ANYWARP_RUNTIME cudaError_t cudaStreamGetId(cudaStream_t stream, unsigned long long* id) {
  return inContext([&] { return driver().cuStreamGetId(stream, id); });
}

ANYWARP_RUNTIME cudaError_t cudaStreamGetId_ptsz(cudaStream_t stream, unsigned long long* id) {
  return cudaStreamGetId(perThread(stream), id);
}

ANYWARP_RUNTIME cudaError_t cudaStreamGetDevice(cudaStream_t stream, int* device) {
  return inContext([&] { return driver().cuStreamGetDevice(stream, device); });
}

ANYWARP_RUNTIME cudaError_t cudaStreamGetDevice_ptsz(cudaStream_t stream, int* device) {
  return cudaStreamGetDevice(perThread(stream), device);
}
#endif

ANYWARP_RUNTIME cudaError_t cudaStreamCopyAttributes(cudaStream_t target, cudaStream_t source) {
  return inContext([&] { return driver().cuStreamCopyAttributes(target, source); });
}

ANYWARP_RUNTIME cudaError_t cudaStreamCopyAttributes_ptsz(cudaStream_t target, cudaStream_t source) {
  return cudaStreamCopyAttributes(perThread(target), perThread(source));
}

ANYWARP_RUNTIME cudaError_t cudaStreamGetAttribute(cudaStream_t stream, CUstreamAttrID id, CUstreamAttrValue* value) {
  return inContext([&] { return driver().cuStreamGetAttribute(stream, id, value); });
}

ANYWARP_RUNTIME cudaError_t cudaStreamGetAttribute_ptsz(cudaStream_t stream, CUstreamAttrID id,
                                                        CUstreamAttrValue* value) {
  return cudaStreamGetAttribute(perThread(stream), id, value);
}

ANYWARP_RUNTIME cudaError_t cudaStreamSetAttribute(cudaStream_t stream, CUstreamAttrID id,
                                                   const CUstreamAttrValue* value) {
  return inContext([&] { return driver().cuStreamSetAttribute(stream, id, value); });
}

ANYWARP_RUNTIME cudaError_t cudaStreamSetAttribute_ptsz(cudaStream_t stream, CUstreamAttrID id,
                                                        const CUstreamAttrValue* value) {
  return cudaStreamSetAttribute(perThread(stream), id, value);
}

ANYWARP_RUNTIME cudaError_t cudaStreamIsCapturing(cudaStream_t stream, CUstreamCaptureStatus* status) {
  return inContext([&] { return driver().cuStreamIsCapturing(stream, status); });
}

ANYWARP_RUNTIME cudaError_t cudaStreamIsCapturing_ptsz(cudaStream_t stream, CUstreamCaptureStatus* status) {
  return cudaStreamIsCapturing(perThread(stream), status);
}

// The form of each runtime is the driver's form of the same age.
#if ANYWARP_CUDART_MAJOR >= 13
ANYWARP_RUNTIME cudaError_t cudaStreamGetCaptureInfo(cudaStream_t stream, CUstreamCaptureStatus* status, uint64_t* id,
                                                     CUgraph* graph, const CUgraphNode** nodes,
                                                     const CUgraphEdgeData** edges, size_t* count) {
  return inContext([&] { return driver().cuStreamGetCaptureInfo_v3(stream, status, id, graph, nodes, edges, count); });
}

ANYWARP_RUNTIME cudaError_t cudaStreamGetCaptureInfo_ptsz(cudaStream_t stream, CUstreamCaptureStatus* status,
                                                          uint64_t* id, CUgraph* graph, const CUgraphNode** nodes,
                                                          const CUgraphEdgeData** edges, size_t* count) {
  return cudaStreamGetCaptureInfo(perThread(stream), status, id, graph, nodes, edges, count);
}
#else
ANYWARP_RUNTIME cudaError_t cudaStreamGetCaptureInfo(cudaStream_t stream, CUstreamCaptureStatus* status, uint64_t* id) {
  return inContext([&] { return driver().cuStreamGetCaptureInfo(stream, status, id); });
}

ANYWARP_RUNTIME cudaError_t cudaStreamGetCaptureInfo_ptsz(cudaStream_t stream, CUstreamCaptureStatus* status,
                                                          uint64_t* id) {
  return cudaStreamGetCaptureInfo(perThread(stream), status, id);
}

ANYWARP_RUNTIME cudaError_t cudaStreamGetCaptureInfo_v2(cudaStream_t stream, CUstreamCaptureStatus* status,
                                                        uint64_t* id, CUgraph* graph, const CUgraphNode** nodes,
                                                        size_t* count) {
  return inContext([&] { return driver().cuStreamGetCaptureInfo_v2(stream, status, id, graph, nodes, count); });
}

ANYWARP_RUNTIME cudaError_t cudaStreamGetCaptureInfo_v2_ptsz(cudaStream_t stream, CUstreamCaptureStatus* status,
                                                             uint64_t* id, CUgraph* graph, const CUgraphNode** nodes,
                                                             size_t* count) {
  return cudaStreamGetCaptureInfo_v2(perThread(stream), status, id, graph, nodes, count);
}
#endif

#if ANYWARP_CUDART_MAJOR == 12
ANYWARP_RUNTIME cudaError_t cudaStreamGetCaptureInfo_v3(cudaStream_t stream, CUstreamCaptureStatus* status,
                                                        uint64_t* id, CUgraph* graph, const CUgraphNode** nodes,
                                                        const CUgraphEdgeData** edges, size_t* count) {
  return inContext([&] { return driver().cuStreamGetCaptureInfo_v3(stream, status, id, graph, nodes, edges, count); });
}

ANYWARP_RUNTIME cudaError_t cudaStreamGetCaptureInfo_v3_ptsz(cudaStream_t stream, CUstreamCaptureStatus* status,
                                                             uint64_t* id, CUgraph* graph, const CUgraphNode** nodes,
                                                             const CUgraphEdgeData** edges, size_t* count) {
  return cudaStreamGetCaptureInfo_v3(perThread(stream), status, id, graph, nodes, edges, count);
}
#endif

ANYWARP_RUNTIME cudaError_t cudaThreadExchangeStreamCaptureMode(CUstreamCaptureMode* mode) {
  return inContext([&] { return driver().cuThreadExchangeStreamCaptureMode(mode); });
}

}  // namespace anywarp::cudart
