// Errors that LLVM reports of a module, and its warnings for the log. SPDX-License-Identifier: Apache-2.0
#include "compiler/jit/diagnostics.h"

#include <llvm/IR/DiagnosticInfo.h>
#include <llvm/IR/DiagnosticPrinter.h>
#include <llvm/IR/LLVMContext.h>
#include <llvm/Support/raw_ostream.h>

#include "support/log.h"

namespace anywarp::jit {

Diagnostics& Diagnostics::of(llvm::LLVMContext& context) {
  auto handler = std::make_unique<Diagnostics>();
  Diagnostics& diagnostics = *handler;
  context.setDiagnosticHandler(std::move(handler));
  return diagnostics;
}

bool Diagnostics::handleDiagnostics(const llvm::DiagnosticInfo& info) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  llvm::DiagnosticPrinterRawOStream printer(stream);
  info.print(printer);
  if (info.getSeverity() == llvm::DS_Error) {
    errors_ += (errors_.empty() ? "" : "; ") + text;
  } else if (info.getSeverity() == llvm::DS_Warning) {
    log::debug("llvm: {}", text);
  }
  return true;
}

}  // namespace anywarp::jit
