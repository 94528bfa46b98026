// libanywarp-compiler.so: where it is, opening it, calling it. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "compiler/backend.h"

namespace anywarp::compiler {

// A build of the compiler, without opening it: entries that another build made are not used.
const std::string& compilerBuildId();

}  // namespace anywarp::compiler
