// A walk from each read of a fixed shared address behind a barrier to the stores that may hit it. SPDX-License-Identifier: Apache-2.0
#include "compiler/analysis/early_reads.h"

#include <algorithm>
#include <map>
#include <set>

#include "compiler/analysis/operands.h"
#include "compiler/analysis/suspensions.h"
#include "support/options.h"

namespace anywarp::analysis {
namespace {

using ptx::Form;

constexpr int64_t widestAccess = 16;
constexpr size_t mostRegisters = 64;  // that an address is looked for in

bool accessesShared(const Inst& inst, Form form) {
  return inst.pseudo == Pseudo::None && inst.form == form && inst.space() == ptx::Space::Shared;
}

bool sameSymbol(const ptx::Operand& a, const ptx::Operand& b) { return a.symbol.kind == b.symbol.kind && a.symbol.index == b.symbol.index; }

class Cutter {
 public:
  Cutter(Flat& flat, const std::vector<uint8_t>& partial, WorkLimit* limit) : flat_(flat), partial_(partial), limit_(limit) {
    for (Inst& inst : flat.instructions) forEachDef(inst, [&](ptx::RegId& r) { writers_[r].push_back(&inst); });
  }

  uint32_t run() {
    uint32_t cuts = 0;
    for (BlockId b = 0, count = BlockId(flat_.blocks.size()); b < count; ++b)
      if (partial_.empty() || !partial_[b]) cuts += cut(b);
    return cuts;
  }

 private:
  bool cut(BlockId b) {
    std::vector<const ptx::Operand*> read;
    uint32_t end = flat_.blocks[b].first;
    for (uint32_t i = end; i < flat_.blocks[b].last; ++i) {
      const Inst& inst = flat_.instructions[i];
      if (accessesShared(inst, Form::St) || inst.form == Form::Atom || inst.form == Form::Red || isCall(inst)) break;
      if (!accessesShared(inst, Form::Ld) || inst.guard != ptx::noReg || !inst.operands[1].hasSymbol) continue;
      read.push_back(&inst.operands[1]);
      end = i + 1;
    }
    if (read.empty() || !mayBeStoredTo(read, b, end)) return false;
    splitBlock(flat_, b, end);
    flat_.blocks[b].yields = true;
    return true;
  }

  // A store to the variable of one of the reads that a thread at `from` in b may reach before a barrier.
  bool mayBeStoredTo(const std::vector<const ptx::Operand*>& read, BlockId b, uint32_t from) {
    std::set<BlockId> seen;
    std::vector<BlockId> work;
    auto visit = [&](BlockId x, uint32_t first) {
      const Block& block = flat_.blocks[x];
      if (!maySpend(limit_, block.last - first + 1)) return true;
      for (uint32_t i = first; i < block.last; ++i)
        if (accessesShared(flat_.instructions[i], Form::St) && hits(flat_.instructions[i].operands[0], read)) return true;
      if (block.terminator == Terminator::Suspend) return false;
      for (BlockId s : block.successors)
        if (seen.insert(s).second) work.push_back(s);
      return false;
    };
    if (visit(b, from)) return true;
    while (!work.empty()) {
      BlockId x = work.back();
      work.pop_back();
      if (visit(x, flat_.blocks[x].first)) return true;
    }
    return false;
  }

  bool hits(const ptx::Operand& at, const std::vector<const ptx::Operand*>& read) {
    auto isAt = [&](const ptx::Operand& symbol) {
      return std::any_of(read.begin(), read.end(), [&](const ptx::Operand* r) {
        return sameSymbol(*r, symbol) && (!at.hasSymbol || std::abs(at.offset - r->offset) < widestAccess);
      });
    };
    if (at.hasSymbol) return isAt(at);
    return at.reg != ptx::noReg && isComputedFrom(at.reg, isAt);
  }

  // Whether an address in `reg` may be one of those symbols plus something.
  template <typename Symbols>
  bool isComputedFrom(ptx::RegId reg, Symbols&& isOne) const {
    std::set<ptx::RegId> seen{reg};
    std::vector<ptx::RegId> work{reg};
    while (!work.empty() && seen.size() < mostRegisters) {
      auto it = writers_.find(work.back());
      work.pop_back();
      if (it == writers_.end()) continue;
      for (const Inst* inst : it->second) {
        bool adds = inst->form == Form::Mov || inst->form == Form::AddInt || inst->form == Form::MadInt;
        if (inst->pseudo != Pseudo::None || !adds) continue;
        for (unsigned i = inst->form == Form::MadInt ? 3 : 1; i < inst->operands.size(); ++i) {
          const ptx::Operand& o = inst->operands[i];
          if (o.kind == ptx::Operand::Kind::Symbol && isOne(o)) return true;
          if (o.isReg() && seen.insert(o.reg).second) work.push_back(o.reg);
        }
      }
    }
    return false;
  }

  Flat& flat_;
  const std::vector<uint8_t>& partial_;
  WorkLimit* limit_;
  std::map<ptx::RegId, std::vector<const Inst*>> writers_;
};

}  // namespace

uint32_t cutBehindEarlyReads(Flat& flat, const std::vector<uint8_t>& partial, WorkLimit* limit) {
  return options::isPassOff("early-reads") ? 0 : Cutter(flat, partial, limit).run();
}

}  // namespace anywarp::analysis
