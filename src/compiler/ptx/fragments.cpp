// Matrix fragments: which lane holds which element of a matrix (PTX: Warp Level Matrix Multiply-Accumulate Instructions).
// SPDX-License-Identifier: Apache-2.0
#include "compiler/ptx/fragments.h"

#include <algorithm>

#include "compiler/ptx/instruction_columns.h"

namespace anywarp::ptx {
namespace {

using namespace type_column;

enum class Kind : uint8_t { Mma, Sparse, Wmma };

// Every shape with the types that its factors and its accumulators may have.
struct LegalProduct {
  Kind kind;
  unsigned m, n, k;
  TypeSet factors, accumulators;
};

constexpr TypeSet Fp8 = E4M3 | E5M2, I4 = U4 | S4;

constexpr LegalProduct legalProducts[] = {
    {Kind::Mma, 8, 8, 4, F16, F16 | F32},       {Kind::Mma, 16, 8, 8, F16, F16 | F32},       {Kind::Mma, 16, 8, 16, F16, F16 | F32},
    {Kind::Mma, 16, 8, 8, BF16, F32},           {Kind::Mma, 16, 8, 16, BF16, F32},           {Kind::Mma, 16, 8, 4, TF32, F32},
    {Kind::Mma, 16, 8, 8, TF32, F32},           {Kind::Mma, 16, 8, 16, Fp8, F16 | F32},      {Kind::Mma, 16, 8, 32, Fp8, F16 | F32},
    {Kind::Mma, 8, 8, 4, F64, F64},             {Kind::Mma, 16, 8, 4, F64, F64},             {Kind::Mma, 16, 8, 8, F64, F64},
    {Kind::Mma, 16, 8, 16, F64, F64},           {Kind::Mma, 8, 8, 16, I8, S32},              {Kind::Mma, 16, 8, 16, I8, S32},
    {Kind::Mma, 16, 8, 32, I8, S32},            {Kind::Mma, 8, 8, 32, I4, S32},              {Kind::Mma, 16, 8, 32, I4, S32},
    {Kind::Mma, 16, 8, 64, I4, S32},            {Kind::Mma, 8, 8, 128, B1, S32},             {Kind::Mma, 16, 8, 128, B1, S32},
    {Kind::Mma, 16, 8, 256, B1, S32},
    {Kind::Sparse, 16, 8, 16, F16, F16 | F32},  {Kind::Sparse, 16, 8, 32, F16, F16 | F32},   {Kind::Sparse, 16, 8, 16, BF16, F32},
    {Kind::Sparse, 16, 8, 32, BF16, F32},       {Kind::Sparse, 16, 8, 8, TF32, F32},         {Kind::Sparse, 16, 8, 16, TF32, F32},
    {Kind::Sparse, 16, 8, 64, Fp8, F16 | F32},  {Kind::Sparse, 16, 8, 32, I8, S32},          {Kind::Sparse, 16, 8, 64, I8, S32},
    {Kind::Sparse, 16, 8, 64, I4, S32},         {Kind::Sparse, 16, 8, 128, I4, S32},
    {Kind::Wmma, 16, 16, 16, F16, F16 | F32},   {Kind::Wmma, 32, 8, 16, F16, F16 | F32},     {Kind::Wmma, 8, 32, 16, F16, F16 | F32},
    {Kind::Wmma, 16, 16, 16, BF16, F32},        {Kind::Wmma, 32, 8, 16, BF16, F32},          {Kind::Wmma, 8, 32, 16, BF16, F32},
    {Kind::Wmma, 16, 16, 8, TF32, F32},         {Kind::Wmma, 8, 8, 4, F64, F64},             {Kind::Wmma, 16, 16, 16, I8, S32},
    {Kind::Wmma, 32, 8, 16, I8, S32},           {Kind::Wmma, 8, 32, 16, I8, S32},            {Kind::Wmma, 8, 8, 32, I4, S32},
    {Kind::Wmma, 8, 8, 128, B1, S32},
};

// `m16n8k16` as numbers.
MatrixShape shapeOf(Mod mod) {
  unsigned numbers[3] = {0, 0, 0};
  int which = -1;
  for (const char* p = spelling(mod); *p; ++p) {
    if (*p < '0' || *p > '9') ++which;
    else if (which >= 0 && which < 3) numbers[which] = numbers[which] * 10 + unsigned(*p - '0');
  }
  return {numbers[0], numbers[1], numbers[2]};
}

bool sameShape(const LegalProduct& row, const MatrixShape& shape) { return row.m == shape.m && row.n == shape.n && row.k == shape.k; }

// One of the four 8x8x4 products of quad pairs.
bool isQuadPair(Kind kind, const MatrixShape& shape, Type factor) { return kind == Kind::Mma && shape.k == 4 && factor == Type::F16; }

Fragment makeFragment(MatrixRole role, Kind kind, const MatrixShape& shape, Type type, Type factor, bool columnMajor) {
  Fragment f;
  f.role = role;
  f.shape = shape;
  f.type = type;
  f.columnMajor = columnMajor;
  f.rows = role == MatrixRole::B ? shape.k : shape.m;
  f.columns = role == MatrixRole::A ? shape.k : shape.n;
  if (role == MatrixRole::A && kind == Kind::Sparse) f.columns /= 2;
  if (isQuadPair(kind, shape, factor)) f.matrices = 4;
  f.elements = f.matrices * f.rows * f.columns / 32;
  f.perRegister = bits(type) < 32 ? 32 / bits(type) : 1;
  f.registers = f.distinctRegisters();
  // The first generation held every element of A and B twice; the number of registers stays as it was then.
  if (kind == Kind::Wmma && type == Type::F16 && role != MatrixRole::C) f.registers = 8;
  return f;
}

Kind kindOf(Form form) {
  if (form == Form::Mma) return Kind::Mma;
  return form == Form::MmaSparse ? Kind::Sparse : Kind::Wmma;
}

std::string shapeText(const Instruction& instruction) { return spelling(instruction.mods.first(ModGroup::MatrixShape)); }

Error noSuch(const Instruction& instruction, const std::string& what) {
  return {ErrorKind::Invalid, std::string(formInfo(instruction.form).mnemonic) + ": " + shapeText(instruction) + " " + what};
}

bool holds(const Operand& operand, const Fragment& fragment) {
  size_t count = operand.kind == Operand::Kind::Vector ? operand.elements.size() : 1;
  return count == fragment.registers;
}

// The order of .row and .col: first A's, then B's.
bool layoutIs(const Instruction& instruction, Mod wanted, unsigned which) {
  unsigned seen = 0;
  for (Mod mod : instruction.mods)
    if ((mod == Mod::Row || mod == Mod::Col) && seen++ == which) return mod == wanted;
  return wanted == (which == 0 ? Mod::Row : Mod::Col);
}

MatrixPlace quadPairPlace(const Fragment& f, unsigned lane, unsigned i) {
  unsigned matrix = lane >> 2 & 3, upper = lane >= 16 ? 4 : 0, quad = lane & 3;
  switch (f.role) {
    case MatrixRole::A: return f.columnMajor ? MatrixPlace{matrix, i + upper, quad} : MatrixPlace{matrix, quad + upper, i};
    case MatrixRole::B: return f.columnMajor ? MatrixPlace{matrix, i, quad + upper} : MatrixPlace{matrix, quad, i + upper};
    default: break;
  }
  if (f.perRegister == 2) return {matrix, quad + upper, i};
  return {matrix, (lane & 1) + (i & 2) + upper, (i & 4) + (lane & 2) + (i & 1)};
}

}  // namespace

// Matrices are made of blocks of eight rows (A, C) or columns (B) and four registers of depth, one lane for each; blocks are numbered
// through 16 rows, then along the columns, then down.
MatrixPlace Fragment::at(unsigned lane, unsigned i) const {
  if (matrices == 4) return quadPairPlace(*this, lane, i);
  const unsigned group = lane >> 2, quad = lane & 3;
  if (role == MatrixRole::B) {
    const unsigned r = i / perRegister, e = i % perRegister, depth = rows / (4 * perRegister);
    return {0, 4 * perRegister * (r % depth) + quad * perRegister + e, 8 * (r / depth) + group};
  }
  const bool accumulator = role == MatrixRole::C;
  const unsigned perLane = accumulator ? 2 : perRegister;
  const unsigned r = i / perLane, e = i % perLane;
  const unsigned high = std::min(2u, shape.m / 8), across = columns / (4 * perLane), sixteenRows = across * high;
  const unsigned block = r / sixteenRows * 2 + r % high;
  return {0, 8 * block + group, 4 * perLane * (r % sixteenRows / high) + quad * perLane + e};
}

Result<MatrixProduct> matrixProductOfOpcode(const Instruction& instruction) {
  const Kind kind = kindOf(instruction.form);
  MatrixProduct p;
  p.shape = shapeOf(instruction.mods.first(ModGroup::MatrixShape));
  p.sparse = kind == Kind::Sparse;
  p.satfinite = instruction.has(Mod::Satfinite);
  p.bitOperation = instruction.has(Mod::And) ? Mod::And : instruction.has(Mod::Xor) ? Mod::Xor : Mod::None;
  if (Mod rounding = instruction.mods.first(ModGroup::Rounding); rounding != Mod::None) p.rounding = rounding;
  p.d = instruction.type(0);
  const bool half = instruction.form == Form::WmmaMmaHalf;
  p.a = half ? Type::F16 : instruction.type(1);
  p.b = half ? Type::F16 : instruction.type(2);
  p.c = half ? instruction.type(1) : instruction.type(3);
  if (p.d == Type::S32 && p.bitOperation == Mod::None && p.a == Type::B1) return noSuch(instruction, "of b1 needs .and or .xor, and .popc");

  if (p.satfinite && p.d != Type::S32) return noSuch(instruction, "saturates integers only");
  auto legal = std::find_if(std::begin(legalProducts), std::end(legalProducts), [&](const LegalProduct& row) {
    return row.kind == kind && sameShape(row, p.shape) && row.factors.has(p.a) && row.factors.has(p.b) && row.accumulators.has(p.c) &&
           row.accumulators.has(p.d);
  });
  if (legal == std::end(legalProducts)) return noSuch(instruction, "has no product of these types");
  p.fragmentA = makeFragment(MatrixRole::A, kind, p.shape, p.a, p.a, layoutIs(instruction, Mod::Col, 0));
  p.fragmentB = makeFragment(MatrixRole::B, kind, p.shape, p.b, p.a, layoutIs(instruction, Mod::Col, 1));
  p.fragmentC = makeFragment(MatrixRole::C, kind, p.shape, p.c, p.a, false);
  p.fragmentD = makeFragment(MatrixRole::C, kind, p.shape, p.d, p.a, false);
  return p;
}

Result<MatrixProduct> matrixProduct(const Instruction& instruction) {
  auto product = matrixProductOfOpcode(instruction);
  if (!product) return product;
  const MatrixProduct& p = *product;
  const auto& o = instruction.operands;
  if (!holds(o[0], p.fragmentD) || !holds(o[1], p.fragmentA) || !holds(o[2], p.fragmentB) || !holds(o[3], p.fragmentC))
    return noSuch(instruction, "has fragments of another number of registers");
  if (p.sparse && (o[5].kind != Operand::Kind::Integer || o[5].bits >= sparseSelectors(p)))
    return noSuch(instruction, "needs a smaller constant as sparsity selector");
  return product;
}

Result<Fragment> wmmaFragment(const Instruction& instruction) {
  const MatrixShape shape = shapeOf(instruction.mods.first(ModGroup::MatrixShape));
  const Type type = instruction.type();
  const bool store = instruction.form == Form::WmmaStore;
  const MatrixRole role = !store && instruction.has(Mod::A) ? MatrixRole::A : !store && instruction.has(Mod::B) ? MatrixRole::B : MatrixRole::C;
  auto legal = std::find_if(std::begin(legalProducts), std::end(legalProducts), [&](const LegalProduct& row) {
    return row.kind == Kind::Wmma && sameShape(row, shape) && (role == MatrixRole::C ? row.accumulators : row.factors).has(type);
  });
  if (legal == std::end(legalProducts)) return noSuch(instruction, "has no such fragment");
  Fragment fragment = makeFragment(role, Kind::Wmma, shape, type, type, instruction.has(Mod::Col));
  if (bits(type) < 8 && fragment.columnMajor != (role == MatrixRole::B)) return noSuch(instruction, "of parts of bytes needs .row for a, .col for b");
  if (!holds(instruction.operands[store ? 1 : 0], fragment)) return noSuch(instruction, "has fragments of another number of registers");
  return fragment;
}

// Wide elements (16 and 32 bits): a word holds 16 bits of a row and 16 of the row eight below. Narrow ones: 32 bits of one row.
unsigned sparseSelectors(const MatrixProduct& p) {
  const unsigned bitsPerRow = p.shape.k * (p.fragmentA.elementBits() == 4 ? 1 : p.fragmentA.elementBits() == 32 ? 4 : 2) / 2;
  return 64 / bitsPerRow;
}

SparseChoice sparseChoice(const MatrixProduct& p, unsigned column) {
  switch (p.fragmentA.elementBits()) {
    case 32: return {2 * column, 1, 1, 1};                              // one of two: 0b0100 is the first, 0b1110 the second
    case 4: return {column / 4 * 8 + column % 2, 2, 0, 2};              // two pairs of four
    default: return {column / 2 * 4, 1, 0, 2};                          // two of four
  }
}

SparseIndex sparseIndex(const MatrixProduct& p, unsigned selector, unsigned row, unsigned column) {
  const unsigned elementBits = p.fragmentA.elementBits();
  const unsigned bit = elementBits == 32 ? column * 4 : elementBits == 4 ? column / 2 * 2 : column * 2;
  const unsigned words = 4 / sparseSelectors(p);  // of each four lanes
  const bool wide = elementBits >= 16;
  const unsigned word = wide ? bit / 16 : bit / 32 * 2 + row / 8;
  const unsigned shift = wide ? bit % 16 + 16 * (row / 8) : bit % 32;
  return {4 * (row % 8) + selector * words + word, shift};
}

}  // namespace anywarp::ptx
