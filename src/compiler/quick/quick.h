// Kernels that run without having been compiled: threaded code for the time until the compiler is done.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "compiler/quick/lane_ops.h"
#include "compiler/ptx/ast.h"
#include "support/result.h"

namespace anywarp::quick {

// The kernel module.functions[function] for blocks of one shape; the same results as compiled code, some ten times slower, made in well
// under a millisecond. An error where the kernel needs the compiler: an instruction without prebuilt code, functions that cannot be
// inlined, loops that wait for other threads.
Result<std::unique_ptr<Kernel>> makeKernel(const ptx::Module& module, uint32_t function, abi::Dim3 block, Level level = hostLevel());

}  // namespace anywarp::quick
