// Random images, sampling states and coordinates: what the device gives to a warp is what the oracle gives to each thread.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "device/texture/sample.h"
#include "interp/texture.h"

namespace anywarp {
namespace {

using abi::TexGeometry;
using abi::TexMode;

struct FormatCase {
  device::ChannelKind kind;
  int bytes;
};
constexpr FormatCase formatCases[] = {
    {device::ChannelKind::Unsigned, 1}, {device::ChannelKind::Unsigned, 2}, {device::ChannelKind::Unsigned, 4}, {device::ChannelKind::Signed, 1},
    {device::ChannelKind::Signed, 2},   {device::ChannelKind::Signed, 4},   {device::ChannelKind::Float, 2},    {device::ChannelKind::Float, 4},
};

class Trial {
 public:
  explicit Trial(uint32_t seed) : random_(seed) {}

  // Empty where both agree.
  std::string run() {
    chooseImage();
    chooseSampler();
    chooseOperation();
    fillOperands();
    std::vector<uint32_t> results(4 * lanes);
    device::Sampled sampled{image_, sampler_, read_};
    device::sample(sampled, operation_, mask_, operands_.data(), results.data());
    for (unsigned lane = 0; lane < lanes; lane++) {
      if (!(mask_ >> lane & 1)) continue;
      interp::Texel expected = interp::fetch(object_, object_.sampling, requestOf(lane));
      for (unsigned c = 0; c < 4; c++)
        if (!same(results[c * lanes + lane], expected.bits[c])) return describe(lane, c, results[c * lanes + lane], expected.bits[c]);
    }
    return {};
  }

 private:
  std::mt19937 random_;
  unsigned lanes = 32;
  uint32_t mask_ = ~0u;
  device::Image image_;
  device::SamplerState sampler_;
  device::ReadMode read_ = device::ReadMode::Element;
  abi::TextureOperation operation_;
  interp::TextureObject object_;
  std::vector<std::vector<uint8_t>> storage_;
  std::vector<uint32_t> operands_;

  int below(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }
  bool chance(int percent) { return below(100) < percent; }
  float between(float low, float high) { return std::uniform_real_distribution<float>(low, high)(random_); }

  bool isFloat() const { return image_.format.kind == device::ChannelKind::Float; }
  bool hasFractions() const { return isFloat() || read_ != device::ReadMode::Element; }

  void chooseImage() {
    const FormatCase& format = formatCases[below(std::size(formatCases))];
    constexpr int channelCounts[] = {1, 2, 4};
    image_.format = {format.kind, static_cast<uint8_t>(format.bytes), static_cast<uint8_t>(channelCounts[below(3)])};
    operation_.geometry = static_cast<TexGeometry>(below(7));
    bool cube = device::geometryInfo(operation_.geometry).cube, layered = device::geometryInfo(operation_.geometry).layered;
    unsigned axes = cube ? 2 : device::geometryInfo(operation_.geometry).axes;
    image_.dimensions = static_cast<uint8_t>(axes);
    image_.cube = cube;
    image_.layered = layered;
    bool buffer = operation_.geometry == TexGeometry::D1 && chance(30);
    image_.kind = buffer ? device::ImageKind::Buffer : device::ImageKind::Array;
    int size[3] = {1 + below(20), axes > 1 ? 1 + below(20) : 1, axes > 2 ? 1 + below(9) : 1};
    if (cube) size[1] = size[0];
    int layers = (layered ? 1 + below(4) : 1) * (cube ? 6 : 1);
    int levels = buffer || chance(60) ? 1 : 1 + below(5);
    object_.image.levels.clear();
    for (int level = 0; level < levels; level++) {
      int w = std::max(size[0] >> level, 1), h = std::max(size[1] >> level, 1), d = axes > 2 ? std::max(size[2] >> level, 1) : layers;
      addLevel(w, h, d);
    }
    object_.image.channel = format.kind == device::ChannelKind::Float    ? interp::Channel::Float
                            : format.kind == device::ChannelKind::Signed ? interp::Channel::Signed
                                                                         : interp::Channel::Unsigned;
    object_.image.channelBytes = format.bytes;
    object_.image.channels = image_.format.channels;
    object_.image.dimensions = static_cast<int>(axes);
    object_.image.layered = layered;
    object_.image.cube = cube;
    object_.image.buffer = buffer;
  }

  void addLevel(int w, int h, int d) {
    size_t row = static_cast<size_t>(w) * image_.format.bytes() + static_cast<size_t>(below(3)) * 16;
    row = (row + 3) / 4 * 4;
    size_t slice = row * static_cast<size_t>(h);
    std::vector<uint8_t>& bytes = storage_.emplace_back(slice * static_cast<size_t>(d));
    fill(bytes);
    device::ImageLevel& level = image_.levels[image_.levelCount++];
    level = {bytes.data(), static_cast<uint32_t>(w), static_cast<uint32_t>(h), static_cast<uint32_t>(d), static_cast<uint32_t>(row), slice};
    object_.image.levels.push_back({w, h, d, bytes.data(), row, slice});
  }

  // Floats with few digits, so that every sum is exact; sometimes infinities.
  void fill(std::vector<uint8_t>& bytes) {
    for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random_());
    if (!isFloat()) return;
    if (image_.format.channelBytes == 4) {
      for (size_t i = 0; i + 4 <= bytes.size(); i += 4) {
        float value = static_cast<float>(below(4096) - 2048) / 64;
        std::memcpy(&bytes[i], &value, 4);
      }
    } else {
      for (size_t i = 0; i + 2 <= bytes.size(); i += 2) {
        auto half = static_cast<uint16_t>(0x3000 + below(0x1800) + (chance(50) ? 0x8000 : 0));
        if (chance(3)) half = static_cast<uint16_t>(below(0x400));  // subnormal
        std::memcpy(&bytes[i], &half, 2);
      }
    }
  }

  void chooseSampler() {
    interp::TextureSampling& to = object_.sampling;
    for (int i = 0; i < 3; i++) {
      int mode = below(4);
      sampler_.address[i] = static_cast<device::AddressMode>(mode);
      to.addressing[i] = static_cast<interp::Addressing>(mode);
    }
    int reading = below(3);
    read_ = static_cast<device::ReadMode>(reading);
    if (read_ == device::ReadMode::Srgb && (image_.format.kind != device::ChannelKind::Unsigned || image_.format.channelBytes != 1)) read_ = device::ReadMode::Normalized;
    if (image_.format.channelBytes == 4 || isFloat()) read_ = device::ReadMode::Element;
    object_.reading = static_cast<interp::Reading>(read_);
    sampler_.linear = to.linear = hasFractions() && chance(60);
    sampler_.mipLinear = to.mipLinear = hasFractions() && chance(50);
    sampler_.normalized = to.normalized = chance(60);
    sampler_.seamless = to.seamless = chance(50);
    sampler_.bias = to.bias = chance(30) ? between(-1, 1) : 0;
    sampler_.minLevel = to.minLevel = chance(30) ? between(0, 2) : 0;
    sampler_.maxLevel = to.maxLevel = chance(30) ? between(0, 3) : 16;
    for (int i = 0; i < 4; i++) sampler_.border[i] = to.border[i] = chance(50) ? 0 : static_cast<float>(below(64)) / 16;
  }

  void chooseOperation() {
    constexpr uint8_t widths[] = {8, 16, 32};
    operation_.width = widths[below(3)];
    lanes = operation_.width;
    mask_ = lanes == 32 ? ~0u : (1u << lanes) - 1;
    if (chance(30)) mask_ &= random_();
    operation_.mode = static_cast<TexMode>(below(4));
    bool flat = operation_.geometry == TexGeometry::D2 || operation_.geometry == TexGeometry::A2d || image_.cube;
    if (operation_.mode == TexMode::Gather && !flat) operation_.mode = TexMode::Base;
    operation_.component = static_cast<uint8_t>(below(4));
    operation_.integers = !image_.cube && operation_.mode == TexMode::Base && chance(20);
    bool moves = !image_.cube && chance(30);
    operation_.offsets = static_cast<uint8_t>(moves ? device::geometryInfo(operation_.geometry).axes : 0);
    operation_.compare = hasFractions() && image_.dimensions == 2 && !operation_.integers && chance(20);
  }

  float coordinate(unsigned axis) {
    if (image_.cube) return chance(5) ? 1.0f : between(-1, 1);
    auto size = static_cast<float>(axis == 0 ? image_.levels[0].width : axis == 1 ? image_.levels[0].height : image_.levels[0].depth);
    if (chance(2)) return NAN;
    if (chance(2)) return INFINITY;
    if (chance(2)) return -3e38f;
    float texels = chance(30) ? static_cast<float>(below(static_cast<int>(size) * 8)) / 2 - size : between(-2 * size - 4, 3 * size + 4);
    return sampler_.normalized ? texels / size : texels;
  }

  void addRow(auto make) {
    for (unsigned lane = 0; lane < lanes; lane++) {
      auto value = make();
      operands_.push_back(std::bit_cast<uint32_t>(value));
    }
  }

  void fillOperands() {
    unsigned axes = device::geometryInfo(operation_.geometry).axes;
    if (device::geometryInfo(operation_.geometry).layered) addRow([&] { return static_cast<uint32_t>(chance(5) ? -1 : below(6)); });
    for (unsigned axis = 0; axis < axes; axis++) {
      if (operation_.integers) addRow([&] { return static_cast<int32_t>(chance(3) ? 0x7fffffff : below(40) - 10); });
      else addRow([&] { return coordinate(axis); });
    }
    if (operation_.mode == TexMode::Level) addRow([&] { return chance(3) ? NAN : between(-2, 6); });
    if (operation_.mode == TexMode::Grad)
      for (unsigned row = 0; row < 2 * axes; row++) addRow([&] { return chance(10) ? 0.0f : between(-4, 4) / (sampler_.normalized ? 8 : 1); });
    for (unsigned row = 0; row < operation_.offsets; row++) addRow([&] { return static_cast<int32_t>(below(16) - 8); });
    if (operation_.compare) addRow([&] { return between(-1, 1); });
  }

  // The operands of one lane, in the order of abi::TextureOperation.
  interp::TextureFetch requestOf(unsigned lane) const {
    const uint32_t* row = operands_.data() + lane;
    auto next = [&] {
      uint32_t bits = *row;
      row += lanes;
      return bits;
    };
    auto nextFloat = [&] { return std::bit_cast<float>(next()); };
    interp::TextureFetch f;
    f.axes = static_cast<int>(device::geometryInfo(operation_.geometry).axes);
    f.layered = device::geometryInfo(operation_.geometry).layered;
    f.cube = device::geometryInfo(operation_.geometry).cube;
    f.integers = operation_.integers;
    if (f.layered) f.layer = next();
    for (int axis = 0; axis < f.axes; axis++) {
      if (f.integers) f.texels[axis] = static_cast<int32_t>(next());
      else f.coordinates[axis] = nextFloat();
    }
    if (operation_.mode == TexMode::Level) f.level = nextFloat();
    if (operation_.mode == TexMode::Grad) {
      f.gradients = true;
      for (int axis = 0; axis < f.axes; axis++) f.dx[axis] = nextFloat();
      for (int axis = 0; axis < f.axes; axis++) f.dy[axis] = nextFloat();
    }
    if (operation_.mode == TexMode::Gather) f.gather = operation_.component;
    for (int axis = 0; axis < operation_.offsets; axis++) f.offsets[axis] = static_cast<int32_t>(next());
    if (operation_.compare) f.reference = nextFloat();
    return f;
  }

  static bool same(uint32_t a, uint32_t b) {
    if (a == b) return true;
    auto x = std::bit_cast<float>(a), y = std::bit_cast<float>(b);
    return std::isnan(x) && std::isnan(y);
  }

  std::string describe(unsigned lane, unsigned c, uint32_t got, uint32_t expected) const {
    char text[800];
    snprintf(text, sizeof text,
             "lane %u channel %u: device 0x%08x (%g), oracle 0x%08x (%g); geometry %d mode %d kind %d bytes %d channels %d read %d linear %d mip %d "
             "normalized %d seamless %d integers %d offsets %d compare %d address %d %d %d levels %d size %u %u %u buffer %d",
             lane, c, got, std::bit_cast<float>(got), expected, std::bit_cast<float>(expected), int(operation_.geometry), int(operation_.mode),
             int(image_.format.kind), image_.format.channelBytes, image_.format.channels, int(read_), sampler_.linear, sampler_.mipLinear,
             sampler_.normalized, sampler_.seamless, operation_.integers, operation_.offsets, operation_.compare, int(sampler_.address[0]),
             int(sampler_.address[1]), int(sampler_.address[2]), image_.levelCount, image_.levels[0].width, image_.levels[0].height,
             image_.levels[0].depth, image_.kind == device::ImageKind::Buffer);
    return text;
  }
};

TEST(Sampling, DeviceAgreesWithOracle) {
  constexpr uint32_t trials = 6000;
  int failures = 0;
  for (uint32_t seed = 1; seed <= trials && failures < 10; seed++) {
    std::string message = Trial(seed).run();
    if (message.empty()) continue;
    ADD_FAILURE() << "seed " << seed << ": " << message;
    failures++;
  }
}

// A texture of one row 0, 1, 2, 3 ... of floats, sampled at one place.
float rampAt(float x, device::SamplerState sampler, unsigned size = 4) {
  std::vector<float> row(size);
  for (unsigned i = 0; i < size; i++) row[i] = static_cast<float>(i);
  device::Image image;
  image.format = {device::ChannelKind::Float, 4, 1};
  image.levelCount = 1;
  image.levels[0] = {reinterpret_cast<uint8_t*>(row.data()), size, 1, 1, size * 4, size * 4};
  abi::TextureOperation operation;
  operation.width = 8;
  std::vector<float> xs(8, x);
  uint32_t results[32];
  device::sample({image, sampler, device::ReadMode::Element}, operation, 1, reinterpret_cast<const uint32_t*>(xs.data()), results);
  return std::bit_cast<float>(results[0]);
}

TEST(Sampling, FilterWeightsHaveEightBits) {
  device::SamplerState sampler;
  sampler.linear = true;
  EXPECT_EQ(rampAt(0.5f, sampler), 0);
  EXPECT_EQ(rampAt(1.0f, sampler), 0.5f);
  EXPECT_EQ(rampAt(1.0f + 1 / 256.0f, sampler), 0.5f + 1 / 256.0f);
  EXPECT_EQ(rampAt(1.0f + 1 / 2048.0f, sampler), 0.5f);  // less than half a step
  EXPECT_EQ(rampAt(-7, sampler), 0);
  EXPECT_EQ(rampAt(70, sampler), 3);
}

TEST(Sampling, AddressModes) {
  device::SamplerState sampler;
  sampler.normalized = true;
  auto at = [&](device::AddressMode mode, float x) {
    sampler.address[0] = mode;
    return rampAt(x, sampler);
  };
  using enum device::AddressMode;
  EXPECT_EQ(at(Clamp, 1.3f), 3);
  EXPECT_EQ(at(Wrap, 1.3f), 1);
  EXPECT_EQ(at(Wrap, -0.1f), 3);
  EXPECT_EQ(at(Mirror, 1.1f), 3);
  EXPECT_EQ(at(Mirror, 1.3f), 2);
  EXPECT_EQ(at(Mirror, -0.3f), 1);
  sampler.border[0] = 9;
  EXPECT_EQ(at(Border, 1.1f), 9);
  EXPECT_EQ(at(Border, 0.9f), 3);
  sampler.normalized = false;  // wrap and mirror need normalised coordinates
  EXPECT_EQ(at(Wrap, 5), 3);
  EXPECT_EQ(at(Mirror, -1), 0);
}

TEST(Sampling, ConstantImagesStayExact) {
  device::SamplerState sampler;
  sampler.linear = true;
  float value = 0.1f;
  device::Image image;
  std::vector<float> texels(64, value);
  image.format = {device::ChannelKind::Float, 4, 1};
  image.dimensions = 3;
  image.levelCount = 1;
  image.levels[0] = {reinterpret_cast<uint8_t*>(texels.data()), 4, 4, 4, 16, 64};
  abi::TextureOperation operation;
  operation.geometry = TexGeometry::D3;
  std::mt19937 random(1);
  std::vector<float> coordinates(96);
  for (float& c : coordinates) c = std::uniform_real_distribution<float>(0, 4)(random);
  uint32_t results[128];
  device::sample({image, sampler, device::ReadMode::Element}, operation, ~0u, reinterpret_cast<const uint32_t*>(coordinates.data()), results);
  for (unsigned i = 0; i < 32; i++) EXPECT_EQ(std::bit_cast<float>(results[i]), value);
}

}  // namespace
}  // namespace anywarp
