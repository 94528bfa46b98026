// Driver API: Unified Addressing, batches of prefetches and discards. SPDX-License-Identifier: Apache-2.0
// Managed memory is everywhere at once, so a prefetch only tells; contents that were discarded are undefined, so they may stay.
#include "abi/cuda_memory.h"
#include "driver/default_stream.h"
#include "driver/entry.h"
#include "driver/memory.h"
#include "driver/objects/capture.h"

using namespace anywarp;
using namespace anywarp::driver;

namespace {

bool isManaged(CUdeviceptr pointer, size_t bytes) {
  std::optional<device::Allocation> allocation = device::Memory::instance().find(pointerOf(pointer));
  return bytes > 0 && allocation && allocation->kind == device::MemoryKind::Managed && validRange(pointerOf(pointer), bytes, Side::Device);
}

CUresult checkRanges(Current& current, const CUdeviceptr* pointers, const size_t* sizes, size_t count, unsigned long long flags, CUstream handle) {
  if (!pointers || !sizes || count == 0 || flags) return CUDA_ERROR_INVALID_VALUE;
  if (!handle || handle == CU_STREAM_LEGACY) return CUDA_ERROR_INVALID_VALUE;
  StreamRef stream = enterStream(current, handle);
  if (!stream) return CUDA_ERROR_INVALID_HANDLE;
  if (stream.capture) return refuseCapture(stream);
  for (size_t i = 0; i < count; ++i)
    if (!isManaged(pointers[i], sizes[i])) return CUDA_ERROR_INVALID_VALUE;
  return CUDA_SUCCESS;
}

// Location l is that of the ranges from starts[l] up to starts[l + 1].
CUresult prefetch(const char* name, CUdeviceptr* pointers, size_t* sizes, size_t count, CUmemLocation* locations, size_t* starts, size_t number,
                  unsigned long long flags, CUstream stream) {
  CUresult checked = callInContext(name, [&](Current& current) -> CUresult {
    if (!locations || !starts || number == 0 || number > count || starts[0] != 0) return CUDA_ERROR_INVALID_VALUE;
    for (size_t l = 1; l < number; ++l)
      if (starts[l] <= starts[l - 1] || starts[l] >= count) return CUDA_ERROR_INVALID_VALUE;
    return checkRanges(current, pointers, sizes, count, flags, stream);
  });
  size_t location = 0;
  for (size_t i = 0; i < count && checked == CUDA_SUCCESS; ++i) {
    if (location + 1 < number && starts[location + 1] == i) ++location;
    checked = cuMemPrefetchAsync_v2(pointers[i], sizes[i], locations[location], 0, stream);
  }
  return checked;
}

CUresult discard(const char* name, CUdeviceptr* pointers, size_t* sizes, size_t count, unsigned long long flags, CUstream stream) {
  return callInContext(name, [&](Current& current) { return checkRanges(current, pointers, sizes, count, flags, stream); });
}

}  // namespace

CUresult cuMemPrefetchBatchAsync(CUdeviceptr* pointers, size_t* sizes, size_t count, CUmemLocation* locations, size_t* starts, size_t number,
                                 unsigned long long flags, CUstream stream) {
  return prefetch(__func__, pointers, sizes, count, locations, starts, number, flags, stream);
}
CUresult cuMemPrefetchBatchAsync_ptsz(CUdeviceptr* pointers, size_t* sizes, size_t count, CUmemLocation* locations, size_t* starts, size_t number,
                                      unsigned long long flags, CUstream stream) {
  return prefetch(__func__, pointers, sizes, count, locations, starts, number, flags, orPerThread(stream));
}
CUresult cuMemDiscardBatchAsync(CUdeviceptr* pointers, size_t* sizes, size_t count, unsigned long long flags, CUstream stream) {
  return discard(__func__, pointers, sizes, count, flags, stream);
}
CUresult cuMemDiscardBatchAsync_ptsz(CUdeviceptr* pointers, size_t* sizes, size_t count, unsigned long long flags, CUstream stream) {
  return discard(__func__, pointers, sizes, count, flags, orPerThread(stream));
}
CUresult cuMemDiscardAndPrefetchBatchAsync(CUdeviceptr* pointers, size_t* sizes, size_t count, CUmemLocation* locations, size_t* starts, size_t number,
                                           unsigned long long flags, CUstream stream) {
  return prefetch(__func__, pointers, sizes, count, locations, starts, number, flags, stream);
}
CUresult cuMemDiscardAndPrefetchBatchAsync_ptsz(CUdeviceptr* pointers, size_t* sizes, size_t count, CUmemLocation* locations, size_t* starts, size_t number,
                                                unsigned long long flags, CUstream stream) {
  return prefetch(__func__, pointers, sizes, count, locations, starts, number, flags, orPerThread(stream));
}
