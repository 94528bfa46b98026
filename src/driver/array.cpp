// Driver API: Memory Management, CUDA arrays and copies to and from them. SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "driver/default_stream.h"
#include "driver/entry.h"
#include "driver/objects/texture.h"

using namespace anywarp;
using namespace anywarp::driver;

namespace anywarp::driver {

ArrayTable& arrays() {
  static ArrayTable& table = *new ArrayTable;
  return table;
}

Array::~Array() {
  if (memory) (void)device::Memory::instance().release(memory);
}

namespace {

constexpr size_t rowAlignment = 64;
constexpr unsigned arrayFlags = CUDA_ARRAY3D_LAYERED | CUDA_ARRAY3D_SURFACE_LDST | CUDA_ARRAY3D_CUBEMAP | CUDA_ARRAY3D_TEXTURE_GATHER;

CUresult checkShape(const CUDA_ARRAY3D_DESCRIPTOR& d) {
  bool channelsOk = d.NumChannels == 1 || d.NumChannels == 2 || d.NumChannels == 4;
  bool layered = d.Flags & CUDA_ARRAY3D_LAYERED, cube = d.Flags & CUDA_ARRAY3D_CUBEMAP;
  bool shapeOk = d.Width > 0 && (d.Depth == 0 || d.Height > 0 || layered);
  if (layered) shapeOk &= d.Depth > 0;
  if (cube) shapeOk &= d.Width == d.Height && (layered ? d.Depth % 6 == 0 : d.Depth == 6);
  if (d.Flags & CUDA_ARRAY3D_TEXTURE_GATHER) shapeOk &= d.Height > 0 && (d.Depth == 0 || layered || cube);
  if (!channelsOk || !shapeOk || d.Flags & ~arrayFlags) return CUDA_ERROR_INVALID_VALUE;
  constexpr size_t limit = size_t{1} << 20;  // of every dimension of every kind of array
  return d.Width > limit || d.Height > limit || d.Depth > limit ? CUDA_ERROR_INVALID_VALUE : CUDA_SUCCESS;
}

}  // namespace

CUresult makeArray(Current& current, const CUDA_ARRAY3D_DESCRIPTOR& d, std::shared_ptr<Array>& made) {
  if (CUresult result = checkShape(d); result != CUDA_SUCCESS) return result;
  const FormatInfo* format = formatInfo(d.Format);
  if (!format) return CUDA_ERROR_NOT_SUPPORTED;
  if (format->channels && format->channels != d.NumChannels) return CUDA_ERROR_INVALID_VALUE;
  auto array = std::make_shared<Array>();
  array->impl = current.impl;
  array->descriptor = d;
  array->elementBytes = size_t{format->channelBytes} * d.NumChannels;
  array->rows = std::max<size_t>(d.Height, 1);
  array->slices = std::max<size_t>(d.Depth, 1);
  array->rowPitch = (d.Width * array->elementBytes + rowAlignment - 1) / rowAlignment * rowAlignment;
  if (__builtin_mul_overflow(array->rowPitch, array->rows, &array->slicePitch)) return CUDA_ERROR_OUT_OF_MEMORY;
  size_t total;
  if (__builtin_mul_overflow(array->slicePitch, array->slices, &total)) return CUDA_ERROR_OUT_OF_MEMORY;
  Result<void*> memory = current.impl->allocate(total);
  if (!memory) return toResult(memory.error());
  array->memory = *memory;
  made = std::move(array);
  return CUDA_SUCCESS;
}

}  // namespace anywarp::driver

namespace {

CUresult create(const char* name, CUarray* handle, const CUDA_ARRAY3D_DESCRIPTOR* descriptor) {
  return callInContext(name, [&](Current& current) -> CUresult {
    if (!handle || !descriptor) return CUDA_ERROR_INVALID_VALUE;
    std::shared_ptr<Array> array;
    if (CUresult result = makeArray(current, *descriptor, array); result != CUDA_SUCCESS) return result;
    *handle = arrays().add(array);
    return CUDA_SUCCESS;
  });
}

// A one-row copy with an array at one or both ends.
CUresult copyRow(const char* name, CUstream handle, Ordering ordering, const Place& target, const Place& source, size_t bytes) {
  return callInContext(name, [&](Current& current) -> CUresult {
    StreamRef stream = enterStream(current, handle);
    if (!stream) return CUDA_ERROR_INVALID_HANDLE;
    device::Copy copy;
    CUresult result = makeCopy(target, source, bytes, 1, 1, copy);
    return result == CUDA_SUCCESS ? submit(current, stream, copy, ordering) : result;
  });
}

Place atArray(CUarray array, size_t offset) { return {CU_MEMORYTYPE_ARRAY, nullptr, 0, array, offset, 0, 0, 0, 0}; }
Place atDevice(CUdeviceptr pointer) { return {CU_MEMORYTYPE_DEVICE, nullptr, pointer, nullptr, 0, 0, 0, 0, 0}; }
Place atHost(const void* pointer) { return {CU_MEMORYTYPE_HOST, pointer, 0, nullptr, 0, 0, 0, 0, 0}; }

}  // namespace

CUresult cuArray3DCreate_v2(CUarray* handle, const CUDA_ARRAY3D_DESCRIPTOR* descriptor) { return create(__func__, handle, descriptor); }

CUresult cuArrayCreate_v2(CUarray* handle, const CUDA_ARRAY_DESCRIPTOR* d) {
  if (!d) return CUDA_ERROR_INVALID_VALUE;
  CUDA_ARRAY3D_DESCRIPTOR descriptor{d->Width, d->Height, 0, d->Format, d->NumChannels, 0};
  return create(__func__, handle, &descriptor);
}

CUresult cuArray3DGetDescriptor_v2(CUDA_ARRAY3D_DESCRIPTOR* descriptor, CUarray handle) {
  return callInContext(__func__, [&](Current&) -> CUresult {
    std::shared_ptr<Array> array = arrays().find(handle);
    if (!array) return CUDA_ERROR_INVALID_HANDLE;
    if (!descriptor) return CUDA_ERROR_INVALID_VALUE;
    *descriptor = array->descriptor;
    return CUDA_SUCCESS;
  });
}

CUresult cuArrayGetDescriptor_v2(CUDA_ARRAY_DESCRIPTOR* descriptor, CUarray handle) {
  return callInContext(__func__, [&](Current&) -> CUresult {
    std::shared_ptr<Array> array = arrays().find(handle);
    if (!array) return CUDA_ERROR_INVALID_HANDLE;
    if (!descriptor) return CUDA_ERROR_INVALID_VALUE;
    *descriptor = {array->descriptor.Width, array->descriptor.Height, array->descriptor.Format, array->descriptor.NumChannels};
    return CUDA_SUCCESS;
  });
}

CUresult cuArrayDestroy(CUarray handle) {
  return callInContext(__func__, [&](Current& current) -> CUresult {
    std::shared_ptr<Array> array = arrays().find(handle);
    if (!array || array->isLevel) return CUDA_ERROR_INVALID_HANDLE;
    current.impl->synchronize();
    if (CUresult fault = current.fault(); fault != CUDA_SUCCESS) return fault;
    arrays().take(handle);
    return CUDA_SUCCESS;
  });
}

// The first ABI, with sizes of 32 bits.
CUresult cuArrayCreate(CUarray* handle, const CUDA_ARRAY_DESCRIPTOR_v1* d) {
  if (!d) return CUDA_ERROR_INVALID_VALUE;
  CUDA_ARRAY3D_DESCRIPTOR descriptor{d->Width, d->Height, 0, d->Format, d->NumChannels, 0};
  return create(__func__, handle, &descriptor);
}

CUresult cuArray3DCreate(CUarray* handle, const CUDA_ARRAY3D_DESCRIPTOR_v1* d) {
  if (!d) return CUDA_ERROR_INVALID_VALUE;
  CUDA_ARRAY3D_DESCRIPTOR descriptor{d->Width, d->Height, d->Depth, d->Format, d->NumChannels, d->Flags};
  return create(__func__, handle, &descriptor);
}

CUresult cuArrayGetDescriptor(CUDA_ARRAY_DESCRIPTOR_v1* descriptor, CUarray handle) {
  CUDA_ARRAY_DESCRIPTOR d;
  CUresult result = cuArrayGetDescriptor_v2(descriptor ? &d : nullptr, handle);
  if (result == CUDA_SUCCESS) *descriptor = {static_cast<unsigned>(d.Width), static_cast<unsigned>(d.Height), d.Format, d.NumChannels};
  return result;
}

CUresult cuArray3DGetDescriptor(CUDA_ARRAY3D_DESCRIPTOR_v1* descriptor, CUarray handle) {
  CUDA_ARRAY3D_DESCRIPTOR d;
  CUresult result = cuArray3DGetDescriptor_v2(descriptor ? &d : nullptr, handle);
  if (result == CUDA_SUCCESS)
    *descriptor = {static_cast<unsigned>(d.Width), static_cast<unsigned>(d.Height), static_cast<unsigned>(d.Depth), d.Format, d.NumChannels, d.Flags};
  return result;
}

CUresult cuMemcpyDtoA_v2(CUarray to, size_t offset, CUdeviceptr from, size_t bytes) {
  return copyRow(__func__, legacy, Ordering::Blocking, atArray(to, offset), atDevice(from), bytes);
}
CUresult cuMemcpyDtoA_v2_ptds(CUarray to, size_t offset, CUdeviceptr from, size_t bytes) {
  return copyRow(__func__, perThread, Ordering::Blocking, atArray(to, offset), atDevice(from), bytes);
}
CUresult cuMemcpyAtoD_v2(CUdeviceptr to, CUarray from, size_t offset, size_t bytes) {
  return copyRow(__func__, legacy, Ordering::Blocking, atDevice(to), atArray(from, offset), bytes);
}
CUresult cuMemcpyAtoD_v2_ptds(CUdeviceptr to, CUarray from, size_t offset, size_t bytes) {
  return copyRow(__func__, perThread, Ordering::Blocking, atDevice(to), atArray(from, offset), bytes);
}
CUresult cuMemcpyHtoA_v2(CUarray to, size_t offset, const void* from, size_t bytes) {
  return copyRow(__func__, legacy, Ordering::Blocking, atArray(to, offset), atHost(from), bytes);
}
CUresult cuMemcpyHtoA_v2_ptds(CUarray to, size_t offset, const void* from, size_t bytes) {
  return copyRow(__func__, perThread, Ordering::Blocking, atArray(to, offset), atHost(from), bytes);
}
CUresult cuMemcpyHtoAAsync_v2(CUarray to, size_t offset, const void* from, size_t bytes, CUstream stream) {
  return copyRow(__func__, stream, Ordering::Async, atArray(to, offset), atHost(from), bytes);
}
CUresult cuMemcpyAtoH_v2(void* to, CUarray from, size_t offset, size_t bytes) {
  return copyRow(__func__, legacy, Ordering::Blocking, atHost(to), atArray(from, offset), bytes);
}
CUresult cuMemcpyAtoH_v2_ptds(void* to, CUarray from, size_t offset, size_t bytes) {
  return copyRow(__func__, perThread, Ordering::Blocking, atHost(to), atArray(from, offset), bytes);
}
CUresult cuMemcpyAtoHAsync_v2(void* to, CUarray from, size_t offset, size_t bytes, CUstream stream) {
  return copyRow(__func__, stream, Ordering::Async, atHost(to), atArray(from, offset), bytes);
}
CUresult cuMemcpyAtoA_v2(CUarray to, size_t toOffset, CUarray from, size_t fromOffset, size_t bytes) {
  return copyRow(__func__, legacy, Ordering::Blocking, atArray(to, toOffset), atArray(from, fromOffset), bytes);
}
CUresult cuMemcpyAtoA_v2_ptds(CUarray to, size_t toOffset, CUarray from, size_t fromOffset, size_t bytes) {
  return copyRow(__func__, perThread, Ordering::Blocking, atArray(to, toOffset), atArray(from, fromOffset), bytes);
}
