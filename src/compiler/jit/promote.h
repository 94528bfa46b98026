// Brings the registers of a kernel from memory into SSA form. SPDX-License-Identifier: Apache-2.0
#pragma once

namespace llvm {
class Function;
}

namespace anywarp::jit {

// What mem2reg does, for variables that live in few of many blocks: a kernel is one long chain of blocks, each of its thousands of
// registers in a few of them. mem2reg looks at every block that a store dominates, for each register, which is quadratic here;
// this looks at the blocks between a load and the stores that it can see (Braun et al., Simple and Efficient Construction of
// Static Single Assignment Form, 2013). Unreachable blocks are removed.
void promoteRegisters(llvm::Function& function);

}  // namespace anywarp::jit
