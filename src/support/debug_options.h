// Environment variables for tests of anywarp itself, which no user needs (docs/testing.md). SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace anywarp::options {

// ANYWARP_DEBUG_COMPILE_CRASH: what the compiler does in place of compiling: segv, abort, fatal, stack, hang, or segv-optimised, which
// crashes only where it optimises.
const std::string& debugCompileCrash();

}  // namespace anywarp::options
