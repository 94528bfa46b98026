// Verify, optimise, emit: one LLVM module becomes one ELF object. SPDX-License-Identifier: Apache-2.0
#include "compiler/jit/emit.h"

#include <llvm/IR/LLVMContext.h>
#include <llvm/IR/Module.h>
#include <llvm/IR/PassTimingInfo.h>
#include <llvm/IR/Verifier.h>
#include <llvm/Support/raw_ostream.h>
#include <llvm/Target/TargetMachine.h>
#include <llvm/Transforms/Utils/Cloning.h>

#include <chrono>

#include "compiler/jit/code_generator.h"
#include "compiler/jit/diagnostics.h"
#include "compiler/jit/parts.h"
#include "compiler/jit/passes.h"
#include "compiler/jit/target.h"
#include "support/dump.h"
#include "support/log.h"
#include "support/options.h"

namespace anywarp::jit {
namespace {

class Stopwatch {
 public:
  double milliseconds() const {
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

std::string printed(const llvm::Module& module) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  module.print(stream, nullptr);
  return text;
}

Status verify(const llvm::Module& module, const char* when) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  if (!llvm::verifyModule(module, &stream)) return {};
  return Error{ErrorKind::Invalid, std::string("broken IR ") + when + ": " + stream.str()};
}

std::string_view asText(const std::vector<uint8_t>& bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

// Code generation changes the module, so the listing is made from a copy, by a machine of its own.
void dumpAssembly(const llvm::Module& module, const EmitOptions& options) {
  if (!options.dump || !options.dump->wants(DumpStage::Asm)) return;
  auto generator = CodeGenerator::create(options, llvm::CodeGenFileType::AssemblyFile);
  if (!generator) return;
  std::unique_ptr<llvm::Module> copy = llvm::CloneModule(module);
  options.dump->write(DumpStage::Asm, asText((*generator)->emit(*copy)));
}

void dumpIr(const llvm::Module& module, const EmitOptions& options, DumpStage stage) {
  if (options.dump && options.dump->wants(stage)) options.dump->write(stage, printed(module));
}

Result<std::vector<uint8_t>> emit(llvm::Module& module, const EmitOptions& options, std::unique_ptr<CodeGenerator> generator,
                                  const Diagnostics& diagnostics) {
  Threads threads(module);
  if (threads.count() > 1) {
    giveBack(std::move(generator), options, 0);
    return emitInParts(module, options, threads.count());
  }
  std::vector<uint8_t> object = generator->emit(module);
  if (!diagnostics.errors().empty()) return Error{ErrorKind::Invalid, "code generation: " + diagnostics.errors()};
  giveBack(std::move(generator), options, object.size());
  return object;
}

// What LLVM's passes took since the last report.
void reportTimes() {
  std::string text;
  llvm::raw_string_ostream stream(text);
  llvm::reportAndResetTimings(&stream);
  log::info("{}", stream.str());
}

}  // namespace

Result<std::vector<uint8_t>> optimizeAndEmit(llvm::Module& module, const EmitOptions& options, EmitTimes* times) {
  llvm::TimePassesIsEnabled = options::timePasses();
  Diagnostics& diagnostics = Diagnostics::of(module.getContext());

  auto generator = takeCodeGenerator(options);
  if (!generator) return generator.error();
  dumpIr(module, options, DumpStage::Llvm);
  if (Status good = verify(module, "before optimisation"); !good) return good.error();

  Stopwatch optimizing;
  if (Status done = optimize(module, (*generator)->machine(), options); !done) return done.error();
  if (times) times->optimize = optimizing.milliseconds();
  dumpIr(module, options, DumpStage::LlvmOpt);
  if (options::verify())
    if (Status good = verify(module, "after optimisation"); !good) return good.error();
  dumpAssembly(module, options);

  Stopwatch emitting;
  auto object = emit(module, options, std::move(*generator), diagnostics);
  if (times) times->emit = emitting.milliseconds();
  if (options::timePasses()) reportTimes();
  if (!object) return object;
  if (options.dump) options.dump->write(DumpStage::Object, asText(*object));
  return object;
}

}  // namespace anywarp::jit
