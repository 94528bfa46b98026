// Lanes that each store some neighbouring elements: structures, several results of each thread. SPDX-License-Identifier: Apache-2.0
//
// The stores of a block at one register whose elements lie side by side for each lane are one, where the last of them stands; 16 bytes of
// a lane are stored at once, after a transposition.
#include <llvm/Analysis/VectorUtils.h>

#include <algorithm>

#include "compiler/analysis/operands.h"
#include "compiler/codegen/emitter.h"
#include "support/options.h"

namespace anywarp::codegen {
namespace {

constexpr unsigned rowBytes = 16;  // a vector of any host
constexpr unsigned wordBytes = 4;

bool isPlainStore(const Inst& inst) {
  if (inst.pseudo != analysis::Pseudo::None || inst.form != ptx::Form::St || inst.guard != ptx::noReg) return false;
  return analysis::isWeak(inst) && !analysis::isPastCaches(inst);
}

// Whether a store may be done after it.
bool isPassed(const Inst& inst) {
  if (inst.pseudo != analysis::Pseudo::None) return true;
  if (inst.form == ptx::Form::Unknown) return false;
  if (inst.form == ptx::Form::Ld) return inst.space() == ptx::Space::Param || inst.space() == ptx::Space::Const;
  return ptx::formInfo(inst.form).needs == ptx::Need::None;
}

unsigned bytesOf(const Inst& inst) { return ptx::bits(inst.type()) / 8; }

}  // namespace

void FunctionEmitter::findStoreRows(const analysis::Block& block) {
  storeRows_.clear();
  storeRowOf_.clear();
  if (k_.options.debugInfo || atOnce() || options::isPassOff("store-rows")) return;
  std::vector<RowPart> run;  // at one register
  auto close = [&] {
    addStoreRows(run);
    run.clear();
  };
  for (uint32_t i = block.first; i < block.last; ++i) {
    Inst& inst = flat_.instructions[i];
    if (isPlainStore(inst) && inst.space() != ptx::Space::Local && inst.operands[0].reg != ptx::noReg && !inst.operands[0].hasSymbol) {
      const bool joins = !run.empty() && run.front().inst->operands[0].reg == inst.operands[0].reg && run.front().inst->space() == inst.space() &&
                         bytesOf(*run.front().inst) == bytesOf(inst);
      if (!joins) close();
      run.push_back({&inst, inst.operands[0].offset, unsigned(analysis::elementCount(inst.operands[1]))});
      continue;
    }
    bool ends = !isPassed(inst);
    if (!run.empty()) analysis::forEachDef(inst, [&](ptx::RegId& r) { ends |= r == run.front().inst->operands[0].reg; });
    if (ends) close();
  }
  close();
}

// Of stores at one register: rows of up to 16 bytes that lie side by side.
void FunctionEmitter::addStoreRows(const std::vector<RowPart>& stores) {
  if (stores.size() < 2) return;
  const unsigned size = bytesOf(*stores.front().inst);
  const int64_t stride = lineStride(*stores.front().inst, 0);
  if (!size || size > 8 || stride < 2 * int64_t(size)) return;
  std::vector<RowPart> sorted = stores;
  std::stable_sort(sorted.begin(), sorted.end(), [](const RowPart& x, const RowPart& y) { return x.offset < y.offset; });
  for (size_t i = 0; i < sorted.size(); ++i)
    if (i && sorted[i].offset < sorted[i - 1].offset + int64_t(sorted[i - 1].count) * size) return;  // one over the other
  if (sorted.back().offset + int64_t(sorted.back().count) * size - sorted.front().offset > stride) return;
  for (size_t begin = 0; begin < sorted.size();) {
    StoreRow row;
    size_t end = begin;
    row.offset = sorted[begin].offset;
    for (; end < sorted.size() && sorted[end].offset == row.offset + int64_t(row.count) * size && (row.count + sorted[end].count) * size <= rowBytes; ++end)
      row.count += sorted[end].count;
    auto fills = [&] { return int64_t(row.count) * size == stride; };
    // Two words are stored at once anywhere, three only where nothing is between the lanes.
    while (end - begin > 1 && !fills() && (row.count * size) % (2 * wordBytes)) row.count -= sorted[--end].count;
    if (end - begin > 1 && (fills() || size >= wordBytes)) {
      for (const RowPart& store : stores)
        for (size_t i = begin; i < end; ++i)
          if (sorted[i].inst == store.inst) row.parts.push_back(store), storeRowOf_[store.inst] = unsigned(storeRows_.size());
      row.values.resize(row.parts.size());
      storeRows_.push_back(std::move(row));
    }
    begin = std::max(end, begin + 1);
  }
}

// Keeps what `inst` stores until its row is complete, which is stored then; false: it is part of none.
bool FunctionEmitter::storeInRow(const Inst& inst, const Address& a, llvm::Type* element, llvm::ArrayRef<Value*> values) {
  auto found = storeRowOf_.find(&inst);
  if (found == storeRowOf_.end()) return false;
  StoreRow& row = storeRows_[found->second];
  size_t part = 0;
  while (row.parts[part].inst != &inst) ++part;
  row.values[part].assign(values.begin(), values.end());
  if (part + 1 < row.parts.size()) return true;
  const unsigned size = element->getIntegerBitWidth() / 8;
  auto at = [&](int64_t offset) { return shifted(a, offset - inst.operands[0].offset); };
  const bool line = a.kind == Address::Kind::Strided && a.stride == lineStride(inst, 0);
  if (!line || (size < wordBytes && !isFull(mask_))) {
    for (size_t i = 0; i < row.parts.size(); ++i) storeLanes(inst, at(row.parts[i].offset), element, row.values[i]);
    return true;
  }
  LaneValues all(row.count);
  for (size_t i = 0; i < row.parts.size(); ++i)
    std::copy(row.values[i].begin(), row.values[i].end(), all.begin() + (row.parts[i].offset - row.offset) / int64_t(size));
  storeLanes(inst, at(row.offset), element, all);
  return true;
}

// 16 bytes of each lane, of all lanes. The 128-bit parts of host vectors are transposed each for itself; then each holds one lane's.
void FunctionEmitter::storeTransposed(const Address& a, llvm::Type* element, llvm::ArrayRef<Value*> values) {
  const unsigned size = element->getIntegerBitWidth() / 8, n = unsigned(values.size()), lanes = std::min(width_, std::max(k_.host.vectorBits / 8 / size, n));
  const bool line = a.kind == Address::Kind::Strided, dense = line && a.stride == int64_t(rowBytes);
  Value* places = line && !a.valid ? nullptr : pointers(a);
  auto pointerOf = [&](unsigned lane) -> Value* {
    if (!places) return pointer(shifted(a, a.stride * lane));
    return b.CreateIntToPtr(b.CreateExtractElement(places, uint64_t(lane)), b.getPtrTy());
  };
  auto inParts = [&](Value* x, Value* y, llvm::ArrayRef<unsigned> pick) {
    llvm::SmallVector<int, 64> mask;
    for (unsigned part = 0; part < lanes; part += n)
      for (unsigned p : pick) mask.push_back(int(p < n ? part + p : lanes + part + p - n));
    return b.CreateShuffleVector(x, y, mask);
  };
  for (unsigned begin = 0; begin < width_; begin += lanes) {
    LaneValues from, rows;  // rows[k]: of lanes k, k + n, k + 2n...
    for (Value* v : values) from.push_back(piece(v, begin, lanes));
    if (n == 2) {
      rows = {inParts(from[0], from[1], {0, 2}), inParts(from[0], from[1], {1, 3})};
    } else {
      Value *low01 = inParts(from[0], from[1], {0, 4, 1, 5}), *low23 = inParts(from[2], from[3], {0, 4, 1, 5});
      Value *high01 = inParts(from[0], from[1], {2, 6, 3, 7}), *high23 = inParts(from[2], from[3], {2, 6, 3, 7});
      rows = {inParts(low01, low23, {0, 1, 4, 5}), inParts(low01, low23, {2, 3, 6, 7}), inParts(high01, high23, {0, 1, 4, 5}),
              inParts(high01, high23, {2, 3, 6, 7})};
    }
    const unsigned together = dense ? lanes / n : 1;  // lanes of one store
    for (unsigned lane = 0; lane < lanes; lane += together) {
      LaneValues parts;
      for (unsigned l = lane; l < lane + together; ++l) parts.push_back(piece(rows[l % n], l / n * n, n));
      Value* all = parts.size() == 1 ? parts[0] : llvm::concatenateVectors(b, parts);
      ofProgram(b.CreateAlignedStore(all, pointerOf(begin + lane), llvm::Align(size)));
    }
  }
}

}  // namespace anywarp::codegen
