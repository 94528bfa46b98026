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
  return callInContext(name, handle, [&](Current& current) -> CUresult {
    StreamRef stream = enterStream(current, handle);
    if (!stream) return CUDA_ERROR_INVALID_HANDLE;
    device::Fill f;
    CUresult result = makeFill(area.target, area.pitch, value, elementBytes, area.width, area.height, f);
    return result == CUDA_SUCCESS ? submit(current, stream, f, ordering) : result;
  });
}

Area flat(CUdeviceptr target, size_t count) { return {target, 0, count, 1}; }

}  // namespace

CUresult anywarp::driver::makeFill(CUdeviceptr target, size_t pitch, uint64_t value, uint32_t elementBytes, size_t width, size_t height, device::Fill& fill) {
  fill = {};
  if (elementBytes != 1 && elementBytes != 2 && elementBytes != 4) return CUDA_ERROR_INVALID_VALUE;
  if (width == 0 || height == 0) return CUDA_SUCCESS;
  size_t row, span;
  if (__builtin_mul_overflow(width, elementBytes, &row)) return CUDA_ERROR_INVALID_VALUE;
  if (height > 1 && (pitch < row || pitch % elementBytes)) return CUDA_ERROR_INVALID_VALUE;
  if (__builtin_mul_overflow(pitch, height - 1, &span) || __builtin_add_overflow(span, row, &span)) return CUDA_ERROR_INVALID_VALUE;
  if (target % elementBytes || !validRange(pointerOf(target), span, Side::Device)) return CUDA_ERROR_INVALID_VALUE;
  fill = {.target = pointerOf(target), .value = value, .elementBytes = elementBytes, .width = width, .height = height, .rowPitch = pitch};
  return CUDA_SUCCESS;
}

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
