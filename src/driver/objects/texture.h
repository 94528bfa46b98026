// What texture and surface objects and references are made of: arrays, mipmapped arrays, and their descriptions turned into what the
// device samples. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <vector>

#include "abi/cuda_texture.h"
#include "device/texture/texture.h"
#include "driver/memory.h"

namespace anywarp::driver {

// A format of arrays and textures.
struct FormatInfo {
  CUarray_format format;
  device::ChannelKind kind;
  uint8_t channelBytes;
  uint8_t channels;   // 0: any; else the only number
  bool normalized;    // integers that read as fractions
};
// nullptr for formats that we lack.
const FormatInfo* formatInfo(CUarray_format format);
device::TexelFormat texelFormat(const FormatInfo& format, unsigned channels);

// An array outside every table. CUDA_ERROR_INVALID_VALUE where the description is none.
CUresult makeArray(Current& current, const CUDA_ARRAY3D_DESCRIPTOR& descriptor, std::shared_ptr<Array>& array);

struct MipmappedArray {
  CUmipmappedArray handle = nullptr;
  std::shared_ptr<device::Context> impl;
  CUDA_ARRAY3D_DESCRIPTOR descriptor{};
  std::vector<std::shared_ptr<Array>> levels;
};
using MipmappedArrayTable = HandleTable<MipmappedArray, CUmipmappedArray, HandleKind::MipmappedArray>;
MipmappedArrayTable& mipmappedArrays();

// Keeps alive what a texture or surface reads.
struct TextureSource {
  std::shared_ptr<Array> array;
  std::shared_ptr<MipmappedArray> mipmapped;
};

// Fills the record's image (and its read mode, as `textureFlags` say).
CUresult describeResource(Current& current, const CUDA_RESOURCE_DESC& resource, const CUDA_RESOURCE_VIEW_DESC* view, unsigned textureFlags,
                          device::TextureRecord& record, TextureSource& source);
CUresult describeSampler(const CUDA_TEXTURE_DESC& texture, device::TextureRecord& record);
// Integers are not filtered.
bool canFilter(const device::TextureRecord& record);

// Removes the texture and surface objects of a context.
void dropTextureObjects(const device::Context& impl);

}  // namespace anywarp::driver
