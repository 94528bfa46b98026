// What one thread gets from a texture. Filtering: coordinates are rounded to 256ths of a texel, weights are products of such 256ths,
// and the sum is exact before it becomes a float. SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <cstring>
#include <tuple>

#include "interp/number.h"
#include "interp/texture.h"

namespace anywarp::interp {
namespace {

constexpr int outside = -1;  // index of a texel that is the border

// A texel of a level, by indices inside it.
struct Place {
  int x = 0, y = 0, slice = 0;
  bool border = false;
};

struct Tap {
  Place place;
  double weight = 1;
};

class Fetcher {
 public:
  Fetcher(const TextureObject& texture, const TextureSampling& sampling, const TextureFetch& fetch)
      : image_(texture.image), sampling_(sampling), fetch_(fetch), reading_(texture.reading) {
    if (fetch_.cube) chooseFace();
    filters_ = sampling_.linear && !fetch_.integers && hasFractions();
  }

  Texel run() {
    if (fetch_.gather >= 0) return gather(image_.levels[pointLevel()]);
    if (!isMipmapped()) return onLevel(0);
    float level = clampedLevel();
    if (!sampling_.mipLinear || !hasFractions()) return onLevel(static_cast<int>(level * 256 + 128) / 256);
    int fixed = static_cast<int>(level * 256 + 0.5f);
    return betweenLevels(fixed / 256, fixed % 256);
  }

 private:
  const TextureImage& image_;
  const TextureSampling& sampling_;
  TextureFetch fetch_;
  Reading reading_;
  bool filters_ = false;
  int face_ = 0;
  float direction_[3] = {0, 0, 0};

  // --- values
  bool isNormalized() const {
    return image_.channel != Channel::Float && image_.channelBytes < 4 && reading_ != Reading::Element;
  }
  bool hasFractions() const { return image_.channel == Channel::Float || isNormalized(); }
  bool isMipmapped() const { return image_.levels.size() > 1; }

  uint64_t stored(const TextureLevel& level, const Place& place, int channel) const {
    const uint8_t* at = level.data + place.slice * level.slicePitch + place.y * level.rowPitch + place.x * image_.texelBytes() + channel * image_.channelBytes;
    uint64_t bits = 0;
    std::memcpy(&bits, at, image_.channelBytes);
    return bits;
  }

  int64_t extended(uint64_t bits) const {
    int shift = 64 - 8 * image_.channelBytes;
    if (image_.channel == Channel::Signed) return static_cast<int64_t>(bits << shift) >> shift;
    return static_cast<int64_t>(bits);
  }

  double borderValue(int channel) const { return image_.buffer ? 0 : sampling_.border[channel]; }

  // The value of a channel where it is a number with a fraction.
  double value(const TextureLevel& level, const Place& place, int channel) const {
    if (channel >= image_.channels) return channel == 3 ? 1 : 0;
    if (place.border) return borderValue(channel);
    uint64_t bits = stored(level, place, channel);
    if (image_.channel == Channel::Float) return decode(image_.channelBytes == 2 ? f16Format : f32Format, bits);
    if (image_.channel == Channel::Signed) {
      double most = image_.channelBytes == 1 ? 127 : 32767;
      return std::max(static_cast<double>(extended(bits)) / most, -1.0);
    }
    double fraction = static_cast<double>(bits) / (image_.channelBytes == 1 ? 255 : 65535);
    bool curve = reading_ == Reading::Srgb && image_.channelBytes == 1 && channel < 3;
    if (!curve) return fraction;
    return static_cast<float>(fraction <= 0.04045 ? fraction / 12.92 : std::pow((fraction + 0.055) / 1.055, 2.4));
  }

  uint32_t unfiltered(const TextureLevel& level, const Place& place, int channel) const {
    if (hasFractions()) return static_cast<uint32_t>(bitsOf(static_cast<float>(value(level, place, channel))));
    if (channel >= image_.channels) return channel == 3 ? 1 : 0;
    if (place.border) return static_cast<uint32_t>(bitsOf(static_cast<float>(borderValue(channel))));
    return static_cast<uint32_t>(extended(stored(level, place, channel)));
  }

  double compared(const TextureLevel& level, const Place& place) const {
    return *fetch_.reference <= static_cast<float>(value(level, place, 0)) ? 1 : 0;
  }
  bool compares() const { return fetch_.reference && hasFractions(); }

  // --- cubes
  void chooseFace() {
    float x = fetch_.coordinates[0], y = fetch_.coordinates[1], z = fetch_.coordinates[2];
    direction_[0] = x, direction_[1] = y, direction_[2] = z;
    float across = 0, down = 0, length = 1;
    std::tie(face_, across, down, length) = onFace(x, y, z);
    fetch_.coordinates[0] = (across / length + 1) * 0.5f;
    fetch_.coordinates[1] = (down / length + 1) * 0.5f;
    fetch_.axes = 2;
  }

  // Face, column and row on it, distance from the centre.
  static std::tuple<int, float, float, float> onFace(float x, float y, float z) {
    float ax = std::fabs(x), ay = std::fabs(y), az = std::fabs(z);
    if (ax > ay && ax > az) return x < 0 ? std::tuple(1, z, -y, ax) : std::tuple(0, -z, -y, ax);
    if (ay > az) return y < 0 ? std::tuple(3, x, -z, ay) : std::tuple(2, x, z, ay);
    return z < 0 ? std::tuple(5, -x, -y, az) : std::tuple(4, x, -y, az);
  }

  // --- coordinates
  bool normalized() const { return fetch_.cube || (sampling_.normalized && !fetch_.integers); }

  Addressing addressing(int axis) const {
    if (image_.buffer) return Addressing::Border;
    Addressing mode = fetch_.cube ? Addressing::Clamp : sampling_.addressing[axis];
    bool periodic = mode == Addressing::Wrap || mode == Addressing::Mirror;
    return periodic && !normalized() ? Addressing::Clamp : mode;
  }

  static int size(const TextureLevel& level, int axis) { return axis == 0 ? level.width : axis == 1 ? level.height : level.depth; }

  // In 256ths of a texel where `linear`, else in texels; before the address mode.
  int located(const TextureLevel& level, int axis, bool linear) const {
    constexpr int most = 1 << 30;
    if (fetch_.integers) return std::clamp(fetch_.texels[axis], -most, most);
    float c = fetch_.coordinates[axis];
    if (std::isnan(c)) c = 0;
    if (normalized()) {
      float period = addressing(axis) == Addressing::Wrap ? 1 : addressing(axis) == Addressing::Mirror ? 2 : 0;
      if (period > 0) {
        c = std::clamp(c, -8388608.0f, 8388608.0f);
        c -= period * std::floor(c / period);
      }
      c *= static_cast<float>(size(level, axis));
    }
    constexpr float far = 4194304;
    if (!linear) return static_cast<int>(std::floor(std::clamp(c, -far, far)));
    return static_cast<int>(std::floor(std::clamp(c * 256 - 127.5f, -256 * far, 256 * far)));
  }

  static int positiveModulo(int a, int n) { return (a % n + n) % n; }

  int resolved(int texel, int axis, int n) const {
    switch (addressing(axis)) {
      case Addressing::Clamp: return std::clamp(texel, 0, n - 1);
      case Addressing::Border: return texel < 0 || texel >= n ? outside : texel;
      case Addressing::Wrap: return positiveModulo(texel, n);
      case Addressing::Mirror: {
        int at = positiveModulo(texel, 2 * n);
        return at < n ? at : 2 * n - 1 - at;
      }
    }
    return 0;
  }

  int slice(const TextureLevel& level) const {
    if (!fetch_.layered && !fetch_.cube) return 0;
    int perLayer = fetch_.cube ? 6 : 1;
    int layers = std::max(level.depth / perLayer, 1);
    int layer = fetch_.layered ? static_cast<int>(std::min<uint32_t>(fetch_.layer, static_cast<uint32_t>(layers - 1))) : 0;
    return std::min(layer * perLayer + face_, level.depth - 1);
  }

  // --- taps
  std::vector<Tap> taps(const TextureLevel& level, bool linear) const {
    int base[3] = {0, 0, 0}, fraction[3] = {0, 0, 0};
    for (int axis = 0; axis < fetch_.axes; axis++) {
      int at = located(level, axis, linear);
      base[axis] = linear ? at >> 8 : at;
      fraction[axis] = linear ? at & 255 : 0;
      base[axis] += std::clamp(fetch_.offsets[axis], -8, 7);
    }
    bool seamless = linear && fetch_.cube && sampling_.seamless;
    std::vector<Tap> found;
    for (int corner = 0; corner < (linear ? 1 << fetch_.axes : 1); corner++) {
      int texel[3] = {base[0], base[1], base[2]};
      Tap tap;
      for (int axis = 0; linear && axis < fetch_.axes; axis++) {
        bool next = corner >> axis & 1;
        texel[axis] += next;
        tap.weight *= (next ? fraction[axis] : 256 - fraction[axis]) / 256.0;
      }
      tap.place = seamless ? acrossEdge(level, texel[0], texel[1]) : placeOf(level, texel);
      found.push_back(tap);
    }
    if (seamless) shareCorner(level, base, found);
    return found;
  }

  Place placeOf(const TextureLevel& level, const int (&texel)[3]) const {
    Place place;
    place.slice = slice(level);
    int* parts[3] = {&place.x, &place.y, &place.slice};
    for (int axis = 0; axis < fetch_.axes; axis++) {
      int at = resolved(texel[axis], axis, size(level, axis));
      place.border |= at == outside;
      *parts[axis] = at;
    }
    return place;
  }

  // The texel of another face behind an edge: the direction through its centre says which one.
  Place acrossEdge(const TextureLevel& level, int x, int y) const {
    int n = level.width, face = face_;
    bool outX = x < 0 || x >= n, outY = y < 0 || y >= n;
    if (outX && outY) x = y = 0, outX = outY = false;  // has no weight
    if (outX || outY) {
      // Centres of texels lie at odd multiples of 1/2n on a cube of half-width 1. Behind an edge the surface turns inwards.
      double across = (2.0 * x + 1) / n - 1, down = (2.0 * y + 1) / n - 1, forward = 1;
      if (outX) forward = 1 - (std::fabs(across) - 1), across = across < 0 ? -1 : 1;
      if (outY) forward = 1 - (std::fabs(down) - 1), down = down < 0 ? -1 : 1;
      auto [dx, dy, dz] = directionOf(face_, across, down, forward);
      auto [other, s, t, length] = onFace(static_cast<float>(dx), static_cast<float>(dy), static_cast<float>(dz));
      face = other;
      x = std::clamp(static_cast<int>(std::floor((s / length + 1) * 0.5 * n)), 0, n - 1);
      y = std::clamp(static_cast<int>(std::floor((t / length + 1) * 0.5 * n)), 0, n - 1);
    }
    int layer = slice(level) - face_;
    return {x, y, std::min(layer + face, level.depth - 1), false};
  }

  static std::tuple<double, double, double> directionOf(int face, double across, double down, double forward) {
    switch (face) {
      case 0: return {forward, -down, -across};
      case 1: return {-forward, -down, across};
      case 2: return {across, forward, down};
      case 3: return {across, -forward, -down};
      case 4: return {across, -down, forward};
      default: return {-across, -down, -forward};
    }
  }

  // Three faces meet at a corner of the cube: the texel that would lie behind it does not exist, the others share its weight.
  void shareCorner(const TextureLevel& level, const int (&base)[3], std::vector<Tap>& found) const {
    int n = level.width;
    for (int corner = 0; corner < 4; corner++) {
      int x = base[0] + (corner & 1), y = base[1] + (corner >> 1);
      if ((x >= 0 && x < n) || (y >= 0 && y < n)) continue;
      double share = found[corner].weight / 3;
      for (int i = 0; i < 4; i++) found[i].weight = i == corner ? 0 : found[i].weight + share;
    }
  }

  // --- results
  double filtered(const TextureLevel& level, const std::vector<Tap>& all, int channel) const {
    double sum = 0;
    for (const Tap& tap : all)
      if (tap.weight != 0) sum += tap.weight * (compares() ? compared(level, tap.place) : value(level, tap.place, channel));
    return sum;
  }

  Texel onLevel(int index) const {
    const TextureLevel& level = image_.levels[index];
    auto all = taps(level, filters_);
    Texel texel;
    for (int c = 0; c < 4; c++)
      texel.bits[c] = filters_ || compares() ? static_cast<uint32_t>(bitsOf(static_cast<float>(filtered(level, all, c)))) : unfiltered(level, all[0].place, c);
    return texel;
  }

  Texel betweenLevels(int index, int fraction) const {
    if (fraction == 0) return onLevel(index);
    const TextureLevel &near = image_.levels[index], &far = image_.levels[index + 1];
    auto nearTaps = taps(near, filters_), farTaps = taps(far, filters_);
    Texel texel;
    for (int c = 0; c < 4; c++) {
      double sum = filtered(near, nearTaps, c) * (256 - fraction) / 256 + filtered(far, farTaps, c) * fraction / 256;
      texel.bits[c] = static_cast<uint32_t>(bitsOf(static_cast<float>(sum)));
    }
    return texel;
  }

  // Counter-clockwise from the lower left.
  Texel gather(const TextureLevel& level) const {
    auto all = taps(level, true);
    const int order[4] = {2, 3, 1, 0};
    Texel texel;
    for (int k = 0; k < 4; k++) {
      const Place& place = all[order[k] < static_cast<int>(all.size()) ? order[k] : 0].place;
      texel.bits[k] = compares() ? static_cast<uint32_t>(bitsOf(static_cast<float>(compared(level, place)))) : unfiltered(level, place, fetch_.gather);
    }
    return texel;
  }

  // --- levels of detail
  int pointLevel() const { return isMipmapped() ? static_cast<int>(clampedLevel() * 256 + 128) / 256 : 0; }

  float clampedLevel() const {
    float level = fetch_.gradients ? gradientLevel() : fetch_.level.value_or(0);
    level = std::isnan(level) ? 0 : level + sampling_.bias;
    level = std::min(std::max(level, sampling_.minLevel), sampling_.maxLevel);
    return std::clamp(level, 0.0f, static_cast<float>(image_.levels.size() - 1));
  }

  float gradientLevel() const {
    double longest = std::max(footprint(fetch_.dx), footprint(fetch_.dy));
    return longest > 0 ? static_cast<float>(0.5 * std::log2(longest)) : -1000;
  }

  // Squared length in texels of the first level.
  double footprint(const float (&derivative)[3]) const {
    float along[3] = {derivative[0], derivative[1], derivative[2]};
    if (fetch_.cube) derivativeOnFace(derivative, along);
    double sum = 0;
    for (int axis = 0; axis < fetch_.axes; axis++) {
      bool scaled = sampling_.normalized || fetch_.cube;
      double texels = static_cast<double>(along[axis]) * (scaled ? size(image_.levels[0], axis) : 1);
      sum += texels * texels;
    }
    return sum;
  }

  void derivativeOnFace(const float (&d)[3], float (&along)[3]) const {
    auto part = [&](const float (&v)[3]) {
      switch (face_) {
        case 0: return std::tuple(-v[2], -v[1], v[0]);
        case 1: return std::tuple(v[2], -v[1], -v[0]);
        case 2: return std::tuple(v[0], v[2], v[1]);
        case 3: return std::tuple(v[0], -v[2], -v[1]);
        case 4: return std::tuple(v[0], -v[1], v[2]);
        default: return std::tuple(-v[0], -v[1], -v[2]);
      }
    };
    auto [s, t, length] = part(direction_);
    auto [ds, dt, dLength] = part(d);
    along[0] = (ds * length - s * dLength) / (length * length) * 0.5f;
    along[1] = (dt * length - t * dLength) / (length * length) * 0.5f;
  }
};

}  // namespace

Texel fetch(const TextureObject& texture, const TextureSampling& sampling, const TextureFetch& fetch) {
  return Fetcher(texture, sampling, fetch).run();
}

}  // namespace anywarp::interp
