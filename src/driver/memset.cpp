// Driver API: Memory Management, cuMemset*. SPDX-License-Identifier: Apache-2.0
#include "driver/entry.h"
#include "driver/memory.h"

using namespace anywarp;
using namespace anywarp::driver;

namespace {

struct Area {
  CUdeviceptr target;
  size_t pitch;          // bytes; used when height is above 1
  size_t width, height;  // elements, rows
};

CUresult fill(const char* name, CUstream handle, Ordering ordering, const Area& area, uint64_t value, uint32_t elementBytes) {
  return callInContext(name, [&](Current& current) -> CUresult {
    StreamRef stream = streamOf(current, handle);
    if (!stream) return CUDA_ERROR_INVALID_HANDLE;
    if (area.width == 0 || area.height == 0) return CUDA_SUCCESS;
    size_t row, span;
    if (__builtin_mul_overflow(area.width, elementBytes, &row)) return CUDA_ERROR_INVALID_VALUE;
    if (area.height > 1 && (area.pitch < row || area.pitch % elementBytes)) return CUDA_ERROR_INVALID_VALUE;
    if (__builtin_mul_overflow(area.pitch, area.height - 1, &span) || __builtin_add_overflow(span, row, &span)) return CUDA_ERROR_INVALID_VALUE;
    if (area.target % elementBytes || !validRange(pointerOf(area.target), span, Side::Device)) return CUDA_ERROR_INVALID_VALUE;
    device::Fill f{.target = pointerOf(area.target), .value = value, .elementBytes = elementBytes, .width = area.width, .height = area.height, .rowPitch = area.pitch};
    return submit(current, stream, f, ordering);
  });
}

Area flat(CUdeviceptr target, size_t count) { return {target, 0, count, 1}; }

}  // namespace

// The blocking function, its _ptds twin and the asynchronous one, for each element size.
#define ANYWARP_MEMSET(bits, Value)                                                                                              \
  CUresult cuMemsetD##bits##_v2(CUdeviceptr target, Value value, size_t count) {                                                 \
    return fill(__func__, CU_STREAM_LEGACY, Ordering::Blocking, flat(target, count), value, bits / 8);                           \
  }                                                                                                                              \
  CUresult cuMemsetD##bits##_v2_ptds(CUdeviceptr target, Value value, size_t count) {                                            \
    return fill(__func__, CU_STREAM_PER_THREAD, Ordering::Blocking, flat(target, count), value, bits / 8);                       \
  }                                                                                                                              \
  CUresult cuMemsetD##bits##Async(CUdeviceptr target, Value value, size_t count, CUstream stream) {                              \
    return fill(__func__, stream, Ordering::Async, flat(target, count), value, bits / 8);                                        \
  }                                                                                                                              \
  CUresult cuMemsetD2D##bits##_v2(CUdeviceptr target, size_t pitch, Value value, size_t width, size_t height) {                  \
    return fill(__func__, CU_STREAM_LEGACY, Ordering::Blocking, {target, pitch, width, height}, value, bits / 8);                \
  }                                                                                                                              \
  CUresult cuMemsetD2D##bits##_v2_ptds(CUdeviceptr target, size_t pitch, Value value, size_t width, size_t height) {             \
    return fill(__func__, CU_STREAM_PER_THREAD, Ordering::Blocking, {target, pitch, width, height}, value, bits / 8);            \
  }                                                                                                                              \
  CUresult cuMemsetD2D##bits##Async(CUdeviceptr target, size_t pitch, Value value, size_t width, size_t height, CUstream stream) { \
    return fill(__func__, stream, Ordering::Async, {target, pitch, width, height}, value, bits / 8);                             \
  }

ANYWARP_MEMSET(8, unsigned char)
ANYWARP_MEMSET(16, unsigned short)
ANYWARP_MEMSET(32, unsigned)
