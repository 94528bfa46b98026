// Loads and stores of matrices: ldmatrix, stmatrix, wmma.load, wmma.store (PTX: Warp Level Matrix Multiply-Accumulate Instructions).
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <llvm/Analysis/VectorUtils.h>

#include "compiler/codegen/emitter.h"
#include "compiler/codegen/matrix_product.h"

namespace anywarp::codegen {

using llvm::FixedVectorType;
using ptx::Fragment;
using ptx::MatrixRole;
using ptx::Mod;
using ptx::Operand;
using ptx::Type;

llvm::SmallVector<int, 64> transposed8x8();

namespace {

Value* joined(llvm::IRBuilder<>& b, llvm::ArrayRef<Value*> parts) { return parts.size() == 1 ? parts[0] : llvm::concatenateVectors(b, parts); }

Value* slice(llvm::IRBuilder<>& b, Value* v, unsigned first, unsigned count) {
  llvm::SmallVector<int, 64> lanes;
  for (unsigned i = 0; i < count; ++i) lanes.push_back(int(first + i));
  return b.CreateShuffleVector(v, lanes);
}

unsigned matrixCount(const Inst& inst) { return inst.has(Mod::X4) ? 4 : inst.has(Mod::X2) ? 2 : 1; }

// The stretch of a matrix in memory that one register (of an accumulator: two) of all lanes covers: `lines` rows or columns, whichever
// lie in one piece, of `length` units each. A unit is an element, or 32 bits of elements smaller than a byte.
class Block {
 public:
  Block(const Fragment& f, unsigned block) : f_(f) {
    const bool small = f.elementBits() < 8;
    unitElements_ = small ? f.perRegister : 1;
    unitBits_ = small ? 32 : f.elementBits();
    unitsPerLane_ = f.role == MatrixRole::C ? 2 : small ? 1 : f.perRegister;
    firstUnit_ = block * unitsPerLane_;
    unsigned lastLine = 0, lastUnit = 0;
    for (unsigned lane = 0; lane < warp; ++lane)
      for (unsigned i = 0; i < unitsPerLane_; ++i) {
        auto [line, unit] = place(lane, i);
        line_ = std::min(line_, line), unit_ = std::min(unit_, unit);
        lastLine = std::max(lastLine, line), lastUnit = std::max(lastUnit, unit);
      }
    lines_ = lastLine - line_ + 1;
    length_ = lastUnit - unit_ + 1;
  }

  static unsigned count(const Fragment& f) { return f.elements / (f.role == MatrixRole::C ? 2 : f.perRegister); }
  unsigned registers() const { return f_.role == MatrixRole::C && f_.perRegister == 1 ? 2 : 1; }
  unsigned unitBits() const { return unitBits_; }
  unsigned unitsPerLane() const { return unitsPerLane_; }
  unsigned lines() const { return lines_; }
  unsigned length() const { return length_; }
  unsigned line() const { return line_; }
  unsigned byteInLine() const { return unit_ * unitBits_ / 8; }

  // In the block's lines, one after the other: unit i of a lane.
  unsigned position(unsigned lane, unsigned i) const {
    auto [line, unit] = place(lane, i);
    return (line - line_) * length_ + unit - unit_;
  }

 private:
  std::pair<unsigned, unsigned> place(unsigned lane, unsigned i) const {
    const ptx::MatrixPlace p = f_.at(lane, (firstUnit_ + i) * unitElements_);
    return f_.columnMajor ? std::pair{p.column, p.row / unitElements_} : std::pair{p.row, p.column / unitElements_};
  }

  const Fragment& f_;
  unsigned unitElements_, unitBits_, unitsPerLane_, firstUnit_;
  unsigned line_ = ~0u, unit_ = ~0u, lines_, length_;
};

// Through memory, as loads are cheaper than taking vectors apart; volatile, or LLVM would undo it.
llvm::SmallVector<Value*, 32> pointersOf(llvm::IRBuilder<>& b, Value* addresses, llvm::AllocaInst* spilled, unsigned rows) {
  spilled->setAlignment(llvm::Align(64));
  b.CreateAlignedStore(addresses, spilled, llvm::Align(64));
  llvm::SmallVector<Value*, 32> result;
  for (unsigned i = 0; i < rows; ++i)
    result.push_back(b.CreateIntToPtr(b.CreateLoad(b.getInt64Ty(), b.CreateConstInBoundsGEP1_64(b.getInt64Ty(), spilled, i), true), b.getPtrTy()));
  return result;
}

// Eight rows of 16 bytes as a register.
Value* loadMatrix(PureEmitter& e, llvm::ArrayRef<Value*> rows, bool transposed, llvm::function_ref<Value*(llvm::LoadInst*)> loaded) {
  llvm::SmallVector<Value*, 8> parts;
  for (Value* row : rows) parts.push_back(loaded(e.b.CreateAlignedLoad(FixedVectorType::get(e.b.getInt32Ty(), 4), row, llvm::Align(16))));
  Value* v = joined(e.b, parts);
  return transposed ? pack(e, e.b.CreateShuffleVector(unpack(e, v, 16), transposed8x8()), 32) : v;
}

}  // namespace

// Where the rows of 8x8 matrices lie: lane i has the address of row i. Rows of lanes that are elsewhere lie in scratch memory. Either a
// pointer for each row, or one vector of all lanes' addresses.
llvm::SmallVector<Value*, 32> FunctionEmitter::matrixRows(const Inst& inst, unsigned slot, unsigned rows) {
  Address a = address(inst, inst.operands[slot], inst.space());
  llvm::SmallVector<llvm::Constant*, 32> holds;
  for (unsigned i = 0; i < width_; ++i) holds.push_back(b.getInt1(i < rows));
  Value* before = mask_;
  mask_ = b.CreateAnd(mask_, llvm::ConstantVector::get(holds));
  checkAlignment(inst, a, 16);
  mask_ = before;

  llvm::SmallVector<Value*, 32> result;
  const bool whole = isFull(mask_);
  if (whole && (a.kind == Address::Kind::Uniform || (a.kind == Address::Kind::Strided && !a.valid))) {
    for (unsigned i = 0; i < rows; ++i) result.push_back(pointer(shifted(a, a.stride * int64_t(i))));
    return result;
  }
  Value* all = pointers(a);
  if (!whole) {
    Value* scratch = stackSlot(FixedVectorType::get(b.getInt32Ty(), 4), "no.row");
    all = b.CreateSelect(mask_, all, splat(b.CreatePtrToInt(scratch, b.getInt64Ty())));
  }
  return llvm::SmallVector<Value*, 32>{all};
}

void FunctionEmitter::emitLdmatrix(const Inst& inst) {
  const unsigned count = matrixCount(inst);
  const Operand& to = inst.operands[0];
  if (inst.type() != Type::B16 || !inst.has(Mod::M8n8)) return unsupported(inst, "ldmatrix of this shape and type is not supported yet");
  if (to.elements.size() != count) return unsupported(inst, "ldmatrix: one register for each matrix is needed");
  const bool transposed = inst.has(Mod::Trans);
  auto rows = matrixRows(inst, 1, 8 * count);
  llvm::SmallVector<Value*, 4> matrices;
  if (rows.size() == 1) {
    // One function for all of them: a hundred instructions each time would be much of what a kernel of matrix products is.
    std::string name = "ldmatrix" + std::to_string(count) + (transposed ? ".trans" : "");
    Value* all = outOfLine(pure_, name, {rows[0]}, FixedVectorType::get(b.getInt32Ty(), warp * count), [&](PureEmitter& e, llvm::ArrayRef<Value*> args) {
      auto pointers = pointersOf(e.b, args[0], e.b.CreateAlloca(args[0]->getType()), 8 * count);
      llvm::SmallVector<Value*, 4> loaded;
      for (unsigned m = 0; m < count; ++m)
        loaded.push_back(loadMatrix(e, llvm::ArrayRef<Value*>(pointers).slice(8 * m, 8), transposed, [](llvm::LoadInst* load) { return load; }));
      return joined(e.b, loaded);
    });
    llvm::cast<llvm::CallInst>(all)->setOnlyReadsMemory();
    for (unsigned m = 0; m < count; ++m) matrices.push_back(slice(b, all, warp * m, warp));
  } else {
    for (unsigned m = 0; m < count; ++m)
      matrices.push_back(loadMatrix(pure_, llvm::ArrayRef<Value*>(rows).slice(8 * m, 8), transposed, [&](llvm::LoadInst* load) { return ofProgram(load); }));
  }
  for (unsigned m = 0; m < count; ++m) write(to.elements[m], Type::B32, matrices[m]);
}

void FunctionEmitter::emitStmatrix(const Inst& inst) {
  const unsigned count = matrixCount(inst);
  const Operand& from = inst.operands[1];
  if (inst.type() != Type::B16 || !inst.has(Mod::M8n8)) return unsupported(inst, "stmatrix of this shape and type is not supported yet");
  if (from.elements.size() != count) return unsupported(inst, "stmatrix: one register for each matrix is needed");
  auto rows = matrixRows(inst, 0, 8 * count);
  if (rows.size() == 1) rows = pointersOf(b, rows[0], stackSlot(rows[0]->getType(), "rows"), 8 * count);
  for (unsigned m = 0; m < count; ++m) {
    Value* v = read(from.elements[m], Type::B32, true);
    if (inst.has(Mod::Trans)) v = pack(pure_, b.CreateShuffleVector(unpack(pure_, v, 16), transposed8x8()), 32);
    for (unsigned r = 0; r < 8; ++r) ofProgram(b.CreateAlignedStore(slice(b, v, 4 * r, 4), rows[8 * m + r], llvm::Align(16)));
  }
}

// All lanes have the same address and stride.
FunctionEmitter::MatrixLines FunctionEmitter::matrixLines(const Inst& inst, unsigned slot, const Fragment& fragment) {
  Address a = address(inst, inst.operands[slot], inst.space());
  MatrixLines lines;
  lines.base = a.kind == Address::Kind::Uniform ? pointer(a) : b.CreateIntToPtr(ofFirstActive(pointers(a), 0, width_), b.getPtrTy());
  const Operand& stride = inst.operands[2];
  Value* elements;
  if (stride.isNone()) {
    elements = i64(fragment.columnMajor ? fragment.rows : fragment.columns);
  } else {
    const bool uniform = shapeOf(stride).isUniform();
    Value* v = read(stride, Type::U32, !uniform);
    elements = b.CreateZExt(uniform ? v : ofFirstActive(v, 0, width_), b.getInt64Ty());
  }
  lines.bytes = b.CreateLShr(b.CreateMul(elements, i64(fragment.elementBits())), 3);
  return lines;
}

Value* FunctionEmitter::linePointer(const MatrixLines& lines, unsigned line, unsigned byte) {
  Value* offset = b.CreateAdd(b.CreateMul(lines.bytes, i64(line)), i64(byte));
  return b.CreateGEP(b.getInt8Ty(), lines.base, offset);
}

void FunctionEmitter::emitWmmaLoad(const Inst& inst) {
  auto fragment = ptx::wmmaFragment(inst);
  if (!fragment) return unsupported(inst, fragment.error().message);
  MatrixLines lines = matrixLines(inst, 1, *fragment);
  llvm::SmallVector<Value*, 8> registers;
  for (unsigned n = 0; n < Block::count(*fragment); ++n) {
    const Block block(*fragment, n);
    llvm::Type* unit = b.getIntNTy(block.unitBits());
    llvm::SmallVector<Value*, 8> parts;
    for (unsigned l = 0; l < block.lines(); ++l)
      parts.push_back(ofProgram(b.CreateAlignedLoad(FixedVectorType::get(unit, block.length()), linePointer(lines, block.line() + l, block.byteInLine()), llvm::Align(std::max(1u, block.unitBits() / 8)))));
    Value* all = joined(b, parts);
    const unsigned each = block.unitsPerLane() / block.registers();
    for (unsigned r = 0; r < block.registers(); ++r) {
      llvm::SmallVector<int, 128> pick;
      for (unsigned lane = 0; lane < warp; ++lane)
        for (unsigned i = 0; i < each; ++i) pick.push_back(int(block.position(lane, r * each + i)));
      Value* units = b.CreateShuffleVector(all, pick);
      registers.push_back(each > 1 ? pack(pure_, units, 32) : units);
    }
  }
  llvm::Type* lane = laneType(ptx::slotType(inst, 0));
  for (Value*& v : registers) v = b.CreateBitCast(v, vectorOf(lane));
  writeFragment(inst, 0, *fragment, registers);
}

void FunctionEmitter::emitWmmaStore(const Inst& inst) {
  auto fragment = ptx::wmmaFragment(inst);
  if (!fragment) return unsupported(inst, fragment.error().message);
  MatrixLines lines = matrixLines(inst, 0, *fragment);
  auto registers = readFragment(inst, 1, *fragment);
  for (unsigned n = 0; n < Block::count(*fragment); ++n) {
    const Block block(*fragment, n);
    const unsigned each = block.unitsPerLane() / block.registers();
    // Units of the block's registers, lane by lane.
    llvm::SmallVector<Value*, 2> parts;
    for (unsigned r = 0; r < block.registers(); ++r) {
      Value* v = asInt(pure_, registers[n * block.registers() + r]);
      parts.push_back(each > 1 ? unpack(pure_, v, block.unitBits()) : v);
    }
    llvm::SmallVector<int, 128> from(block.lines() * block.length());
    for (unsigned lane = 0; lane < warp; ++lane)
      for (unsigned i = 0; i < block.unitsPerLane(); ++i)
        from[block.position(lane, i)] = int(i / each * warp * each + lane * each + i % each);
    Value* all = b.CreateShuffleVector(parts[0], parts.back(), from);
    for (unsigned l = 0; l < block.lines(); ++l)
      ofProgram(b.CreateAlignedStore(slice(b, all, l * block.length(), block.length()), linePointer(lines, block.line() + l, block.byteInLine()), llvm::Align(std::max(1u, block.unitBits() / 8))));
  }
}

}  // namespace anywarp::codegen
