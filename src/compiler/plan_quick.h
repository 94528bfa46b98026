// The quick tier as launch plans see it. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "compiler/backend.h"

namespace anywarp::compiler {

// Code that is there at once, of the same results; null where a kernel needs the compiler.
std::shared_ptr<abi::CompiledKernel> makeQuickKernel(const ptx::Module& module, uint32_t function, const PlanOptions& options);

}  // namespace anywarp::compiler
