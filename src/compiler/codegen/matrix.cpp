// Matrix instructions: products and transposition in registers (PTX: Warp Level Matrix Multiply-Accumulate Instructions). Loads and
// stores of matrices are in matrix_memory.cpp. SPDX-License-Identifier: Apache-2.0
#include "compiler/codegen/emitter.h"
#include "compiler/codegen/matrix_product.h"

namespace anywarp::codegen {

using ptx::Form;
using ptx::Operand;
using ptx::Type;

void FunctionEmitter::emitMatrix(const Inst& inst) {
  switch (inst.form) {
    case Form::Mma: case Form::MmaSparse: case Form::WmmaMma: case Form::WmmaMmaHalf: return emitMatrixProduct(inst);
    case Form::WmmaLoad: return emitWmmaLoad(inst);
    case Form::WmmaStore: return emitWmmaStore(inst);
    case Form::Ldmatrix: return emitLdmatrix(inst);
    case Form::Stmatrix: return emitStmatrix(inst);
    case Form::Movmatrix: return emitMovmatrix(inst);
    default:
      return unsupported(inst, std::string(ptx::formInfo(inst.form).mnemonic) + " (" + ptx::formInfo(inst.form).name + ") is not supported yet");
  }
}

llvm::SmallVector<Value*, 8> FunctionEmitter::readFragment(const Inst& inst, unsigned slot, const ptx::Fragment& fragment) {
  llvm::SmallVector<Value*, 8> registers;
  const Operand& o = inst.operands[slot];
  for (unsigned r = 0; r < fragment.distinctRegisters(); ++r)
    registers.push_back(read(o.kind == Operand::Kind::Vector ? o.elements[r] : o, ptx::slotType(inst, slot), true));
  return registers;
}

void FunctionEmitter::writeFragment(const Inst& inst, unsigned slot, const ptx::Fragment& fragment, llvm::ArrayRef<Value*> registers) {
  const Operand& o = inst.operands[slot];
  for (unsigned r = 0; r < fragment.registers; ++r)
    write(o.kind == Operand::Kind::Vector ? o.elements[r] : o, ptx::slotType(inst, slot), registers[r % fragment.distinctRegisters()]);
}

// Lanes that are elsewhere take part with whatever they hold; results are written where the mask says.
void FunctionEmitter::emitMatrixProduct(const Inst& inst) {
  auto product = ptx::matrixProduct(inst);
  if (!product) return unsupported(inst, product.error().message);
  MatrixOperands operands;
  operands.a = readFragment(inst, 1, product->fragmentA);
  operands.b = readFragment(inst, 2, product->fragmentB);
  operands.c = readFragment(inst, 3, product->fragmentC);
  if (product->sparse) {
    operands.metadata = read(inst.operands[4], Type::B32, true);
    operands.selector = unsigned(inst.operands[5].bits);
  }
  writeFragment(inst, 0, product->fragmentD, emitProduct(pure_, *product, operands));
}

// Rows become columns: 16-bit elements of an 8x8 matrix, two in each lane.
llvm::SmallVector<int, 64> transposed8x8() {
  llvm::SmallVector<int, 64> from;
  for (int i = 0; i < 64; ++i) from.push_back(i % 8 * 8 + i / 8);
  return from;
}

void FunctionEmitter::emitMovmatrix(const Inst& inst) {
  Value* halves = unpack(pure_, read(inst.operands[1], Type::B32, true), 16);
  write(inst.operands[0], Type::B32, pack(pure_, b.CreateShuffleVector(halves, transposed8x8()), 32));
}

}  // namespace anywarp::codegen
