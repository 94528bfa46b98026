// One test for many accesses that nearly always lie on a line: code without branches behind it. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <llvm/IR/Dominators.h>
#include <llvm/IR/Function.h>

namespace anywarp::jit {

// Whether anything was changed.
bool joinFastWays(llvm::Function& function, const llvm::DominatorTree& dominators);

}  // namespace anywarp::jit
