// Texels from memory, for all lanes of a warp at once: one function per format, chosen once per instruction.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "device/texture/axis.h"

namespace anywarp::device::ANYWARP_SAMPLING {

// One texel per lane. Addresses are inside the image, also where `outside` says that the border is meant.
struct Texels {
  int64_t offset[maxLanes];   // bytes from the level's base
  int32_t outside[maxLanes];
};

// Rows of lanes, one per channel; all four are filled.
struct ChannelBits {
  uint32_t row[4][maxLanes];
};
struct ChannelSums {
  double row[4][maxLanes];
};

// What a format and a read mode mean.
struct TexelReader {
  // Values as an instruction returns them. Channels that the format lacks are 0, 0, 1.
  void (*fetch)(const uint8_t* base, const Texels& texels, bool border, const float* borderColor, unsigned lanes, ChannelBits& bits);
  // Adds weight times value, in units of 1 / unitsPerOne. Null where values are integers, which are not filtered.
  void (*accumulate)(const uint8_t* base, const Texels& texels, bool border, const float* borderColor, const double* weights, unsigned lanes,
                     ChannelSums& sums);
  double unitsPerOne;
  bool alphaUnits;            // sRGB: channel 3 counts in 255ths, the others in ones
  bool integers;              // `fetch` gives integers
};

const TexelReader& readerOf(const TexelFormat& format, ReadMode read);

}  // namespace anywarp::device::ANYWARP_SAMPLING
