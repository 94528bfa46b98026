// Queries: sizes, formats, sampling states (PTX: txq, suq). SPDX-License-Identifier: Apache-2.0
#include "device/texture/query.h"

#include <algorithm>

namespace anywarp::device {

using abi::TextureQuery;

namespace {

// Data types and orders have the numbers of OpenCL, as PTX has it.
uint32_t dataType(const TextureRecord& record) {
  const TexelFormat& format = record.image.format;
  unsigned size = format.channelBytes == 1 ? 0 : format.channelBytes == 2 ? 1 : 2;
  if (format.kind == ChannelKind::Float) return size == 1 ? 0x10dd : 0x10de;
  bool isSigned = format.kind == ChannelKind::Signed;
  bool normalized = record.kind == TextureRecord::Kind::Texture && record.read != ReadMode::Element && size < 2;
  if (normalized) return (isSigned ? 0x10d0 : 0x10d2) + size;
  return (isSigned ? 0x10d7 : 0x10da) + size;
}

uint32_t order(unsigned channels) { return channels == 1 ? 0x10b0 : channels == 2 ? 0x10b2 : 0x10b5; }

uint32_t addressModeCode(AddressMode mode) {
  constexpr uint32_t codes[] = {0, 3, 1, 4};  // wrap, clamp_to_edge, mirror, clamp_to_border
  return codes[static_cast<size_t>(mode)];
}

}  // namespace

uint32_t query(const TextureRecord& record, TextureQuery what, uint32_t level) {
  const Image& image = record.image;
  const SamplerState& sampler = record.sampler;
  unsigned last = image.levelCount ? image.levelCount - 1u : 0;
  const ImageLevel& at = image.levels[std::min(level, last)];
  bool bound = image.levelCount > 0;
  bool sliced = image.layered || image.cube;
  switch (what) {
    case TextureQuery::Width: return bound ? at.width : 0;
    case TextureQuery::Height: return bound && image.dimensions > 1 ? at.height : 0;
    case TextureQuery::Depth: return bound && image.dimensions > 2 ? at.depth : 0;
    case TextureQuery::ChannelDataType: return dataType(record);
    case TextureQuery::ChannelOrder: return order(image.format.channels);
    case TextureQuery::NormalizedCoords: return sampler.normalized;
    case TextureQuery::ForceUnnormalizedCoords: return !sampler.normalized;
    case TextureQuery::FilterMode: return sampler.linear;
    case TextureQuery::AddrMode0: return addressModeCode(sampler.address[0]);
    case TextureQuery::AddrMode1: return addressModeCode(sampler.address[1]);
    case TextureQuery::AddrMode2: return addressModeCode(sampler.address[2]);
    case TextureQuery::ArraySize: return bound && sliced ? at.depth / (image.cube ? 6 : 1) : 0;
    case TextureQuery::NumMipmapLevels: return image.levelCount;
    case TextureQuery::NumSamples: return bound ? 1 : 0;
    case TextureQuery::MemoryLayout: return image.kind == ImageKind::Array ? 1 : 0;
    default: return 0;
  }
}

bool isOfKind(const TextureRecord* record, TextureQuery query) {
  if (!record) return false;
  switch (query) {
    case TextureQuery::IsTexture: return record->kind == TextureRecord::Kind::Texture;
    case TextureQuery::IsSampler: return record->kind == TextureRecord::Kind::Sampler;
    case TextureQuery::IsSurface: return record->kind == TextureRecord::Kind::Surface;
    default: return false;
  }
}

}  // namespace anywarp::device
