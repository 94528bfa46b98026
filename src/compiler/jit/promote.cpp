// Registers into SSA form, each by itself, backwards from its loads. SPDX-License-Identifier: Apache-2.0
#include "compiler/jit/promote.h"

#include <llvm/ADT/DenseMap.h>
#include <llvm/ADT/PostOrderIterator.h>
#include <llvm/ADT/SmallPtrSet.h>
#include <llvm/ADT/SmallVector.h>
#include <llvm/Analysis/CFG.h>
#include <llvm/Analysis/LoopInfo.h>
#include <llvm/IR/CFG.h>
#include <llvm/IR/Constants.h>
#include <llvm/IR/Dominators.h>
#include <llvm/IR/Function.h>
#include <llvm/IR/Instructions.h>
#include <llvm/Transforms/Utils/Local.h>
#include <llvm/Transforms/Utils/PromoteMemToReg.h>

#include <algorithm>

namespace anywarp::jit {
namespace {

using llvm::BasicBlock;
using llvm::Value;

// Numbers instructions by their place in a block, a block at a time.
class Places {
 public:
  uint32_t of(const llvm::Instruction* instruction) {
    auto [it, isNew] = places_.try_emplace(instruction, 0);
    if (!isNew) return it->second;
    uint32_t n = 0;
    for (const llvm::Instruction& i : *instruction->getParent())
      if (isAccess(i)) places_[&i] = n++;
    return places_[instruction];
  }

 private:
  static bool isAccess(const llvm::Instruction& i) { return llvm::isa<llvm::LoadInst>(i) || llvm::isa<llvm::StoreInst>(i); }
  llvm::DenseMap<const llvm::Instruction*, uint32_t> places_;
};

struct Shape {
  explicit Shape(llvm::Function& function) : tree(function), loops(tree) {
    llvm::ReversePostOrderTraversal<llvm::Function*> order(&function);
    reducible = !llvm::containsIrreducibleCFG<BasicBlock*>(order, loops);
  }
  llvm::DominatorTree tree;
  llvm::LoopInfo loops;
  bool reducible;
};

class Promotion {
 public:
  Promotion(llvm::AllocaInst& variable, Places& places, const Shape& shape)
      : variable_(variable), undef_(llvm::UndefValue::get(variable.getAllocatedType())) {
    for (llvm::User* user : llvm::make_early_inc_range(variable.users())) {
      auto* access = llvm::cast<llvm::Instruction>(user);
      if (llvm::isa<llvm::LoadInst>(access) && access->use_empty()) access->eraseFromParent();
    }
    for (llvm::User* user : variable.users()) accesses_.push_back({places.of(llvm::cast<llvm::Instruction>(user)), llvm::cast<llvm::Instruction>(user)});
    if (shape.reducible) findTop(shape);
  }

  void run() {
    readWithinBlocks();
    for (llvm::LoadInst* load : exposed_) values_[load] = atEntry(load->getParent());
    while (!incomplete_.empty()) complete(incomplete_.pop_back_val());
    replaceLoads();
    removeTrivial();
    for (const Access& access : accesses_) access.instruction->eraseFromParent();
    variable_.eraseFromParent();
  }

 private:
  struct Access {
    uint32_t place;
    llvm::Instruction* instruction;
  };

  // A register is undefined when a warp begins (code generation stores that once); so it is above the block that dominates all that
  // is done with it, and above the loops around that block.
  void findTop(const Shape& shape) {
    BasicBlock* begin = nullptr;
    BasicBlock* top = nullptr;
    for (const Access& access : accesses_) {
      BasicBlock* block = access.instruction->getParent();
      auto* store = llvm::dyn_cast<llvm::StoreInst>(access.instruction);
      if (store && llvm::isa<llvm::UndefValue>(store->getValueOperand())) {
        if (begin) return;
        begin = block;
      } else {
        top = top ? shape.tree.findNearestCommonDominator(top, block) : block;
      }
    }
    if (!begin || !top || top == begin || !shape.tree.dominates(begin, top)) return;
    for (const llvm::Loop* loop = shape.loops.getLoopFor(top); loop && !loop->contains(begin); loop = loop->getParentLoop()) {
      top = loop->getHeader();
      around_ = loop;
    }
    top_ = top;
  }

  // Comes the edge from `above` to `block` from where the register is undefined?
  bool isUndefinedOn(const BasicBlock* above, const BasicBlock* block) const {
    return block == top_ && !(around_ && around_->contains(above));
  }

  // Loads after a store of their block have its value; what others read is there at the block's entry.
  void readWithinBlocks() {
    llvm::DenseMap<BasicBlock*, llvm::SmallVector<Access, 4>> byBlock;
    llvm::SmallVector<BasicBlock*, 8> blocks;  // in a fixed order
    for (const Access& access : accesses_) {
      auto& list = byBlock[access.instruction->getParent()];
      if (list.empty()) blocks.push_back(access.instruction->getParent());
      list.push_back(access);
    }
    for (BasicBlock* block : blocks) {
      auto& list = byBlock[block];
      std::sort(list.begin(), list.end(), [](const Access& a, const Access& b) { return a.place < b.place; });
      Value* current = nullptr;
      for (const Access& access : list) {
        auto* load = llvm::dyn_cast<llvm::LoadInst>(access.instruction);
        if (!load) current = llvm::cast<llvm::StoreInst>(access.instruction)->getValueOperand();
        else if (current) values_[load] = current;
        else exposed_.push_back(load);
      }
      if (current) atExit_[block] = current;
    }
  }

  // The value at a block's entry: of the nearest join or store above it.
  Value* atEntry(BasicBlock* block) {
    llvm::SmallVector<BasicBlock*, 16> path;
    Value* value = nullptr;
    for (BasicBlock* at = block; !value;) {
      if (auto known = atEntry_.find(at); known != atEntry_.end()) {
        value = known->second;
        break;
      }
      path.push_back(at);
      if (at == top_ && !around_) {
        value = undef_;
      } else if (BasicBlock* above = at->getUniquePredecessor()) {
        auto stored = atExit_.find(above);
        if (stored != atExit_.end()) value = stored->second;
        at = above;
      } else if (llvm::pred_empty(at)) {
        value = undef_;
      } else {
        auto* phi = llvm::PHINode::Create(variable_.getAllocatedType(), llvm::pred_size(at), variable_.getName());
        phi->insertBefore(at->begin());
        phis_.push_back(phi);
        incomplete_.push_back(phi);
        value = phi;
      }
    }
    for (BasicBlock* at : path) atEntry_[at] = value;
    return value;
  }

  void complete(llvm::PHINode* phi) {
    for (BasicBlock* above : llvm::predecessors(phi->getParent())) {
      if (isUndefinedOn(above, phi->getParent())) {
        phi->addIncoming(undef_, above);
        continue;
      }
      auto stored = atExit_.find(above);
      phi->addIncoming(stored != atExit_.end() ? stored->second : atEntry(above), above);
    }
  }

  Value* resolve(Value* value) const {
    for (;;) {
      auto it = values_.find(llvm::dyn_cast<llvm::LoadInst>(value));
      if (it == values_.end()) return value;
      value = it->second;
    }
  }

  void replaceLoads() {
    for (const Access& access : accesses_)
      if (auto* load = llvm::dyn_cast<llvm::LoadInst>(access.instruction)) load->replaceAllUsesWith(resolve(load));
  }

  // A join where but one value comes together is that value.
  void removeTrivial() {
    llvm::SmallVector<llvm::PHINode*, 16> work(phis_);
    llvm::SmallPtrSet<llvm::PHINode*, 16> left(phis_.begin(), phis_.end());
    while (!work.empty()) {
      llvm::PHINode* phi = work.pop_back_val();
      if (!left.count(phi)) continue;
      Value* only = nullptr;
      bool trivial = true;
      for (Value* value : phi->incoming_values()) {
        if (value == phi || value == only) continue;
        trivial &= !only;
        only = value;
      }
      if (!trivial) continue;
      for (llvm::User* user : phi->users())
        if (auto* other = llvm::dyn_cast<llvm::PHINode>(user); other && other != phi) work.push_back(other);
      phi->replaceAllUsesWith(only ? only : undef_);
      left.erase(phi);
      phi->eraseFromParent();
    }
  }

  llvm::AllocaInst& variable_;
  Value* undef_;
  const BasicBlock* top_ = nullptr;    // undefined above it
  const llvm::Loop* around_ = nullptr;  // whose header it is
  llvm::SmallVector<Access, 16> accesses_;
  llvm::SmallVector<llvm::LoadInst*, 8> exposed_;        // read what is there at their block's entry
  llvm::DenseMap<llvm::LoadInst*, Value*> values_;
  llvm::DenseMap<BasicBlock*, Value*> atEntry_, atExit_;  // at exit: only where a store is
  llvm::SmallVector<llvm::PHINode*, 16> phis_, incomplete_;
};

bool isRegister(const llvm::AllocaInst& variable) {
  if (!llvm::isAllocaPromotable(&variable)) return false;
  return std::all_of(variable.user_begin(), variable.user_end(), [](const llvm::User* user) {
    return llvm::isa<llvm::LoadInst>(user) || llvm::isa<llvm::StoreInst>(user);
  });
}

}  // namespace

void promoteRegisters(llvm::Function& function) {
  llvm::removeUnreachableBlocks(function);
  llvm::SmallVector<llvm::AllocaInst*, 64> variables;
  for (llvm::Instruction& instruction : function.getEntryBlock())
    if (auto* variable = llvm::dyn_cast<llvm::AllocaInst>(&instruction); variable && isRegister(*variable)) variables.push_back(variable);
  if (variables.empty()) return;
  Places places;
  Shape shape(function);
  for (llvm::AllocaInst* variable : variables) Promotion(*variable, places, shape).run();
}

}  // namespace anywarp::jit
