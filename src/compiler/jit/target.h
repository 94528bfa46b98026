// The LLVM target machine of a compilation. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "compiler/jit/emit.h"

namespace anywarp::jit {

Result<std::unique_ptr<llvm::TargetMachine>> createTargetMachine(const EmitOptions& options);

}  // namespace anywarp::jit
