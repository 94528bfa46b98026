// The _ptsz twins: the same functions, where stream 0 means the calling thread's own default stream.
// SPDX-License-Identifier: Apache-2.0
#include "abi/cuda_graph.h"
#include "driver/default_stream.h"

using anywarp::driver::orPerThread;

// A twin passes its arguments on, streams as it means them.
#define ANYWARP_TWIN(function, params, args) \
  CUresult function##_ptsz params { return function args; }

ANYWARP_TWIN(cuMemcpyAsync, (CUdeviceptr a, CUdeviceptr b, size_t c, CUstream d), (a, b, c, orPerThread(d)))
ANYWARP_TWIN(cuMemcpyPeerAsync,
             (CUdeviceptr a, CUcontext b, CUdeviceptr c, CUcontext d, size_t e, CUstream f),
             (a, b, c, d, e, orPerThread(f)))
ANYWARP_TWIN(cuMemcpyHtoDAsync_v2, (CUdeviceptr a, const void* b, size_t c, CUstream d), (a, b, c, orPerThread(d)))
ANYWARP_TWIN(cuMemcpyDtoHAsync_v2, (void* a, CUdeviceptr b, size_t c, CUstream d), (a, b, c, orPerThread(d)))
ANYWARP_TWIN(cuMemcpyDtoDAsync_v2, (CUdeviceptr a, CUdeviceptr b, size_t c, CUstream d), (a, b, c, orPerThread(d)))
ANYWARP_TWIN(cuMemcpyHtoAAsync_v2, (CUarray a, size_t b, const void* c, size_t d, CUstream e), (a, b, c, d, orPerThread(e)))
ANYWARP_TWIN(cuMemcpyAtoHAsync_v2, (void* a, CUarray b, size_t c, size_t d, CUstream e), (a, b, c, d, orPerThread(e)))
ANYWARP_TWIN(cuMemcpy2DAsync_v2, (const CUDA_MEMCPY2D* a, CUstream b), (a, orPerThread(b)))
ANYWARP_TWIN(cuMemcpy3DAsync_v2, (const CUDA_MEMCPY3D* a, CUstream b), (a, orPerThread(b)))
ANYWARP_TWIN(cuMemcpy3DPeerAsync, (const CUDA_MEMCPY3D_PEER* a, CUstream b), (a, orPerThread(b)))
ANYWARP_TWIN(cuMemsetD8Async, (CUdeviceptr a, unsigned char b, size_t c, CUstream d), (a, b, c, orPerThread(d)))
ANYWARP_TWIN(cuMemsetD16Async, (CUdeviceptr a, unsigned short b, size_t c, CUstream d), (a, b, c, orPerThread(d)))
ANYWARP_TWIN(cuMemsetD32Async, (CUdeviceptr a, unsigned b, size_t c, CUstream d), (a, b, c, orPerThread(d)))
ANYWARP_TWIN(cuMemsetD2D8Async, (CUdeviceptr a, size_t b, unsigned char c, size_t d, size_t e, CUstream f), (a, b, c, d, e, orPerThread(f)))
ANYWARP_TWIN(cuMemsetD2D16Async,
             (CUdeviceptr a, size_t b, unsigned short c, size_t d, size_t e, CUstream f),
             (a, b, c, d, e, orPerThread(f)))
ANYWARP_TWIN(cuMemsetD2D32Async, (CUdeviceptr a, size_t b, unsigned c, size_t d, size_t e, CUstream f), (a, b, c, d, e, orPerThread(f)))
ANYWARP_TWIN(cuMemFreeAsync, (CUdeviceptr a, CUstream b), (a, orPerThread(b)))
ANYWARP_TWIN(cuMemAllocAsync, (CUdeviceptr* a, size_t b, CUstream c), (a, b, orPerThread(c)))
ANYWARP_TWIN(cuMemAllocFromPoolAsync, (CUdeviceptr* a, size_t b, CUmemoryPool c, CUstream d), (a, b, c, orPerThread(d)))
ANYWARP_TWIN(cuMemPrefetchAsync, (CUdeviceptr a, size_t b, CUdevice c, CUstream d), (a, b, c, orPerThread(d)))
ANYWARP_TWIN(cuMemPrefetchAsync_v2, (CUdeviceptr a, size_t b, CUmemLocation c, unsigned d, CUstream e), (a, b, c, d, orPerThread(e)))
ANYWARP_TWIN(cuStreamGetId, (CUstream a, unsigned long long* b), (orPerThread(a), b))
ANYWARP_TWIN(cuStreamGetPriority, (CUstream a, int* b), (orPerThread(a), b))
ANYWARP_TWIN(cuStreamGetFlags, (CUstream a, unsigned* b), (orPerThread(a), b))
ANYWARP_TWIN(cuStreamGetCtx, (CUstream a, CUcontext* b), (orPerThread(a), b))
ANYWARP_TWIN(cuStreamGetCtx_v2, (CUstream a, CUcontext* b, CUgreenCtx* c), (orPerThread(a), b, c))
ANYWARP_TWIN(cuStreamWaitEvent, (CUstream a, CUevent b, unsigned c), (orPerThread(a), b, c))
ANYWARP_TWIN(cuStreamAddCallback, (CUstream a, CUstreamCallback b, void* c, unsigned d), (orPerThread(a), b, c, d))
ANYWARP_TWIN(cuStreamIsCapturing, (CUstream a, CUstreamCaptureStatus* b), (orPerThread(a), b))
ANYWARP_TWIN(cuStreamGetCaptureInfo, (CUstream a, CUstreamCaptureStatus* b, uint64_t* c), (orPerThread(a), b, c))
ANYWARP_TWIN(cuStreamGetCaptureInfo_v2,
             (CUstream a, CUstreamCaptureStatus* b, uint64_t* c, CUgraph* d, const CUgraphNode** e, size_t* f),
             (orPerThread(a), b, c, d, e, f))
ANYWARP_TWIN(cuStreamGetCaptureInfo_v3,
             (CUstream a, CUstreamCaptureStatus* b, uint64_t* c, CUgraph* d, const CUgraphNode** e, const CUgraphEdgeData** f, size_t* g),
             (orPerThread(a), b, c, d, e, f, g))
ANYWARP_TWIN(cuStreamAttachMemAsync, (CUstream a, CUdeviceptr b, size_t c, unsigned d), (orPerThread(a), b, c, d))
ANYWARP_TWIN(cuStreamQuery, (CUstream a), (orPerThread(a)))
ANYWARP_TWIN(cuStreamSynchronize, (CUstream a), (orPerThread(a)))
ANYWARP_TWIN(cuStreamCopyAttributes, (CUstream a, CUstream b), (orPerThread(a), orPerThread(b)))
ANYWARP_TWIN(cuStreamGetAttribute, (CUstream a, CUstreamAttrID b, CUstreamAttrValue* c), (orPerThread(a), b, c))
ANYWARP_TWIN(cuStreamSetAttribute, (CUstream a, CUstreamAttrID b, const CUstreamAttrValue* c), (orPerThread(a), b, c))
ANYWARP_TWIN(cuStreamGetDevice, (CUstream a, CUdevice* b), (orPerThread(a), b))
ANYWARP_TWIN(cuEventRecord, (CUevent a, CUstream b), (a, orPerThread(b)))
ANYWARP_TWIN(cuEventRecordWithFlags, (CUevent a, CUstream b, unsigned c), (a, orPerThread(b), c))
ANYWARP_TWIN(cuLaunchKernel,
             (CUfunction a, unsigned b, unsigned c, unsigned d, unsigned e, unsigned f, unsigned g, unsigned h, CUstream i, void** j, void** k),
             (a, b, c, d, e, f, g, h, orPerThread(i), j, k))
ANYWARP_TWIN(cuLaunchCooperativeKernel,
             (CUfunction a, unsigned b, unsigned c, unsigned d, unsigned e, unsigned f, unsigned g, unsigned h, CUstream i, void** j),
             (a, b, c, d, e, f, g, h, orPerThread(i), j))
ANYWARP_TWIN(cuLaunchHostFunc, (CUstream a, CUhostFn b, void* c), (orPerThread(a), b, c))

ANYWARP_TWIN(cuStreamBeginCapture, (CUstream a), (orPerThread(a)))
ANYWARP_TWIN(cuStreamBeginCapture_v2, (CUstream a, CUstreamCaptureMode b), (orPerThread(a), b))
ANYWARP_TWIN(cuStreamBeginCaptureToGraph,
             (CUstream a, CUgraph b, const CUgraphNode* c, const CUgraphEdgeData* d, size_t e, CUstreamCaptureMode f),
             (orPerThread(a), b, c, d, e, f))
ANYWARP_TWIN(cuStreamEndCapture, (CUstream a, CUgraph* b), (orPerThread(a), b))
ANYWARP_TWIN(cuStreamUpdateCaptureDependencies, (CUstream a, CUgraphNode* b, size_t c, unsigned d), (orPerThread(a), b, c, d))
ANYWARP_TWIN(cuStreamUpdateCaptureDependencies_v2,
             (CUstream a, CUgraphNode* b, const CUgraphEdgeData* c, size_t d, unsigned e),
             (orPerThread(a), b, c, d, e))
ANYWARP_TWIN(cuGraphInstantiateWithParams, (CUgraphExec* a, CUgraph b, CUDA_GRAPH_INSTANTIATE_PARAMS* c), (a, b, c))
ANYWARP_TWIN(cuGraphUpload, (CUgraphExec a, CUstream b), (a, orPerThread(b)))
ANYWARP_TWIN(cuGraphLaunch, (CUgraphExec a, CUstream b), (a, orPerThread(b)))

CUresult cuLaunchKernelEx_ptsz(const CUlaunchConfig* config, CUfunction function, void** params, void** extra) {
  if (!config) return cuLaunchKernelEx(config, function, params, extra);
  CUlaunchConfig own = *config;
  own.hStream = orPerThread(own.hStream);
  return cuLaunchKernelEx(&own, function, params, extra);
}
