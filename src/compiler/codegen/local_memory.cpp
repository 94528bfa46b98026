// Local memory that only its thread reaches, laid out by words: the lanes of a warp side by side in each. An index that is the same for
// all lanes is then a vector in memory, and one that differs stays within a few cache lines. SPDX-License-Identifier: Apache-2.0
#include "compiler/codegen/emitter.h"

namespace anywarp::codegen {
namespace {

constexpr unsigned wordBytes = 4;

llvm::SmallVector<ptx::Operand, 8> elementsOf(const ptx::Operand& o) {
  if (o.kind != ptx::Operand::Kind::Vector) return {o};
  return {o.elements.begin(), o.elements.end()};
}

}  // namespace

Value* FunctionEmitter::localOfWarp() {
  return b.CreateGEP(b.getInt8Ty(), local_, b.CreateMul(b.CreateZExt(threadIndex(), b.getInt64Ty()), localStride_));
}

// Where a thread accesses its local memory: i64, or lanes of it. Must be a multiple of `bytes`.
Value* FunctionEmitter::localOffset(const Inst& inst, const ptx::Operand& at, unsigned bytes) {
  Value* offset;
  if (at.hasSymbol || at.reg == ptx::noReg) {
    ptx::Operand base = at;
    base.offset = 0;
    ptx::Space space = ptx::Space::Local;
    offset = at.hasSymbol ? symbolAddress(base, space) : i64(0);
  } else {
    offset = readRegister(at.reg, !a_.shapes.registers[at.reg].isUniform());
    llvm::Type* wide = offset->getType()->isVectorTy() ? vectorOf(b.getInt64Ty()) : static_cast<llvm::Type*>(b.getInt64Ty());
    offset = b.CreateZExt(offset, wide);
  }
  auto* type = offset->getType();
  if (at.offset) offset = b.CreateAdd(offset, llvm::ConstantInt::get(type, uint64_t(at.offset)));
  Address check;
  check.space = ptx::Space::Local;
  if (type->isVectorTy()) {
    check.kind = Address::Kind::Vector;
    check.lanes = b.CreateAdd(localWindows(), offset);
  } else {
    check.window = localOfWarp();
    check.base = offset;
  }
  checkAlignment(inst, check, bytes, true);
  return offset;
}

// The lanes' places of `size` bytes, at most a word.
Address FunctionEmitter::localWord(Value* offset, unsigned size) {
  Address a;
  a.space = ptx::Space::Local;
  auto* type = offset->getType();
  auto constant = [&](uint64_t v) { return llvm::ConstantInt::get(type, v); };
  Value* word = b.CreateMul(b.CreateAnd(offset, constant(~uint64_t(wordBytes - 1))), constant(width_));
  if (size < wordBytes) word = b.CreateOr(word, b.CreateAnd(offset, constant(wordBytes - 1)));
  if (type->isVectorTy()) {
    a.kind = Address::Kind::Vector;
    Value* lanes = affineLanes(b.CreatePtrToInt(localOfWarp(), b.getInt64Ty()), wordBytes);
    a.lanes = b.CreateAdd(lanes, word);
    return a;
  }
  a.kind = Address::Kind::Strided;
  a.window = localOfWarp();
  a.base = word;
  a.stride = wordBytes;
  return a;
}

void FunctionEmitter::loadLocalByLanes(const Inst& inst) {
  auto elements = elementsOf(inst.operands[0]);
  ptx::Type type = inst.type();
  unsigned size = ptx::bits(type) / 8, words = std::max(size / wordBytes, 1u);
  Value* offset = localOffset(inst, inst.operands[1], size * unsigned(elements.size()));
  llvm::Type* vector = vectorOf(b.getIntNTy(size * 8));
  for (unsigned i = 0; i < elements.size(); ++i) {
    Value* v = nullptr;
    for (unsigned w = 0; w < words; ++w) {
      Value* at = b.CreateAdd(offset, llvm::ConstantInt::get(offset->getType(), i * size + w * wordBytes));
      Value* part = loadLanes(inst, localWord(at, std::min(size, wordBytes)), b.getIntNTy(std::min(size, wordBytes) * 8), 1)[0];
      if (words == 1) v = part;
      else part = b.CreateShl(b.CreateZExt(part, vector), llvm::ConstantInt::get(vector, uint64_t(w) * wordBytes * 8));
      v = v && words > 1 ? b.CreateOr(v, part) : part;
    }
    if (llvm::Type* lane = laneType(type); lane != vector->getScalarType()) v = b.CreateBitCast(v, vectorOf(lane));
    write(elements[i], type, v);
  }
}

void FunctionEmitter::storeLocalByLanes(const Inst& inst) {
  auto elements = elementsOf(inst.operands[1]);
  ptx::Type type = inst.type();
  unsigned size = ptx::bits(type) / 8, words = std::max(size / wordBytes, 1u);
  Value* offset = localOffset(inst, inst.operands[0], size * unsigned(elements.size()));
  llvm::Type* vector = vectorOf(b.getIntNTy(size * 8));
  llvm::Type* word = vectorOf(b.getIntNTy(std::min(size, wordBytes) * 8));
  for (unsigned i = 0; i < elements.size(); ++i) {
    Value* v = read(elements[i], type, true);
    if (v->getType() != vector) v = b.CreateBitCast(v, vector);
    for (unsigned w = 0; w < words; ++w) {
      Value* at = b.CreateAdd(offset, llvm::ConstantInt::get(offset->getType(), i * size + w * wordBytes));
      Value* part = words == 1 ? v : b.CreateTrunc(b.CreateLShr(v, llvm::ConstantInt::get(vector, uint64_t(w) * wordBytes * 8)), word);
      storeLanes(inst, localWord(at, std::min(size, wordBytes)), word->getScalarType(), {part});
    }
  }
}

}  // namespace anywarp::codegen
