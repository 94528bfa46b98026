// Every stage of the compiler, in order: the one function that libanywarp-compiler.so exports. SPDX-License-Identifier: Apache-2.0
#include <llvm/IR/LLVMContext.h>
#include <llvm/IR/Module.h>
#include <llvm/Support/ErrorHandling.h>
#include <llvm/Support/raw_ostream.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>

#include "compiler/backend.h"
#include "compiler/codegen/kernel_compiler.h"
#include "compiler/jit/emit.h"
#include "support/debug_options.h"
#include "support/dump.h"
#include "support/log.h"
#include "support/options.h"

namespace anywarp::compiler {
namespace {

[[gnu::noinline]] uint64_t descend(volatile char* above) {
  volatile char frame[4096];
  frame[0] = above ? above[0] : 1;
  return frame[0] ? descend(frame) + frame[0] : 0;
}

// What a test asks for in place of compiling.
void crashOnDemand(const CompileRequest& request) {
  const std::string& how = options::debugCompileCrash();
  if (how.empty()) return;
  volatile uintptr_t nowhere = 8;
  if (how == "segv" || (how == "segv-optimised" && request.options.optLevel > 0)) *reinterpret_cast<volatile int*>(nowhere) = 1;
  if (how == "abort") std::abort();
  if (how == "fatal") llvm::report_fatal_error("a test asked for this", false);
  if (how == "stack") (void)descend(nullptr);
  while (how == "hang") pause();
  for (volatile uint64_t turns = 0; how == "spin" && request.options.optLevel > 0;) turns = turns + 1;
}

const std::string& nameOf(const CompileRequest& request) { return request.module->functions[request.function].name; }

Status compile(const CompileRequest& request, CompiledObject& object, KernelDump dump, bool onlyIr = false) {
  const ptx::Function& function = request.module->functions[request.function];
  if (dump.wants(DumpStage::Ptx)) dump.write(DumpStage::Ptx, request.module->text);
  jit::EmitOptions emit;
  emit.cpu = request.options.cpu;
  emit.features = request.options.features;
  emit.optLevel = request.options.optLevel;
  emit.dump = &dump;
  // A CPU's name brings features with it.
  auto enabled = jit::enabledFeatures(emit);
  if (!enabled) return enabled.error();
  emit.enabled = std::move(*enabled);
  jit::preferGathers(emit);
  CompileRequest known = request;
  known.options.features = emit.enabled;

  llvm::LLVMContext context;
  // Names of values are for people: where nobody reads the IR, making each one unique is work for nothing.
  context.setDiscardValueNames(!onlyIr && !dump.wants(DumpStage::Llvm) && !dump.wants(DumpStage::LlvmOpt) && !options::verify());
  llvm::Module module(function.name, context);
  if (Status s = jit::prepareModule(module, emit); !s) return s;
  auto attributes = [&](llvm::Function& f) { jit::setFunctionAttributes(f, emit); };
  std::string analysis;
  if (Status s = codegen::compileToIr(known, module, object, attributes, &analysis); !s) return s;
  if (onlyIr) {
    std::string text;
    llvm::raw_string_ostream stream(text);
    module.print(stream, nullptr);
    dump.write(DumpStage::Llvm, text);
    return {};
  }
  crashOnDemand(request);
  jit::EmitTimes times;
  auto bytes = jit::optimizeAndEmit(module, emit, &times);
  if (options::timePasses()) log::info("{}: passes {:.1f} ms, code {:.1f} ms", function.name, times.optimize, times.emit);
  if (!bytes) return bytes.error();
  object.object = std::move(*bytes);
  return {};
}

// What the compiler crashed on, for who looks for the cause: the start of the files' names, "" where they cannot be written.
std::string keepInput(const CompileRequest& request) {
  constexpr unsigned most = 8;  // modules may be large
  static std::atomic<unsigned> kept{0};
  if (kept++ >= most) return "";
  std::error_code none;
  std::filesystem::path folder = std::filesystem::temp_directory_path(none) / ("anywarp-crash-" + std::to_string(getpid()));
  KernelDump ptx(nameOf(request), DumpStage::Ptx, folder);
  ptx.write(DumpStage::Ptx, request.module->text);
  const abi::Dim3& block = request.options.block;
  ptx.replayCommand("anywarp compile " + ptx.path(DumpStage::Ptx) + " --kernel '" + nameOf(request) + "' --block " + std::to_string(block.x) +
                    "," + std::to_string(block.y) + "," + std::to_string(block.z));
  std::string begin = ptx.path(DumpStage::Ptx);
  // The IR is made anew: what there was belongs to a thread that is lost.
  CompiledObject unused;
  Status made = jit::guarded([&] { (void)compile(request, unused, KernelDump(nameOf(request), DumpStage::Llvm, folder), true); });
  return begin.empty() ? "" : (folder / "*").string();
}

// Compiles once more with as little of LLVM as there can be. What to say of the crash is in `error`; false where this has failed too.
bool compileAfterCrash(const CompileRequest& request, CompiledObject& object, Error& error) {
  std::string files = keepInput(request);
  error.message = nameOf(request) + ": " + error.message + (files.empty() ? "" : "; PTX and IR are in " + files);
  CompileRequest plain = request;
  plain.options.optLevel = 0;
  object = {};
  bool made = false;
  if (request.options.optLevel > 0 && !jit::guarded([&] { made = bool(compile(plain, object, KernelDump())); })) made = false;
  if (made) log::warn("{}; compiled without optimisation", error.message);
  else log::error("{}", error.message);
  return made;
}

}  // namespace
}  // namespace anywarp::compiler

// True with a message in `error`: compiled without optimisation, after a crash that the message names.
extern "C" __attribute__((visibility("default"))) bool anywarpCompile(const anywarp::compiler::CompileRequest& request,
                                                                      anywarp::compiler::CompiledObject* object, anywarp::Error* error) {
  using namespace anywarp;
  std::optional<Error> failure;
  Status guarded = jit::guarded([&] {
    if (Status s = compiler::compile(request, *object, KernelDump(compiler::nameOf(request))); !s) failure = s.error();
  });
  if (!guarded) {
    *error = guarded.error();
    return compiler::compileAfterCrash(request, *object, *error);
  }
  if (failure) *error = *failure;
  return !failure;
}

extern "C" __attribute__((visibility("default"))) void anywarpProtect(anywarp::crash::RunFn run) { anywarp::jit::protectWith(run); }
