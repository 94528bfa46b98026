// suld, sust, sured, suq (PTX: Surface Instructions). SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "interp/number.h"
#include "interp/texture_operands.h"

namespace anywarp::interp {
namespace {

// Where an access lies. `ignored`: outside, in mode .zero.
struct Access {
  const TextureObject* object = nullptr;
  uint8_t* at = nullptr;
  bool ignored = false;
};

bool settle(Step& step, int64_t& coordinate, int64_t last) {
  if (coordinate >= 0 && coordinate <= last) return true;
  if (!step.has(Mod::Clamp) || last < 0) return false;
  coordinate = std::clamp<int64_t>(coordinate, 0, last);
  return true;
}

// `bytes` of one access; coordinates count elements where `formatted`. Null `at`: ignored, or the thread has faulted.
Access locate(Step& step, unsigned addressSlot, int64_t bytes, bool formatted) {
  Access access;
  Geometry geometry;
  if (!geometryOf(step, geometry)) return access;
  if (geometry.cube) {
    step.unsupported(describe(step.inst) + ": cube surfaces");
    return access;
  }
  const Operand& address = step.operand(addressSlot);
  access.object = objectOf(step, address);
  if (!access.object || access.object->kind != TextureObject::Kind::Surface || access.object->image.levels.empty()) {
    step.fault(FaultKind::Trap, "use of a surface handle that is invalid or has nothing bound to it");
    return access;
  }
  const TextureImage& image = access.object->image;
  const TextureLevel& level = image.levels[0];
  int64_t coordinates[4] = {0, 0, 0, 0};
  int count = geometry.axes + (geometry.layered ? 1 : 0);
  if (static_cast<int>(address.elements.size()) < count) {
    step.fault(FaultKind::Invalid, describe(step.inst) + ": too few coordinates");
    return access;
  }
  for (int i = 0; i < count; i++) coordinates[i] = static_cast<int32_t>(step.bits(address.elements[static_cast<size_t>(i)], Type::B32));
  int64_t *x = coordinates + (geometry.layered ? 1 : 0), slice = geometry.layered ? coordinates[0] : geometry.axes == 3 ? x[2] : 0;
  int64_t y = geometry.axes > 1 ? x[1] : 0, at = *x * (formatted ? image.texelBytes() : 1);
  if (formatted) bytes = image.texelBytes();
  if (at % bytes != 0) {
    step.fault(FaultKind::MisalignedAddress, "surface access at byte " + std::to_string(at) + " of a row, which is no multiple of " + std::to_string(bytes));
    return access;
  }
  int64_t lastByte = (level.width * image.texelBytes() - bytes) / bytes * bytes;
  bool inside = settle(step, at, lastByte) & settle(step, y, level.height - 1) & settle(step, slice, level.depth - 1);
  if (inside) {
    access.at = level.data + slice * static_cast<int64_t>(level.slicePitch) + y * static_cast<int64_t>(level.rowPitch) + at;
  } else if (step.has(Mod::Zero)) {
    access.ignored = true;
  } else {
    step.fault(FaultKind::Trap, "surface access out of range");
  }
  return access;
}

void storeFormatted(Step& step, const Access& access, const std::vector<Operand>& values) {
  const TextureImage& image = access.object->image;
  for (int c = 0; c < image.channels; c++) {
    uint64_t value = static_cast<size_t>(c) < values.size() ? step.bits(values[static_cast<size_t>(c)], Type::B32) : 0;
    int bits = image.channelBytes * 8;
    if (bits < 32) {
      if (image.channel == Channel::Float) {
        value = encode(f16Format, asFloat(value), Rounding::NearestEven);
      } else if (image.channel == Channel::Signed) {
        int64_t most = (int64_t{1} << (bits - 1)) - 1;
        value = static_cast<uint64_t>(std::clamp(signExtend(value, 32), -most - 1, most));
      } else {
        value = std::min(value, (uint64_t{1} << bits) - 1);
      }
    }
    step.store(access.at + c * image.channelBytes, static_cast<unsigned>(image.channelBytes), value);
  }
}

}  // namespace

void surfaceLoad(Step& step) {
  std::vector<Operand> to = elementsOf(step.operand(0));
  unsigned bytes = ptx::bytes(step.type());
  Access access = locate(step, 1, bytes * static_cast<int64_t>(to.size()), false);
  if (!access.at && !access.ignored) return;
  for (size_t i = 0; i < to.size(); i++) step.set(to[i], bytes == 8 ? Type::B64 : Type::B32, access.at ? step.load(access.at + i * bytes, bytes) : 0);
}

void surfaceStore(Step& step) {
  std::vector<Operand> values = elementsOf(step.operand(1));
  unsigned bytes = ptx::bytes(step.type());
  bool formatted = step.has(Mod::P);
  Access access = locate(step, 0, bytes * static_cast<int64_t>(values.size()), formatted);
  if (!access.at) return;
  if (formatted) return storeFormatted(step, access, values);
  for (size_t i = 0; i < values.size(); i++) step.store(access.at + i * bytes, bytes, step.bits(values[i], step.type()));
}

void surfaceReduce(Step& step) {
  Type type = step.type();
  unsigned bytes = ptx::bytes(type);
  Access access = locate(step, 0, bytes, step.has(Mod::P));
  if (!access.at) return;
  if (access.object->image.texelBytes() < static_cast<int>(bytes) && step.has(Mod::P))
    return step.fault(FaultKind::MisalignedAddress, "reduction wider than the elements of the surface");
  uint64_t a = step.load(access.at, bytes), b = step.bits(1, type);
  auto less = [&](uint64_t x, uint64_t y) { return ptx::isSigned(type) ? signExtend(x, 8 * bytes) < signExtend(y, 8 * bytes) : x < y; };
  uint64_t result = step.has(Mod::Add)   ? a + b
                    : step.has(Mod::Min) ? (less(b, a) ? b : a)
                    : step.has(Mod::Max) ? (less(a, b) ? b : a)
                    : step.has(Mod::And) ? a & b
                                         : a | b;
  step.store(access.at, bytes, result);
}

}  // namespace anywarp::interp
