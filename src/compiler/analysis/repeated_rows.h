// Kernels of rows of threads that are launched with blocks of several rows. SPDX-License-Identifier: Apache-2.0
#pragma once

#include "abi/kernel.h"
#include "compiler/analysis/flat.h"

namespace anywarp::analysis {

// Whether threads of a block of that shape that differ in tid.y or tid.z alone do the very same: the kernel cannot tell them apart, and they
// have no way to meet. `x[i] = x[i] + y[i]` is then a race that a GPU's warps win by doing it side by side, so that each reads the old x. So
// would one row of threads that stands for all, which is what may be run.
bool rowsRepeat(const FlatProgram& program, const abi::Dim3& block);

}  // namespace anywarp::analysis
