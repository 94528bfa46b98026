// Makes registers that are written in one place cheap to bring into SSA form. SPDX-License-Identifier: Apache-2.0
#pragma once

namespace llvm {
class Function;
}

namespace anywarp::jit {

// Code generation stores `undef` into each register when a warp begins, so that nothing flows from one warp to the next. Where
// another store comes before every load, that first one says nothing; without it mem2reg sees a single definition and is linear,
// with it each register costs a walk over all blocks.
void dropUselessUndefStores(llvm::Function& function);

}  // namespace anywarp::jit
