// Prebuilt code of the quick tier: one function for each instruction of a list, on rows of 32 lanes in memory.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <llvm/IR/Module.h>

#include "compiler/codegen/pure.h"
#include "compiler/ptx/ast.h"
#include "support/result.h"

namespace anywarp::codegen {

// What quick::Warp and quick::Op begin with, as the code that is made here reads it: a warp's two bases (its rows, and the kernel's
// constant rows), an instruction's operands (offset of a row; bit 0: from the second base).
inline constexpr unsigned rowLanes = 32;

struct NamedHandler {
  std::string key;
  const ptx::Instruction* inst;
};

// Adds void(warp, op, mask) for each, and a table of {key, function} sorted by key: `symbol`, with its length in `symbol`_count.
// Results are written for the lanes of `mask` alone; lanes outside it are computed all the same.
Status emitHandlers(llvm::Module& module, const HostTarget& host, std::vector<NamedHandler> handlers, const std::string& symbol,
                    const std::function<void(llvm::Function&)>& setAttributes);

}  // namespace anywarp::codegen
