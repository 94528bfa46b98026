// Coordinates, address modes and filter weights along one axis, for all lanes of a warp at once. Loops are simple on purpose: the
// compiler makes vector code of them. SPDX-License-Identifier: Apache-2.0
#include "device/texture/axis.h"

namespace anywarp::device::ANYWARP_SAMPLING {
namespace {

constexpr float farthest = 4194304.0f;  // 2^22: its 256ths still fit 32 bits

inline float within(float value, float low, float high) {
  value = value > low ? value : low;
  return value < high ? value : high;
}

// floor() of a value that fits 32 bits.
inline int32_t floorToInt(float value) {
  auto cut = static_cast<int32_t>(value);
  return cut - (static_cast<float>(cut) > value);
}

inline float withoutNaN(float value) { return value == value ? value : 0.0f; }

// The part of a normalised coordinate inside its period (1 for wrap, 2 for mirror). Beyond 2^23 there is no fraction left.
inline float inPeriod(float value, float period, float inverse) {
  value = within(value, -8388608.0f, 8388608.0f);
  return value - period * static_cast<float>(floorToInt(value * inverse));
}

void scale(const AxisRule& rule, const float* coordinates, unsigned lanes, float* texels) {
  auto size = static_cast<float>(rule.size);
  switch (rule.normalized ? rule.mode : AddressMode::Clamp) {
    case AddressMode::Wrap:
      for (unsigned i = 0; i < lanes; ++i) texels[i] = inPeriod(withoutNaN(coordinates[i]), 1.0f, 1.0f) * size;
      return;
    case AddressMode::Mirror:
      for (unsigned i = 0; i < lanes; ++i) texels[i] = inPeriod(withoutNaN(coordinates[i]), 2.0f, 0.5f) * size;
      return;
    default:
      if (!rule.normalized) size = 1.0f;
      for (unsigned i = 0; i < lanes; ++i) texels[i] = withoutNaN(coordinates[i]) * size;
  }
}

// `index` modulo `period`; positions lie at most a few texels outside the first period.
inline int32_t modulo(int32_t index, int32_t period) {
  index = index < 0 ? index + period : index;
  return index >= period ? index - period : index;
}
inline int32_t slowModulo(int32_t index, int32_t period) {
  int32_t rest = index % period;
  return rest < 0 ? rest + period : rest;
}

inline int32_t clampIndex(int32_t index, int32_t last) {
  index = index < 0 ? 0 : index;
  return index > last ? last : index;
}

constexpr int32_t farthestMove = 16;  // an offset and a step

}  // namespace

AddressMode effectiveMode(AddressMode mode, bool normalized) {
  bool periodic = mode == AddressMode::Wrap || mode == AddressMode::Mirror;
  return periodic && !normalized ? AddressMode::Clamp : mode;
}

void locate(const AxisRule& rule, const float* coordinates, unsigned lanes, AxisPosition& position) {
  float texels[maxLanes];
  scale(rule, coordinates, lanes, texels);
  if (!rule.linear) {
    for (unsigned i = 0; i < lanes; ++i) {
      position.texel[i] = floorToInt(within(texels[i], -farthest, farthest));
      position.fraction[i] = 0;
    }
    return;
  }
  // Half a texel to the left, in 256ths, rounded to the nearest.
  for (unsigned i = 0; i < lanes; ++i) {
    int32_t fixed = floorToInt(within(texels[i] * 256.0f - 127.5f, -256.0f * farthest, 256.0f * farthest));
    position.texel[i] = fixed >> 8;
    position.fraction[i] = fixed & 255;
  }
}

void locateIntegers(const int32_t* coordinates, unsigned lanes, AxisPosition& position) {
  constexpr int32_t most = 1 << 30;
  for (unsigned i = 0; i < lanes; ++i) {
    int32_t x = coordinates[i];
    x = x < -most ? -most : x;
    position.texel[i] = x > most ? most : x;
    position.fraction[i] = 0;
  }
}

void move(const int32_t* offsets, unsigned lanes, AxisPosition& position) {
  for (unsigned i = 0; i < lanes; ++i) {
    int32_t by = offsets[i];
    by = by < -8 ? -8 : by;
    position.texel[i] += by > 7 ? 7 : by;
  }
}

void resolve(const AxisRule& rule, const AxisPosition& position, int32_t step, unsigned lanes, int32_t* indices, int32_t* outside) {
  auto size = static_cast<int32_t>(rule.size);
  const int32_t* texel = position.texel;
  switch (rule.mode) {
    case AddressMode::Wrap:
      if (size >= farthestMove)
        for (unsigned i = 0; i < lanes; ++i) indices[i] = clampIndex(modulo(texel[i] + step, size), size - 1);
      else
        for (unsigned i = 0; i < lanes; ++i) indices[i] = slowModulo(texel[i] + step, size);
      return;
    case AddressMode::Mirror:
      for (unsigned i = 0; i < lanes; ++i) {
        int32_t at = size >= farthestMove ? modulo(texel[i] + step, 2 * size) : slowModulo(texel[i] + step, 2 * size);
        indices[i] = clampIndex(at < size ? at : 2 * size - 1 - at, size - 1);
      }
      return;
    case AddressMode::Border:
      for (unsigned i = 0; i < lanes; ++i) {
        int32_t at = texel[i] + step;
        outside[i] |= (at < 0) | (at >= size);
        indices[i] = clampIndex(at, size - 1);
      }
      return;
    case AddressMode::Clamp:
      for (unsigned i = 0; i < lanes; ++i) indices[i] = clampIndex(texel[i] + step, size - 1);
      return;
  }
}

}  // namespace anywarp::device::ANYWARP_SAMPLING
