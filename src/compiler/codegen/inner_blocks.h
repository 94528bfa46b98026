// Blocks none of whose threads lies outside of the data: their kernels without tests of bounds. SPDX-License-Identifier: Apache-2.0
//
// Most kernels begin by asking whether a thread has an element (`if (i < n)`, `if (x > 0 && x < w - 1)`), which only in few blocks some
// threads do not have. What such a comparison compares is a formula of the thread's place, the block's place and parameters, so a few
// scalar operations find the least and the greatest value in a block. Where all comparisons come out as in the inside of the data, the block runs code
// for which they are known: no masks, no test for each warp.
#pragma once

#include <llvm/IR/IRBuilder.h>

#include <vector>

#include "compiler/analysis/assumptions.h"
#include "compiler/codegen/kernel_state.h"

namespace anywarp::codegen {

struct InnerBlocks {
  std::vector<analysis::Assumption> known;  // of these blocks; empty: there is nothing to gain
  llvm::Value* isInner = nullptr;           // i1: whether the block of the context is one
};

// `context`: the BlockContext. Makes scalar code at `b`.
InnerBlocks findInnerBlocks(llvm::IRBuilder<>& b, llvm::Value* context, analysis::Flat& flat, const abi::Dim3& block,
                            const analysis::ParamLayout& params);

}  // namespace anywarp::codegen
