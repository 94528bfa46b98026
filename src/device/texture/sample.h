// Sampling: the texels of one tex or tld4 instruction for the lanes of a warp. SPDX-License-Identifier: Apache-2.0
#pragma once

#include "abi/texture.h"
#include "device/texture/texture.h"

namespace anywarp::device {

// An image with the sampling state that goes with it.
struct Sampled {
  const Image& image;
  const SamplerState& sampler;
  ReadMode read;
};

// Fills results for the lanes of `mask`, others are left alone or get anything. `operands` and `results`: rows of operation.width
// lanes. Lanes outside the mask may hold anything. The image has at least one level.
void sample(const Sampled& texture, abi::TextureOperation operation, uint32_t mask, const uint32_t* operands, uint32_t* results);

struct GeometryInfo {
  uint8_t axes;        // coordinates, the layer not counted
  bool layered, cube;
};
inline constexpr GeometryInfo geometryInfos[] = {{1, false, false}, {2, false, false}, {3, false, false}, {1, true, false},
                                                 {2, true, false},  {3, false, true},  {3, true, true}};
constexpr GeometryInfo geometryInfo(abi::TexGeometry geometry) { return geometryInfos[static_cast<uint8_t>(geometry)]; }

}  // namespace anywarp::device
