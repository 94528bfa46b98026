// Matrix fragments: which lane holds which element of a matrix (PTX: Warp Level Matrix Multiply-Accumulate Instructions).
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "compiler/ptx/ast.h"

namespace anywarp::ptx {

enum class MatrixRole : uint8_t { A, B, C };  // D lies as C does

struct MatrixShape {
  unsigned m = 0, n = 0, k = 0;
};

struct MatrixPlace {
  unsigned matrix, row, column;
};

// How the lanes of a warp hold one matrix. A lane's elements are numbered through its registers, low bits first.
struct Fragment {
  MatrixRole role = MatrixRole::A;
  MatrixShape shape;
  Type type = Type::None;
  unsigned rows = 0, columns = 0;  // of the matrix as it is held: a sparse A has half its columns
  unsigned matrices = 1;           // 4 where each quad pair of lanes multiplies matrices of its own (m8n8k4 of f16)
  unsigned elements = 0;           // of one lane
  unsigned perRegister = 1;        // elements in one register
  unsigned registers = 0;          // as written; more than distinctRegisters() where the first ones are repeated (f16 A and B of wmma)
  bool columnMajor = false;        // matters only for quad pairs

  unsigned distinctRegisters() const { return elements / perRegister; }
  unsigned elementBits() const { return bits(type); }
  MatrixPlace at(unsigned lane, unsigned element) const;
};

// mma, mma.sp and wmma.mma taken apart: D = A * B + C.
struct MatrixProduct {
  MatrixShape shape;
  Type d = Type::None, a = Type::None, b = Type::None, c = Type::None;
  Fragment fragmentA, fragmentB, fragmentC, fragmentD;
  bool sparse = false;
  bool satfinite = false;
  Mod bitOperation = Mod::None;  // And, Xor: of b1
  Mod rounding = Mod::Rn;        // of f64

  bool isFloat() const { return ptx::isFloat(d); }
};

// The error says why the manual has no such instruction.
Result<MatrixProduct> matrixProduct(const Instruction& instruction);
// The same from the opcode alone.
Result<MatrixProduct> matrixProductOfOpcode(const Instruction& instruction);
// wmma.load and wmma.store.
Result<Fragment> wmmaFragment(const Instruction& instruction);

// Where the position of a sparse A's element stands: bits of the metadata register of a lane.
struct SparseIndex {
  unsigned lane, shift;
};
SparseIndex sparseIndex(const MatrixProduct& product, unsigned selector, unsigned row, unsigned column);
// How the bits there choose among the columns of the full matrix: column first + step * value, value being `bits` wide after
// `skip` bits.
struct SparseChoice {
  unsigned first, step, skip, bits;
};
SparseChoice sparseChoice(const MatrixProduct& product, unsigned column);
// How many values operand f, the sparsity selector, may have.
unsigned sparseSelectors(const MatrixProduct& product);

}  // namespace anywarp::ptx
