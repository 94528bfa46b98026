// Textures and surfaces: operands as rows of lanes, one call of the device per warp instruction (PTX: Texture Instructions, Surface
// Instructions). SPDX-License-Identifier: Apache-2.0
#include <llvm/IR/Intrinsics.h>

#include "compiler/analysis/texels.h"
#include "compiler/codegen/emitter.h"

namespace anywarp::codegen {

using ptx::Operand;
using ptx::Type;

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
  const Operand base = analysis::handleOf(o);
  Value* handle;
  if (base.kind == Operand::Kind::Symbol && o.symbol.kind == ptx::SymbolKind::Parameter) {
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
  auto access = analysis::textureAccess(inst, flat_.registers);
  if (!access) return unsupported(inst, access.error().message);
  abi::TextureOperation operation = access->operation;
  operation.width = uint8_t(width_);
  operation.uniform = isUniformHandle(*access->texture) && (!access->sampler || isUniformHandle(*access->sampler));

  Value* textures = textureHandles(*access->texture, operation.uniform, TextureMemory::Handles);
  Value* samplers = llvm::ConstantPointerNull::get(b.getPtrTy());
  if (access->sampler) samplers = textureHandles(*access->sampler, operation.uniform, TextureMemory::Samplers);
  Value* operands = laneRows(access->rows);
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
  for (unsigned i = 0; i < analysis::elementCount(inst.operands[0]); ++i) {
    const Operand& to = analysis::element(inst.operands[0], i);
    if (!to.isReg()) continue;
    if (type == Type::F16x2) {
      if (i >= 2) break;
      Value* low = b.CreateZExt(half(2 * i), row);
      Value* high = b.CreateZExt(half(2 * i + 1), row);
      write(to, Type::B32, b.CreateOr(low, b.CreateShl(high, llvm::ConstantInt::get(row, 16))));
    } else if (i >= 4) {
      break;
    } else if (type == Type::F16) {
      write(to, Type::B16, half(i));
    } else {
      write(to, Type::B32, texel(i));
    }
  }
}

void FunctionEmitter::emitTextureQuery(const Inst& inst) {
  const bool isType = inst.form == ptx::Form::Istypep;
  const abi::TextureQuery query = analysis::textureQuery(inst);
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
  auto access = analysis::surfaceAccess(inst);
  if (!access) return unsupported(inst, access.error().message);
  abi::SurfaceOperation operation = access->operation;
  operation.width = uint8_t(width_);
  operation.uniform = isUniformHandle(*access->surface);
  const bool loads = inst.form == ptx::Form::Suld;

  Value* handles = textureHandles(*access->surface, operation.uniform, TextureMemory::Handles);
  Value* coordinates = laneRows(access->coordinates);
  // Memory holds whole words; registers may be narrower.
  Type laneWord = operation.bytes == 8 ? Type::B64 : Type::B32;
  llvm::Type* row = vectorOf(b.getIntNTy(ptx::bits(laneWord)));
  uint64_t rowBytes = uint64_t(width_) * ptx::bytes(laneWord);
  Value* data = textureMemory(TextureMemory::Results);
  auto rowAt = [&](unsigned i) { return b.CreateConstGEP1_64(b.getInt8Ty(), data, i * rowBytes); };
  if (!loads)
    for (unsigned i = 0; i < operation.count; ++i) {
      Value* v = read(analysis::element(*access->values, i), ptx::bitsType(ptx::bits(inst.type())), true);
      b.CreateAlignedStore(b.CreateZExtOrBitCast(v, row), rowAt(i), llvm::Align(32));
    }
  llvm::Type *ptr = b.getPtrTy(), *word = b.getInt32Ty();
  service(offsetof(abi::Services, surface), llvm::FunctionType::get(b.getVoidTy(), {ptr, word, word, word, ptr, ptr, ptr}, false),
          {ctx_, warp_, maskBits(mask_), i32(operation.pack()), handles, coordinates, data});
  if (!loads) return;
  for (unsigned i = 0; i < operation.count; ++i)
    if (const Operand& to = analysis::element(*access->values, i); to.isReg()) write(to, laneWord, b.CreateAlignedLoad(row, rowAt(i), llvm::Align(32)));
}

}  // namespace anywarp::codegen
