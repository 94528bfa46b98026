// From one PTX entry to LLVM IR. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>

#include "compiler/backend.h"

namespace llvm {
class Function;
class Module;
}  // namespace llvm

namespace anywarp::codegen {

// Fills `module` with the code of request.function and `object` with everything but the object file.
Status compileToIr(const compiler::CompileRequest& request, llvm::Module& module, compiler::CompiledObject& object,
                   const std::function<void(llvm::Function&)>& setAttributes, std::string* analysisText);

}  // namespace anywarp::codegen
