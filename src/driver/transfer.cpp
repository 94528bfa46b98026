// Copies and fills in stream order, and the ends of copies. SPDX-License-Identifier: Apache-2.0
#include "compiler/fatbin/readable.h"
#include "driver/memory.h"
#include "driver/objects/capture.h"

namespace anywarp::driver {
namespace {

bool isPageable(const void* pointer) { return !device::Memory::instance().find(pointer); }

// a * b + c, or SIZE_MAX where that does not fit.
size_t mulAdd(size_t a, size_t b, size_t c) {
  size_t product, sum;
  if (__builtin_mul_overflow(a, b, &product) || __builtin_add_overflow(product, c, &sum)) return SIZE_MAX;
  return sum;
}

struct End {
  uint8_t* start = nullptr;
  size_t rowPitch = 0, slicePitch = 0;
};

CUresult arrayEnd(const Place& place, size_t width, size_t height, size_t depth, End& end) {
  std::shared_ptr<Array> array = arrays().find(place.array);
  if (!array) return CUDA_ERROR_INVALID_HANDLE;
  size_t rowBytes = array->descriptor.Width * array->elementBytes;
  if (mulAdd(1, place.x, width) > rowBytes || mulAdd(1, place.y, height) > array->rows || mulAdd(1, place.z, depth) > array->slices)
    return CUDA_ERROR_INVALID_VALUE;
  end = {static_cast<uint8_t*>(array->memory) + place.z * array->slicePitch + place.y * array->rowPitch + place.x, array->rowPitch, array->slicePitch};
  return CUDA_SUCCESS;
}

CUresult linearEnd(const Place& place, const void* base, Side side, size_t width, size_t height, size_t depth, End& end) {
  size_t rowBytes = mulAdd(1, place.x, width);
  size_t rowPitch = place.rowPitch ? place.rowPitch : rowBytes;
  if (rowPitch < rowBytes && (height > 1 || depth > 1)) return CUDA_ERROR_INVALID_VALUE;
  size_t rows = place.rows ? place.rows : mulAdd(1, place.y, height);
  if (depth > 1 && rows < mulAdd(1, place.y, height)) return CUDA_ERROR_INVALID_VALUE;
  size_t slicePitch = mulAdd(rowPitch, rows, 0);
  size_t begin = mulAdd(place.z, slicePitch, mulAdd(place.y, rowPitch, place.x));
  size_t span = mulAdd(depth - 1, slicePitch, mulAdd(height - 1, rowPitch, width));
  if (begin == SIZE_MAX || span == SIZE_MAX) return CUDA_ERROR_INVALID_VALUE;
  auto* start = static_cast<uint8_t*>(const_cast<void*>(base)) + begin;
  if (!base || !validRange(start, span, side)) return CUDA_ERROR_INVALID_VALUE;
  end = {start, rowPitch, slicePitch};
  return CUDA_SUCCESS;
}

CUresult endOf(const Place& place, size_t width, size_t height, size_t depth, End& end) {
  switch (place.type) {
    case CU_MEMORYTYPE_ARRAY: return arrayEnd(place, width, height, depth, end);
    case CU_MEMORYTYPE_HOST: return linearEnd(place, place.host, Side::Any, width, height, depth, end);
    case CU_MEMORYTYPE_DEVICE: return linearEnd(place, pointerOf(place.device), Side::Device, width, height, depth, end);
    case CU_MEMORYTYPE_UNIFIED: return linearEnd(place, pointerOf(place.device), Side::Any, width, height, depth, end);
  }
  return CUDA_ERROR_INVALID_VALUE;
}

// False for the handle of no array, where one is meant.
bool isArrayThere(const Place& place) { return place.type != CU_MEMORYTYPE_ARRAY || arrays().find(place.array); }

template <class Transfer>
CUresult now(Current& current, const StreamRef& stream, const Transfer& transfer) {
  stream->synchronize();
  if (CUresult fault = current.fault(); fault != CUDA_SUCCESS) return fault;
  current.impl->flushPrintf();
  device::transfer(transfer);
  return CUDA_SUCCESS;
}

}  // namespace

bool validRange(const void* base, size_t bytes, Side side) {
  uintptr_t begin = reinterpret_cast<uintptr_t>(base);
  if (!base || bytes > UINTPTR_MAX - begin) return false;
  std::optional<device::Allocation> allocation = device::Memory::instance().find(base);
  if (!allocation) return side == Side::Any && (bytes == 0 || fatbin::readableEnds(base, bytes));
  size_t here = allocation->bytes - (begin - allocation->base);
  if (bytes <= here) return true;
  // Mappings that stand side by side are one range.
  return allocation->kind == device::MemoryKind::Mapped && validRange(reinterpret_cast<void*>(begin + here), bytes - here, Side::Device);
}

CUresult submit(Current& current, const StreamRef& stream, const device::Copy& copy, Ordering ordering) {
  if (copy.bytes() == 0) return CUDA_SUCCESS;
  if (stream.capture) return ordering == Ordering::Blocking ? refuseCapture(stream) : captureCopy(current, stream, copy);
  if (ordering == Ordering::Blocking || isPageable(copy.source) || isPageable(copy.target)) return now(current, stream, copy);
  stream->copy(copy);
  return CUDA_SUCCESS;
}

CUresult submit(Current& current, const StreamRef& stream, const device::Fill& fill, Ordering ordering) {
  if (fill.bytes() == 0) return CUDA_SUCCESS;
  if (stream.capture) return ordering == Ordering::Blocking ? refuseCapture(stream) : captureFill(current, stream, fill);
  if (ordering == Ordering::Blocking) return now(current, stream, fill);
  stream->fill(fill);
  return CUDA_SUCCESS;
}

CUresult makeCopy(const Place& target, const Place& source, size_t width, size_t height, size_t depth, device::Copy& copy) {
  copy = {};
  if (width == 0 || height == 0 || depth == 0) return isArrayThere(target) && isArrayThere(source) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_HANDLE;
  End to, from;
  if (CUresult result = endOf(target, width, height, depth, to); result != CUDA_SUCCESS) return result;
  if (CUresult result = endOf(source, width, height, depth, from); result != CUDA_SUCCESS) return result;
  copy = {.target = to.start,
          .source = from.start,
          .width = width,
          .height = height,
          .depth = depth,
          .targetRowPitch = to.rowPitch,
          .sourceRowPitch = from.rowPitch,
          .targetSlicePitch = to.slicePitch,
          .sourceSlicePitch = from.slicePitch};
  return CUDA_SUCCESS;
}

}  // namespace anywarp::driver
