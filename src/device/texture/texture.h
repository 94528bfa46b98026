// Textures, samplers and surfaces as kernels see them: images, sampling states, and the table of handles. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>

namespace anywarp::device {

enum class ChannelKind : uint8_t { Unsigned, Signed, Float };

struct TexelFormat {
  ChannelKind kind = ChannelKind::Unsigned;
  uint8_t channelBytes = 1;  // 1, 2 or 4; floats: 2 or 4
  uint8_t channels = 1;      // 1, 2 or 4

  unsigned bytes() const { return unsigned{channelBytes} * channels; }
};

// One mipmap level. `depth` counts slices: of a 3-D image, or layers (six per cube).
struct ImageLevel {
  uint8_t* base = nullptr;
  uint32_t width = 1, height = 1, depth = 1;
  uint32_t rowPitch = 0;
  uint64_t slicePitch = 0;
};

enum class ImageKind : uint8_t { Array, Buffer, Pitched };

struct Image {
  static constexpr unsigned maxLevels = 17;

  TexelFormat format;
  ImageKind kind = ImageKind::Array;
  uint8_t dimensions = 1;    // of a slice that is filtered: 1, 2 or 3
  bool layered = false, cube = false;
  uint8_t levelCount = 0;    // 0: nothing is bound
  ImageLevel levels[maxLevels];
};

enum class AddressMode : uint8_t { Wrap, Clamp, Mirror, Border };

struct SamplerState {
  AddressMode address[3] = {AddressMode::Clamp, AddressMode::Clamp, AddressMode::Clamp};
  bool linear = false, mipLinear = false, normalized = false, seamless = false;
  float bias = 0, minLevel = 0, maxLevel = 0;
  float border[4] = {0, 0, 0, 0};
};

enum class ReadMode : uint8_t {
  Element,     // integers as they are
  Normalized,  // integers of 8 and 16 bits as [0, 1] or [-1, 1]
  Srgb,        // Normalized, and the first three channels from the sRGB curve
};

// What a handle stands for. A texture has an image and a sampler, a samplerref only that, a surface only an image.
struct alignas(64) TextureRecord {
  enum class Kind : uint8_t { Texture, Sampler, Surface };

  std::atomic<uint64_t> handle{0};  // 0: not in use
  Kind kind = Kind::Texture;
  ReadMode read = ReadMode::Element;
  SamplerState sampler;
  Image image;
};

// All handles of the process. Records stay where they are for ever, so that a kernel that uses a stale handle reads a record (another
// one, at worst), never memory that is not there.
class TextureTable {
 public:
  static TextureTable& instance();

  // Copies the record; 0 when the table is full.
  uint64_t add(const TextureRecord& record);
  // Gives a handle another meaning. No kernel may be running that uses it.
  void replace(uint64_t handle, const TextureRecord& record);
  bool remove(uint64_t handle);

  const TextureRecord* find(uint64_t handle) const {
    uint64_t index = handle & indexMask;
    if (index >= used_.load(std::memory_order_acquire)) return nullptr;
    const TextureRecord& record = records_[index];
    return handle && record.handle.load(std::memory_order_acquire) == handle ? &record : nullptr;
  }

 private:
  static constexpr unsigned indexBits = 20;
  static constexpr uint64_t indexMask = (uint64_t{1} << indexBits) - 1;

  TextureTable();
  TextureRecord* records_ = nullptr;
  std::atomic<uint64_t> used_{0};
  struct State;
  State& state_;
};

}  // namespace anywarp::device
