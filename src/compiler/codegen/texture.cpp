// Textures and surfaces: operands as rows of lanes, one call of the device per warp instruction (PTX: Texture Instructions, Surface
// Instructions). SPDX-License-Identifier: Apache-2.0
#include <llvm/IR/Intrinsics.h>

#include "abi/texture.h"
#include "compiler/codegen/emitter.h"

namespace anywarp::codegen {

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

const GeometryRow* geometryOf(const ptx::Instruction& inst) {
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

// The elements of a vector operand, or the one operand that stands without braces.
llvm::ArrayRef<Operand> elementsOf(const Operand& o) {
  if (o.kind == Operand::Kind::Vector) return o.elements;
  return llvm::ArrayRef<Operand>(&o, 1);
}

// A depth comparison takes one f32; texel offsets are integers.
bool isReference(const Operand& o, const std::vector<ptx::Register>& registers) {
  if (o.kind == Operand::Kind::Float32 || o.kind == Operand::Kind::Float64) return true;
  return o.isReg() && registers[o.reg].type == Type::F32;
}

}  // namespace

// Memory for the operands of one call at a time: all calls of a function share it.
Value* FunctionEmitter::textureMemory(TextureMemory which) {
  llvm::AllocaInst*& at = textureMemory_[unsigned(which)];
  if (!at) {
    constexpr unsigned rows[] = {2, 2, 12, 8};  // of 32 bits per lane
    at = stackSlot(llvm::ArrayType::get(b.getInt8Ty(), uint64_t(rows[unsigned(which)]) * width_ * 4), "texture");
    at->setAlignment(llvm::Align(64));
  }
  return at;
}

// A handle per lane in memory; only one where all lanes have the same.
Value* FunctionEmitter::textureHandles(const Operand& o, bool uniform, TextureMemory which) {
  llvm::Type* word = b.getInt64Ty();
  Operand base = o;
  base.elements.clear();
  bool isSymbol = o.hasSymbol || o.kind == Operand::Kind::Symbol;
  base.kind = isSymbol ? Operand::Kind::Symbol : o.reg != ptx::noReg ? Operand::Kind::Register : Operand::Kind::Integer;
  if (base.kind == Operand::Kind::Integer && o.kind == Operand::Kind::Address) base.bits = uint64_t(o.offset);
  Value* handle;
  if (isSymbol && o.symbol.kind == ptx::SymbolKind::Parameter) {
    uint64_t offset = o.symbol.index < k_.params.offsets.size() ? k_.params.offsets[o.symbol.index] : 0;
    handle = field(params_, offset, word, "handle");
    if (!uniform) handle = splat(handle);
  } else {
    handle = read(base, Type::B64, !uniform);
  }
  Value* at = textureMemory(which);
  b.CreateAlignedStore(handle, at, llvm::Align(uniform ? 8 : 64));
  return at;
}

bool FunctionEmitter::isUniformHandle(const Operand& o) {
  if (o.hasSymbol || o.kind == Operand::Kind::Symbol || o.reg == ptx::noReg) return true;
  return a_.shapes.registers[o.reg].isUniform();
}

// Rows of 32-bit lanes one behind the other.
Value* FunctionEmitter::laneRows(llvm::ArrayRef<const Operand*> rows) {
  Value* at = textureMemory(TextureMemory::Operands);
  for (size_t i = 0; i < rows.size(); ++i) {
    Value* lanes = read(*rows[i], Type::B32, true);
    b.CreateAlignedStore(lanes, b.CreateConstGEP1_64(b.getInt8Ty(), at, i * width_ * 4), llvm::Align(32));
  }
  return at;
}

void FunctionEmitter::emitTexture(const Inst& inst) {
  if (inst.form == ptx::Form::Txq || inst.form == ptx::Form::Istypep) return emitTextureQuery(inst);
  const GeometryRow* geometry = geometryOf(inst);
  if (!geometry) return unsupported(inst, std::string(ptx::formInfo(inst.form).mnemonic) + ": multi-sample textures are not supported");
  const Operand& address = inst.operands[2];
  const Operand& sampler = inst.operands[3];
  abi::TextureOperation operation;
  operation.geometry = geometry->geometry;
  operation.width = uint8_t(width_);
  operation.integers = inst.type(1) == Type::S32;
  if (inst.type(1) == Type::F16x2) return unsupported(inst, "tex: coordinates of type .f16x2 are not supported");
  operation.uniform = isUniformHandle(address) && (sampler.isNone() || isUniformHandle(sampler));

  llvm::SmallVector<const Operand*, 16> rows;
  auto add = [&](const Operand& o, unsigned count, const char* what) {
    llvm::ArrayRef<Operand> elements = elementsOf(o);
    if (elements.size() < count) {
      unsupported(inst, std::string(ptx::formInfo(inst.form).mnemonic) + ": " + what + " needs " + std::to_string(count) + " elements, not " +
                            std::to_string(elements.size()));
      return false;
    }
    for (unsigned i = 0; i < count; ++i) rows.push_back(&elements[i]);
    return true;
  };
  if (address.elements.size() < geometry->coordinates)
    return unsupported(inst, std::string(ptx::formInfo(inst.form).mnemonic) + ": this geometry needs " + std::to_string(geometry->coordinates) +
                                 " coordinates, not " + std::to_string(address.elements.size()));
  for (unsigned i = 0; i < geometry->coordinates; ++i) rows.push_back(&address.elements[i]);
  unsigned next = 4;
  if (inst.form == ptx::Form::TexLevel) {
    operation.mode = abi::TexMode::Level;
    if (!add(inst.operands[next++], 1, "the level")) return;
  } else if (inst.form == ptx::Form::TexGrad) {
    operation.mode = abi::TexMode::Grad;
    for (int i = 0; i < 2; ++i)
      if (!add(inst.operands[next++], geometry->axes, "a gradient")) return;
  } else if (inst.form == ptx::Form::Tld4) {
    operation.mode = abi::TexMode::Gather;
    operation.component = inst.has(Mod::G) ? 1 : inst.has(Mod::B) ? 2 : inst.has(Mod::A) ? 3 : 0;
  }
  unsigned offsetAxes = std::min<unsigned>(geometry->axes, geometry->coordinates);
  for (; next < inst.operands.size(); ++next) {
    const Operand& o = inst.operands[next];
    if (o.isNone()) continue;
    if (isReference(o, flat_.registers)) {
      operation.compare = true;
      rows.push_back(&o);
    } else {
      operation.offsets = uint8_t(offsetAxes);
      if (!add(o, offsetAxes, "the offset")) return;
    }
  }

  Value* textures = textureHandles(address, operation.uniform, TextureMemory::Handles);
  Value* samplers = llvm::ConstantPointerNull::get(b.getPtrTy());
  if (!sampler.isNone()) samplers = textureHandles(sampler, operation.uniform, TextureMemory::Samplers);
  Value* operands = laneRows(rows);
  Value* results = textureMemory(TextureMemory::Results);
  llvm::Type *ptr = b.getPtrTy(), *word = b.getInt32Ty();
  service(offsetof(abi::Services, texture), llvm::FunctionType::get(b.getVoidTy(), {ptr, word, word, word, ptr, ptr, ptr, ptr}, false),
          {ctx_, warp_, maskBits(mask_), i32(operation.pack()), textures, samplers, operands, results});
  writeTexels(inst, results);
  if (!inst.operands[1].isNone()) write(inst.operands[1], Type::Pred, b.getTrue());  // all of the texture is there
}

// Four rows of 32 bits, as the destination's type.
void FunctionEmitter::writeTexels(const Inst& inst, Value* results) {
  Type type = inst.type();
  llvm::Type* row = vectorOf(b.getInt32Ty());
  auto texel = [&](unsigned i) { return b.CreateAlignedLoad(row, b.CreateConstGEP1_64(b.getInt8Ty(), results, i * width_ * 4), llvm::Align(32)); };
  auto half = [&](unsigned i) {
    Value* value = b.CreateFPTrunc(b.CreateBitCast(texel(i), vectorOf(b.getFloatTy())), vectorOf(b.getHalfTy()));
    return b.CreateBitCast(value, vectorOf(b.getInt16Ty()));
  };
  llvm::ArrayRef<Operand> to = elementsOf(inst.operands[0]);
  for (unsigned i = 0; i < to.size(); ++i) {
    if (!to[i].isReg()) continue;
    if (type == Type::F16x2) {
      if (i >= 2) break;
      Value* low = b.CreateZExt(half(2 * i), row);
      Value* high = b.CreateZExt(half(2 * i + 1), row);
      write(to[i], Type::B32, b.CreateOr(low, b.CreateShl(high, llvm::ConstantInt::get(row, 16))));
    } else if (i >= 4) {
      break;
    } else if (type == Type::F16) {
      write(to[i], Type::B16, half(i));
    } else {
      write(to[i], Type::B32, texel(i));
    }
  }
}

void FunctionEmitter::emitTextureQuery(const Inst& inst) {
  abi::TextureQuery query = abi::TextureQuery::Width;
  bool isType = inst.form == ptx::Form::Istypep;
  if (isType) {
    query = inst.type() == Type::TexRef ? abi::TextureQuery::IsTexture
            : inst.type() == Type::SamplerRef ? abi::TextureQuery::IsSampler
                                              : abi::TextureQuery::IsSurface;
  } else {
    for (const QueryRow& row : queryRows)
      if (inst.has(row.mod)) query = row.query;
  }
  Value* handles = textureHandles(inst.operands[1], false, TextureMemory::Handles);
  bool hasLevel = !isType && inst.operands.size() > 2 && !inst.operands[2].isNone();
  Value* levels = hasLevel ? laneRows({&inst.operands[2]}) : (Value*)llvm::ConstantPointerNull::get(b.getPtrTy());
  Value* results = textureMemory(TextureMemory::Results);
  llvm::Type *ptr = b.getPtrTy(), *word = b.getInt32Ty();
  service(offsetof(abi::Services, textureQuery), llvm::FunctionType::get(b.getVoidTy(), {ptr, word, word, word, ptr, ptr, ptr}, false),
          {ctx_, warp_, maskBits(mask_), i32(uint32_t(query)), handles, levels, results});
  Value* answers = b.CreateAlignedLoad(vectorOf(b.getInt32Ty()), results, llvm::Align(32));
  if (isType) write(inst.operands[0], Type::Pred, b.CreateICmpNE(answers, llvm::Constant::getNullValue(answers->getType())));
  else write(inst.operands[0], Type::B32, answers);
}

void FunctionEmitter::emitSurface(const Inst& inst) {
  if (inst.form == ptx::Form::Suq) return emitTextureQuery(inst);
  const GeometryRow* geometry = geometryOf(inst);
  const char* mnemonic = ptx::formInfo(inst.form).mnemonic;
  if (!geometry || geometry->geometry == abi::TexGeometry::Cube || geometry->geometry == abi::TexGeometry::Acube)
    return unsupported(inst, std::string(mnemonic) + ": surfaces have the geometries .1d .2d .3d .a1d .a2d");
  bool loads = inst.form == ptx::Form::Suld;
  const Operand& address = inst.operands[loads ? 1 : 0];
  const Operand& values = inst.operands[loads ? 0 : 1];
  llvm::ArrayRef<Operand> elements = elementsOf(values);
  Type type = inst.type();
  abi::SurfaceOperation operation;
  operation.geometry = geometry->geometry;
  operation.width = uint8_t(width_);
  operation.bytes = uint8_t(ptx::bytes(type));
  operation.count = uint8_t(std::min<size_t>(elements.size(), 4));
  operation.formatted = inst.has(Mod::P);
  operation.isSigned = ptx::isSigned(type);
  operation.uniform = isUniformHandle(address);
  operation.border = inst.has(Mod::Clamp) ? abi::SurfaceBorder::Clamp : inst.has(Mod::Zero) ? abi::SurfaceBorder::Zero : abi::SurfaceBorder::Trap;
  using abi::SurfaceAction;
  if (inst.form == ptx::Form::Sust) operation.action = SurfaceAction::Store;
  if (inst.form == ptx::Form::Sured)
    operation.action = inst.has(Mod::Add)   ? SurfaceAction::Add
                       : inst.has(Mod::Min) ? SurfaceAction::Min
                       : inst.has(Mod::Max) ? SurfaceAction::Max
                       : inst.has(Mod::And) ? SurfaceAction::And
                                            : SurfaceAction::Or;
  if (inst.form != ptx::Form::Sured && operation.formatted && type != Type::B32) return unsupported(inst, "sust.p: elements have type .b32");
  if (address.elements.size() < geometry->coordinates)
    return unsupported(inst, std::string(mnemonic) + ": this geometry needs " + std::to_string(geometry->coordinates) + " coordinates, not " +
                                 std::to_string(address.elements.size()));

  llvm::SmallVector<const Operand*, 4> rows;
  for (unsigned i = 0; i < geometry->coordinates; ++i) rows.push_back(&address.elements[i]);
  Value* handles = textureHandles(address, operation.uniform, TextureMemory::Handles);
  Value* coordinates = laneRows(rows);
  // Memory holds whole words; registers may be narrower.
  Type laneWord = operation.bytes == 8 ? Type::B64 : Type::B32;
  llvm::Type* row = vectorOf(b.getIntNTy(ptx::bits(laneWord)));
  uint64_t rowBytes = uint64_t(width_) * ptx::bytes(laneWord);
  Value* data = textureMemory(TextureMemory::Results);
  auto rowAt = [&](unsigned i) { return b.CreateConstGEP1_64(b.getInt8Ty(), data, i * rowBytes); };
  if (!loads)
    for (unsigned i = 0; i < operation.count; ++i) {
      Value* v = read(elements[i], ptx::bitsType(ptx::bits(type)), true);
      b.CreateAlignedStore(b.CreateZExtOrBitCast(v, row), rowAt(i), llvm::Align(32));
    }
  llvm::Type *ptr = b.getPtrTy(), *word = b.getInt32Ty();
  service(offsetof(abi::Services, surface), llvm::FunctionType::get(b.getVoidTy(), {ptr, word, word, word, ptr, ptr, ptr}, false),
          {ctx_, warp_, maskBits(mask_), i32(operation.pack()), handles, coordinates, data});
  if (!loads) return;
  for (unsigned i = 0; i < operation.count; ++i)
    if (elements[i].isReg()) write(elements[i], laneWord, b.CreateAlignedLoad(row, rowAt(i), llvm::Align(32)));
}

}  // namespace anywarp::codegen
