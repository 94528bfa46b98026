// Surface accesses: bytes or elements of an image, with a rule for what lies outside. SPDX-License-Identifier: Apache-2.0
#include "device/texture/surface.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "device/texture/axis.h"
#include "device/texture/sample.h"

namespace anywarp::device {

using abi::SurfaceAction;
using abi::SurfaceBorder;
using abi::SurfaceOperation;

namespace {

// Where each lane's access lies; null: outside, in the mode that ignores it.
struct Places {
  uint8_t* at[maxLanes];
  SurfaceFault fault;
};

unsigned accessBytes(const Image& image, SurfaceOperation operation) {
  return operation.formatted ? image.format.bytes() : unsigned{operation.bytes} * operation.count;
}

// A coordinate within [0, size), or that it is not.
bool settle(int64_t& coordinate, int64_t size, bool clamp) {
  if (coordinate >= 0 && coordinate < size) return true;
  if (!clamp || size <= 0) return false;
  coordinate = std::clamp<int64_t>(coordinate, 0, size - 1);
  return true;
}

void locate(const Image& image, SurfaceOperation operation, uint32_t mask, const uint32_t* coordinates, Places& places) {
  const ImageLevel& level = image.levels[0];
  unsigned width = operation.width, axes = geometryInfo(operation.geometry).axes;
  bool layered = geometryInfo(operation.geometry).layered, clamp = operation.border == SurfaceBorder::Clamp;
  int64_t texelBytes = image.format.bytes(), bytes = accessBytes(image, operation);
  int64_t unit = operation.formatted ? texelBytes : 1;
  int64_t rowBytes = level.width * texelBytes;
  for (uint32_t left = mask; left; left &= left - 1) {
    auto lane = static_cast<unsigned>(std::countr_zero(left));
    const uint32_t* row = coordinates + lane;
    int64_t slice = 0, at[3] = {0, 0, 0};
    if (layered) slice = static_cast<int32_t>(*row), row += width;
    for (unsigned axis = 0; axis < axes; ++axis, row += width) at[axis] = static_cast<int32_t>(*row);
    if (axes == 3) slice = at[2];
    at[0] *= unit;
    places.at[lane] = nullptr;
    if (at[0] % (operation.formatted ? texelBytes : bytes) != 0) {
      places.fault.misaligned |= 1u << lane;
      continue;
    }
    bool fits = at[0] >= 0 && at[0] + bytes <= rowBytes;
    if (!fits && clamp && bytes <= rowBytes) at[0] = at[0] < 0 ? 0 : (rowBytes - bytes) / bytes * bytes, fits = true;
    fits &= settle(at[1], level.height, clamp);
    fits &= settle(slice, level.depth, clamp);
    if (fits) places.at[lane] = level.base + slice * static_cast<int64_t>(level.slicePitch) + at[1] * level.rowPitch + at[0];
    else if (operation.border != SurfaceBorder::Zero) places.fault.outside |= 1u << lane;
  }
}

template <class T>
void copyElements(const Places& places, SurfaceOperation operation, uint32_t mask, void* data) {
  using Row = std::conditional_t<sizeof(T) == 8, uint64_t, uint32_t>;
  auto* rows = static_cast<Row*>(data);
  for (uint32_t left = mask; left; left &= left - 1) {
    auto lane = static_cast<unsigned>(std::countr_zero(left));
    uint8_t* at = places.at[lane];
    for (unsigned k = 0; k < operation.count; ++k) {
      Row& element = rows[k * operation.width + lane];
      T value = 0;
      if (operation.action == SurfaceAction::Load) {
        if (at) std::memcpy(&value, at + k * sizeof value, sizeof value);
        element = value;
      } else if (at) {
        value = static_cast<T>(element);
        std::memcpy(at + k * sizeof value, &value, sizeof value);
      }
    }
  }
}

uint16_t floatToHalf(float value) {
  uint32_t bits = std::bit_cast<uint32_t>(value), sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return static_cast<uint16_t>(sign | 0x7fff);
  if (magnitude >= 0x477ff000) return static_cast<uint16_t>(sign | 0x7c00);
  if (magnitude < 0x38800000) {  // subnormal: count of 2^-24, rounded to even
    double count = std::nearbyint(std::fabs(static_cast<double>(value)) * 16777216.0);
    return static_cast<uint16_t>(sign | static_cast<uint32_t>(count));
  }
  uint32_t rounded = magnitude + 0xfff + (magnitude >> 13 & 1) - 0x38000000;
  return static_cast<uint16_t>(sign | rounded >> 13);
}

// One channel of sust.p in the surface's own format.
void storeChannel(const TexelFormat& format, uint32_t value, uint8_t* at) {
  if (format.channelBytes == 4) {
    std::memcpy(at, &value, 4);
    return;
  }
  uint32_t stored;
  int bits = format.channelBytes * 8;
  if (format.kind == ChannelKind::Float) {
    stored = floatToHalf(std::bit_cast<float>(value));
  } else if (format.kind == ChannelKind::Signed) {
    stored = static_cast<uint32_t>(std::clamp(static_cast<int32_t>(value), -(1 << (bits - 1)), (1 << (bits - 1)) - 1));
  } else {
    stored = std::min(value, (1u << bits) - 1);
  }
  std::memcpy(at, &stored, format.channelBytes);
}

void storeFormatted(const Places& places, const Image& image, SurfaceOperation operation, uint32_t mask, const uint32_t* data) {
  for (uint32_t left = mask; left; left &= left - 1) {
    auto lane = static_cast<unsigned>(std::countr_zero(left));
    if (!places.at[lane]) continue;
    for (unsigned c = 0; c < image.format.channels; ++c)
      storeChannel(image.format, c < operation.count ? data[c * operation.width + lane] : 0, places.at[lane] + c * image.format.channelBytes);
  }
}

template <class T>
void reduceOne(SurfaceAction action, T* at, T value) {
  switch (action) {
    case SurfaceAction::Add: __atomic_fetch_add(at, value, __ATOMIC_RELAXED); return;
    case SurfaceAction::And: __atomic_fetch_and(at, value, __ATOMIC_RELAXED); return;
    case SurfaceAction::Or: __atomic_fetch_or(at, value, __ATOMIC_RELAXED); return;
    default: break;
  }
  T old = __atomic_load_n(at, __ATOMIC_RELAXED);
  while (action == SurfaceAction::Min ? value < old : old < value)
    if (__atomic_compare_exchange_n(at, &old, value, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) return;
}

template <class T>
void reduce(const Places& places, SurfaceOperation operation, uint32_t mask, const void* data) {
  auto* values = static_cast<const T*>(data);
  for (uint32_t left = mask; left; left &= left - 1) {
    auto lane = static_cast<unsigned>(std::countr_zero(left));
    if (places.at[lane]) reduceOne(operation.action, reinterpret_cast<T*>(places.at[lane]), values[lane]);
  }
}

}  // namespace

SurfaceFault accessSurface(const Image& image, SurfaceOperation operation, uint32_t mask, const uint32_t* coordinates, void* data) {
  Places places;
  locate(image, operation, mask, coordinates, places);
  bool copies = operation.action == SurfaceAction::Load || operation.action == SurfaceAction::Store;
  if (!copies && accessBytes(image, operation) < operation.bytes) places.fault.misaligned |= mask;
  if (places.fault.outside | places.fault.misaligned) return places.fault;
  if (copies && operation.formatted) {
    storeFormatted(places, image, operation, mask, static_cast<const uint32_t*>(data));
  } else if (copies) {
    switch (operation.bytes) {
      case 1: copyElements<uint8_t>(places, operation, mask, data); break;
      case 2: copyElements<uint16_t>(places, operation, mask, data); break;
      case 4: copyElements<uint32_t>(places, operation, mask, data); break;
      default: copyElements<uint64_t>(places, operation, mask, data); break;
    }
  } else if (operation.bytes == 8) {
    operation.isSigned ? reduce<int64_t>(places, operation, mask, data) : reduce<uint64_t>(places, operation, mask, data);
  } else {
    operation.isSigned ? reduce<int32_t>(places, operation, mask, data) : reduce<uint32_t>(places, operation, mask, data);
  }
  return {};
}

}  // namespace anywarp::device
