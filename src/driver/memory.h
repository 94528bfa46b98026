// What the files of the Memory Management chapter share: addresses, checked ranges, copies and fills in stream order.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "abi/cuda_types.h"
#include "device/memory/transfer.h"
#include "driver/objects/context.h"
#include "driver/objects/handles.h"

namespace anywarp::driver {

inline CUdeviceptr addressOf(const void* pointer) { return reinterpret_cast<uintptr_t>(pointer); }
inline void* pointerOf(CUdeviceptr address) { return reinterpret_cast<void*>(static_cast<uintptr_t>(address)); }

enum class Ordering : uint8_t { Blocking, Async };

// Device: must lie inside one allocation that the device can reach. Any: also ordinary host memory, whose ends must be mapped.
enum class Side : uint8_t { Device, Any };
bool validRange(const void* base, size_t bytes, Side side);

// In stream order. Blocking ones, and those that touch pageable memory, have happened on return. Ranges have been checked.
CUresult submit(Current& current, const StreamRef& stream, const device::Copy& copy, Ordering ordering);
CUresult submit(Current& current, const StreamRef& stream, const device::Fill& fill, Ordering ordering);

// A CUDA array: pitched memory with a format.
struct Array {
  ~Array();
  CUarray handle = nullptr;
  std::shared_ptr<device::Context> impl;
  CUDA_ARRAY3D_DESCRIPTOR descriptor{};
  size_t elementBytes = 0;
  size_t rowPitch = 0, slicePitch = 0;
  size_t rows = 0, slices = 0;  // at least 1
  bool isLevel = false;         // of a mipmapped array, with which it goes
  void* memory = nullptr;
};
using ArrayTable = HandleTable<Array, CUarray, HandleKind::Array>;
ArrayTable& arrays();

// One end of a copy, as the CUDA_MEMCPY structures describe it.
struct Place {
  CUmemorytype type;
  const void* host;
  CUdeviceptr device;
  CUarray array;
  size_t x, y, z;
  size_t rowPitch, rows;  // rows of a slice; 0: as many as are copied
};

inline Place targetOf(const CUDA_MEMCPY3D& c) {
  return {c.dstMemoryType, c.dstHost, c.dstDevice, c.dstArray, c.dstXInBytes, c.dstY, c.dstZ, c.dstPitch, c.dstHeight};
}
inline Place sourceOf(const CUDA_MEMCPY3D& c) {
  return {c.srcMemoryType, c.srcHost, c.srcDevice, c.srcArray, c.srcXInBytes, c.srcY, c.srcZ, c.srcPitch, c.srcHeight};
}

// Makes a Fill of `height` rows of `width` elements; CUDA_ERROR_INVALID_VALUE where they do not lie in device memory.
CUresult makeFill(CUdeviceptr target, size_t pitch, uint64_t value, uint32_t elementBytes, size_t width, size_t height, device::Fill& fill);

// Makes a Copy from two places; CUDA_ERROR_INVALID_VALUE where an end is not what it says or too small.
CUresult makeCopy(const Place& target, const Place& source, size_t width, size_t height, size_t depth, device::Copy& copy);

}  // namespace anywarp::driver
