// Short blocks that run whether lanes wait for them or not: chains of early exits without branches. SPDX-License-Identifier: Apache-2.0
//
// Whether any lane of a warp goes on is hard to foretell for the host, and a wrong guess costs more than a few vector operations for no
// lanes. So no test stands before a block that reads global memory, decides, and changes nothing where it has no lanes: no store, no
// call, no loop, and what it writes is kept by lane or read nowhere else. Its loads read what lies on a page that was read before, so
// that none waits for the mask of the one before it; elsewhere they are masked, or, of one place for all lanes, go to a place that can
// always be read. Where data come from shared memory, tests are mostly of the thread's number, which the host foretells: those stay.
#include <algorithm>

#include "compiler/analysis/operands.h"
#include "compiler/codegen/emitter.h"
#include "compiler/codegen/lanes.h"
#include "support/options.h"

namespace anywarp::codegen {
namespace {

using ptx::Form;
using ptx::Mod;

constexpr uint32_t longestBlock = 8;  // instructions
constexpr int64_t farthest = 256;     // bytes from a register's value to what is read

// One or two instructions of the host.
bool isQuick(const Inst& inst) {
  switch (inst.form) {
    case Form::Mov: case Form::AddInt: case Form::SubInt: case Form::MinInt: case Form::MaxInt: case Form::And: case Form::Or:
    case Form::Xor: case Form::Not: case Form::Shl: case Form::Shr: case Form::Selp: case Form::SetpInt: case Form::SetpFloat:
    case Form::CvtInt: case Form::AddF32: case Form::SubF32: case Form::MulF32: case Form::FmaF32: case Form::MulWide:
      return true;
    case Form::MulInt: case Form::MadInt: return inst.has(Mod::Lo);
    default: return false;
  }
}

// Of one place for all lanes, or of neighbouring places.
bool isQuickLoad(const Inst& inst, const analysis::Shapes& shapes) {
  if (inst.form != Form::Ld || inst.guard != ptx::noReg || inst.space() != ptx::Space::Global) return false;
  if (!analysis::isWeak(inst)) return false;
  if (inst.operands[0].kind == ptx::Operand::Kind::Vector) return false;
  int64_t size = ptx::bits(inst.type()) / 8;
  if (size > 8) return false;
  const ptx::Operand& at = inst.operands[1];
  if (at.reg == ptx::noReg) return true;
  const Shape& shape = shapes.registers[at.reg];
  if (shape.isUniform()) return true;
  return (shape.kind == Shape::Kind::Affine && shape.stride == size) ||
         (shape.kind == Shape::Kind::Extended && shape.stride * shape.scale == size);
}

}  // namespace

bool FunctionEmitter::mayRunEmpty(BlockId x) {
  const analysis::Block& block = flat_.blocks[x];
  if (!a_.shapes.partial[x] || block.last - block.first > longestBlock) return false;
  if (block.terminator != analysis::Terminator::Branch || !a_.shapes.divergent[x]) return false;
  for (BlockId s : block.successors)
    if (block.suspendsTo(s) || order_->position[s] <= order_->position[x]) return false;
  for (const analysis::Loop& loop : order_->loops)
    if (loop.header == x) return false;
  bool loads = false;
  for (uint32_t i = block.first; i < block.last; ++i) {
    Inst& inst = flat_.instructions[i];
    const bool loadsHere = inst.pseudo == analysis::Pseudo::None && isQuickLoad(inst, a_.shapes);
    if (inst.pseudo == analysis::Pseudo::None && !isQuick(inst) && !loadsHere) return false;
    loads |= loadsHere;
    bool stays = true;
    analysis::forEachDef(inst, [&](ptx::RegId& r) { stays &= a_.local[r] || a_.shapes.registers[r].kind == Shape::Kind::Varying; });
    if (!stays) return false;
  }
  return loads;
}

// By block: whether it runs without lanes too, where lanes begin at `entry`; empty where none does.
std::vector<uint8_t> FunctionEmitter::findEmptyBlocks(const analysis::PendingSet& entry) {
  nearby_.clear();
  if (!region_ || k_.free || atOnce() || k_.options.debugInfo || options::isPassOff("empty-blocks")) return {};
  std::vector<uint8_t> runsEmpty;
  for (BlockId x : order_->blocks) {
    if (!linear_->everPending(x) || entry.count(x) || !mayRunEmpty(x)) continue;
    runsEmpty.resize(flat_.blocks.size());
    runsEmpty[x] = 1;
    for (uint32_t i = flat_.blocks[x].first; i < flat_.blocks[x].last; ++i) {
      const Inst& inst = flat_.instructions[i];
      if (inst.pseudo != analysis::Pseudo::None || inst.form != Form::Ld || inst.operands[1].reg == ptx::noReg) continue;
      const int64_t offset = inst.operands[1].offset, end = offset + ptx::bits(inst.type()) / 8;
      if (offset < -farthest || end > farthest) continue;
      auto [it, fresh] = nearby_.try_emplace(inst.operands[1].reg, Nearby{nullptr, offset, end});
      if (!fresh) it->second.low = std::min(it->second.low, offset), it->second.high = std::max(it->second.high, end);
    }
  }
  for (auto& [r, near] : nearby_) {
    near.known = stackSlot(b.getInt1Ty(), "nearby");
    llvm::IRBuilder<>(initBlock_, initBlock_->begin()).CreateStore(b.getFalse(), near.known);
  }
  return runsEmpty;
}

// An access at a.base + a.offset shows that its page can be read: whether all that blocks without lanes read at a.base is on that page.
void FunctionEmitter::noteReadable(const Inst& inst, const ptx::Operand& o, const Address& a, unsigned bytes) {
  auto it = o.reg == ptx::noReg ? nearby_.end() : nearby_.find(o.reg);
  if (it == nearby_.end() || mayBeEmpty_ || inst.guard != ptx::noReg || a.window) return;
  bool strided = a.kind == Address::Kind::Strided && a.stride == int64_t(bytes);
  if (!strided && a.kind != Address::Kind::Uniform) return;
  if (a.offset < -farthest || a.offset + int64_t(bytes) > farthest) return;
  constexpr uint64_t page = 4096;
  const int64_t low = std::min(it->second.low, a.offset), high = std::max(it->second.high, a.offset + int64_t(bytes));
  const uint64_t span = uint64_t(high - low) + (strided ? uint64_t(bytes) * (width_ - 1) : 0);
  Value* at = b.CreateAnd(b.CreateAdd(a.base, i64(uint64_t(low))), i64(page - 1));
  Value* within = b.CreateICmpULE(at, i64(page - span));
  if (a.valid) within = b.CreateAnd(within, a.valid);
  b.CreateStore(b.CreateAnd(within, anyLane(mask_)), it->second.known);
}

// i1: all lanes of this access, active or not, can be read; nullptr: nothing is known.
Value* FunctionEmitter::isReadable(const ptx::Operand& o, const Address& a, unsigned bytes) {
  auto it = o.reg == ptx::noReg ? nearby_.end() : nearby_.find(o.reg);
  if (it == nearby_.end() || !mayBeEmpty_ || a.window) return nullptr;
  if (a.offset < it->second.low || a.offset + int64_t(bytes) > it->second.high) return nullptr;
  return b.CreateLoad(b.getInt1Ty(), it->second.known);
}

void FunctionEmitter::forgetReadable(ptx::RegId r) {
  if (auto it = nearby_.find(r); it != nearby_.end()) b.CreateStore(b.getFalse(), it->second.known);
}

// Where a block without lanes may read what is the same for all of them. LLVM, which would make a choice a branch, is not to see one.
Value* FunctionEmitter::readable(Value* place) {
  if (!mayBeEmpty_) return place;
  Value* keep = hidden(b, b.CreateSExt(anyLane(mask_), b.getInt64Ty()));
  Value* from = b.CreatePtrToInt(ctx_, b.getInt64Ty());
  return b.CreateGEP(b.getInt8Ty(), ctx_, b.CreateAnd(b.CreateSub(b.CreatePtrToInt(place, b.getInt64Ty()), from), keep));
}

}  // namespace anywarp::codegen
