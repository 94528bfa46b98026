// Textures as the oracle knows them: images, sampling states, handles, and what one thread gets from them
// (CUDA: Texture Fetching; PTX: Texture Instructions). SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

namespace anywarp::interp {

enum class Channel { Unsigned, Signed, Float };

// One mipmap level: `depth` slices of `height` rows of `width` texels. Layers and cube faces are slices.
struct TextureLevel {
  int width = 1, height = 1, depth = 1;
  uint8_t* data = nullptr;  // owned by someone else
  size_t rowPitch = 0, slicePitch = 0;
};

struct TextureImage {
  Channel channel = Channel::Unsigned;
  int channelBytes = 1, channels = 1;
  int dimensions = 1;
  bool layered = false, cube = false;
  bool buffer = false;      // linear memory: what lies outside reads as zero
  bool pitched = false;
  std::vector<TextureLevel> levels;

  int texelBytes() const { return channelBytes * channels; }
};

enum class Addressing { Wrap, Clamp, Mirror, Border };
enum class Reading { Element, Normalized, Srgb };

struct TextureSampling {
  Addressing addressing[3] = {Addressing::Clamp, Addressing::Clamp, Addressing::Clamp};
  bool linear = false, mipLinear = false, normalized = false, seamless = false;
  float bias = 0, minLevel = 0, maxLevel = 0;
  float border[4] = {0, 0, 0, 0};
};

struct TextureObject {
  enum class Kind { Texture, Sampler, Surface };
  Kind kind = Kind::Texture;
  TextureImage image;
  TextureSampling sampling;
  Reading reading = Reading::Element;
};

// What a handle stands for.
using TextureSet = std::map<uint64_t, TextureObject>;

// One thread's fetch. Coordinates of a geometry are x, y, z; `layer` apart.
struct TextureFetch {
  int axes = 1;                       // coordinates that count
  bool layered = false, cube = false;
  bool integers = false;              // coordinates are whole texels
  float coordinates[3] = {0, 0, 0};
  int32_t texels[3] = {0, 0, 0};      // with `integers`
  uint32_t layer = 0;
  std::optional<float> level;         // none: the base level
  bool gradients = false;
  float dx[3] = {0, 0, 0}, dy[3] = {0, 0, 0};
  int32_t offsets[3] = {0, 0, 0};
  std::optional<float> reference;     // depth comparison
  int gather = -1;                    // component of the four texels that tld4 returns
};

// The four components as an instruction returns them: integers, or the bits of floats.
struct Texel {
  uint32_t bits[4];
};
Texel fetch(const TextureObject& texture, const TextureSampling& sampling, const TextureFetch& fetch);

}  // namespace anywarp::interp
