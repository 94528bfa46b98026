// The functions of CUDA's device runtime that kernels call by name, and that machine code would be linked with.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "compiler/fatbin/fatbin.h"

namespace anywarp::driver {

// Adds what the modules of a program declare and do not define.
void addDeviceRuntime(fatbin::Program& program);

}  // namespace anywarp::driver
