// tex, tld4, txq, istypep (PTX: Texture Instructions). SPDX-License-Identifier: Apache-2.0
#include "interp/texture.h"

#include "interp/number.h"
#include "interp/texture_operands.h"

namespace anywarp::interp {

uint64_t handleOf(Step& step, const Operand& operand) {
  bool isSymbol = operand.hasSymbol || operand.kind == Operand::Kind::Symbol;
  if (isSymbol && operand.symbol.kind == ptx::SymbolKind::Parameter) {
    const uint8_t* place = step.memory(Space::Param, step.symbolAddress(operand.symbol), 8, false);
    return place ? step.load(place, 8) : 0;
  }
  if (isSymbol) return step.symbolAddress(operand.symbol) + static_cast<uint64_t>(operand.offset);
  if (operand.reg == ptx::noReg) return operand.kind == Operand::Kind::Address ? static_cast<uint64_t>(operand.offset) : operand.bits;
  Operand base = operand;
  base.kind = Operand::Kind::Register;
  base.elements.clear();
  return step.bits(base, Type::B64);
}

const TextureObject* objectOf(Step& step, const Operand& operand) {
  const TextureSet* set = step.grid.launch.textures;
  if (!set) return nullptr;
  auto found = set->find(handleOf(step, operand));
  return found == set->end() ? nullptr : &found->second;
}

bool geometryOf(Step& step, Geometry& geometry) {
  struct Row {
    Mod mod;
    Geometry geometry;
  };
  static constexpr Row rows[] = {{Mod::Geom1d, {1, false, false}}, {Mod::Geom2d, {2, false, false}}, {Mod::Geom3d, {3, false, false}},
                                 {Mod::GeomA1d, {1, true, false}}, {Mod::GeomA2d, {2, true, false}}, {Mod::Cube, {3, false, true}},
                                 {Mod::Acube, {3, true, true}}};
  for (const Row& row : rows)
    if (step.has(row.mod)) {
      geometry = row.geometry;
      return true;
    }
  step.unsupported(describe(step.inst) + ": multi-sample textures");
  return false;
}

std::vector<Operand> elementsOf(const Operand& operand) {
  if (operand.kind == Operand::Kind::Vector) return operand.elements;
  return {operand};
}

namespace {

constexpr unsigned addressSlot = 2, samplerSlot = 3, firstExtra = 4;

float floatOf(Step& step, const Operand& operand) { return asFloat(step.bits(operand, Type::B32)); }
int32_t intOf(Step& step, const Operand& operand) { return static_cast<int32_t>(step.bits(operand, Type::B32)); }

// Reads the elements of a vector operand into `values`; false where it has too few.
template <class T, class Read>
bool readElements(Step& step, const Operand& operand, int count, T* values, Read read) {
  std::vector<Operand> elements = elementsOf(operand);
  if (static_cast<int>(elements.size()) < count) {
    step.fault(FaultKind::Invalid, describe(step.inst) + ": an operand has " + std::to_string(elements.size()) + " elements, not " + std::to_string(count));
    return false;
  }
  for (int i = 0; i < count; i++) values[i] = read(step, elements[static_cast<size_t>(i)]);
  return true;
}

bool readCoordinates(Step& step, const Geometry& geometry, TextureFetch& request) {
  const std::vector<Operand>& elements = step.operand(addressSlot).elements;
  size_t first = geometry.layered ? 1 : 0;
  if (elements.size() < first + static_cast<size_t>(geometry.axes)) {
    step.fault(FaultKind::Invalid, describe(step.inst) + ": too few coordinates");
    return false;
  }
  request.axes = geometry.axes;
  request.layered = geometry.layered;
  request.cube = geometry.cube;
  request.integers = step.type(1) == Type::S32;
  if (geometry.layered) request.layer = static_cast<uint32_t>(step.bits(elements[0], Type::B32));
  for (int axis = 0; axis < geometry.axes; axis++) {
    const Operand& element = elements[first + static_cast<size_t>(axis)];
    if (request.integers) request.texels[axis] = intOf(step, element);
    else request.coordinates[axis] = floatOf(step, element);
  }
  return true;
}

bool isReference(Step& step, const Operand& operand) {
  if (operand.kind == Operand::Kind::Float32) return true;
  return operand.isReg() && step.thread.frame().code->body->registers[operand.reg].type == Type::F32;
}

// Offsets and the reference of a depth comparison, in this order, each optional.
bool readExtras(Step& step, const Geometry& geometry, unsigned slot, TextureFetch& request) {
  for (; slot < step.slots(); slot++) {
    const Operand& operand = step.operand(slot);
    if (operand.isNone()) continue;
    if (isReference(step, operand)) request.reference = floatOf(step, operand);
    else if (!readElements(step, operand, geometry.axes, request.offsets, intOf)) return false;
  }
  return true;
}

void writeTexel(Step& step, const Texel& texel) {
  std::vector<Operand> to = elementsOf(step.operand(0));
  auto half = [&](size_t i) { return encode(f16Format, asFloat(texel.bits[i]), Rounding::NearestEven); };
  for (size_t i = 0; i < to.size() && i < 4; i++) {
    if (step.type() == Type::F16x2) {
      if (i < 2) step.set(to[i], Type::B32, half(2 * i) | half(2 * i + 1) << 16);
    } else if (step.type() == Type::F16) {
      step.set(to[i], Type::B16, half(i));
    } else {
      step.set(to[i], Type::B32, texel.bits[i]);
    }
  }
  if (step.present(1)) step.setPredicate(1, true);
}

void sampleTexture(Step& step, TextureFetch& request, const Geometry& geometry, unsigned extras) {
  if (!readExtras(step, geometry, extras, request)) return;
  const TextureObject* texture = objectOf(step, step.operand(addressSlot));
  const TextureObject* sampler = step.present(samplerSlot) ? objectOf(step, step.operand(samplerSlot)) : texture;
  bool valid = texture && texture->kind == TextureObject::Kind::Texture && !texture->image.levels.empty() && sampler &&
               sampler->kind != TextureObject::Kind::Surface;
  if (!valid) return step.fault(FaultKind::Trap, "use of a texture or sampler handle that is invalid or has nothing bound to it");
  writeTexel(step, fetch(*texture, sampler->sampling, request));
}

}  // namespace

void texture(Step& step) {
  Geometry geometry;
  TextureFetch request;
  if (!geometryOf(step, geometry) || !readCoordinates(step, geometry, request)) return;
  sampleTexture(step, request, geometry, firstExtra);
}

void textureLevel(Step& step) {
  Geometry geometry;
  TextureFetch request;
  if (!geometryOf(step, geometry) || !readCoordinates(step, geometry, request)) return;
  const Operand& level = step.operand(firstExtra);
  request.level = request.integers ? static_cast<float>(intOf(step, level)) : floatOf(step, level);
  sampleTexture(step, request, geometry, firstExtra + 1);
}

void textureGradient(Step& step) {
  Geometry geometry;
  TextureFetch request;
  if (!geometryOf(step, geometry) || !readCoordinates(step, geometry, request)) return;
  request.gradients = true;
  if (!readElements(step, step.operand(firstExtra), geometry.axes, request.dx, floatOf)) return;
  if (!readElements(step, step.operand(firstExtra + 1), geometry.axes, request.dy, floatOf)) return;
  sampleTexture(step, request, geometry, firstExtra + 2);
}

void textureGather(Step& step) {
  Geometry geometry;
  TextureFetch request;
  if (!geometryOf(step, geometry) || !readCoordinates(step, geometry, request)) return;
  request.gather = step.has(Mod::G) ? 1 : step.has(Mod::B) ? 2 : step.has(Mod::A) ? 3 : 0;
  sampleTexture(step, request, geometry, firstExtra);
}

void textureType(Step& step) {
  const TextureObject* object = objectOf(step, step.operand(1));
  auto kind = step.type() == Type::TexRef     ? TextureObject::Kind::Texture
              : step.type() == Type::SamplerRef ? TextureObject::Kind::Sampler
                                                : TextureObject::Kind::Surface;
  step.setPredicate(0, object && object->kind == kind);
}

namespace {

uint32_t dataType(const TextureObject& object) {
  // As OpenCL numbers them.
  const TextureImage& image = object.image;
  uint32_t size = image.channelBytes == 1 ? 0 : image.channelBytes == 2 ? 1 : 2;
  if (image.channel == Channel::Float) return size == 1 ? 0x10dd : 0x10de;
  bool normalized = object.kind == TextureObject::Kind::Texture && object.reading != Reading::Element && size < 2;
  if (image.channel == Channel::Signed) return (normalized ? 0x10d0 : 0x10d7) + size;
  return (normalized ? 0x10d2 : 0x10da) + size;
}

uint32_t addressingCode(Addressing addressing) {
  switch (addressing) {
    case Addressing::Wrap: return 0;
    case Addressing::Mirror: return 1;
    case Addressing::Clamp: return 3;
    case Addressing::Border: return 4;
  }
  return 0;
}

uint32_t answer(Step& step, const TextureObject& object, uint32_t levelIndex) {
  const TextureImage& image = object.image;
  const TextureSampling& sampling = object.sampling;
  static const TextureLevel nothing{0, 0, 0, nullptr, 0, 0};
  const TextureLevel& level = image.levels.empty() ? nothing : image.levels[std::min<size_t>(levelIndex, image.levels.size() - 1)];
  auto size = [](int n) { return static_cast<uint32_t>(n); };
  if (step.has(Mod::Width)) return size(level.width);
  if (step.has(Mod::Height)) return image.dimensions > 1 ? size(level.height) : 0;
  if (step.has(Mod::Depth)) return image.dimensions > 2 ? size(level.depth) : 0;
  if (step.has(Mod::ChannelDataType)) return dataType(object);
  if (step.has(Mod::ChannelOrder)) return image.channels == 1 ? 0x10b0 : image.channels == 2 ? 0x10b2 : 0x10b5;
  if (step.has(Mod::NormalizedCoords)) return sampling.normalized;
  if (step.has(Mod::ForceUnnormalizedCoords)) return !sampling.normalized;
  if (step.has(Mod::FilterMode)) return sampling.linear;
  if (step.has(Mod::AddrMode0)) return addressingCode(sampling.addressing[0]);
  if (step.has(Mod::AddrMode1)) return addressingCode(sampling.addressing[1]);
  if (step.has(Mod::AddrMode2)) return addressingCode(sampling.addressing[2]);
  if (step.has(Mod::ArraySize)) return image.cube ? size(level.depth / 6) : image.layered ? size(level.depth) : 0;
  if (step.has(Mod::NumMipmapLevels)) return static_cast<uint32_t>(image.levels.size());
  if (step.has(Mod::NumSamples)) return image.levels.empty() ? 0 : 1;
  if (step.has(Mod::MemoryLayout)) return image.buffer || image.pitched ? 0 : 1;
  return 0;
}

}  // namespace

void textureQuery(Step& step) {
  const TextureObject* object = objectOf(step, step.operand(1));
  if (!object) return step.fault(FaultKind::Trap, "query of an invalid handle");
  uint32_t level = step.present(2) ? static_cast<uint32_t>(step.bits(2, Type::B32)) : 0;
  step.set(0, Type::B32, answer(step, *object, level));
}

}  // namespace anywarp::interp
