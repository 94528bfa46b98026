// The loop over warps, a second time for several warps at once. SPDX-License-Identifier: Apache-2.0
#include "compiler/jit/side_by_side.h"

#include <llvm/ADT/SetVector.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/InlineAsm.h>
#include <llvm/IR/IntrinsicInst.h>
#include <llvm/IR/Module.h>
#include <llvm/TargetParser/Triple.h>
#include <llvm/Transforms/Utils/ValueMapper.h>

#include <algorithm>

namespace anywarp::jit {
namespace {

using llvm::BasicBlock;
using llvm::Instruction;
using llvm::Value;

constexpr unsigned shortestChain = 12;      // operations
constexpr unsigned longestBody = 600;       // instructions
constexpr unsigned chainsAtOnce = 8;        // host vectors that the host computes on at once, about
constexpr unsigned mostWarps = 4;

// The loop over warps: blocks in a row, of which each but the last may leave for a report of an error.
struct WarpLoop {
  BasicBlock* before = nullptr;
  std::vector<BasicBlock*> blocks;
  llvm::PHINode* warp = nullptr;
  Value *first = nullptr, *last = nullptr;
  BasicBlock* exit = nullptr;
};

bool reportsError(const BasicBlock* block) { return llvm::isa<llvm::UnreachableInst>(block->getTerminator()); }

// Where control goes on: 0 or 1; -1: not one way only.
int wayOn(const llvm::BranchInst* branch) {
  if (branch->isUnconditional()) return 0;
  if (reportsError(branch->getSuccessor(1))) return 0;
  return reportsError(branch->getSuccessor(0)) ? 1 : -1;
}

bool findWarpLoop(llvm::Function& f, WarpLoop& loop) {
  if (f.arg_size() != 3) return false;
  loop.first = f.getArg(1), loop.last = f.getArg(2);
  auto* enter = llvm::dyn_cast<llvm::BranchInst>(f.getEntryBlock().getTerminator());
  if (!enter || enter->isConditional()) return false;
  loop.before = &f.getEntryBlock();
  BasicBlock* header = enter->getSuccessor(0);
  if (header->phis().empty() || std::next(header->phis().begin()) != header->phis().end()) return false;
  loop.warp = &*header->phis().begin();
  if (loop.warp->getNumIncomingValues() != 2 || loop.warp->getIncomingValueForBlock(loop.before) != loop.first) return false;
  for (BasicBlock* block = header;;) {
    loop.blocks.push_back(block);
    if (block != header && (block->hasNPredecessorsOrMore(2) || !block->phis().empty())) return false;
    auto* branch = llvm::dyn_cast<llvm::BranchInst>(block->getTerminator());
    if (!branch) return false;
    if (branch->isConditional() && branch->getSuccessor(0) == header) {
      loop.exit = branch->getSuccessor(1);
      break;
    }
    int on = wayOn(branch);
    if (on < 0) return false;
    block = branch->getSuccessor(unsigned(on));
    if (std::find(loop.blocks.begin(), loop.blocks.end(), block) != loop.blocks.end()) return false;
  }
  // Goes on with the next warp as long as it is below `last`, and nothing is used behind the loop.
  BasicBlock* latch = loop.blocks.back();
  auto* again = llvm::dyn_cast<llvm::ICmpInst>(llvm::cast<llvm::BranchInst>(latch->getTerminator())->getCondition());
  auto* next = llvm::dyn_cast<llvm::BinaryOperator>(loop.warp->getIncomingValueForBlock(latch));
  if (!again || !next || next->getOpcode() != Instruction::Add || next->getOperand(0) != loop.warp) return false;
  auto* step = llvm::dyn_cast<llvm::ConstantInt>(next->getOperand(1));
  return step && step->isOne() && again->getPredicate() == llvm::CmpInst::ICMP_ULT && again->getOperand(0) == next &&
         again->getOperand(1) == loop.last && loop.exit->phis().empty() && llvm::isa<llvm::ReturnInst>(loop.exit->getTerminator());
}

bool notesWarp(const Instruction& i, const WarpLoop& loop) {
  auto* store = llvm::dyn_cast<llvm::StoreInst>(&i);
  return store && store->isVolatile() && store->getValueOperand() == loop.warp;
}

bool mayBeside(const Instruction& i, const WarpLoop& loop, bool stores) {
  if (i.isTerminator() || llvm::isa<llvm::PHINode>(i) || notesWarp(i, loop)) return true;
  if (llvm::isa<llvm::AllocaInst>(i)) return false;
  if (auto* load = llvm::dyn_cast<llvm::LoadInst>(&i)) return load->isSimple();
  if (auto* store = llvm::dyn_cast<llvm::StoreInst>(&i)) return stores && store->isSimple();
  if (auto* call = llvm::dyn_cast<llvm::CallInst>(&i)) {
    if (call->isInlineAsm() || !llvm::isa<llvm::IntrinsicInst>(call)) return false;
    return stores || !call->mayWriteToMemory();
  }
  return !i.mayHaveSideEffects();
}

bool isSlow(const Instruction& i) {
  llvm::Type* lane = i.getType()->getScalarType();
  if (!llvm::isa<llvm::FixedVectorType>(i.getType()) || (!lane->isFloatTy() && !lane->isDoubleTy())) return false;
  switch (i.getOpcode()) {
    case Instruction::FAdd: case Instruction::FSub: case Instruction::FMul: return true;
    case Instruction::Call: return llvm::cast<llvm::CallInst>(i).getIntrinsicID() == llvm::Intrinsic::fma;
    default: return false;
  }
}

unsigned hostVectors(const llvm::Type* type, unsigned vectorBits) {
  return std::max(1u, unsigned(type->getPrimitiveSizeInBits().getKnownMinValue()) / vectorBits);
}

// How many warps to take at a time: 1, 2 or 4.
unsigned warpsAtOnce(const WarpLoop& loop, unsigned vectorBits) {
  llvm::DenseMap<const Value*, unsigned> depth;
  unsigned chain = 0, work = 0, count = 0;
  for (const BasicBlock* block : loop.blocks) {
    for (const Instruction& i : *block) {
      if (!mayBeside(i, loop, block == loop.blocks.back())) return 1;
      for (const llvm::User* user : i.users())
        if (auto* at = llvm::dyn_cast<Instruction>(user); at && at->getParent() == loop.exit) return 1;
      if (++count > longestBody) return 1;
      unsigned d = 0;
      if (!llvm::isa<llvm::PHINode>(i))
        for (const Value* v : i.operands()) d = std::max(d, depth.lookup(v));
      if (isSlow(i)) ++d, work += hostVectors(i.getType(), vectorBits);
      chain = std::max(chain, depth[&i] = d);
    }
  }
  if (chain < shortestChain) return 1;
  unsigned besides = (work + chain - 1) / chain, warps = mostWarps;
  while (warps > 1 && besides * warps > chainsAtOnce) warps /= 2;
  return warps;
}

// Copies a block for several warps: operation by operation of the chain, each for one warp after the other, with what it needs (loads
// above all) right before it, as LLVM's scheduler leaves it then.
class Copier {
 public:
  Copier(const WarpLoop& loop, std::vector<llvm::ValueToValueMapTy>& maps, llvm::IRBuilder<>& b, unsigned vectorBits)
      : loop_(loop), maps_(maps), b_(b), vectorBits_(vectorBits), registers_(vectorBits == 512 ? "v" : "x") {
    if (!llvm::Triple(loop.blocks[0]->getModule()->getTargetTriple()).isX86()) registers_ = "w";
  }

  void copy(const BasicBlock& from) {
    waiting_.clear();
    for (const Instruction& i : from) {
      if (llvm::isa<llvm::PHINode>(i) || i.isTerminator()) continue;
      const bool writes = i.mayWriteToMemory();
      if (!isSlow(i) && !writes) {
        waiting_.insert(&i);
        continue;
      }
      if (notesWarp(i, loop_)) {
        place(i, 0);
        continue;
      }
      if (writes) flush();
      for (size_t w = 0; w < maps_.size(); ++w) demand(i, w);
      if (isSlow(i)) holdTogether(i);
    }
    flush();
  }

 private:
  // In the order of the block: what a store could change is read before it.
  void flush() {
    for (const Instruction* i : waiting_)
      for (size_t w = 0; w < maps_.size(); ++w) demand(*i, w);
    waiting_.clear();
  }

  void demand(const Instruction& i, size_t w) {
    if (maps_[w].count(&i)) return;
    for (const Value* v : i.operands())
      if (auto* made = llvm::dyn_cast<Instruction>(v); made && waiting_.contains(made)) demand(*made, w);
    place(i, w);
  }

  void place(const Instruction& i, size_t w) {
    Instruction* copy = i.clone();
    if (i.hasName()) copy->setName(i.getName());
    b_.Insert(copy);
    llvm::RemapInstruction(copy, maps_[w], llvm::RF_NoModuleLevelChanges | llvm::RF_IgnoreMissingLocals);
    maps_[w][&i] = copy;
  }

  // LLVM's scheduler would bring one chain to its end before it begins the next: it sees all warps' results go through one place, where
  // nothing is.
  void holdTogether(const Instruction& i) {
    auto* type = llvm::cast<llvm::FixedVectorType>(i.getType());
    const unsigned bits = unsigned(type->getPrimitiveSizeInBits().getFixedValue()), parts = std::max(1u, bits / vectorBits_);
    const unsigned lanes = type->getNumElements() / parts;
    llvm::SmallVector<Value*, 8> in;
    std::string outs, ins;
    for (auto& map : maps_)
      for (unsigned part = 0; part < parts; ++part) {
        in.push_back(parts == 1 ? map[&i] : b_.CreateExtractVector(llvm::FixedVectorType::get(type->getElementType(), lanes), map[&i], b_.getInt64(part * lanes)));
        ins += "," + std::to_string(in.size() - 1);
        outs += std::string(outs.empty() ? "=" : ",=") + registers_;
      }
    llvm::SmallVector<llvm::Type*, 8> types;
    for (Value* v : in) types.push_back(v->getType());
    auto* results = llvm::StructType::get(b_.getContext(), types);
    auto* form = llvm::FunctionType::get(results, types, false);
    Value* out = b_.CreateCall(form, llvm::InlineAsm::get(form, "", outs + ins, false), in);
    unsigned at = 0;
    for (auto& map : maps_) {
      Value* whole = parts == 1 ? b_.CreateExtractValue(out, at++) : llvm::PoisonValue::get(type);
      for (unsigned part = 0; parts > 1 && part < parts; ++part)
        whole = b_.CreateInsertVector(type, whole, b_.CreateExtractValue(out, at++), b_.getInt64(part * lanes));
      map[&i] = whole;
    }
  }

  const WarpLoop& loop_;
  std::vector<llvm::ValueToValueMapTy>& maps_;
  llvm::IRBuilder<>& b_;
  const unsigned vectorBits_;
  const char* registers_;
  llvm::SetVector<const Instruction*> waiting_;
};

}  // namespace

void runSideBySide(llvm::Function& function, unsigned vectorBits) {
  WarpLoop loop;
  if (!findWarpLoop(function, loop)) return;
  const unsigned warps = warpsAtOnce(loop, vectorBits);
  if (warps < 2) return;
  auto newBlock = [&](const char* name) { return BasicBlock::Create(function.getContext(), name, &function, loop.blocks[0]); };
  BasicBlock* header = loop.blocks[0];
  BasicBlock *several = newBlock("warps"), *rest = newBlock("warps.rest");
  llvm::IRBuilder<> b(loop.before->getTerminator());
  auto i32 = [&](unsigned n) { return b.getInt32(n); };
  // `several` is for warps that are all below `last`, which no sum passes: warps are few.
  auto allThere = [&](Value* from) { return b.CreateICmpULT(b.CreateAdd(from, i32(warps - 1)), loop.last); };
  b.CreateCondBr(allThere(loop.first), several, header);
  loop.before->getTerminator()->eraseFromParent();

  b.SetInsertPoint(several);
  b.SetCurrentDebugLocation(header->getTerminator()->getDebugLoc());
  llvm::PHINode* first = b.CreatePHI(b.getInt32Ty(), 2, "w");
  first->addIncoming(loop.first, loop.before);
  std::vector<llvm::ValueToValueMapTy> maps(warps);
  for (unsigned w = 0; w < warps; ++w) maps[w][loop.warp] = w ? b.CreateAdd(first, i32(w)) : first;
  for (BasicBlock* block : loop.blocks) {
    Copier(loop, maps, b, vectorBits).copy(*block);
    auto* branch = llvm::cast<llvm::BranchInst>(block->getTerminator());
    b.SetCurrentDebugLocation(branch->getDebugLoc());
    if (block == loop.blocks.back()) break;
    BasicBlock* on = newBlock("warps.go");
    if (branch->isUnconditional()) {
      b.CreateBr(on);
    } else {
      const bool straight = wayOn(branch) == 0;
      Value* all = nullptr;
      for (auto& map : maps) {
        Value* condition = branch->getCondition();
        if (auto it = map.find(condition); it != map.end()) condition = it->second;
        if (!straight) condition = b.CreateNot(condition);
        all = all ? b.CreateAnd(all, condition) : condition;
      }
      b.CreateCondBr(all, on, header);
      loop.warp->addIncoming(first, b.GetInsertBlock());
    }
    b.SetInsertPoint(on);
  }
  Value* next = b.CreateAdd(first, i32(warps));
  first->addIncoming(next, b.GetInsertBlock());
  b.CreateCondBr(allThere(next), several, rest);
  b.SetInsertPoint(rest);
  b.CreateCondBr(b.CreateICmpULT(next, loop.last), header, loop.exit);
  loop.warp->addIncoming(next, rest);
}

}  // namespace anywarp::jit
