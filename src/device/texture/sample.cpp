// Sampling: levels, faces, layers, taps and weights. SPDX-License-Identifier: Apache-2.0
#include "device/texture/sample_lanes.h"

#include <bit>
#include <cmath>
#include <cstring>

#include "device/texture/cube.h"

namespace anywarp::device::ANYWARP_SAMPLING {

using abi::TexGeometry;
using abi::TexMode;
using abi::TextureOperation;

namespace {

// Everything of one call that does not depend on the mipmap level.
struct Call {
  const Sampled& texture;
  TextureOperation operation;
  unsigned lanes;
  uint32_t mask;
  const TexelReader& reader;
  unsigned axes;                       // after projection: 1, 2 or 3
  const uint32_t* coordinates[3];      // rows of lanes
  int32_t slice[maxLanes];             // layer or face
  const int32_t* offsets[3];
  const float* reference;              // depth comparison, or null
  bool sliced;                         // layers or faces: slice[] counts
  bool filters;                        // linear, and the format can
  bool bordered;                       // texels outside the image may count
  float border[4];

  const SamplerState& sampler() const { return texture.sampler; }
  const Image& image() const { return texture.image; }
};

// The taps of one level: texels with weights, in the order x fastest.
struct Taps {
  unsigned count = 0;
  Texels texels[8];
  double weights[8][maxLanes];
};

AxisRule ruleOf(const Call& call, unsigned axis, uint32_t size, bool linear) {
  bool normalized = call.sampler().normalized && !call.operation.integers;
  AddressMode mode = effectiveMode(call.sampler().address[axis], normalized);
  if (call.image().kind == ImageKind::Buffer) mode = AddressMode::Border;
  if (geometryInfo(call.operation.geometry).cube) mode = AddressMode::Clamp, normalized = true;
  return {mode, normalized, linear, size};
}

uint32_t sizeOf(const ImageLevel& level, unsigned axis) { return axis == 0 ? level.width : axis == 1 ? level.height : level.depth; }

void place(const Call& call, unsigned axis, const AxisRule& rule, AxisPosition& position) {
  if (call.operation.integers) {
    locateIntegers(reinterpret_cast<const int32_t*>(call.coordinates[axis]), call.lanes, position);
  } else {
    float coordinates[maxLanes];
    std::memcpy(coordinates, call.coordinates[axis], call.lanes * sizeof(float));
    locate(rule, coordinates, call.lanes, position);
  }
  if (call.offsets[axis]) move(call.offsets[axis], call.lanes, position);
}

// Where the slices (layers, faces) of the lanes begin.
void sliceOffsets(const Call& call, const ImageLevel& level, int64_t* offsets) {
  auto last = static_cast<int32_t>(level.depth) - 1;
  for (unsigned i = 0; i < call.lanes; ++i) {
    int32_t slice = call.slice[i];
    slice = slice < 0 ? 0 : slice > last ? last : slice;
    offsets[i] = static_cast<int64_t>(slice) * static_cast<int64_t>(level.slicePitch);
  }
}

// What one axis gives to the taps: two neighbours, or the first of them alone.
struct AxisTaps {
  int64_t offset[2][maxLanes];
  int32_t outside[2][maxLanes];
  double weight[2][maxLanes];
};

void findAxisTaps(const Call& call, const ImageLevel& level, unsigned axis, bool linear, AxisTaps& taps) {
  unsigned lanes = call.lanes;
  AxisRule rule = ruleOf(call, axis, sizeOf(level, axis), linear);
  AxisPosition position;
  place(call, axis, rule, position);
  uint64_t pitch = axis == 0 ? call.image().format.bytes() : axis == 1 ? level.rowPitch : level.slicePitch;
  for (unsigned step = 0; step < (linear ? 2u : 1u); ++step) {
    int32_t indices[maxLanes];
    if (call.bordered) std::memset(taps.outside[step], 0, sizeof taps.outside[step]);
    resolve(rule, position, static_cast<int32_t>(step), lanes, indices, taps.outside[step]);
    if (pitch <= UINT32_MAX) {
      auto narrow = static_cast<uint32_t>(pitch);
      for (unsigned i = 0; i < lanes; ++i) taps.offset[step][i] = static_cast<int64_t>(uint64_t{static_cast<uint32_t>(indices[i])} * narrow);
    } else {
      for (unsigned i = 0; i < lanes; ++i) taps.offset[step][i] = indices[i] * static_cast<int64_t>(pitch);
    }
  }
  if (!linear) return;
  for (unsigned i = 0; i < lanes; ++i) {
    auto right = static_cast<double>(position.fraction[i]);
    taps.weight[1][i] = right;
    taps.weight[0][i] = 256 - right;
  }
}

// All combinations of the axes' neighbours.
void findTaps(const Call& call, const ImageLevel& level, bool linear, Taps& taps) {
  unsigned lanes = call.lanes;
  AxisTaps along[3];
  for (unsigned axis = 0; axis < call.axes; ++axis) findAxisTaps(call, level, axis, linear, along[axis]);
  if (call.sliced) {
    int64_t start[maxLanes];
    sliceOffsets(call, level, start);
    for (unsigned step = 0; step < (linear ? 2u : 1u); ++step)
      for (unsigned i = 0; i < lanes; ++i) along[0].offset[step][i] += start[i];
  }
  taps.count = 1u << (linear ? call.axes : 0);
  for (unsigned tap = 0; tap < taps.count; ++tap) {
    Texels& texels = taps.texels[tap];
    double* weights = taps.weights[tap];
    unsigned first = tap & 1;
    std::memcpy(texels.offset, along[0].offset[first], lanes * sizeof(int64_t));
    if (linear) std::memcpy(weights, along[0].weight[first], lanes * sizeof(double));
    if (call.bordered) std::memcpy(texels.outside, along[0].outside[first], lanes * sizeof(int32_t));
    for (unsigned axis = 1; axis < call.axes; ++axis) {
      const AxisTaps& other = along[axis];
      unsigned step = tap >> axis & 1;
      for (unsigned i = 0; i < lanes; ++i) texels.offset[i] += other.offset[step][i];
      if (linear)
        for (unsigned i = 0; i < lanes; ++i) weights[i] *= other.weight[step][i];
      if (call.bordered)
        for (unsigned i = 0; i < lanes; ++i) texels.outside[i] |= other.outside[step][i];
    }
  }
  if (!linear)
    for (unsigned i = 0; i < lanes; ++i) taps.weights[0][i] = 1;
}

// Seamless cubes: taps beyond an edge come from the next face; a corner has three texels, which share the weight of the fourth.
void findSeamlessTaps(const Call& call, const ImageLevel& level, Taps& taps) {
  auto size = static_cast<int32_t>(level.width);
  AxisPosition position[2];
  for (unsigned axis = 0; axis < 2; ++axis) place(call, axis, ruleOf(call, axis, level.width, true), position[axis]);
  taps.count = 4;
  auto texelBytes = static_cast<int64_t>(call.image().format.bytes());
  auto last = static_cast<int32_t>(level.depth) - 1;
  for (unsigned i = 0; i < call.lanes; ++i) {
    int32_t fx = position[0].fraction[i], fy = position[1].fraction[i];
    int corner = -1;
    for (unsigned tap = 0; tap < 4; ++tap) {
      int32_t column = position[0].texel[i] + (tap & 1 ? 1 : 0), row = position[1].texel[i] + (tap & 2 ? 1 : 0);
      bool outColumn = column < 0 || column >= size, outRow = row < 0 || row >= size;
      if (outColumn && outRow) corner = static_cast<int>(tap);
      int32_t slice = call.slice[i] < 0 ? 0 : call.slice[i] > last ? last : call.slice[i];
      int32_t face = slice % 6, cube = slice / 6;
      if (outColumn && outRow) column = row = 0;
      crossEdge(size, face, column, row);
      slice = cube * 6 + face;
      slice = slice > last ? last : slice;
      taps.texels[tap].offset[i] = slice * static_cast<int64_t>(level.slicePitch) + row * static_cast<int64_t>(level.rowPitch) + column * texelBytes;
      taps.texels[tap].outside[i] = 0;
      taps.weights[tap][i] = (tap & 1 ? fx : 256 - fx) * (tap & 2 ? fy : 256 - fy);
    }
    if (corner < 0) continue;
    double share = taps.weights[corner][i] / 3;
    for (int tap = 0; tap < 4; ++tap) taps.weights[tap][i] = tap == corner ? 0 : taps.weights[tap][i] + share;
  }
}

void tapsOf(const Call& call, const ImageLevel& level, bool linear, Taps& taps) {
  bool square = call.image().cube && level.width == level.height;
  if (linear && square && geometryInfo(call.operation.geometry).cube && call.sampler().seamless) findSeamlessTaps(call, level, taps);
  else findTaps(call, level, linear, taps);
}

// --- Depth comparison: each texel counts as one where the reference is not above it.
void compareTexels(const Call& call, const ImageLevel& level, const Texels& texels, float* passed) {
  ChannelBits bits;
  call.reader.fetch(level.base, texels, call.bordered, call.border, call.lanes, bits);
  for (unsigned i = 0; i < call.lanes; ++i) passed[i] = call.reference[i] <= std::bit_cast<float>(bits.row[0][i]) ? 1.0f : 0.0f;
}

void addTap(const Call& call, const ImageLevel& level, const Texels& texels, const double* weights, ChannelSums& sums) {
  if (!call.reference) return call.reader.accumulate(level.base, texels, call.bordered, call.border, weights, call.lanes, sums);
  float passed[maxLanes];
  compareTexels(call, level, texels, passed);
  for (unsigned c = 0; c < 4; ++c)
    for (unsigned i = 0; i < call.lanes; ++i) sums.row[c][i] += passed[i] * weights[i];
}

// Weighted sums over one level; the weights of a lane add up to `total`.
double sumLevel(const Call& call, const ImageLevel& level, ChannelSums& sums) {
  Taps taps;
  tapsOf(call, level, call.filters, taps);
  std::memset(&sums, 0, sizeof sums);
  for (unsigned tap = 0; tap < taps.count; ++tap) addTap(call, level, taps.texels[tap], taps.weights[tap], sums);
  return taps.count == 1 ? 1.0 : taps.count == 2 ? 256.0 : taps.count == 4 ? 65536.0 : 16777216.0;
}

void finish(const Call& call, const ChannelSums& sums, double total, ChannelBits& bits) {
  for (unsigned c = 0; c < 4; ++c) {
    double units = call.reference ? 1 : c == 3 && call.reader.alphaUnits ? 255 : call.reader.unitsPerOne;
    double scale = 1 / total;
    double unit = 1 / units;
    for (unsigned i = 0; i < call.lanes; ++i) bits.row[c][i] = std::bit_cast<uint32_t>(static_cast<float>(sums.row[c][i] * scale * unit));
  }
}

void samplePoint(const Call& call, const ImageLevel& level, ChannelBits& bits) {
  Taps taps;
  findTaps(call, level, false, taps);
  call.reader.fetch(level.base, taps.texels[0], call.bordered, call.border, call.lanes, bits);
}

// Between level and level + 1 by 256ths, where `fractions` are given.
void sampleLevels(const Call& call, unsigned level, const int32_t* fractions, ChannelBits& bits) {
  const Image& image = call.image();
  if (!call.filters && !fractions && !call.reference) return samplePoint(call, image.levels[level], bits);
  ChannelSums sums;
  double total = sumLevel(call, image.levels[level], sums);
  if (fractions && level + 1u < image.levelCount) {
    ChannelSums next;
    sumLevel(call, image.levels[level + 1], next);
    for (unsigned c = 0; c < 4; ++c)
      for (unsigned i = 0; i < call.lanes; ++i) {
        double near = sums.row[c][i] * (256 - fractions[i]);
        sums.row[c][i] = fractions[i] ? near + next.row[c][i] * fractions[i] : near;
      }
    total *= 256;
  }
  finish(call, sums, total, bits);
}

void gather(const Call& call, const ImageLevel& level, ChannelBits& result) {
  Taps taps;
  tapsOf(call, level, true, taps);
  constexpr unsigned order[4] = {2, 3, 1, 0};  // lower left first, then counter-clockwise
  for (unsigned k = 0; k < 4; ++k) {
    const Texels& texels = taps.texels[order[k] < taps.count ? order[k] : 0];
    if (call.reference) {
      float passed[maxLanes];
      compareTexels(call, level, texels, passed);
      std::memcpy(result.row[k], passed, call.lanes * sizeof(float));
      continue;
    }
    ChannelBits bits;
    call.reader.fetch(level.base, texels, call.bordered, call.border, call.lanes, bits);
    std::memcpy(result.row[k], bits.row[call.operation.component], call.lanes * sizeof(uint32_t));
  }
}

// --- Levels of detail
float clampLevel(const Call& call, float level) {
  const SamplerState& sampler = call.sampler();
  level = level == level ? level + sampler.bias : 0;
  level = level > sampler.minLevel ? level : sampler.minLevel;
  level = level < sampler.maxLevel ? level : sampler.maxLevel;
  auto last = static_cast<float>(call.image().levelCount - 1);
  level = level > 0 ? level : 0;
  return level < last ? level : last;
}

// log2 of the longer of the two footprints, in texels of level 0.
float gradientLevel(const Call& call, const float* const* direction, const float* dx, const float* dy, unsigned lane) {
  GeometryInfo g = geometryInfo(call.operation.geometry);
  const ImageLevel& base = call.image().levels[0];
  double longest = 0;
  const float* changes[2] = {dx, dy};
  for (const float* change : changes) {
    float along[3] = {0, 0, 0};
    for (unsigned axis = 0; axis < g.axes; ++axis) along[axis] = change[axis * call.lanes + lane];
    if (g.cube) {
      float at[3] = {direction[0][lane], direction[1][lane], direction[2][lane]}, on[2];
      projectDerivative(at, along, on[0], on[1]);
      along[0] = on[0], along[1] = on[1], along[2] = 0;
    }
    double length = 0;
    bool normalized = call.sampler().normalized || g.cube;
    for (unsigned axis = 0; axis < call.axes; ++axis) {
      double texels = double{along[axis]} * (normalized ? sizeOf(base, axis) : 1);
      length += texels * texels;
    }
    longest = length > longest ? length : longest;
  }
  return longest > 0 ? static_cast<float>(0.5 * std::log2(longest)) : -1000.0f;
}

struct Levels {
  int32_t level[maxLanes];
  int32_t fraction[maxLanes];
};

void chooseLevels(const Call& call, const float* levels, Levels& chosen) {
  bool between = call.sampler().mipLinear && call.reader.accumulate && call.operation.mode != TexMode::Gather;
  for (unsigned i = 0; i < call.lanes; ++i) {
    float level = clampLevel(call, levels ? levels[i] : 0);
    auto fixed = static_cast<int32_t>(level * 256.0f + (between ? 0.5f : 128.0f));
    chosen.level[i] = fixed >> 8;
    chosen.fraction[i] = between ? fixed & 255 : 0;
  }
}

void copyLanes(const ChannelBits& from, unsigned lanes, uint32_t mask, uint32_t* results) {
  for (unsigned c = 0; c < 4; ++c) {
    uint32_t* row = results + c * lanes;
    if (mask == ~0u)
      for (unsigned i = 0; i < lanes; ++i) row[i] = from.row[c][i];
    else
      for (unsigned i = 0; i < lanes; ++i) row[i] = mask >> i & 1 ? from.row[c][i] : row[i];
  }
}

// One round per level that some lane wants.
void sampleAllLevels(const Call& call, const Levels& chosen, uint32_t* results) {
  for (uint32_t left = call.mask; left;) {
    int32_t level = chosen.level[std::countr_zero(left)];
    uint32_t same = 0, fractional = 0;
    for (unsigned i = 0; i < call.lanes; ++i) {
      same |= uint32_t{chosen.level[i] == level} << i;
      fractional |= uint32_t{chosen.fraction[i] != 0} << i;
    }
    same &= left;
    ChannelBits bits;
    if (call.operation.mode == TexMode::Gather) gather(call, call.image().levels[level], bits);
    else sampleLevels(call, static_cast<unsigned>(level), fractional & same ? chosen.fraction : nullptr, bits);
    copyLanes(bits, call.lanes, same == call.mask ? ~0u : same, results);
    left &= ~same;
  }
}

// Lanes that do not take part must not ask for levels of their own.
void settle(const Call& call, float* levels) {
  for (unsigned i = 0; i < call.lanes; ++i) levels[i] = call.mask >> i & 1 ? levels[i] : 0;
}

}  // namespace

void sampleLanes(const Sampled& texture, TextureOperation operation, uint32_t mask, const uint32_t* operands, uint32_t* results) {
  if (!mask) return;
  GeometryInfo g = geometryInfo(operation.geometry);
  unsigned lanes = operation.width <= maxLanes ? operation.width : maxLanes;
  Call call{texture, operation, lanes, mask, readerOf(texture.image.format, texture.read), g.cube ? 2u : g.axes, {}, {}, {}, nullptr, g.layered || g.cube, false, false, {}};
  const uint32_t* row = operands;
  auto take = [&] {
    const uint32_t* now = row;
    row += lanes;
    return now;
  };
  if (g.layered) {
    const uint32_t* layers = take();
    constexpr uint32_t most = 1 << 24;
    for (unsigned i = 0; i < lanes; ++i) call.slice[i] = static_cast<int32_t>(layers[i] < most ? layers[i] : most) * (g.cube ? 6 : 1);
  } else {
    std::memset(call.slice, 0, sizeof call.slice);
  }
  for (unsigned axis = 0; axis < g.axes; ++axis) call.coordinates[axis] = take();

  float s[maxLanes], t[maxLanes];
  const float* direction[3] = {};
  if (g.cube) {
    for (unsigned axis = 0; axis < 3; ++axis) direction[axis] = reinterpret_cast<const float*>(call.coordinates[axis]);
    int32_t face[maxLanes];
    projectOnFaces(direction[0], direction[1], direction[2], lanes, face, s, t);
    // A layer that is not there is the last one, whatever the face.
    auto cubes = static_cast<int32_t>(texture.image.levels[0].depth / 6);
    for (unsigned i = 0; i < lanes; ++i) {
      int32_t last = cubes > 0 ? (cubes - 1) * 6 : 0;
      call.slice[i] = (call.slice[i] > last ? last : call.slice[i]) + face[i];
    }
    call.coordinates[0] = reinterpret_cast<const uint32_t*>(s);
    call.coordinates[1] = reinterpret_cast<const uint32_t*>(t);
  }

  call.filters = texture.sampler.linear && !operation.integers && call.reader.accumulate;
  bool buffer = texture.image.kind == ImageKind::Buffer;
  if (!buffer) std::memcpy(call.border, texture.sampler.border, sizeof call.border);

  const uint32_t* level = operation.mode == TexMode::Level ? take() : nullptr;
  const uint32_t* dx = operation.mode == TexMode::Grad ? take() : nullptr;
  if (dx) row += (g.axes - 1) * lanes;
  const uint32_t* dy = dx ? row : nullptr;
  if (dy) row += g.axes * lanes;
  for (unsigned axis = 0; axis < operation.offsets; ++axis) {
    const uint32_t* offsets = take();
    if (axis < call.axes) call.offsets[axis] = reinterpret_cast<const int32_t*>(offsets);
  }
  if (operation.compare && !call.reader.integers) call.reference = reinterpret_cast<const float*>(take());

  for (unsigned axis = 0; axis < call.axes; ++axis)
    call.bordered |= ruleOf(call, axis, 1, false).mode == AddressMode::Border;

  if (texture.image.levelCount <= 1) {
    ChannelBits bits;
    if (operation.mode == TexMode::Gather) gather(call, texture.image.levels[0], bits);
    else sampleLevels(call, 0, nullptr, bits);
    return copyLanes(bits, lanes, ~0u, results);
  }
  float levels[maxLanes];
  if (level)
    for (unsigned i = 0; i < lanes; ++i)
      levels[i] = operation.integers ? static_cast<float>(static_cast<int32_t>(level[i])) : std::bit_cast<float>(level[i]);
  if (dx)
    for (unsigned i = 0; i < lanes; ++i)
      levels[i] = gradientLevel(call, direction, reinterpret_cast<const float*>(dx), reinterpret_cast<const float*>(dy), i);
  if (level || dx) settle(call, levels);
  Levels chosen;
  chooseLevels(call, level || dx ? levels : nullptr, chosen);
  sampleAllLevels(call, chosen, results);
}

}  // namespace anywarp::device::ANYWARP_SAMPLING
