// Blocks that end in the same call without return share it. SPDX-License-Identifier: Apache-2.0
#pragma once

namespace llvm {
class Function;
}

namespace anywarp::jit {

// A kernel has a test before each access, and behind each a call that reports what is wrong: six arguments, a pointer from a table, a
// call, each time. Afterwards a function has one such call, and where the blocks differ, phis before it.
void mergeTraps(llvm::Function& function);

}  // namespace anywarp::jit
