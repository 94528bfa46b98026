// A stand-in for libanywarp-compiler.so: the function's name says what to make. For plan_test.cpp. SPDX-License-Identifier: Apache-2.0
#include <llvm/AsmParser/Parser.h>
#include <llvm/IR/LLVMContext.h>
#include <llvm/IR/Module.h>
#include <llvm/Support/SourceMgr.h>
#include <fcntl.h>
#include <unistd.h>

#include "compiler/backend.h"
#include "compiler/jit/emit.h"

using namespace anywarp;

namespace {

// Returns the product of the block's extents, so that the test sees for which block shape the plan was made.
std::string kernelIr(const compiler::CompileRequest& request) {
  auto block = request.options.block;
  return "define i32 @kernel(ptr %c, i32 %r, i32 %b, i32 %e) { ret i32 " + std::to_string(block.x * block.y * block.z) + " }";
}

// Begins: makes a file named as the module with ".begun" behind. Goes on when there is one with ".go".
void waitAtGate(const std::string& gate) {
  constexpr int longest = 20000;  // milliseconds
  if (int file = open((gate + ".begun").c_str(), O_CREAT | O_WRONLY, 0600); file >= 0) close(file);
  for (int waited = 0; waited < longest && access((gate + ".go").c_str(), F_OK) != 0; ++waited) usleep(1000);
}

Result<std::vector<uint8_t>> compile(const std::string& text) {
  llvm::LLVMContext context;
  llvm::SMDiagnostic diagnostic;
  auto module = llvm::parseAssemblyString(text, diagnostic, context);
  if (!module) return Error{ErrorKind::Invalid, diagnostic.getMessage().str()};
  if (Status prepared = jit::prepareModule(*module, {}); !prepared) return prepared.error();
  return jit::optimizeAndEmit(*module, {});
}

}  // namespace

extern "C" [[gnu::visibility("default")]] bool anywarpCompile(const compiler::CompileRequest& request, compiler::CompiledObject* object,
                                                              Error* error) {
  const std::string& name = request.module->functions[request.function].name;
  if (name == "refused") {
    *error = Error{ErrorKind::Unsupported, "refused: no such instruction"};
    return false;
  }
  if (name == "slow") usleep(50000);
  if (name == "gated") waitAtGate(request.module->name);
  std::string text = kernelIr(request);
  if (name == "needy") text = "declare void @system() define i32 @kernel() { call void @system() ret i32 0 }";
  auto made = compile(text);
  if (!made) {
    *error = made.error();
    return false;
  }
  object->object = std::move(*made);
  object->entrySymbol = "kernel";
  object->frameBytes = 64;
  object->regionCount = 2;
  object->regions = {{0, 1, 0}, {1, 7, 0}};
  return true;
}
