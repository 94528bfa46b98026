// Which stores of undef no load can see. SPDX-License-Identifier: Apache-2.0
#include "compiler/jit/single_writes.h"

#include <llvm/ADT/SmallVector.h>
#include <llvm/IR/Constants.h>
#include <llvm/IR/Dominators.h>
#include <llvm/IR/Function.h>
#include <llvm/IR/Instructions.h>

namespace anywarp::jit {
namespace {

struct Accesses {
  llvm::SmallVector<llvm::StoreInst*, 2> undefStores, stores;
  llvm::SmallVector<llvm::LoadInst*, 8> loads;
};

// False where the variable is more than loaded and stored.
bool collect(llvm::AllocaInst& variable, Accesses& found) {
  for (llvm::User* user : variable.users()) {
    if (auto* load = llvm::dyn_cast<llvm::LoadInst>(user)) {
      found.loads.push_back(load);
      continue;
    }
    auto* store = llvm::dyn_cast<llvm::StoreInst>(user);
    if (!store || store->getValueOperand() == &variable) return false;
    (llvm::isa<llvm::UndefValue>(store->getValueOperand()) ? found.undefStores : found.stores).push_back(store);
  }
  return true;
}

// Some store comes before each load. Few registers have many stores, and those have them in different blocks: only the first that
// dominates is looked for.
bool everyLoadIsPreceded(const Accesses& found, const llvm::DominatorTree& tree) {
  constexpr size_t mostStores = 4;
  if (found.stores.empty() || found.stores.size() > mostStores) return false;
  for (llvm::LoadInst* load : found.loads) {
    bool preceded = false;
    for (llvm::StoreInst* store : found.stores) preceded |= tree.dominates(store, load);
    if (!preceded) return false;
  }
  return true;
}

}  // namespace

void dropUselessUndefStores(llvm::Function& function) {
  llvm::DominatorTree tree(function);
  llvm::SmallVector<llvm::StoreInst*, 64> useless;
  for (llvm::Instruction& instruction : function.getEntryBlock()) {
    auto* variable = llvm::dyn_cast<llvm::AllocaInst>(&instruction);
    Accesses found;
    if (variable && collect(*variable, found) && !found.undefStores.empty() && everyLoadIsPreceded(found, tree))
      useless.append(found.undefStores.begin(), found.undefStores.end());
  }
  for (llvm::StoreInst* store : useless) store->eraseFromParent();
}

}  // namespace anywarp::jit
