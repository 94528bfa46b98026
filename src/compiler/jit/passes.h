// The optimisation pipelines, one line of LLVM's pass names per level. SPDX-License-Identifier: Apache-2.0
#pragma once

#include "compiler/jit/emit.h"

namespace anywarp::jit {

// Runs the pipeline of the options' level over the module.
Status optimize(llvm::Module& module, llvm::TargetMachine& machine, const EmitOptions& emit);

}  // namespace anywarp::jit
