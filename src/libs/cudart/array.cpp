// Memory Management: CUDA arrays, and copies to and from them. SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "libs/cudart/channel_format.h"
#include "libs/cudart/context.h"
#include "libs/cudart/copy.h"

namespace anywarp::cudart {
namespace {

cudaError_t create(cudaArray_t* array, const cudaChannelFormatDesc* desc, const cudaExtent& extent, unsigned flags) {
  return inContext([&]() -> cudaError_t {
    if (!array || !desc) return cudaErrorInvalidValue;
    CUDA_ARRAY3D_DESCRIPTOR d{};
    if (cudaError_t error = describe(*desc, &d); error != cudaSuccess) return error;
    d.Width = extent.width, d.Height = extent.height, d.Depth = extent.depth;
    d.Flags = flags;
    return asError(driver().cuArray3DCreate_v2(array, &d));
  });
}

cudaError_t arrayDescriptor(cudaArray_const_t array, CUDA_ARRAY3D_DESCRIPTOR* d) {
  if (!array) return cudaErrorInvalidResourceHandle;
  return asError(driver().cuArray3DGetDescriptor_v2(d, array));
}

// Rows between memory and an array, or two arrays. x in bytes, y in rows.
struct Rows {
  const void* source = nullptr;
  cudaArray_t sourceArray = nullptr;
  size_t sourceX = 0, sourceY = 0, sourcePitch = 0;
  void* target = nullptr;
  cudaArray_t targetArray = nullptr;
  size_t targetX = 0, targetY = 0, targetPitch = 0;
  size_t width = 0, height = 0;
};

CUDA_MEMCPY3D copyOf(const Rows& r) {
  CUDA_MEMCPY3D c{};
  c.srcMemoryType = r.sourceArray ? CU_MEMORYTYPE_ARRAY : CU_MEMORYTYPE_UNIFIED;
  c.srcXInBytes = r.sourceX, c.srcY = r.sourceY, c.srcPitch = r.sourcePitch, c.srcArray = r.sourceArray;
  c.srcDevice = devicePtr(r.source);
  c.dstMemoryType = r.targetArray ? CU_MEMORYTYPE_ARRAY : CU_MEMORYTYPE_UNIFIED;
  c.dstXInBytes = r.targetX, c.dstY = r.targetY, c.dstPitch = r.targetPitch, c.dstArray = r.targetArray;
  c.dstDevice = devicePtr(r.target);
  c.WidthInBytes = r.width, c.Height = r.height, c.Depth = 1;
  return c;
}

cudaError_t copyRows(const Rows& rows, DefaultStream stream) {
  return inContext([&] {
    CUDA_MEMCPY3D c = copyOf(rows);
    if (rows.width == 0 || rows.height == 0) return CUDA_SUCCESS;
    return (stream == DefaultStream::PerThread ? driver().cuMemcpy3D_v2_ptds : driver().cuMemcpy3D_v2)(&c);
  });
}

cudaError_t copyRowsAsync(const Rows& rows, cudaStream_t stream) {
  return inContext([&] {
    CUDA_MEMCPY3D c = copyOf(rows);
    return rows.width == 0 || rows.height == 0 ? CUDA_SUCCESS : driver().cuMemcpy3DAsync_v2(&c, stream);
  });
}

Rows toArray(cudaArray_t dst, size_t x, size_t y, const void* src, size_t pitch, size_t width, size_t height) {
  Rows r;
  r.source = src, r.sourcePitch = pitch;
  r.targetArray = dst, r.targetX = x, r.targetY = y;
  r.width = width, r.height = height;
  return r;
}

Rows fromArray(void* dst, size_t pitch, cudaArray_const_t src, size_t x, size_t y, size_t width, size_t height) {
  Rows r;
  r.sourceArray = src, r.sourceX = x, r.sourceY = y;
  r.target = dst, r.targetPitch = pitch;
  r.width = width, r.height = height;
  return r;
}

Rows betweenArrays(cudaArray_t dst, size_t dstX, size_t dstY, cudaArray_const_t src, size_t srcX, size_t srcY,
                   size_t width, size_t height) {
  Rows r;
  r.sourceArray = src, r.sourceX = srcX, r.sourceY = srcY;
  r.targetArray = dst, r.targetX = dstX, r.targetY = dstY;
  r.width = width, r.height = height;
  return r;
}

}  // namespace

cudaError_t arrayElementBytes(cudaArray_t array, size_t* bytes) {
  CUDA_ARRAY3D_DESCRIPTOR d{};
  if (cudaError_t error = arrayDescriptor(array, &d); error != cudaSuccess) return error;
  *bytes = elementBytes(d.Format, d.NumChannels);
  return *bytes ? cudaSuccess : cudaErrorInvalidChannelDescriptor;
}

ANYWARP_RUNTIME cudaChannelFormatDesc cudaCreateChannelDesc(int x, int y, int z, int w, cudaChannelFormatKind f) {
  return {x, y, z, w, f};
}

ANYWARP_RUNTIME cudaError_t cudaGetChannelDesc(cudaChannelFormatDesc* desc, cudaArray_const_t array) {
  return inContext([&]() -> cudaError_t {
    CUDA_ARRAY3D_DESCRIPTOR d{};
    if (!desc) return cudaErrorInvalidValue;
    cudaError_t error = arrayDescriptor(array, &d);
    return error == cudaSuccess ? describe(d.Format, d.NumChannels, desc) : error;
  });
}

ANYWARP_RUNTIME cudaError_t cudaMallocArray(cudaArray_t* array, const cudaChannelFormatDesc* desc, size_t width,
                                            size_t height, unsigned flags) {
  return create(array, desc, {width, height, 0}, flags);
}

ANYWARP_RUNTIME cudaError_t cudaMalloc3DArray(cudaArray_t* array, const cudaChannelFormatDesc* desc, cudaExtent extent,
                                              unsigned flags) {
  return create(array, desc, extent, flags);
}

ANYWARP_RUNTIME cudaError_t cudaFreeArray(cudaArray_t array) {
  return inContext([&] { return array ? driver().cuArrayDestroy(array) : CUDA_SUCCESS; });
}

ANYWARP_RUNTIME cudaError_t cudaArrayGetInfo(cudaChannelFormatDesc* desc, cudaExtent* extent, unsigned* flags,
                                             cudaArray_t array) {
  return inContext([&]() -> cudaError_t {
    CUDA_ARRAY3D_DESCRIPTOR d{};
    if (cudaError_t error = arrayDescriptor(array, &d); error != cudaSuccess) return error;
    if (extent) *extent = {d.Width, d.Height, d.Depth};
    if (flags) *flags = d.Flags;
    return desc ? describe(d.Format, d.NumChannels, desc) : cudaSuccess;
  });
}

ANYWARP_RUNTIME cudaError_t cudaMemcpy2DToArray(cudaArray_t dst, size_t x, size_t y, const void* src, size_t pitch,
                                                size_t width, size_t height, cudaMemcpyKind) {
  return copyRows(toArray(dst, x, y, src, pitch, width, height), DefaultStream::Legacy);
}

ANYWARP_RUNTIME cudaError_t cudaMemcpy2DToArray_ptds(cudaArray_t dst, size_t x, size_t y, const void* src, size_t pitch,
                                                     size_t width, size_t height, cudaMemcpyKind) {
  return copyRows(toArray(dst, x, y, src, pitch, width, height), DefaultStream::PerThread);
}

ANYWARP_RUNTIME cudaError_t cudaMemcpy2DToArrayAsync(cudaArray_t dst, size_t x, size_t y, const void* src, size_t pitch,
                                                     size_t width, size_t height, cudaMemcpyKind, cudaStream_t stream) {
  return copyRowsAsync(toArray(dst, x, y, src, pitch, width, height), stream);
}

ANYWARP_RUNTIME cudaError_t cudaMemcpy2DToArrayAsync_ptsz(cudaArray_t dst, size_t x, size_t y, const void* src,
                                                          size_t pitch, size_t width, size_t height, cudaMemcpyKind,
                                                          cudaStream_t stream) {
  return copyRowsAsync(toArray(dst, x, y, src, pitch, width, height), perThread(stream));
}

ANYWARP_RUNTIME cudaError_t cudaMemcpy2DFromArray(void* dst, size_t pitch, cudaArray_const_t src, size_t x, size_t y,
                                                  size_t width, size_t height, cudaMemcpyKind) {
  return copyRows(fromArray(dst, pitch, src, x, y, width, height), DefaultStream::Legacy);
}

ANYWARP_RUNTIME cudaError_t cudaMemcpy2DFromArray_ptds(void* dst, size_t pitch, cudaArray_const_t src, size_t x,
                                                       size_t y, size_t width, size_t height, cudaMemcpyKind) {
  return copyRows(fromArray(dst, pitch, src, x, y, width, height), DefaultStream::PerThread);
}

ANYWARP_RUNTIME cudaError_t cudaMemcpy2DFromArrayAsync(void* dst, size_t pitch, cudaArray_const_t src, size_t x,
                                                       size_t y, size_t width, size_t height, cudaMemcpyKind,
                                                       cudaStream_t stream) {
  return copyRowsAsync(fromArray(dst, pitch, src, x, y, width, height), stream);
}

ANYWARP_RUNTIME cudaError_t cudaMemcpy2DFromArrayAsync_ptsz(void* dst, size_t pitch, cudaArray_const_t src, size_t x,
                                                            size_t y, size_t width, size_t height, cudaMemcpyKind,
                                                            cudaStream_t stream) {
  return copyRowsAsync(fromArray(dst, pitch, src, x, y, width, height), perThread(stream));
}

ANYWARP_RUNTIME cudaError_t cudaMemcpy2DArrayToArray(cudaArray_t dst, size_t dstX, size_t dstY, cudaArray_const_t src,
                                                     size_t srcX, size_t srcY, size_t width, size_t height,
                                                     cudaMemcpyKind) {
  return copyRows(betweenArrays(dst, dstX, dstY, src, srcX, srcY, width, height), DefaultStream::Legacy);
}

ANYWARP_RUNTIME cudaError_t cudaMemcpy2DArrayToArray_ptds(cudaArray_t dst, size_t dstX, size_t dstY,
                                                          cudaArray_const_t src, size_t srcX, size_t srcY, size_t width,
                                                          size_t height, cudaMemcpyKind) {
  return copyRows(betweenArrays(dst, dstX, dstY, src, srcX, srcY, width, height), DefaultStream::PerThread);
}

// --- Bytes that run on from row to row of an array (deprecated since CUDA 10.1).

namespace {

// A place in an array, in bytes and rows; or plain memory, where width is 0.
struct Cursor {
  cudaArray_t array = nullptr;
  size_t width = 0;
  size_t x = 0, y = 0;
  char* memory = nullptr;

  size_t left() const { return array ? width - x : SIZE_MAX; }
  void advance(size_t bytes) {
    if (!array) memory += bytes;
    else if ((x += bytes) == width) x = 0, ++y;
  }
};

cudaError_t cursorAt(cudaArray_const_t array, size_t x, size_t y, Cursor* cursor) {
  CUDA_ARRAY3D_DESCRIPTOR d{};
  if (cudaError_t error = arrayDescriptor(array, &d); error != cudaSuccess) return error;
  *cursor = {array, d.Width * elementBytes(d.Format, d.NumChannels), x, y, nullptr};
  return x < cursor->width ? cudaSuccess : cudaErrorInvalidValue;
}

// Piece by piece, each within one row of both sides. `copy` is called with rows of height 1.
template <class Copy>
cudaError_t copyBytes(Cursor to, Cursor from, size_t count, Copy&& copy) {
  while (count > 0) {
    size_t bytes = std::min({count, to.left(), from.left()});
    Rows r;
    r.source = from.memory, r.sourceArray = from.array, r.sourceX = from.x, r.sourceY = from.y;
    r.target = to.memory, r.targetArray = to.array, r.targetX = to.x, r.targetY = to.y;
    r.width = bytes, r.height = 1;
    if (cudaError_t error = copy(r); error != cudaSuccess) return error;
    to.advance(bytes);
    from.advance(bytes);
    count -= bytes;
  }
  return cudaSuccess;
}

Cursor inMemory(const void* memory) { return {nullptr, 0, 0, 0, static_cast<char*>(const_cast<void*>(memory))}; }

template <class Copy>
cudaError_t bytesToArray(cudaArray_t dst, size_t x, size_t y, const void* src, size_t count, Copy&& copy) {
  Cursor to;
  if (cudaError_t error = inContext([&] { return cursorAt(dst, x, y, &to); }); error != cudaSuccess) return error;
  return copyBytes(to, inMemory(src), count, copy);
}

template <class Copy>
cudaError_t bytesFromArray(void* dst, cudaArray_const_t src, size_t x, size_t y, size_t count, Copy&& copy) {
  Cursor from;
  if (cudaError_t error = inContext([&] { return cursorAt(src, x, y, &from); }); error != cudaSuccess) return error;
  return copyBytes(inMemory(dst), from, count, copy);
}

cudaError_t bytesBetweenArrays(cudaArray_t dst, size_t dstX, size_t dstY, cudaArray_const_t src, size_t srcX, size_t srcY, size_t count,
                               DefaultStream stream) {
  Cursor to, from;
  auto find = [&] {
    cudaError_t error = cursorAt(dst, dstX, dstY, &to);
    return error == cudaSuccess ? cursorAt(src, srcX, srcY, &from) : error;
  };
  if (cudaError_t error = inContext(find); error != cudaSuccess) return error;
  return copyBytes(to, from, count, [&](const Rows& rows) { return copyRows(rows, stream); });
}

auto waiting(DefaultStream stream) {
  return [=](const Rows& rows) { return copyRows(rows, stream); };
}
auto inStream(cudaStream_t stream) {
  return [=](const Rows& rows) { return copyRowsAsync(rows, stream); };
}

}  // namespace

ANYWARP_RUNTIME cudaError_t cudaMemcpyToArray(cudaArray_t dst, size_t x, size_t y, const void* src, size_t count, cudaMemcpyKind) {
  return bytesToArray(dst, x, y, src, count, waiting(DefaultStream::Legacy));
}
ANYWARP_RUNTIME cudaError_t cudaMemcpyToArray_ptds(cudaArray_t dst, size_t x, size_t y, const void* src, size_t count, cudaMemcpyKind) {
  return bytesToArray(dst, x, y, src, count, waiting(DefaultStream::PerThread));
}
ANYWARP_RUNTIME cudaError_t cudaMemcpyToArrayAsync(cudaArray_t dst, size_t x, size_t y, const void* src, size_t count, cudaMemcpyKind,
                                                   cudaStream_t stream) {
  return bytesToArray(dst, x, y, src, count, inStream(stream));
}
ANYWARP_RUNTIME cudaError_t cudaMemcpyToArrayAsync_ptsz(cudaArray_t dst, size_t x, size_t y, const void* src, size_t count, cudaMemcpyKind,
                                                        cudaStream_t stream) {
  return bytesToArray(dst, x, y, src, count, inStream(perThread(stream)));
}
ANYWARP_RUNTIME cudaError_t cudaMemcpyFromArray(void* dst, cudaArray_const_t src, size_t x, size_t y, size_t count, cudaMemcpyKind) {
  return bytesFromArray(dst, src, x, y, count, waiting(DefaultStream::Legacy));
}
ANYWARP_RUNTIME cudaError_t cudaMemcpyFromArray_ptds(void* dst, cudaArray_const_t src, size_t x, size_t y, size_t count, cudaMemcpyKind) {
  return bytesFromArray(dst, src, x, y, count, waiting(DefaultStream::PerThread));
}
ANYWARP_RUNTIME cudaError_t cudaMemcpyFromArrayAsync(void* dst, cudaArray_const_t src, size_t x, size_t y, size_t count, cudaMemcpyKind,
                                                     cudaStream_t stream) {
  return bytesFromArray(dst, src, x, y, count, inStream(stream));
}
ANYWARP_RUNTIME cudaError_t cudaMemcpyFromArrayAsync_ptsz(void* dst, cudaArray_const_t src, size_t x, size_t y, size_t count, cudaMemcpyKind,
                                                          cudaStream_t stream) {
  return bytesFromArray(dst, src, x, y, count, inStream(perThread(stream)));
}
ANYWARP_RUNTIME cudaError_t cudaMemcpyArrayToArray(cudaArray_t dst, size_t dstX, size_t dstY, cudaArray_const_t src, size_t srcX, size_t srcY,
                                                   size_t count, cudaMemcpyKind) {
  return bytesBetweenArrays(dst, dstX, dstY, src, srcX, srcY, count, DefaultStream::Legacy);
}
ANYWARP_RUNTIME cudaError_t cudaMemcpyArrayToArray_ptds(cudaArray_t dst, size_t dstX, size_t dstY, cudaArray_const_t src, size_t srcX,
                                                        size_t srcY, size_t count, cudaMemcpyKind) {
  return bytesBetweenArrays(dst, dstX, dstY, src, srcX, srcY, count, DefaultStream::PerThread);
}

}  // namespace anywarp::cudart
