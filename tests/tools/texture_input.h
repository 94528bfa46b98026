// Textures and surfaces of a test program: what a `texture:` line says. SPDX-License-Identifier: Apache-2.0
//
//   texture: NAME SHAPE FORMATxCHANNELS SIZE data=FILL [KEY[=VALUE]]...
//     SHAPE     1d 2d 3d a1d a2d cube acube linear pitch      SIZE   width,height,depth as cuArray3DCreate takes them (depth: layers)
//     FORMAT    u8 s8 u16 s16 u32 s32 f16 f32                 data   a fill of all texels of all levels, one behind the other
//     keys      levels=N  address=MODE[,MODE[,MODE]]  linear  miplinear  normalized  seamless  read=element|normalized|srgb
//               border=A,B,C,D  bias=X  clamp=MIN,MAX  surface (no texture)  bind (to the module variable of that name)
//   An argument texture(NAME) is its handle.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "compiler/ptx/types.h"
#include "support/result.h"

namespace anywarp::tests {

enum class TextureShape : uint8_t { D1, D2, D3, A1d, A2d, Cube, Acube, Linear, Pitch };

struct TextureInput {
  std::string name;
  TextureShape shape = TextureShape::D2;
  ptx::Type type = ptx::Type::F32;
  unsigned channels = 1;
  uint32_t size[3] = {1, 0, 0};
  unsigned levels = 1;
  std::vector<uint8_t> bytes;  // without padding
  bool surface = false, bind = false;
  unsigned address[3] = {1, 1, 1};  // as CUaddress_mode
  bool linear = false, mipLinear = false, normalized = false, seamless = false;
  unsigned read = 0;           // element, normalized, srgb
  float border[4] = {0, 0, 0, 0};
  float bias = 0, minLevel = 0, maxLevel = 16;

  bool layered() const { return shape == TextureShape::A1d || shape == TextureShape::A2d || shape == TextureShape::Acube; }
  bool cube() const { return shape == TextureShape::Cube || shape == TextureShape::Acube; }
  size_t texelBytes() const { return ptx::bytes(type) * channels; }
  // Width, rows and slices of a level, all at least 1.
  struct Extent {
    uint32_t width, height, depth;
    size_t texels() const { return size_t{width} * height * depth; }
  };
  Extent extent(unsigned level) const;
};

Result<TextureInput> parseTexture(const std::string& text);

}  // namespace anywarp::tests
