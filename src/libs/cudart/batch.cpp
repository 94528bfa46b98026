// Batches of copies, prefetches and discards: the driver's, whose structures are laid out the same. SPDX-License-Identifier: Apache-2.0
#include "libs/cudart/context.h"

namespace anywarp::cudart {

#if ANYWARP_CUDART_MAJOR >= 12
namespace {

CUdeviceptr* pointers(const void* const* list) { return reinterpret_cast<CUdeviceptr*>(const_cast<void**>(list)); }

}  // namespace
#endif

#if ANYWARP_CUDART_MAJOR == 12
ANYWARP_RUNTIME cudaError_t cudaMemcpyBatchAsync(void** to, void** from, size_t* sizes, size_t count, CUmemcpyAttributes* attributes, size_t* starts,
                                                 size_t number, size_t* failed, cudaStream_t stream) {
  return inContext([&] { return driver().cuMemcpyBatchAsync(pointers(to), pointers(from), sizes, count, attributes, starts, number, failed, stream); });
}

ANYWARP_RUNTIME cudaError_t cudaMemcpyBatchAsync_ptsz(void** to, void** from, size_t* sizes, size_t count, CUmemcpyAttributes* attributes, size_t* starts,
                                                      size_t number, size_t* failed, cudaStream_t stream) {
  return cudaMemcpyBatchAsync(to, from, sizes, count, attributes, starts, number, failed, perThread(stream));
}

ANYWARP_RUNTIME cudaError_t cudaMemcpy3DBatchAsync(size_t count, CUDA_MEMCPY3D_BATCH_OP* operations, size_t* failed, unsigned long long flags,
                                                   cudaStream_t stream) {
  return inContext([&] { return driver().cuMemcpy3DBatchAsync(count, operations, failed, flags, stream); });
}

ANYWARP_RUNTIME cudaError_t cudaMemcpy3DBatchAsync_ptsz(size_t count, CUDA_MEMCPY3D_BATCH_OP* operations, size_t* failed, unsigned long long flags,
                                                        cudaStream_t stream) {
  return cudaMemcpy3DBatchAsync(count, operations, failed, flags, perThread(stream));
}
#endif

#if ANYWARP_CUDART_MAJOR >= 13
ANYWARP_RUNTIME cudaError_t cudaMemcpyBatchAsync(void* const* to, const void* const* from, const size_t* sizes, size_t count, CUmemcpyAttributes* attributes,
                                                 size_t* starts, size_t number, cudaStream_t stream) {
  return inContext([&] {
    return driver().cuMemcpyBatchAsync_v2(pointers(to), pointers(from), const_cast<size_t*>(sizes), count, attributes, starts, number, stream);
  });
}

ANYWARP_RUNTIME cudaError_t cudaMemcpyBatchAsync_ptsz(void* const* to, const void* const* from, const size_t* sizes, size_t count,
                                                      CUmemcpyAttributes* attributes, size_t* starts, size_t number, cudaStream_t stream) {
  return cudaMemcpyBatchAsync(to, from, sizes, count, attributes, starts, number, perThread(stream));
}

ANYWARP_RUNTIME cudaError_t cudaMemcpy3DBatchAsync(size_t count, CUDA_MEMCPY3D_BATCH_OP* operations, unsigned long long flags, cudaStream_t stream) {
  return inContext([&] { return driver().cuMemcpy3DBatchAsync_v2(count, operations, flags, stream); });
}

ANYWARP_RUNTIME cudaError_t cudaMemcpy3DBatchAsync_ptsz(size_t count, CUDA_MEMCPY3D_BATCH_OP* operations, unsigned long long flags, cudaStream_t stream) {
  return cudaMemcpy3DBatchAsync(count, operations, flags, perThread(stream));
}

ANYWARP_RUNTIME cudaError_t cudaMemPrefetchBatchAsync(void** list, size_t* sizes, size_t count, CUmemLocation* locations, size_t* starts, size_t number,
                                                      unsigned long long flags, cudaStream_t stream) {
  return inContext([&] { return driver().cuMemPrefetchBatchAsync(pointers(list), sizes, count, locations, starts, number, flags, stream); });
}

ANYWARP_RUNTIME cudaError_t cudaMemPrefetchBatchAsync_ptsz(void** list, size_t* sizes, size_t count, CUmemLocation* locations, size_t* starts, size_t number,
                                                           unsigned long long flags, cudaStream_t stream) {
  return cudaMemPrefetchBatchAsync(list, sizes, count, locations, starts, number, flags, perThread(stream));
}

ANYWARP_RUNTIME cudaError_t cudaMemDiscardBatchAsync(void** list, size_t* sizes, size_t count, unsigned long long flags, cudaStream_t stream) {
  return inContext([&] { return driver().cuMemDiscardBatchAsync(pointers(list), sizes, count, flags, stream); });
}

ANYWARP_RUNTIME cudaError_t cudaMemDiscardBatchAsync_ptsz(void** list, size_t* sizes, size_t count, unsigned long long flags, cudaStream_t stream) {
  return cudaMemDiscardBatchAsync(list, sizes, count, flags, perThread(stream));
}

ANYWARP_RUNTIME cudaError_t cudaMemDiscardAndPrefetchBatchAsync(void** list, size_t* sizes, size_t count, CUmemLocation* locations, size_t* starts,
                                                                size_t number, unsigned long long flags, cudaStream_t stream) {
  return inContext([&] { return driver().cuMemDiscardAndPrefetchBatchAsync(pointers(list), sizes, count, locations, starts, number, flags, stream); });
}

ANYWARP_RUNTIME cudaError_t cudaMemDiscardAndPrefetchBatchAsync_ptsz(void** list, size_t* sizes, size_t count, CUmemLocation* locations, size_t* starts,
                                                                     size_t number, unsigned long long flags, cudaStream_t stream) {
  return cudaMemDiscardAndPrefetchBatchAsync(list, sizes, count, locations, starts, number, flags, perThread(stream));
}
#endif

}  // namespace anywarp::cudart
