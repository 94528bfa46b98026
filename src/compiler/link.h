// Joins PTX modules that were compiled separately (nvcc -rdc=true, cuLink*) into one. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "compiler/fatbin/fatbin.h"
#include "compiler/ptx/ast.h"
#include "support/result.h"

namespace anywarp::compiler {

// One module: parsed as it is. Several: .extern declarations meet their definitions, of .weak ones the first stays, .common ones
// share the largest, names private to a module stay private. What stays undefined is the loader's to judge: functions that the
// driver provides (vprintf, malloc...) always do.
Result<std::unique_ptr<ptx::Module>> linkModules(std::vector<fatbin::PtxSource> sources);

// The same as text, which is itself a PTX module.
Result<std::string> linkText(std::span<const fatbin::PtxSource> sources);

}  // namespace anywarp::compiler
