// The texel formats. SPDX-License-Identifier: Apache-2.0
#include "device/texture/fetch.h"

#include <bit>
#include <cstring>

#include "device/texture/srgb.h"

namespace anywarp::device::ANYWARP_SAMPLING {
namespace {

constexpr uint32_t oneAsFloat = 0x3f800000;

inline float halfToFloat(uint16_t half) {
  // Multiplying by 2^112 moves the exponent, subnormals included; infinity and NaN get theirs by hand.
  uint32_t magnitude = uint32_t{half} << 13 & 0x0fffe000;
  uint32_t bits = std::bit_cast<uint32_t>(std::bit_cast<float>(magnitude) * std::bit_cast<float>(uint32_t{0x77800000}));
  bits = magnitude >= 0x0f800000 ? bits | 0x7f800000 : bits;
  return std::bit_cast<float>(bits | (uint32_t{half} & 0x8000) << 16);
}

// Each kind: the type in memory, `value` in units, `units` in one.
template <class T>
struct Integers {
  using Type = T;
  static constexpr bool integers = true, srgb = false;
  static constexpr double units = 1;
  static uint32_t bits(T texel) { return static_cast<uint32_t>(static_cast<int32_t>(texel)); }
};
struct Half {
  using Type = uint16_t;
  static constexpr bool integers = false, srgb = false;
  static constexpr double units = 1;
  static double value(uint16_t texel) { return halfToFloat(texel); }
  static uint32_t bits(uint16_t texel) { return std::bit_cast<uint32_t>(halfToFloat(texel)); }
};
struct Single {
  using Type = uint32_t;
  static constexpr bool integers = false, srgb = false;
  static constexpr double units = 1;
  static double value(uint32_t texel) { return std::bit_cast<float>(texel); }
  static uint32_t bits(uint32_t texel) { return texel; }
};
template <class T, int Most>
struct Normalized {
  using Type = T;
  static constexpr bool integers = false, srgb = false;
  static constexpr double units = Most;
  static double value(T texel) { return texel < -Most ? -Most : texel; }
  static uint32_t bits(T texel) { return std::bit_cast<uint32_t>(static_cast<float>(value(texel) * (1.0 / Most))); }
};
struct Srgb {
  using Type = uint8_t;
  static constexpr bool integers = false, srgb = true;
  static constexpr double units = 1;
  static double value(uint8_t texel) { return srgbTable()[texel]; }
  static uint32_t bits(uint8_t texel) { return std::bit_cast<uint32_t>(static_cast<float>(srgbTable()[texel])); }
};
using SrgbAlpha = Normalized<uint8_t, 255>;

template <class T>
inline T load(const uint8_t* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

// The loop is over channels outside and lanes inside: a row at a time.
template <class Kind>
void fetchRow(const uint8_t* base, const Texels& texels, bool border, float borderValue, unsigned lanes, uint32_t* row) {
  for (unsigned i = 0; i < lanes; ++i) row[i] = Kind::bits(load<typename Kind::Type>(base + texels.offset[i]));
  if (!border) return;
  auto outside = std::bit_cast<uint32_t>(borderValue);
  for (unsigned i = 0; i < lanes; ++i) row[i] = texels.outside[i] ? outside : row[i];
}

template <class Kind>
void accumulateRow(const uint8_t* base, const Texels& texels, bool border, double borderValue, const double* weights, unsigned lanes, double* sums) {
  double values[maxLanes];
  for (unsigned i = 0; i < lanes; ++i) values[i] = Kind::value(load<typename Kind::Type>(base + texels.offset[i]));
  if (border)
    for (unsigned i = 0; i < lanes; ++i) values[i] = texels.outside[i] ? borderValue : values[i];
  // What has no weight does not count, be it infinite.
  for (unsigned i = 0; i < lanes; ++i) sums[i] += weights[i] != 0 ? weights[i] * values[i] : 0;
}

template <class Kind, unsigned Channels>
void fetch(const uint8_t* base, const Texels& texels, bool border, const float* color, unsigned lanes, ChannelBits& bits) {
  for (unsigned c = 0; c < Channels; ++c) {
    const uint8_t* at = base + c * sizeof(typename Kind::Type);
    if (Kind::srgb && c == 3) fetchRow<SrgbAlpha>(at, texels, border, color[c], lanes, bits.row[c]);
    else fetchRow<Kind>(at, texels, border, color[c], lanes, bits.row[c]);
  }
  for (unsigned c = Channels; c < 4; ++c)
    for (unsigned i = 0; i < lanes; ++i) bits.row[c][i] = c < 3 ? 0 : Kind::integers ? 1 : oneAsFloat;
}

template <class Kind, unsigned Channels>
void accumulate(const uint8_t* base, const Texels& texels, bool border, const float* color, const double* weights, unsigned lanes, ChannelSums& sums) {
  for (unsigned c = 0; c < Channels; ++c) {
    const uint8_t* at = base + c * sizeof(typename Kind::Type);
    if (Kind::srgb && c == 3) accumulateRow<SrgbAlpha>(at, texels, border, double{color[c]} * SrgbAlpha::units, weights, lanes, sums.row[c]);
    else accumulateRow<Kind>(at, texels, border, double{color[c]} * Kind::units, weights, lanes, sums.row[c]);
  }
  if (Channels < 4)
    for (unsigned i = 0; i < lanes; ++i) sums.row[3][i] += weights[i] * Kind::units;
}

template <class Kind, unsigned Channels>
constexpr TexelReader makeReader() {
  TexelReader reader{fetch<Kind, Channels>, nullptr, Kind::units, Kind::srgb && Channels == 4, Kind::integers};
  if constexpr (!Kind::integers) reader.accumulate = accumulate<Kind, Channels>;
  return reader;
}

// Readers for one, two and four channels.
template <class Kind>
struct Readers {
  static constexpr TexelReader table[3] = {makeReader<Kind, 1>(), makeReader<Kind, 2>(), makeReader<Kind, 4>()};
};

const TexelReader* readersOf(const TexelFormat& format, ReadMode read) {
  bool isSigned = format.kind == ChannelKind::Signed;
  if (format.kind == ChannelKind::Float) return format.channelBytes == 2 ? Readers<Half>::table : Readers<Single>::table;
  if (format.channelBytes == 4) return Readers<Integers<uint32_t>>::table;
  if (read == ReadMode::Element) {
    if (format.channelBytes == 1) return isSigned ? Readers<Integers<int8_t>>::table : Readers<Integers<uint8_t>>::table;
    return isSigned ? Readers<Integers<int16_t>>::table : Readers<Integers<uint16_t>>::table;
  }
  if (format.channelBytes == 2) return isSigned ? Readers<Normalized<int16_t, 32767>>::table : Readers<Normalized<uint16_t, 65535>>::table;
  if (isSigned) return Readers<Normalized<int8_t, 127>>::table;
  return read == ReadMode::Srgb ? Readers<Srgb>::table : Readers<Normalized<uint8_t, 255>>::table;
}

}  // namespace

const TexelReader& readerOf(const TexelFormat& format, ReadMode read) {
  return readersOf(format, read)[format.channels == 1 ? 0 : format.channels == 2 ? 1 : 2];
}

}  // namespace anywarp::device::ANYWARP_SAMPLING
