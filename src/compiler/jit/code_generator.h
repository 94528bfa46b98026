// LLVM's passes, made once and used for many modules: to make them costs as much as a small kernel. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <llvm/IR/LegacyPassManager.h>
#include <llvm/Support/raw_ostream.h>
#include <llvm/Target/TargetMachine.h>

#include <memory>

#include "compiler/jit/emit.h"

namespace anywarp::jit {

// A target machine and its passes from optimised IR to an object or a listing. One thread at a time uses it, for any LLVMContext.
class CodeGenerator {
 public:
  static Result<std::unique_ptr<CodeGenerator>> create(const EmitOptions& options, llvm::CodeGenFileType type);

  llvm::TargetMachine& machine() { return *machine_; }
  std::vector<uint8_t> emit(llvm::Module& module);

 private:
  CodeGenerator() : stream_(buffer_) {}

  std::unique_ptr<llvm::TargetMachine> machine_;
  llvm::SmallVector<char, 0> buffer_;
  llvm::raw_svector_ostream stream_;
  llvm::legacy::PassManager passes_;
};

// A code generator for objects, from those that are at rest or a new one; to be given back only after a compilation that went well
// and made an object of `bytes`: what a large one has made it keep is not needed again.
Result<std::unique_ptr<CodeGenerator>> takeCodeGenerator(const EmitOptions& options);
void giveBack(std::unique_ptr<CodeGenerator> generator, const EmitOptions& options, size_t bytes);

}  // namespace anywarp::jit
