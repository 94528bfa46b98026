// Geometry, coordinates and what else stands in the opcode, by tables. SPDX-License-Identifier: Apache-2.0
#include "compiler/analysis/texels.h"

#include <algorithm>
#include <string>

namespace anywarp::analysis {

using ptx::Mod;
using ptx::Operand;
using ptx::Type;

namespace {

struct GeometryRow {
  Mod mod;
  abi::TexGeometry geometry;
  uint8_t coordinates;  // layer included
  uint8_t axes;
};
constexpr GeometryRow geometryRows[] = {
    {Mod::Geom1d, abi::TexGeometry::D1, 1, 1},   {Mod::Geom2d, abi::TexGeometry::D2, 2, 2},   {Mod::Geom3d, abi::TexGeometry::D3, 3, 3},
    {Mod::GeomA1d, abi::TexGeometry::A1d, 2, 1}, {Mod::GeomA2d, abi::TexGeometry::A2d, 3, 2}, {Mod::Cube, abi::TexGeometry::Cube, 3, 3},
    {Mod::Acube, abi::TexGeometry::Acube, 4, 3},
};

const GeometryRow* geometryOf(const Inst& inst) {
  for (const GeometryRow& row : geometryRows)
    if (inst.has(row.mod)) return &row;
  return nullptr;
}

struct QueryRow {
  Mod mod;
  abi::TextureQuery query;
};
constexpr QueryRow queryRows[] = {
    {Mod::Width, abi::TextureQuery::Width},
    {Mod::Height, abi::TextureQuery::Height},
    {Mod::Depth, abi::TextureQuery::Depth},
    {Mod::ChannelDataType, abi::TextureQuery::ChannelDataType},
    {Mod::ChannelOrder, abi::TextureQuery::ChannelOrder},
    {Mod::NormalizedCoords, abi::TextureQuery::NormalizedCoords},
    {Mod::ForceUnnormalizedCoords, abi::TextureQuery::ForceUnnormalizedCoords},
    {Mod::FilterMode, abi::TextureQuery::FilterMode},
    {Mod::AddrMode0, abi::TextureQuery::AddrMode0},
    {Mod::AddrMode1, abi::TextureQuery::AddrMode1},
    {Mod::AddrMode2, abi::TextureQuery::AddrMode2},
    {Mod::ArraySize, abi::TextureQuery::ArraySize},
    {Mod::NumMipmapLevels, abi::TextureQuery::NumMipmapLevels},
    {Mod::NumSamples, abi::TextureQuery::NumSamples},
    {Mod::MemoryLayout, abi::TextureQuery::MemoryLayout},
};

// A depth comparison takes one f32; texel offsets are integers.
bool isReference(const Operand& o, const std::vector<ptx::Register>& registers) {
  if (o.kind == Operand::Kind::Float32 || o.kind == Operand::Kind::Float64) return true;
  return o.isReg() && registers[o.reg].type == Type::F32;
}

Error refused(const Inst& inst, const std::string& why) {
  return Error{ErrorKind::Unsupported, std::string(ptx::formInfo(inst.form).mnemonic) + ": " + why};
}

std::string needs(const std::string& what, size_t wanted, const std::string& of, size_t have) {
  return what + " needs " + std::to_string(wanted) + " " + of + ", not " + std::to_string(have);
}

}  // namespace

Result<TextureAccess> textureAccess(const Inst& inst, const std::vector<ptx::Register>& registers) {
  const GeometryRow* geometry = geometryOf(inst);
  if (!geometry) return refused(inst, "multi-sample textures are not supported");
  if (inst.type(1) == Type::F16x2) return refused(inst, "coordinates of type .f16x2 are not supported");
  TextureAccess access;
  abi::TextureOperation& operation = access.operation;
  const Operand& address = inst.operands[2];
  access.texture = &address;
  access.sampler = inst.operands[3].isNone() ? nullptr : &inst.operands[3];
  operation.geometry = geometry->geometry;
  operation.integers = inst.type(1) == Type::S32;
  if (address.elements.size() < geometry->coordinates)
    return refused(inst, needs("this geometry", geometry->coordinates, "coordinates", address.elements.size()));
  for (unsigned i = 0; i < geometry->coordinates; ++i) access.rows.push_back(&address.elements[i]);

  std::string lacks;
  auto add = [&](const Operand& o, unsigned count, const char* what) {
    if (elementCount(o) < count) {
      if (lacks.empty()) lacks = needs(what, count, "elements", elementCount(o));
      return;
    }
    for (unsigned i = 0; i < count; ++i) access.rows.push_back(&element(o, i));
  };
  unsigned next = 4;
  if (inst.form == ptx::Form::TexLevel) {
    operation.mode = abi::TexMode::Level;
    add(inst.operands[next++], 1, "the level");
  } else if (inst.form == ptx::Form::TexGrad) {
    operation.mode = abi::TexMode::Grad;
    for (int i = 0; i < 2; ++i) add(inst.operands[next++], geometry->axes, "a gradient");
  } else if (inst.form == ptx::Form::Tld4) {
    operation.mode = abi::TexMode::Gather;
    operation.component = inst.has(Mod::G) ? 1 : inst.has(Mod::B) ? 2 : inst.has(Mod::A) ? 3 : 0;
  }
  unsigned offsetAxes = std::min<unsigned>(geometry->axes, geometry->coordinates);
  for (; next < inst.operands.size(); ++next) {
    const Operand& o = inst.operands[next];
    if (o.isNone()) continue;
    if (isReference(o, registers)) {
      operation.compare = true;
      access.rows.push_back(&o);
    } else {
      operation.offsets = uint8_t(offsetAxes);
      add(o, offsetAxes, "the offset");
    }
  }
  if (!lacks.empty()) return refused(inst, lacks);
  return access;
}

Result<SurfaceAccess> surfaceAccess(const Inst& inst) {
  using abi::SurfaceAction;
  using abi::SurfaceBorder;
  const GeometryRow* geometry = geometryOf(inst);
  if (!geometry || geometry->geometry == abi::TexGeometry::Cube || geometry->geometry == abi::TexGeometry::Acube)
    return refused(inst, "surfaces have the geometries .1d .2d .3d .a1d .a2d");
  const bool loads = inst.form == ptx::Form::Suld;
  SurfaceAccess access;
  access.surface = &inst.operands[loads ? 1 : 0];
  access.values = &inst.operands[loads ? 0 : 1];
  const Type type = inst.type();
  abi::SurfaceOperation& operation = access.operation;
  operation.geometry = geometry->geometry;
  operation.bytes = uint8_t(ptx::bytes(type));
  operation.count = uint8_t(std::min<size_t>(elementCount(*access.values), 4));
  operation.formatted = inst.has(Mod::P);
  operation.isSigned = ptx::isSigned(type);
  operation.border = inst.has(Mod::Clamp) ? SurfaceBorder::Clamp : inst.has(Mod::Zero) ? SurfaceBorder::Zero : SurfaceBorder::Trap;
  if (inst.form == ptx::Form::Sust) operation.action = SurfaceAction::Store;
  if (inst.form == ptx::Form::Sured)
    operation.action = inst.has(Mod::Add)   ? SurfaceAction::Add
                       : inst.has(Mod::Min) ? SurfaceAction::Min
                       : inst.has(Mod::Max) ? SurfaceAction::Max
                       : inst.has(Mod::And) ? SurfaceAction::And
                                            : SurfaceAction::Or;
  if (inst.form != ptx::Form::Sured && operation.formatted && type != Type::B32) return refused(inst, "elements of sust.p have type .b32");
  const std::vector<Operand>& coordinates = access.surface->elements;
  if (coordinates.size() < geometry->coordinates) return refused(inst, needs("this geometry", geometry->coordinates, "coordinates", coordinates.size()));
  for (unsigned i = 0; i < geometry->coordinates; ++i) access.coordinates.push_back(&coordinates[i]);
  return access;
}

abi::TextureQuery textureQuery(const Inst& inst) {
  if (inst.form == ptx::Form::Istypep)
    return inst.type() == Type::TexRef       ? abi::TextureQuery::IsTexture
           : inst.type() == Type::SamplerRef ? abi::TextureQuery::IsSampler
                                             : abi::TextureQuery::IsSurface;
  abi::TextureQuery query = abi::TextureQuery::Width;
  for (const QueryRow& row : queryRows)
    if (inst.has(row.mod)) query = row.query;
  return query;
}

ptx::Operand handleOf(const ptx::Operand& o) {
  Operand base = o;
  base.elements.clear();
  const bool isSymbol = o.hasSymbol || o.kind == Operand::Kind::Symbol;
  base.kind = isSymbol ? Operand::Kind::Symbol : o.reg != ptx::noReg ? Operand::Kind::Register : Operand::Kind::Integer;
  if (base.kind == Operand::Kind::Integer && o.kind == Operand::Kind::Address) base.bits = uint64_t(o.offset);
  return base;
}

}  // namespace anywarp::analysis
