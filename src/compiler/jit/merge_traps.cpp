// Blocks that end in the same call without return share it. SPDX-License-Identifier: Apache-2.0
#include "compiler/jit/merge_traps.h"

#include <llvm/IR/Instructions.h>

#include <map>
#include <tuple>

namespace anywarp::jit {
namespace {

// A block whose last instructions are: pointer = load (base + offset); call pointer(...); unreachable.
struct Trap {
  llvm::BasicBlock* block;
  llvm::CallInst* call;
  llvm::LoadInst* callee;
  llvm::GetElementPtrInst* place;
};

using Kind = std::tuple<llvm::Value*, llvm::Value*, llvm::FunctionType*>;  // base, offset

bool isTrap(llvm::BasicBlock& block, Trap& trap) {
  if (!llvm::isa<llvm::UnreachableInst>(block.getTerminator()) || block.size() < 4) return false;
  auto* call = llvm::dyn_cast<llvm::CallInst>(block.getTerminator()->getPrevNode());
  if (!call || !call->getType()->isVoidTy()) return false;
  auto* callee = llvm::dyn_cast<llvm::LoadInst>(call->getCalledOperand());
  if (!callee || callee->getParent() != &block || !callee->hasOneUse()) return false;
  auto* place = llvm::dyn_cast<llvm::GetElementPtrInst>(callee->getPointerOperand());
  if (!place || place->getParent() != &block || !place->hasOneUse() || place->getNumIndices() != 1 || !llvm::isa<llvm::Constant>(place->getOperand(1)))
    return false;
  trap = {&block, call, callee, place};
  return true;
}

void merge(llvm::Function& function, const std::vector<Trap>& traps) {
  llvm::BasicBlock* common = llvm::BasicBlock::Create(function.getContext(), "traps", &function);
  const Trap& first = traps[0];
  for (unsigned i = 0; i < first.call->arg_size(); ++i) {
    llvm::Value* same = first.call->getArgOperand(i);
    for (const Trap& trap : traps)
      if (trap.call->getArgOperand(i) != same) same = nullptr;
    if (same) continue;  // what is above each of the blocks is above them all
    llvm::PHINode* phi = llvm::PHINode::Create(first.call->getArgOperand(i)->getType(), unsigned(traps.size()), "", common);
    for (const Trap& trap : traps) phi->addIncoming(trap.call->getArgOperand(i), trap.block);
    first.call->setArgOperand(i, phi);
  }
  for (const Trap& trap : traps) {
    trap.block->getTerminator()->eraseFromParent();
    llvm::BranchInst::Create(common, trap.block);
    if (&trap == &first) continue;
    trap.call->eraseFromParent();
    trap.callee->eraseFromParent();
    trap.place->eraseFromParent();
  }
  auto* end = new llvm::UnreachableInst(function.getContext(), common);
  for (llvm::Instruction* moved : {static_cast<llvm::Instruction*>(first.place), static_cast<llvm::Instruction*>(first.callee),
                                   static_cast<llvm::Instruction*>(first.call)})
    moved->moveBefore(end);
}

}  // namespace

void mergeTraps(llvm::Function& function) {
  std::map<Kind, size_t> kinds;
  std::vector<std::vector<Trap>> traps;  // in the order of the code
  Trap trap;
  for (llvm::BasicBlock& block : function) {
    if (!isTrap(block, trap)) continue;
    auto [kind, isNew] = kinds.try_emplace({trap.place->getPointerOperand(), trap.place->getOperand(1), trap.call->getFunctionType()}, traps.size());
    if (isNew) traps.emplace_back();
    traps[kind->second].push_back(trap);
  }
  for (const std::vector<Trap>& alike : traps)
    if (alike.size() > 1) merge(function, alike);
}

}  // namespace anywarp::jit
