// Every stage of the compiler, in order: the one function that libanywarp-compiler.so exports. SPDX-License-Identifier: Apache-2.0
#include <llvm/IR/LLVMContext.h>
#include <llvm/IR/Module.h>
#include <llvm/Support/raw_ostream.h>

#include "compiler/backend.h"
#include "compiler/codegen/kernel_compiler.h"
#include "compiler/jit/emit.h"
#include "support/dump.h"
#include "support/log.h"

namespace anywarp::compiler {
namespace {

Status compile(const CompileRequest& request, CompiledObject& object) {
  const ptx::Function& function = request.module->functions[request.function];
  KernelDump dump(function.name);
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
  llvm::Module module(function.name, context);
  if (Status s = jit::prepareModule(module, emit); !s) return s;
  auto attributes = [&](llvm::Function& f) { jit::setFunctionAttributes(f, emit); };
  std::string analysis;
  if (Status s = codegen::compileToIr(known, module, object, attributes, &analysis); !s) return s;
  auto bytes = jit::optimizeAndEmit(module, emit);
  if (!bytes) return bytes.error();
  object.object = std::move(*bytes);
  return {};
}

}  // namespace
}  // namespace anywarp::compiler

extern "C" __attribute__((visibility("default"))) bool anywarpCompile(const anywarp::compiler::CompileRequest& request,
                                                                      anywarp::compiler::CompiledObject* object, anywarp::Error* error) {
  using namespace anywarp;
  std::optional<Error> failure;
  Status guarded = jit::guarded([&] {
    if (Status s = compiler::compile(request, *object); !s) failure = s.error();
  });
  if (!guarded) failure = guarded.error();
  if (failure) *error = *failure;
  return !failure;
}
