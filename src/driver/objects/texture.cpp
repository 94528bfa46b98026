// Resource, view and texture descriptions. SPDX-License-Identifier: Apache-2.0
#include "driver/objects/texture.h"

#include <algorithm>
#include <iterator>

namespace anywarp::driver {
namespace {

using device::ChannelKind;

constexpr FormatInfo formats[] = {
    {CU_AD_FORMAT_UNSIGNED_INT8, ChannelKind::Unsigned, 1, 0, false},
    {CU_AD_FORMAT_UNSIGNED_INT16, ChannelKind::Unsigned, 2, 0, false},
    {CU_AD_FORMAT_UNSIGNED_INT32, ChannelKind::Unsigned, 4, 0, false},
    {CU_AD_FORMAT_SIGNED_INT8, ChannelKind::Signed, 1, 0, false},
    {CU_AD_FORMAT_SIGNED_INT16, ChannelKind::Signed, 2, 0, false},
    {CU_AD_FORMAT_SIGNED_INT32, ChannelKind::Signed, 4, 0, false},
    {CU_AD_FORMAT_HALF, ChannelKind::Float, 2, 0, false},
    {CU_AD_FORMAT_FLOAT, ChannelKind::Float, 4, 0, false},
    {static_cast<CUarray_format>(0xc0), ChannelKind::Unsigned, 1, 1, true},   // UNORM_INT8X1, X2, X4
    {static_cast<CUarray_format>(0xc1), ChannelKind::Unsigned, 1, 2, true},
    {static_cast<CUarray_format>(0xc2), ChannelKind::Unsigned, 1, 4, true},
    {static_cast<CUarray_format>(0xc3), ChannelKind::Unsigned, 2, 1, true},   // UNORM_INT16
    {static_cast<CUarray_format>(0xc4), ChannelKind::Unsigned, 2, 2, true},
    {static_cast<CUarray_format>(0xc5), ChannelKind::Unsigned, 2, 4, true},
    {static_cast<CUarray_format>(0xc6), ChannelKind::Signed, 1, 1, true},     // SNORM_INT8
    {static_cast<CUarray_format>(0xc7), ChannelKind::Signed, 1, 2, true},
    {static_cast<CUarray_format>(0xc8), ChannelKind::Signed, 1, 4, true},
    {static_cast<CUarray_format>(0xc9), ChannelKind::Signed, 2, 1, true},     // SNORM_INT16
    {static_cast<CUarray_format>(0xca), ChannelKind::Signed, 2, 2, true},
    {static_cast<CUarray_format>(0xcb), ChannelKind::Signed, 2, 4, true},
};

constexpr size_t textureAlignment = 512, pitchAlignment = 32, maxLinearWidth = 268435456, maxPitchedSize = 131072;

bool isLayered(const CUDA_ARRAY3D_DESCRIPTOR& d) { return d.Flags & CUDA_ARRAY3D_LAYERED; }
bool isCube(const CUDA_ARRAY3D_DESCRIPTOR& d) { return d.Flags & CUDA_ARRAY3D_CUBEMAP; }

device::ImageLevel levelOf(const Array& array) {
  const CUDA_ARRAY3D_DESCRIPTOR& d = array.descriptor;
  return {.base = static_cast<uint8_t*>(array.memory),
          .width = static_cast<uint32_t>(d.Width),
          .height = static_cast<uint32_t>(array.rows),
          .depth = static_cast<uint32_t>(array.slices),
          .rowPitch = static_cast<uint32_t>(array.rowPitch),
          .slicePitch = array.slicePitch};
}

void describeShape(const CUDA_ARRAY3D_DESCRIPTOR& d, device::Image& image) {
  image.kind = device::ImageKind::Array;
  image.layered = isLayered(d);
  image.cube = isCube(d);
  bool flat = image.layered || image.cube;
  image.dimensions = d.Height == 0 ? 1 : d.Depth > 0 && !flat ? 3 : 2;
}

// The read mode, from the flags of a texture and the format.
void describeReading(const FormatInfo& format, unsigned flags, device::TextureRecord& record) {
  bool fraction = format.normalized || (format.kind != ChannelKind::Float && format.channelBytes < 4 && !(flags & CU_TRSF_READ_AS_INTEGER));
  bool curved = fraction && flags & CU_TRSF_SRGB && format.kind == ChannelKind::Unsigned && format.channelBytes == 1;
  record.read = curved ? device::ReadMode::Srgb : fraction ? device::ReadMode::Normalized : device::ReadMode::Element;
}

CUresult describeFormat(CUarray_format format, unsigned channels, unsigned flags, device::TextureRecord& record) {
  const FormatInfo* info = formatInfo(format);
  if (!info) return CUDA_ERROR_NOT_SUPPORTED;
  if (channels != 1 && channels != 2 && channels != 4) return CUDA_ERROR_INVALID_VALUE;
  record.image.format = texelFormat(*info, channels);
  describeReading(*info, flags, record);
  return CUDA_SUCCESS;
}

// Another format of the same size, some of the levels, some of the layers.
CUresult applyView(const CUDA_RESOURCE_VIEW_DESC& view, unsigned flags, device::TextureRecord& record) {
  device::Image& image = record.image;
  if (view.format >= CU_RES_VIEW_FORMAT_UNSIGNED_BC1) return CUDA_ERROR_NOT_SUPPORTED;
  if (view.format != CU_RES_VIEW_FORMAT_NONE) {
    constexpr CUarray_format bases[] = {CU_AD_FORMAT_UNSIGNED_INT8,  CU_AD_FORMAT_SIGNED_INT8,  CU_AD_FORMAT_UNSIGNED_INT16, CU_AD_FORMAT_SIGNED_INT16,
                                        CU_AD_FORMAT_UNSIGNED_INT32, CU_AD_FORMAT_SIGNED_INT32, CU_AD_FORMAT_HALF,           CU_AD_FORMAT_FLOAT};
    unsigned index = view.format - 1, before = image.format.bytes();
    if (index / 3 >= std::size(bases)) return CUDA_ERROR_INVALID_VALUE;
    if (CUresult result = describeFormat(bases[index / 3], 1u << index % 3, flags, record); result != CUDA_SUCCESS) return result;
    if (image.format.bytes() != before) return CUDA_ERROR_INVALID_VALUE;
  }
  const device::ImageLevel& base = image.levels[0];
  bool sizeOk = (view.width == 0 || view.width == base.width) && (view.height == 0 || image.dimensions < 2 || view.height == base.height);
  if (!sizeOk || view.lastMipmapLevel < view.firstMipmapLevel || view.lastLayer < view.firstLayer) return CUDA_ERROR_INVALID_VALUE;
  if (view.lastMipmapLevel >= image.levelCount) return CUDA_ERROR_INVALID_VALUE;
  bool sliced = image.layered || image.cube;
  if (sliced && view.lastLayer >= base.depth) return CUDA_ERROR_INVALID_VALUE;
  std::copy(image.levels + view.firstMipmapLevel, image.levels + view.lastMipmapLevel + 1, image.levels);
  image.levelCount = static_cast<uint8_t>(view.lastMipmapLevel - view.firstMipmapLevel + 1);
  if (!sliced || (view.firstLayer == 0 && view.lastLayer == 0)) return CUDA_SUCCESS;
  for (unsigned i = 0; i < image.levelCount; ++i) {
    image.levels[i].base += view.firstLayer * image.levels[i].slicePitch;
    image.levels[i].depth = view.lastLayer - view.firstLayer + 1;
  }
  return CUDA_SUCCESS;
}

CUresult describeLinear(const CUDA_RESOURCE_DESC& resource, unsigned flags, device::TextureRecord& record) {
  const auto& linear = resource.res.linear;
  if (CUresult result = describeFormat(linear.format, linear.numChannels, flags, record); result != CUDA_SUCCESS) return result;
  size_t width = linear.sizeInBytes / record.image.format.bytes();
  if (!linear.devPtr || linear.devPtr % textureAlignment || width == 0 || width > maxLinearWidth) return CUDA_ERROR_INVALID_VALUE;
  if (!validRange(pointerOf(linear.devPtr), linear.sizeInBytes, Side::Device)) return CUDA_ERROR_INVALID_VALUE;
  record.image.kind = device::ImageKind::Buffer;
  record.image.levelCount = 1;
  record.image.levels[0] = {.base = static_cast<uint8_t*>(pointerOf(linear.devPtr)), .width = static_cast<uint32_t>(width)};
  return CUDA_SUCCESS;
}

CUresult describePitched(const CUDA_RESOURCE_DESC& resource, unsigned flags, device::TextureRecord& record) {
  const auto& p = resource.res.pitch2D;
  if (CUresult result = describeFormat(p.format, p.numChannels, flags, record); result != CUDA_SUCCESS) return result;
  if (!p.devPtr || p.devPtr % textureAlignment || p.width == 0 || p.height == 0) return CUDA_ERROR_INVALID_VALUE;
  if (p.width > maxPitchedSize || p.height > maxPitchedSize || p.pitchInBytes > UINT32_MAX) return CUDA_ERROR_INVALID_VALUE;
  size_t rowBytes = p.width * record.image.format.bytes();
  if (p.pitchInBytes < rowBytes || (p.pitchInBytes % pitchAlignment && p.height > 1)) return CUDA_ERROR_INVALID_VALUE;
  if (!validRange(pointerOf(p.devPtr), (p.height - 1) * p.pitchInBytes + rowBytes, Side::Device)) return CUDA_ERROR_INVALID_VALUE;
  record.image.kind = device::ImageKind::Pitched;
  record.image.dimensions = 2;
  record.image.levelCount = 1;
  record.image.levels[0] = {.base = static_cast<uint8_t*>(pointerOf(p.devPtr)),
                            .width = static_cast<uint32_t>(p.width),
                            .height = static_cast<uint32_t>(p.height),
                            .rowPitch = static_cast<uint32_t>(p.pitchInBytes),
                            .slicePitch = p.height * p.pitchInBytes};
  return CUDA_SUCCESS;
}

}  // namespace

const FormatInfo* formatInfo(CUarray_format format) {
  for (const FormatInfo& info : formats)
    if (info.format == format) return &info;
  return nullptr;
}

device::TexelFormat texelFormat(const FormatInfo& format, unsigned channels) {
  return {format.kind, format.channelBytes, static_cast<uint8_t>(channels)};
}

CUresult describeResource(Current&, const CUDA_RESOURCE_DESC& resource, const CUDA_RESOURCE_VIEW_DESC* view, unsigned flags,
                          device::TextureRecord& record, TextureSource& source) {
  if (resource.flags) return CUDA_ERROR_INVALID_VALUE;
  CUresult result = CUDA_SUCCESS;
  switch (resource.resType) {
    case CU_RESOURCE_TYPE_ARRAY: {
      source.array = arrays().find(resource.res.array.hArray);
      if (!source.array) return CUDA_ERROR_INVALID_HANDLE;
      const CUDA_ARRAY3D_DESCRIPTOR& d = source.array->descriptor;
      if (result = describeFormat(d.Format, d.NumChannels, flags, record); result != CUDA_SUCCESS) return result;
      describeShape(d, record.image);
      record.image.levels[0] = levelOf(*source.array);
      record.image.levelCount = 1;
      break;
    }
    case CU_RESOURCE_TYPE_MIPMAPPED_ARRAY: {
      source.mipmapped = mipmappedArrays().find(resource.res.mipmap.hMipmappedArray);
      if (!source.mipmapped) return CUDA_ERROR_INVALID_HANDLE;
      const CUDA_ARRAY3D_DESCRIPTOR& d = source.mipmapped->descriptor;
      if (result = describeFormat(d.Format, d.NumChannels, flags, record); result != CUDA_SUCCESS) return result;
      describeShape(d, record.image);
      for (const std::shared_ptr<Array>& level : source.mipmapped->levels) record.image.levels[record.image.levelCount++] = levelOf(*level);
      break;
    }
    case CU_RESOURCE_TYPE_LINEAR: result = describeLinear(resource, flags, record); break;
    case CU_RESOURCE_TYPE_PITCH2D: result = describePitched(resource, flags, record); break;
    default: return CUDA_ERROR_INVALID_VALUE;
  }
  if (result != CUDA_SUCCESS || !view) return result;
  bool inArrays = resource.resType == CU_RESOURCE_TYPE_ARRAY || resource.resType == CU_RESOURCE_TYPE_MIPMAPPED_ARRAY;
  return inArrays ? applyView(*view, flags, record) : CUDA_ERROR_INVALID_VALUE;
}

CUresult describeSampler(const CUDA_TEXTURE_DESC& t, device::TextureRecord& record) {
  constexpr unsigned known = CU_TRSF_READ_AS_INTEGER | CU_TRSF_NORMALIZED_COORDINATES | CU_TRSF_SRGB | CU_TRSF_DISABLE_TRILINEAR_OPTIMIZATION |
                             CU_TRSF_SEAMLESS_CUBEMAP;
  if (t.flags & ~known || t.filterMode > CU_TR_FILTER_MODE_LINEAR || t.mipmapFilterMode > CU_TR_FILTER_MODE_LINEAR) return CUDA_ERROR_INVALID_VALUE;
  device::SamplerState& sampler = record.sampler;
  for (int i = 0; i < 3; ++i) {
    if (t.addressMode[i] > CU_TR_ADDRESS_MODE_BORDER) return CUDA_ERROR_INVALID_VALUE;
    sampler.address[i] = static_cast<device::AddressMode>(t.addressMode[i]);
  }
  sampler.linear = t.filterMode == CU_TR_FILTER_MODE_LINEAR;
  sampler.mipLinear = t.mipmapFilterMode == CU_TR_FILTER_MODE_LINEAR;
  sampler.normalized = t.flags & CU_TRSF_NORMALIZED_COORDINATES;
  sampler.seamless = t.flags & CU_TRSF_SEAMLESS_CUBEMAP;
  sampler.bias = t.mipmapLevelBias;
  sampler.minLevel = t.minMipmapLevelClamp;
  sampler.maxLevel = t.maxMipmapLevelClamp;
  std::copy(t.borderColor, t.borderColor + 4, sampler.border);
  return CUDA_SUCCESS;
}

bool canFilter(const device::TextureRecord& record) {
  return record.image.format.kind == ChannelKind::Float || record.read != device::ReadMode::Element;
}

}  // namespace anywarp::driver
