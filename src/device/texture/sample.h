// Sampling: the texels of one tex or tld4 instruction for the lanes of a warp. SPDX-License-Identifier: Apache-2.0
#pragma once

#include "abi/texture.h"
#include "device/texture/fetch.h"

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

// Rows of coordinates, layer included, and how many of them are axes.
unsigned coordinateRows(abi::TexGeometry geometry);
unsigned axisCount(abi::TexGeometry geometry);
bool isLayered(abi::TexGeometry geometry);
bool isCube(abi::TexGeometry geometry);

}  // namespace anywarp::device
