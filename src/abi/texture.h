// How compiled code asks the device for texels: the operation of one tex, tld4, txq, suld, sust, sured or suq instruction, known when
// the kernel is compiled, as one word. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace anywarp::abi {

enum class TexGeometry : uint8_t { D1, D2, D3, A1d, A2d, Cube, Acube };
enum class TexMode : uint8_t { Base, Level, Grad, Gather };

// What is fetched, filtered or compared. Operands come as rows of `width` 32-bit lanes, in this order: coordinates (a layer first),
// the level or the gradients (all of d/dx, then all of d/dy), `offsets` rows of texel offsets, the reference of a depth comparison.
struct TextureOperation {
  TexGeometry geometry = TexGeometry::D1;
  TexMode mode = TexMode::Base;
  uint8_t component = 0;     // Gather
  uint8_t offsets = 0;       // rows of them
  bool integers = false;     // coordinates and level are s32
  bool compare = false;
  bool uniform = false;      // one texture (and one sampler) for all lanes: only element 0 of the handles is there
  uint8_t width = 32;        // lanes

  constexpr uint32_t pack() const {
    return uint32_t(geometry) | uint32_t(mode) << 4 | uint32_t(component) << 6 | uint32_t(offsets) << 8 | uint32_t(integers) << 10 |
           uint32_t(compare) << 11 | uint32_t(uniform) << 12 | uint32_t(width) << 16;
  }
  static constexpr TextureOperation unpack(uint32_t word) {
    return {TexGeometry(word & 15), TexMode(word >> 4 & 3), uint8_t(word >> 6 & 3), uint8_t(word >> 8 & 3),
            (word >> 10 & 1) != 0,  (word >> 11 & 1) != 0,  (word >> 12 & 1) != 0,  uint8_t(word >> 16)};
  }
};

enum class SurfaceAction : uint8_t { Load, Store, Add, Min, Max, And, Or };
enum class SurfaceBorder : uint8_t { Trap, Clamp, Zero };

// Coordinates come as rows of 32-bit lanes (a layer first); the lowest counts bytes, or elements when `formatted`. Data are
// `count` rows of lanes of 32 bits, or of 64 where elements have 8 bytes: read by Store and the reductions, written by Load.
struct SurfaceOperation {
  TexGeometry geometry = TexGeometry::D1;
  SurfaceAction action = SurfaceAction::Load;
  SurfaceBorder border = SurfaceBorder::Trap;
  bool formatted = false;    // sust.p, sured.p: as the surface's format says
  bool isSigned = false;     // Min, Max
  uint8_t bytes = 4;         // of one element
  uint8_t count = 1;         // elements
  bool uniform = false;
  uint8_t width = 32;

  constexpr uint32_t pack() const {
    return uint32_t(geometry) | uint32_t(action) << 4 | uint32_t(border) << 7 | uint32_t(formatted) << 9 | uint32_t(isSigned) << 10 |
           uint32_t(uniform) << 11 | uint32_t(bytes) << 12 | uint32_t(count) << 16 | uint32_t(width) << 20;
  }
  static constexpr SurfaceOperation unpack(uint32_t word) {
    return {TexGeometry(word & 15), SurfaceAction(word >> 4 & 7), SurfaceBorder(word >> 7 & 3), (word >> 9 & 1) != 0, (word >> 10 & 1) != 0,
            uint8_t(word >> 12 & 15), uint8_t(word >> 16 & 15), (word >> 11 & 1) != 0, uint8_t(word >> 20)};
  }
};

// txq and suq; Is*: istypep.
enum class TextureQuery : uint8_t {
  Width, Height, Depth, ChannelDataType, ChannelOrder, NormalizedCoords, ForceUnnormalizedCoords, FilterMode, AddrMode0, AddrMode1,
  AddrMode2, ArraySize, NumMipmapLevels, NumSamples, MemoryLayout, IsTexture, IsSampler, IsSurface,
};

}  // namespace anywarp::abi
