// One test before many accesses that nearly always lie on a line: code without branches behind it. SPDX-License-Identifier: Apache-2.0
//
// A warp's addresses lie on a line unless 32-bit arithmetic wraps between its lanes, which is tested before each access. Across such
// tests nothing is scheduled, and what was loaded before them lies on the stack when there are many. Code generation has put another way
// beside the whole, which is right in any case (all lanes beside some of them, accesses on lines beside gathers). The tests are of few
// scalar values, so they are made where these two part.
#include "compiler/jit/fast_ways.h"

#include <llvm/ADT/DepthFirstIterator.h>
#include <llvm/ADT/SmallVector.h>
#include <llvm/Analysis/ValueTracking.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/Instructions.h>
#include <llvm/Transforms/Utils/Local.h>

#include "compiler/ir_marks.h"

namespace anywarp::jit {
namespace {

using llvm::BranchInst;
using llvm::Instruction;

// More than these would be made early for a test.
constexpr size_t longestCondition = 24;

using Moves = llvm::SmallVector<Instruction*, 16>;

BranchInst* markedBranch(llvm::BasicBlock* block, const char* mark) {
  auto* branch = llvm::dyn_cast<BranchInst>(block->getTerminator());
  return branch && branch->isConditional() && branch->getMetadata(mark) ? branch : nullptr;
}

// Where two ways part, one of them right in any case.
BranchInst* partOfWays(llvm::BasicBlock* block) {
  if (BranchInst* mostly = markedBranch(block, mostlyMark)) return mostly;
  BranchInst* always = markedBranch(block, alwaysMark);
  if (always) always->setCondition(llvm::ConstantInt::getTrue(block->getContext()));
  return always;
}

// What does not change while a block runs and lies where the function's own argument says, or at a place that is found there: a thread's
// place in the grid, the kernel's parameters.
bool isOfLaunch(const Instruction* inst) {
  auto placeOf = [](const Instruction* load) -> const llvm::Value* {
    if (!llvm::isa<llvm::LoadInst>(load) || !load->getMetadata(llvm::LLVMContext::MD_invariant_load)) return nullptr;
    llvm::APInt offset(64, 0);
    return load->getOperand(0)->stripAndAccumulateConstantOffsets(load->getDataLayout(), offset, /*AllowNonInbounds=*/true);
  };
  const llvm::Value* place = placeOf(inst);
  if (auto* found = llvm::dyn_cast_or_null<Instruction>(place)) place = placeOf(found);
  return llvm::isa_and_nonnull<llvm::Argument>(place);
}

// Whether all that `v` is made of can be had before `at`: what is to be moved there, in order.
bool canMove(llvm::Value* v, Instruction* at, const llvm::DominatorTree& dominators, Moves& moved) {
  auto* inst = llvm::dyn_cast<Instruction>(v);
  if (!inst || dominators.dominates(inst, at) || llvm::is_contained(moved, inst)) return true;
  if (llvm::isa<llvm::PHINode>(inst) || (!llvm::isSafeToSpeculativelyExecute(inst) && !isOfLaunch(inst))) return false;
  for (llvm::Value* operand : inst->operands())
    if (!canMove(operand, at, dominators, moved)) return false;
  moved.push_back(inst);
  return moved.size() <= longestCondition;
}

// The fast way of `whole` is taken only where `test` holds too.
bool joinTest(BranchInst* whole, BranchInst* test, const llvm::DominatorTree& dominators) {
  Moves moved;
  if (!canMove(test->getCondition(), whole, dominators, moved)) return false;
  for (Instruction* inst : moved) inst->moveBefore(whole);
  llvm::IRBuilder<> b(whole);
  whole->setCondition(b.CreateLogicalAnd(whole->getCondition(), test->getCondition()));
  test->getSuccessor(1)->removePredecessor(test->getParent(), /*KeepOneInputPHIs=*/true);
  BranchInst::Create(test->getSuccessor(0), test->getIterator());
  test->eraseFromParent();
  return true;
}

}  // namespace

bool joinFastWays(llvm::Function& function, const llvm::DominatorTree& dominators) {
  llvm::SmallVector<std::pair<BranchInst*, BranchInst*>, 16> pairs;
  for (auto* node : llvm::depth_first(dominators.getRootNode())) {
    BranchInst* whole = partOfWays(node->getBlock());
    if (!whole || !whole->getSuccessor(0)->getSinglePredecessor()) continue;
    for (auto* below : llvm::depth_first(dominators.getNode(whole->getSuccessor(0))))
      if (BranchInst* test = markedBranch(below->getBlock(), nearlyAlwaysMark)) pairs.emplace_back(whole, test);
  }
  llvm::SmallPtrSet<BranchInst*, 16> joined;
  for (auto [whole, test] : pairs)
    if (!joined.count(test) && joinTest(whole, test, dominators)) joined.insert(test);
  if (!joined.empty()) llvm::removeUnreachableBlocks(function);
  return !joined.empty();
}

}  // namespace anywarp::jit
