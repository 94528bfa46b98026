// Packs under full masks are no packs. SPDX-License-Identifier: Apache-2.0
#include "compiler/jit/first_lanes.h"

#include <llvm/Analysis/ConstantFolding.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/Module.h>

namespace anywarp::jit {
namespace {

bool isFull(llvm::Value* mask, const llvm::DataLayout& layout) {
  auto* known = llvm::dyn_cast<llvm::Constant>(mask);
  if (auto* made = llvm::dyn_cast<llvm::Instruction>(mask)) known = llvm::ConstantFoldInstruction(made, layout);
  return known && known->isAllOnesValue();
}

}  // namespace

void takeFirstLanes(llvm::Function& function) {
  const llvm::DataLayout& layout = function.getParent()->getDataLayout();
  llvm::SmallVector<llvm::CallInst*, 16> packs;
  for (llvm::Instruction& inst : llvm::instructions(function)) {
    auto* call = llvm::dyn_cast<llvm::CallInst>(&inst);
    llvm::Function* callee = call ? call->getCalledFunction() : nullptr;
    if (callee && callee->getName().starts_with("llvm.x86.avx512.mask.compress") && isFull(call->getArgOperand(2), layout)) packs.push_back(call);
  }
  for (llvm::CallInst* pack : packs) {
    pack->replaceAllUsesWith(pack->getArgOperand(0));
    pack->eraseFromParent();
  }
}

}  // namespace anywarp::jit
