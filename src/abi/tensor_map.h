// What a CUtensorMap holds: how a tensor lies in global memory, and the box of it that one copy moves. Written by the driver, read by
// whatever executes tensor copies (PTX: Tensors). The 128 bytes are this project's own; programs treat them as opaque.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace anywarp::abi {

inline constexpr uint32_t tensorMapMagic = 0x504d5441;  // "ATMP"
inline constexpr uint32_t maxTensorRank = 5;

enum class TensorMapMode : uint8_t { Tiled = 0, Im2col = 1, Im2colW = 2, Im2colW128 = 3 };

struct TensorMap {
  uint32_t magic;
  uint8_t rank;            // 1 to 5
  uint8_t type;            // CUtensorMapDataType
  TensorMapMode mode;
  uint8_t interleave;      // CUtensorMapInterleave
  uint8_t swizzle;         // CUtensorMapSwizzle
  uint8_t oobFill;         // CUtensorMapFloatOOBfill
  uint8_t elementBits;     // of one element in memory
  uint8_t l2promotion;
  uint64_t address;
  uint64_t stride[4];      // bytes from one index of dimension 1 (2, 3, 4) to the next
  uint32_t size[5];        // elements of each dimension, minus 1
  uint16_t box[5];         // tiled: elements of each dimension of the box
  uint8_t elementStride[5];
  uint8_t reserved;
  int16_t lower[3], upper[3];                  // im2col: corners of the pixels' box, innermost dimension first
  uint16_t channelsPerPixel, pixelsPerColumn;  // im2col
};
static_assert(sizeof(TensorMap) <= 128);

}  // namespace anywarp::abi
