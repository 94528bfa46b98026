// Lanes that each read some neighbouring elements: structures, rows of matrices. SPDX-License-Identifier: Apache-2.0
//
// One load for each lane's elements, 16 bytes at most, and a transposition, in place of a gather for each element; where lanes are
// missing a gather for two words each. The elements may be those of one instruction (ld.v4) or of several that read at one register
// with nothing between them that writes memory: the first of them loads for all.
#include <llvm/Analysis/VectorUtils.h>

#include <algorithm>

#include "compiler/analysis/operands.h"
#include "compiler/codegen/emitter.h"
#include "support/options.h"

namespace anywarp::codegen {
namespace {

constexpr unsigned rowBytes = 16;      // a vector of any host
constexpr int64_t page = 4096;
constexpr uint32_t farthestPart = 64;  // instructions from the first load of a row to its last

bool isLoad(const Inst& inst) {
  if (inst.pseudo != analysis::Pseudo::None || inst.form != ptx::Form::Ld || inst.guard != ptx::noReg) return false;
  return analysis::isWeak(inst) && !analysis::isPastCaches(inst);
}

// Whether what follows may be read before it.
bool isPassed(const Inst& inst) {
  if (inst.pseudo != analysis::Pseudo::None) return true;
  return inst.form != ptx::Form::Unknown && (ptx::formInfo(inst.form).needs == ptx::Need::None || isLoad(inst));
}

unsigned bytesOf(const Inst& inst) { return ptx::bits(inst.type()) / 8; }

}  // namespace

// Bytes from one lane's place to the next; 0: they are not on a line.
int64_t FunctionEmitter::lineStride(const Inst& inst, unsigned address) const {
  const Shape& shape = a_.shapes.registers[inst.operands[address].reg];
  if (shape.kind == Shape::Kind::Affine) return shape.stride;
  return shape.kind == Shape::Kind::Extended ? shape.stride * shape.scale : 0;
}

// The row that a load is part of; no parts: none.
FunctionEmitter::Row FunctionEmitter::rowAt(const Inst& inst, const analysis::Block& block) {
  Row row;
  Inst *begin = flat_.instructions.data(), *end = begin + block.last;
  if (!isLoad(inst) || k_.options.debugInfo || &inst < begin || &inst >= end || options::isPassOff("lane-rows")) return row;
  const ptx::Operand& at = inst.operands[1];
  if (at.reg == ptx::noReg || at.hasSymbol || inst.space() == ptx::Space::Local || a_.shapes.registers[at.reg].isUniform()) return row;
  const unsigned size = bytesOf(inst), most = rowBytes / std::max(size, 1u);
  const int64_t stride = lineStride(inst, 1);
  if ((size != 4 && size != 8) || (stride && (stride < 2 * int64_t(size) || stride >= page))) return row;
  for (Inst* next = begin + (&inst - begin); next < end && next <= &inst + farthestPart && isPassed(*next); ++next) {
    if (isLoad(*next) && next->operands[1].reg == at.reg && !next->operands[1].hasSymbol && next->space() == inst.space() && bytesOf(*next) == size)
      row.parts.push_back({next, next->operands[1].offset, unsigned(analysis::elementCount(next->operands[0]))});
    bool changed = false;
    analysis::forEachDef(*next, [&](ptx::RegId& r) { changed |= r == at.reg; });
    if (changed) break;
  }
  // What lies side by side, from the lowest place on in rows that a vector holds: the one with this load.
  std::stable_sort(row.parts.begin(), row.parts.end(), [](const RowPart& x, const RowPart& y) { return x.offset < y.offset; });
  size_t from = 0;
  unsigned count = 0;
  bool here = false;
  for (size_t i = 0; i <= row.parts.size(); ++i) {
    const bool more = i < row.parts.size();
    if (more && i > from && row.parts[i].offset == row.parts[i - 1].offset) return Row();  // read twice: for common subexpressions
    if (!more || (i > from && (row.parts[i].offset != row.parts[from].offset + int64_t(count) * size || count + row.parts[i].count > most))) {
      if (here) {
        row.parts = std::vector<RowPart>(row.parts.begin() + from, row.parts.begin() + i);
        row.offset = row.parts[0].offset, row.count = count;
        if (count < 2 || count > most || (stride && int64_t(count) * size > stride)) return Row();
        return row;
      }
      from = i, count = 0;
    }
    if (more) count += row.parts[i].count, here |= row.parts[i].inst == &inst;
  }
  return Row();
}

// Whether a load gains from code for a full mask.
bool FunctionEmitter::isRowAccess(const Inst& inst, const analysis::Block& block) {
  Row row = rowAt(inst, block);
  return row.count > 2 || (row.count == 2 && row.parts.size() > 1);
}

// The elements of `inst`, which those loads follow that are parts of its row; empty: another way is to be taken.
FunctionEmitter::LaneValues FunctionEmitter::loadRow(const Inst& inst, const Address& a, llvm::Type* element) {
  if (auto found = rowParts_.find(&inst); found != rowParts_.end()) return found->second;
  const bool line = a.kind == Address::Kind::Strided, full = isFull(mask_);
  if (a.run || a.likely || atOnce() || (!k_.host.avx2 && !full)) return {};
  Row row = rowAt(inst, flat_.blocks[current_]);
  const unsigned size = element->getIntegerBitWidth() / 8;
  const bool single = row.parts.size() == 1;
  if (row.count < 2 || (line && a.stride != lineStride(inst, 1)) || (size == 8 && !full)) return {};
  if (single && line && (a.stride == int64_t(row.count) * size && (row.count == 2 || !full))) return {};
  if (single && spacing(a, size, row.count)) return {};
  const Address first = shifted(a, row.offset - inst.operands[1].offset);
  auto onLine = [&] {
    Address straight = first;
    straight.valid = nullptr;
    if (row.count == 2 && first.stride == 2 * int64_t(size)) return loadPairs(straight, element);
    if (int64_t elements = spacing(straight, size, row.count)) return loadSpaced(straight, element, row.count, elements);
    return loadTransposed(straight, element, row.count);
  };
  auto apart = [&] {
    if (full && (row.count * size > 8 || !k_.host.avx2)) return loadTransposed(first, element, row.count);
    LaneValues values;
    for (unsigned i = 0; i < row.count; i += 2) {
      const Address at = shifted(first, int64_t(i) * size);
      if (i + 1 == row.count) {
        values.push_back(gather(at, element));
        continue;
      }
      Value* pair = ofProgram(b.CreateMaskedGather(vectorOf(b.getInt64Ty()), gatherPointers(at), llvm::Align(size), mask_));
      values.push_back(b.CreateTrunc(pair, vectorOf(element)));
      values.push_back(b.CreateTrunc(b.CreateLShr(pair, splat(i64(32))), vectorOf(element)));
    }
    return values;
  };
  LaneValues values = line && full ? valuesEitherWay(first.valid, onLine, apart) : apart(), own;
  for (const RowPart& part : row.parts) {
    auto begin = values.begin() + (part.offset - row.offset) / int64_t(size);
    LaneValues elements(begin, begin + part.count);
    if (part.inst == &inst) own = std::move(elements);
    else rowParts_[part.inst] = std::move(elements);
  }
  return own;
}

// x0 y0 x1 y1 ... taken apart.
FunctionEmitter::LaneValues FunctionEmitter::loadPairs(const Address& a, llvm::Type* element) {
  auto* vector = llvm::FixedVectorType::get(element, 2 * width_);
  Value* all = ofProgram(b.CreateAlignedLoad(vector, pointer(a), llvm::Align(element->getIntegerBitWidth() / 8)));
  LaneValues values;
  for (unsigned i = 0; i < 2; ++i) values.push_back(b.CreateShuffleVector(all, llvm::createStrideMask(i, 2, width_)));
  return values;
}

// Two to four words of each lane, or two of eight bytes, of all lanes. The 16 bytes of lanes that are far enough from each other to be moved without
// crossing from one 128-bit part of a host vector to another are put side by side, and the parts are transposed each for itself.
FunctionEmitter::LaneValues FunctionEmitter::loadTransposed(const Address& a, llvm::Type* element, unsigned count) {
  const unsigned size = element->getIntegerBitWidth() / 8, n = rowBytes / size, lanes = std::min(width_, k_.host.vectorBits / 8 / size);
  const bool line = a.kind == Address::Kind::Strided;
  Value* places = line && !a.valid ? nullptr : pointers(a);
  auto at = [&](unsigned lane, unsigned bytes) -> Value* {
    if (!places) return pointer(shifted(a, a.stride * lane + bytes));
    Value* place = b.CreateIntToPtr(b.CreateExtractElement(places, uint64_t(lane)), b.getPtrTy());
    return bytes ? b.CreateConstGEP1_64(b.getInt8Ty(), place, bytes) : place;
  };
  auto loadOf = [&](unsigned lane, unsigned elements) -> Value* {
    return ofProgram(b.CreateAlignedLoad(llvm::FixedVectorType::get(element, elements), at(lane, 0), llvm::Align(size)));
  };
  auto rowOf = [&](unsigned lane) -> Value* {
    // Three words: on a line the fourth lies before the next lane's, on one of their pages.
    if (count == n || (count > n / 2 && !places && lane + 1 < width_)) return loadOf(lane, n);
    Value* half = b.CreateShuffleVector(loadOf(lane, n / 2), llvm::createSequentialMask(0, n / 2, n / 2));
    for (unsigned i = n / 2; i < count; ++i) {
      Value* rest = ofProgram(b.CreateAlignedLoad(element, at(lane, i * size), llvm::Align(size)));
      half = b.CreateInsertElement(half, rest, uint64_t(i));
    }
    return half;
  };
  // Shuffles the 128-bit parts of two vectors alike.
  auto inParts = [&](Value* x, Value* y, llvm::ArrayRef<unsigned> pick) {
    llvm::SmallVector<int, 64> mask;
    for (unsigned part = 0; part < lanes; part += n)
      for (unsigned p : pick) mask.push_back(int(p < n ? part + p : lanes + part + p - n));
    return b.CreateShuffleVector(x, y, mask);
  };
  llvm::SmallVector<LaneValues, 4> chunks(count);
  for (unsigned begin = 0; begin < width_; begin += lanes) {
    // The rows of lanes k, k + n, k + 2n...
    auto side = [&](unsigned k) {
      LaneValues parts;
      for (unsigned lane = k; lane < lanes; lane += n) parts.push_back(rowOf(begin + lane));
      return llvm::concatenateVectors(b, parts);
    };
    if (n == 2) {
      Value *even = side(0), *odd = side(1);
      chunks[0].push_back(inParts(even, odd, {0, 2}));
      chunks[1].push_back(inParts(even, odd, {1, 3}));
    } else if (count == 2) {
      // Two lanes' words are one part.
      auto pairs = [&](unsigned k) {
        LaneValues parts;
        for (unsigned lane = k; lane < lanes; lane += n)
          parts.push_back(b.CreateShuffleVector(loadOf(begin + lane, 2), loadOf(begin + lane + 1, 2), {0, 1, 2, 3}));
        return llvm::concatenateVectors(b, parts);
      };
      Value *low = pairs(0), *high = pairs(2);
      chunks[0].push_back(inParts(low, high, {0, 2, 4, 6}));
      chunks[1].push_back(inParts(low, high, {1, 3, 5, 7}));
    } else {
      Value *r0 = side(0), *r1 = side(1), *r2 = side(2), *r3 = side(3);
      Value *low01 = inParts(r0, r1, {0, 4, 1, 5}), *low23 = inParts(r2, r3, {0, 4, 1, 5});
      Value *high01 = inParts(r0, r1, {2, 6, 3, 7}), *high23 = inParts(r2, r3, {2, 6, 3, 7});
      chunks[0].push_back(inParts(low01, low23, {0, 1, 4, 5}));
      chunks[1].push_back(inParts(low01, low23, {2, 3, 6, 7}));
      chunks[2].push_back(inParts(high01, high23, {0, 1, 4, 5}));
      if (count == 4) chunks[3].push_back(inParts(high01, high23, {2, 3, 6, 7}));
    }
  }
  LaneValues values;
  for (LaneValues& c : chunks) values.push_back(c.size() == 1 ? c[0] : llvm::concatenateVectors(b, c));
  return values;
}

}  // namespace anywarp::codegen
