// Errors that LLVM reports of a module, kept instead of ending the process. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <llvm/IR/DiagnosticHandler.h>

#include <string>

namespace llvm {
class LLVMContext;
}  // namespace llvm

namespace anywarp::jit {

// Without a handler of ours an error diagnostic would end the process.
class Diagnostics : public llvm::DiagnosticHandler {
 public:
  // A new one, the context's from here on.
  static Diagnostics& of(llvm::LLVMContext& context);

  bool handleDiagnostics(const llvm::DiagnosticInfo& info) override;
  const std::string& errors() const { return errors_; }

 private:
  std::string errors_;
};

}  // namespace anywarp::jit
