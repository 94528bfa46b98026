// Matrix instructions of a warp, element by element (PTX: Warp Level Matrix Multiply-Accumulate Instructions). The order in which
// products are added is that of docs/decisions/0011-order-of-matrix-sums.md. SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <bit>
#include <cmath>

#include "compiler/ptx/fragments.h"
#include "interp/number.h"
#include "interp/step.h"

namespace anywarp::interp {
namespace {

using ptx::Fragment;
using ptx::MatrixPlace;
using ptx::MatrixProduct;

// The lanes of a warp at one instruction; null where there is none. Empty: some are not here yet, and this thread waits.
struct Warp {
  Thread* lanes[warpSize] = {};
  bool complete = false;
};

bool standsHere(const Step& step, const Thread& other) {
  if (&other == &step.thread) return true;
  return other.state == ThreadState::Waiting && other.barrier < 0 && other.frames.size() == step.thread.frames.size() &&
         &other.instruction() == &step.inst;
}

Warp gatherWarp(Step& step) {
  Warp warp;
  for (uint32_t i = 0; i < warpSize; i++) {
    Thread* other = step.block().lane(step.thread.warp(), i);
    if (!other || other->state == ThreadState::Exited) continue;
    if (!standsHere(step, *other)) {
      step.wait();
      return {};
    }
    warp.lanes[i] = other;
  }
  warp.complete = true;
  return warp;
}

// Lets the lanes that waited go on.
void release(Step& step, const Warp& warp) {
  for (Thread* thread : warp.lanes) {
    if (!thread || thread == &step.thread) continue;
    thread->state = ThreadState::Ready;
    thread->polls = 0;
    thread->frame().pc++;
  }
}

const Operand& registerOf(const Operand& operand, size_t index) {
  return operand.kind == Operand::Kind::Vector ? operand.elements[index] : operand;
}

Type registerType(const Fragment& fragment) {
  if (ptx::bits(fragment.type) == 64) return Type::B64;
  return Type::B32;
}

// The elements of a matrix, as bits.
class Matrix {
 public:
  explicit Matrix(const Fragment& fragment)
      : rows_(fragment.rows), columns_(fragment.columns), bits_(size_t{fragment.matrices} * rows_ * columns_) {}
  uint64_t& at(MatrixPlace place) { return bits_[(place.matrix * rows_ + place.row) * columns_ + place.column]; }
  uint64_t& at(unsigned matrix, unsigned row, unsigned column) { return at({matrix, row, column}); }

 private:
  size_t rows_, columns_;
  std::vector<uint64_t> bits_;
};

// Missing lanes give zeros.
Matrix readMatrix(Step& step, const Warp& warp, const Fragment& fragment, size_t slot) {
  Matrix matrix(fragment);
  for (uint32_t lane = 0; lane < warpSize; lane++) {
    if (!warp.lanes[lane]) continue;
    Step at(step.grid, *warp.lanes[lane]);
    for (unsigned i = 0; i < fragment.elements; i++) {
      uint64_t word = at.bits(registerOf(step.operand(slot), i / fragment.perRegister), registerType(fragment));
      matrix.at(fragment.at(lane, i)) = lowBits(word >> (i % fragment.perRegister * fragment.elementBits()), fragment.elementBits());
    }
  }
  return matrix;
}

void writeMatrix(Step& step, const Warp& warp, const Fragment& fragment, size_t slot, Matrix& matrix) {
  for (uint32_t lane = 0; lane < warpSize; lane++) {
    if (!warp.lanes[lane]) continue;
    Step at(step.grid, *warp.lanes[lane]);
    for (unsigned r = 0; r < fragment.registers; r++) {
      uint64_t word = 0;
      for (unsigned e = 0; e < fragment.perRegister; e++) {
        unsigned element = r % fragment.distinctRegisters() * fragment.perRegister + e;
        word |= matrix.at(fragment.at(lane, element)) << (e * fragment.elementBits());
      }
      at.set(registerOf(step.operand(slot), r), registerType(fragment), word);
    }
  }
}

double numberOf(Type type, uint64_t bits) {
  switch (type) {
    case Type::F16: return decode(f16Format, bits);
    case Type::BF16: return decode(bf16Format, bits);
    case Type::TF32: return decode(f32Format, bits & 0xffffe000);  // the lower bits are not looked at
    case Type::F32: return decode(f32Format, bits);
    case Type::E4M3: return decode(e4m3Format, bits);
    case Type::E5M2: return decode(e5m2Format, bits);
    default: return decode(f64Format, bits);
  }
}

int64_t integerOf(Type type, uint64_t bits) {
  return ptx::isSigned(type) ? signExtend(bits, ptx::bits(type)) : static_cast<int64_t>(bits);
}

// The column of the full matrix that an element of a sparse A stands for.
unsigned fullColumn(Step& step, const Warp& warp, const MatrixProduct& product, unsigned row, unsigned column) {
  if (!product.sparse) return column;
  ptx::SparseIndex index = ptx::sparseIndex(product, static_cast<unsigned>(step.operand(5).bits), row, column);
  ptx::SparseChoice choice = ptx::sparseChoice(product, column);
  uint64_t metadata = 0;
  if (Thread* holder = warp.lanes[index.lane]) metadata = Step(step.grid, *holder).bits(4, Type::B32);
  return choice.first + choice.step * static_cast<unsigned>(lowBits(metadata >> (index.shift + choice.skip), choice.bits));
}

struct Factors {
  std::vector<uint64_t> a, b;  // one row of A, and what its elements meet in one column of B
};

// Even and odd products apart, each in order from +0; then both together, then with c. All of it in f32.
uint64_t singleSum(const MatrixProduct& product, const Factors& factors, uint64_t c) {
  float sums[2] = {0, 0};
  for (size_t k = 0; k < factors.a.size(); k++) {
    float a = static_cast<float>(numberOf(product.a, factors.a[k])), b = static_cast<float>(numberOf(product.b, factors.b[k]));
    sums[k % 2] = std::fma(a, b, sums[k % 2]);
  }
  float products = sums[0] + sums[1];
  float sum = static_cast<float>(numberOf(product.c, c)) + products;
  return encode(product.d == Type::F16 ? f16Format : f32Format, sum, Rounding::NearestEven);
}

Rounding roundingOf(Mod mod) {
  switch (mod) {
    case Mod::Rz: return Rounding::Zero;
    case Mod::Rm: return Rounding::Down;
    case Mod::Rp: return Rounding::Up;
    default: return Rounding::NearestEven;
  }
}

// In order from c.
uint64_t doubleSum(const MatrixProduct& product, const Factors& factors, uint64_t c) {
  double sum = std::bit_cast<double>(c);
  for (size_t k = 0; k < factors.a.size(); k++)
    sum = fmaRounded(std::bit_cast<double>(factors.a[k]), std::bit_cast<double>(factors.b[k]), sum, roundingOf(product.rounding));
  return std::bit_cast<uint64_t>(sum);
}

uint64_t integerSum(const MatrixProduct& product, const Factors& factors, uint64_t c) {
  int64_t sum = static_cast<int32_t>(c);
  for (size_t k = 0; k < factors.a.size(); k++) {
    int64_t a = integerOf(product.a, factors.a[k]), b = integerOf(product.b, factors.b[k]);
    sum += product.bitOperation == Mod::And ? (a & b) : product.bitOperation == Mod::Xor ? (a ^ b) : a * b;
  }
  if (product.satfinite) sum = std::clamp<int64_t>(sum, INT32_MIN, INT32_MAX);
  return static_cast<uint32_t>(sum);
}

uint64_t sumOf(const MatrixProduct& product, const Factors& factors, uint64_t c) {
  if (product.d == Type::S32) return integerSum(product, factors, c);
  if (product.d == Type::F64) return doubleSum(product, factors, c);
  return singleSum(product, factors, c);
}

// The space that ldmatrix, wmma.load and their likes name.
uint8_t* place(Step& step, size_t slot, uint64_t offset, uint64_t size, bool write) {
  Space space = step.spaceOf(step.operand(slot), step.inst.space());
  return step.memory(space, step.address(step.operand(slot)) + offset, size, write);
}

// --- ldmatrix, stmatrix: 8x8 matrices of 16-bit elements, rows of 16 bytes whose addresses the lanes give

unsigned matrixCount(const Step& step) { return step.has(Mod::X4) ? 4 : step.has(Mod::X2) ? 2 : 1; }

struct RowPlace {
  unsigned row, byte;
};
// Of the half-word `half` of a lane's register.
RowPlace rowPlace(bool transposed, unsigned lane, unsigned half) {
  unsigned row = lane / 4, column = lane % 4 * 2 + half;
  return transposed ? RowPlace{column, 2 * row} : RowPlace{row, 2 * column};
}

// Checks what the row of the table leaves open.
bool supported(Step& step, size_t registerSlot) {
  const auto& registers = step.operand(registerSlot).elements;
  if (step.type() != Type::B16 || !step.has(Mod::M8n8)) step.unsupported(describe(step.inst) + " is not supported yet");
  else if (registers.size() != matrixCount(step)) step.fault(FaultKind::Invalid, describe(step.inst) + " needs one register for each matrix");
  else return true;
  return false;
}

uint8_t* matrixRow(Step& step, const Warp& warp, size_t slot, unsigned lane, bool write) {
  if (!warp.lanes[lane]) return nullptr;
  Step at(step.grid, *warp.lanes[lane]);
  if (at.address(at.operand(slot)) % 16) {
    at.fault(FaultKind::MisalignedAddress, "matrix row at " + hex(at.address(at.operand(slot))) + " is not aligned to 16 bytes");
    return nullptr;
  }
  return place(at, slot, 0, 16, write);
}

}  // namespace

void mma(Step& step) {
  Warp warp = gatherWarp(step);
  if (!warp.complete) return;
  auto decoded = ptx::matrixProduct(step.inst);
  if (!decoded) return step.fault(FaultKind::Invalid, decoded.error().message);
  const MatrixProduct& product = *decoded;
  Matrix a = readMatrix(step, warp, product.fragmentA, 1), b = readMatrix(step, warp, product.fragmentB, 2);
  Matrix c = readMatrix(step, warp, product.fragmentC, 3), d(product.fragmentD);
  for (unsigned matrix = 0; matrix < product.fragmentD.matrices; matrix++)
    for (unsigned row = 0; row < product.shape.m; row++)
      for (unsigned column = 0; column < product.shape.n; column++) {
        Factors factors;
        for (unsigned k = 0; k < product.fragmentA.columns; k++) {
          factors.a.push_back(a.at(matrix, row, k));
          factors.b.push_back(b.at(matrix, fullColumn(step, warp, product, row, k), column));
        }
        d.at(matrix, row, column) = sumOf(product, factors, c.at(matrix, row, column));
      }
  writeMatrix(step, warp, product.fragmentD, 0, d);
  release(step, warp);
}

// Row-major matrices have `stride` elements from row to row, column-major ones from column to column; without a stride they are dense.
void wmmaLoad(Step& step) {
  Warp warp = gatherWarp(step);
  if (!warp.complete) return;
  auto fragment = ptx::wmmaFragment(step.inst);
  if (!fragment) return step.fault(FaultKind::Invalid, fragment.error().message);
  Matrix matrix(*fragment);
  for (uint32_t lane = 0; lane < warpSize; lane++) {
    if (!warp.lanes[lane]) continue;
    Step at(step.grid, *warp.lanes[lane]);
    uint64_t stride = at.present(2) ? at.bits(2, Type::U32) : fragment->columnMajor ? fragment->rows : fragment->columns;
    for (unsigned i = 0; i < fragment->elements; i++) {
      MatrixPlace p = fragment->at(lane, i);
      uint64_t bit = (fragment->columnMajor ? p.column * stride + p.row : p.row * stride + p.column) * fragment->elementBits();
      const uint8_t* from = place(at, 1, bit / 8, std::max(1u, fragment->elementBits() / 8), false);
      if (!from) return;
      matrix.at(p) = lowBits(step.load(from, std::max(1u, fragment->elementBits() / 8)) >> bit % 8, fragment->elementBits());
    }
  }
  writeMatrix(step, warp, *fragment, 0, matrix);
  release(step, warp);
}

void wmmaStore(Step& step) {
  Warp warp = gatherWarp(step);
  if (!warp.complete) return;
  auto fragment = ptx::wmmaFragment(step.inst);
  if (!fragment) return step.fault(FaultKind::Invalid, fragment.error().message);
  Matrix matrix = readMatrix(step, warp, *fragment, 1);
  for (uint32_t lane = 0; lane < warpSize; lane++) {
    if (!warp.lanes[lane]) continue;
    Step at(step.grid, *warp.lanes[lane]);
    uint64_t stride = at.present(2) ? at.bits(2, Type::U32) : fragment->columnMajor ? fragment->rows : fragment->columns;
    unsigned bytes = fragment->elementBits() / 8;
    for (unsigned i = 0; i < fragment->elements; i++) {
      MatrixPlace p = fragment->at(lane, i);
      uint8_t* to = place(at, 0, (fragment->columnMajor ? p.column * stride + p.row : p.row * stride + p.column) * bytes, bytes, true);
      if (!to) return;
      step.store(to, bytes, matrix.at(p));
    }
  }
  release(step, warp);
}

void ldmatrix(Step& step) {
  if (!supported(step, 0)) return;
  Warp warp = gatherWarp(step);
  if (!warp.complete) return;
  // All rows are read before a register is written: an address register may be among the destinations.
  const unsigned count = matrixCount(step);
  uint8_t rows[4][8][16] = {};
  for (unsigned i = 0; i < 8 * count; i++) {
    const uint8_t* from = matrixRow(step, warp, 1, i, false);
    if (from) std::copy_n(from, 16, rows[i / 8][i % 8]);
    else if (step.grid.fault) return;
  }
  for (uint32_t lane = 0; lane < warpSize; lane++) {
    if (!warp.lanes[lane]) continue;
    Step at(step.grid, *warp.lanes[lane]);
    for (unsigned m = 0; m < count; m++) {
      uint64_t word = 0;
      for (unsigned half = 0; half < 2; half++) {
        RowPlace p = rowPlace(step.has(Mod::Trans), lane, half);
        word |= step.load(&rows[m][p.row][p.byte], 2) << (16 * half);
      }
      at.set(registerOf(step.operand(0), m), Type::B32, word);
    }
  }
  release(step, warp);
}

void stmatrix(Step& step) {
  if (!supported(step, 1)) return;
  Warp warp = gatherWarp(step);
  if (!warp.complete) return;
  for (unsigned m = 0; m < matrixCount(step); m++) {
    uint8_t* rows[8];
    for (unsigned row = 0; row < 8; row++) {
      rows[row] = matrixRow(step, warp, 0, 8 * m + row, true);
      if (step.grid.fault) return;
    }
    for (uint32_t lane = 0; lane < warpSize; lane++) {
      if (!warp.lanes[lane]) continue;
      uint64_t word = Step(step.grid, *warp.lanes[lane]).bits(registerOf(step.operand(1), m), Type::B32);
      for (unsigned half = 0; half < 2; half++) {
        RowPlace p = rowPlace(step.has(Mod::Trans), lane, half);
        if (rows[p.row]) step.store(rows[p.row] + p.byte, 2, lowBits(word >> (16 * half), 16));
      }
    }
  }
  release(step, warp);
}

void movmatrix(Step& step) {
  Warp warp = gatherWarp(step);
  if (!warp.complete) return;
  uint64_t words[warpSize] = {};
  for (uint32_t lane = 0; lane < warpSize; lane++)
    if (warp.lanes[lane]) words[lane] = Step(step.grid, *warp.lanes[lane]).bits(1, Type::B32);
  for (uint32_t lane = 0; lane < warpSize; lane++) {
    if (!warp.lanes[lane]) continue;
    uint64_t result = 0;
    for (unsigned half = 0; half < 2; half++) {
      RowPlace p = rowPlace(true, lane, half);
      result |= lowBits(words[p.row * 4 + p.byte / 4] >> (p.byte % 4 * 8), 16) << (16 * half);
    }
    Step(step.grid, *warp.lanes[lane]).set(0, Type::B32, result);
  }
  release(step, warp);
}

}  // namespace anywarp::interp
