// libanywarp-compiler.so: where it is, opening it, calling it. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "compiler/backend.h"
#include "support/crash_guard.h"

namespace anywarp::compiler {

// A build of the compiler, without opening it: entries that another build made are not used.
const std::string& compilerBuildId();

// `degraded`: the compiler has crashed where it optimises; this is code without optimisation, and not for the cache.
Result<CompiledObject> compileKernel(const CompileRequest& request, bool* degraded);

// Its other symbol, `anywarpProtect`: its threads crash under this library's handlers of signals.
using ProtectFn = void (*)(crash::RunFn);

}  // namespace anywarp::compiler
