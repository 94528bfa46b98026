// Environment variables for tests of anywarp itself, which no user needs (docs/testing.md). SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace anywarp::options {

// ANYWARP_DEBUG_COMPILE_CRASH: what the compiler does in place of compiling: segv, abort, fatal, stack, hang; or where it optimises
// segv-optimised and spin, which goes on until it is stopped, after a second.
const std::string& debugCompileCrash();

}  // namespace anywarp::options
