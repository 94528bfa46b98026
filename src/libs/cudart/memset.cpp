// Memory Management: filling memory. SPDX-License-Identifier: Apache-2.0
#include "libs/cudart/context.h"
#include "libs/cudart/copy.h"

namespace anywarp::cudart {
namespace {

unsigned char byte(int value) { return static_cast<unsigned char>(value); }

cudaError_t fill(void* pointer, int value, size_t count, DefaultStream stream) {
  return inContext([&] {
    bool own = stream == DefaultStream::PerThread;
    if (count == 0) return CUDA_SUCCESS;
    return (own ? driver().cuMemsetD8_v2_ptds : driver().cuMemsetD8_v2)(devicePtr(pointer), byte(value), count);
  });
}

cudaError_t fill2D(void* pointer, size_t pitch, int value, size_t width, size_t height, DefaultStream stream) {
  return inContext([&] {
    bool own = stream == DefaultStream::PerThread;
    if (width == 0 || height == 0) return CUDA_SUCCESS;
    return (own ? driver().cuMemsetD2D8_v2_ptds : driver().cuMemsetD2D8_v2)(devicePtr(pointer), pitch, byte(value),
                                                                             width, height);
  });
}

// A box in pitched memory: one run of rows when it spans the slices, else slice by slice.
template <class Fill>
cudaError_t fill3D(const cudaPitchedPtr& p, const cudaExtent& extent, Fill&& rows) {
  if (extent.height == p.ysize || extent.depth == 1) return rows(p.ptr, extent.height * extent.depth);
  for (size_t z = 0; z < extent.depth; ++z) {
    cudaError_t error = rows(static_cast<char*>(p.ptr) + z * p.pitch * p.ysize, extent.height);
    if (error != cudaSuccess) return error;
  }
  return cudaSuccess;
}

}  // namespace

ANYWARP_RUNTIME cudaError_t cudaMemset(void* pointer, int value, size_t count) {
  return fill(pointer, value, count, DefaultStream::Legacy);
}

ANYWARP_RUNTIME cudaError_t cudaMemset_ptds(void* pointer, int value, size_t count) {
  return fill(pointer, value, count, DefaultStream::PerThread);
}

ANYWARP_RUNTIME cudaError_t cudaMemsetAsync(void* pointer, int value, size_t count, cudaStream_t stream) {
  return inContext([&] {
    return count ? driver().cuMemsetD8Async(devicePtr(pointer), byte(value), count, stream) : CUDA_SUCCESS;
  });
}

ANYWARP_RUNTIME cudaError_t cudaMemsetAsync_ptsz(void* pointer, int value, size_t count, cudaStream_t stream) {
  return cudaMemsetAsync(pointer, value, count, perThread(stream));
}

ANYWARP_RUNTIME cudaError_t cudaMemset2D(void* pointer, size_t pitch, int value, size_t width, size_t height) {
  return fill2D(pointer, pitch, value, width, height, DefaultStream::Legacy);
}

ANYWARP_RUNTIME cudaError_t cudaMemset2D_ptds(void* pointer, size_t pitch, int value, size_t width, size_t height) {
  return fill2D(pointer, pitch, value, width, height, DefaultStream::PerThread);
}

ANYWARP_RUNTIME cudaError_t cudaMemset2DAsync(void* pointer, size_t pitch, int value, size_t width, size_t height,
                                              cudaStream_t stream) {
  return inContext([&] {
    if (width == 0 || height == 0) return CUDA_SUCCESS;
    return driver().cuMemsetD2D8Async(devicePtr(pointer), pitch, byte(value), width, height, stream);
  });
}

ANYWARP_RUNTIME cudaError_t cudaMemset2DAsync_ptsz(void* pointer, size_t pitch, int value, size_t width, size_t height,
                                                   cudaStream_t stream) {
  return cudaMemset2DAsync(pointer, pitch, value, width, height, perThread(stream));
}

ANYWARP_RUNTIME cudaError_t cudaMemset3D(cudaPitchedPtr p, int value, cudaExtent extent) {
  return fill3D(p, extent, [&](void* first, size_t rows) {
    return fill2D(first, p.pitch, value, extent.width, rows, DefaultStream::Legacy);
  });
}

ANYWARP_RUNTIME cudaError_t cudaMemset3D_ptds(cudaPitchedPtr p, int value, cudaExtent extent) {
  return fill3D(p, extent, [&](void* first, size_t rows) {
    return fill2D(first, p.pitch, value, extent.width, rows, DefaultStream::PerThread);
  });
}

ANYWARP_RUNTIME cudaError_t cudaMemset3DAsync(cudaPitchedPtr p, int value, cudaExtent extent, cudaStream_t stream) {
  return fill3D(p, extent, [&](void* first, size_t rows) {
    return cudaMemset2DAsync(first, p.pitch, value, extent.width, rows, stream);
  });
}

ANYWARP_RUNTIME cudaError_t cudaMemset3DAsync_ptsz(cudaPitchedPtr p, int value, cudaExtent extent,
                                                   cudaStream_t stream) {
  return cudaMemset3DAsync(p, value, extent, perThread(stream));
}

}  // namespace anywarp::cudart
