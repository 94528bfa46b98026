// Driver API: Memory Management, mipmapped arrays: one array per level. SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <bit>

#include "driver/entry.h"
#include "driver/objects/texture.h"

using namespace anywarp;
using namespace anywarp::driver;

namespace anywarp::driver {

MipmappedArrayTable& mipmappedArrays() {
  static MipmappedArrayTable& table = *new MipmappedArrayTable;
  return table;
}

}  // namespace anywarp::driver

namespace {

CUDA_ARRAY3D_DESCRIPTOR levelDescriptor(const CUDA_ARRAY3D_DESCRIPTOR& base, unsigned level) {
  CUDA_ARRAY3D_DESCRIPTOR d = base;
  auto half = [&](size_t size) { return size ? std::max<size_t>(size >> level, 1) : 0; };
  d.Width = half(base.Width);
  d.Height = half(base.Height);
  if (!(base.Flags & (CUDA_ARRAY3D_LAYERED | CUDA_ARRAY3D_CUBEMAP))) d.Depth = half(base.Depth);
  return d;
}

unsigned mostLevels(const CUDA_ARRAY3D_DESCRIPTOR& d) {
  size_t longest = std::max(d.Width, d.Height);
  if (!(d.Flags & (CUDA_ARRAY3D_LAYERED | CUDA_ARRAY3D_CUBEMAP))) longest = std::max(longest, d.Depth);
  return std::min<unsigned>(static_cast<unsigned>(std::bit_width(longest)), device::Image::maxLevels);
}

}  // namespace

CUresult cuMipmappedArrayCreate(CUmipmappedArray* handle, const CUDA_ARRAY3D_DESCRIPTOR* descriptor, unsigned levels) {
  return callInContext(__func__, [&](Current& current) -> CUresult {
    if (!handle || !descriptor || levels == 0) return CUDA_ERROR_INVALID_VALUE;
    auto mipmapped = std::make_shared<MipmappedArray>();
    mipmapped->impl = current.impl;
    mipmapped->descriptor = *descriptor;
    unsigned count = std::min(levels, std::max(mostLevels(*descriptor), 1u));
    for (unsigned level = 0; level < count; ++level) {
      std::shared_ptr<Array> array;
      if (CUresult result = makeArray(current, levelDescriptor(*descriptor, level), array); result != CUDA_SUCCESS) return result;
      array->isLevel = true;
      mipmapped->levels.push_back(std::move(array));
    }
    for (const std::shared_ptr<Array>& level : mipmapped->levels) arrays().add(level);
    *handle = mipmappedArrays().add(mipmapped);
    return CUDA_SUCCESS;
  });
}

CUresult cuMipmappedArrayGetLevel(CUarray* level, CUmipmappedArray handle, unsigned index) {
  return callInContext(__func__, [&](Current&) -> CUresult {
    std::shared_ptr<MipmappedArray> mipmapped = mipmappedArrays().find(handle);
    if (!mipmapped) return CUDA_ERROR_INVALID_HANDLE;
    if (!level || index >= mipmapped->levels.size()) return CUDA_ERROR_INVALID_VALUE;
    *level = mipmapped->levels[index]->handle;
    return CUDA_SUCCESS;
  });
}

CUresult cuMipmappedArrayDestroy(CUmipmappedArray handle) {
  return callInContext(__func__, [&](Current& current) -> CUresult {
    std::shared_ptr<MipmappedArray> mipmapped = mipmappedArrays().find(handle);
    if (!mipmapped) return CUDA_ERROR_INVALID_HANDLE;
    current.impl->synchronize();
    if (CUresult fault = current.fault(); fault != CUDA_SUCCESS) return fault;
    mipmappedArrays().take(handle);
    for (const std::shared_ptr<Array>& level : mipmapped->levels) arrays().take(level->handle);
    return CUDA_SUCCESS;
  });
}
