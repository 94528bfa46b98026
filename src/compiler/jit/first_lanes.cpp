// Packs under full masks are no packs, and a lane of equal ones is any of them. SPDX-License-Identifier: Apache-2.0
#include "compiler/jit/first_lanes.h"

#include <llvm/Analysis/ConstantFolding.h>
#include <llvm/Analysis/VectorUtils.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/Module.h>

#include "support/options.h"

namespace anywarp::jit {
namespace {

bool isFull(llvm::Value* mask, const llvm::DataLayout& layout) {
  auto* known = llvm::dyn_cast<llvm::Constant>(mask);
  if (auto* made = llvm::dyn_cast<llvm::Instruction>(mask)) known = llvm::ConstantFoldInstruction(made, layout);
  return known && known->isAllOnesValue();
}

// What every lane of `v` holds, as `type`; null where they differ or that is not seen.
llvm::Value* sameInAllLanes(llvm::Value* v, llvm::Type* type, llvm::IRBuilder<>& b) {
  auto* lanes = llvm::cast<llvm::FixedVectorType>(v->getType());
  while (auto* cast = llvm::dyn_cast<llvm::BitCastInst>(v)) {
    auto* from = llvm::dyn_cast<llvm::FixedVectorType>(cast->getSrcTy());
    if (!from || from->getNumElements() != lanes->getNumElements()) return nullptr;
    v = cast->getOperand(0);
  }
  llvm::Value* same = llvm::getSplatValue(v);
  return same ? b.CreateBitCast(same, type) : nullptr;
}

// LLVM does this for lanes that are constants.
void takeSameLanes(llvm::Function& function) {
  for (llvm::BasicBlock& block : function)
    for (llvm::Instruction& inst : llvm::make_early_inc_range(block)) {
      auto* extract = llvm::dyn_cast<llvm::ExtractElementInst>(&inst);
      if (!extract) continue;
      llvm::IRBuilder<> b(extract);
      llvm::Value* same = sameInAllLanes(extract->getVectorOperand(), extract->getType(), b);
      if (!same) continue;
      extract->replaceAllUsesWith(same);
      extract->eraseFromParent();
    }
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
  if (!options::isPassOff("same-lanes")) takeSameLanes(function);
}

}  // namespace anywarp::jit
