// AMX: products of accumulators that live in tile homes as tile instructions. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <llvm/IR/Function.h>

namespace anywarp::codegen::x86 {

void useTiles(llvm::Function& function);

}  // namespace anywarp::codegen::x86
