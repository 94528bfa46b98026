// From coordinates to texel indices along one axis (CUDA: Texture Fetching; PTX: Texture Instructions). SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "device/texture/texture.h"

// The files that work on lanes are compiled once per level of the host's CPU (src/CMakeLists.txt), each in a namespace of its own;
// sampler.cpp chooses.
#ifndef ANYWARP_SAMPLING
#define ANYWARP_SAMPLING baseline
#endif

namespace anywarp::device {

inline constexpr unsigned maxLanes = 32;

}  // namespace anywarp::device

namespace anywarp::device::ANYWARP_SAMPLING {


// What is the same for all lanes of one axis.
struct AxisRule {
  AddressMode mode = AddressMode::Clamp;
  bool normalized = false;
  bool linear = false;
  uint32_t size = 1;
};

// Where a sample lies, before the address mode: the texel at or left of it and, for linear filtering, how many 256ths of the way to
// the next one.
struct AxisPosition {
  int32_t texel[maxLanes];
  int32_t fraction[maxLanes];
};

// The address mode as it takes effect: wrap and mirror need normalised coordinates.
AddressMode effectiveMode(AddressMode mode, bool normalized);

void locate(const AxisRule& rule, const float* coordinates, unsigned lanes, AxisPosition& position);
void locateIntegers(const int32_t* coordinates, unsigned lanes, AxisPosition& position);
// Texel offsets: -8 to 7, others are cut to that.
void move(const int32_t* offsets, unsigned lanes, AxisPosition& position);

// Indices inside [0, size) for the texel `step` right of each position. `outside` gets ones where the border is meant; it is left
// alone by the other modes.
void resolve(const AxisRule& rule, const AxisPosition& position, int32_t step, unsigned lanes, int32_t* indices, int32_t* outside);

}  // namespace anywarp::device::ANYWARP_SAMPLING
