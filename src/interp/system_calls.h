// Functions that the system provides to kernels: printf, assert, malloc, free (CUDA: Formatted Output, Assertion,
// Dynamic Global Memory Allocation). SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "interp/step.h"

namespace anywarp::interp {

// Runs the named function if the system has it; false where it has not.
bool systemCall(Step& step, const std::string& name, const std::vector<uint64_t>& args, uint64_t* result);

}  // namespace anywarp::interp
