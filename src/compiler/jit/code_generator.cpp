// LLVM's passes, made once and used for many modules: to make them costs as much as a small kernel. SPDX-License-Identifier: Apache-2.0
#include "compiler/jit/code_generator.h"

#include <llvm/CodeGen/MachineModuleInfo.h>
#include <llvm/CodeGen/Passes.h>
#include <llvm/CodeGen/TargetPassConfig.h>
#include <llvm/Target/TargetMachine.h>

#include <mutex>

#include "compiler/jit/target.h"
#include "support/options.h"

namespace anywarp::jit {
namespace {

// What has nothing to do in our code, and costs a look at every function all the same: kernels have no variables for debuggers, no
// garbage collector, no exceptions, no tracing, no stack objects that start and end.
void leaveOut(llvm::TargetPassConfig& passes) {
  const llvm::AnalysisID useless[] = {&llvm::LiveDebugValuesID,         &llvm::RemoveRedundantDebugValuesID,
                                      &llvm::StackMapLivenessID,        &llvm::FEntryInserterID,
                                      &llvm::XRayInstrumentationID,     &llvm::PatchableFunctionID,
                                      &llvm::FuncletLayoutID,           &llvm::GCMachineCodeAnalysisID,
                                      &llvm::GCLoweringID,              &llvm::ShadowStackGCLoweringID,
                                      &llvm::FixupStatepointCallerSavedID, &llvm::StackFrameLayoutAnalysisPassID,
                                      &llvm::LocalStackSlotAllocationID};
  if (options::isPassOff("short-codegen")) return;
  for (llvm::AnalysisID pass : useless) passes.disablePass(pass);
}

// What addPassesToEmitFile() does, without the passes above.
bool addPasses(llvm::LLVMTargetMachine& machine, llvm::legacy::PassManager& passes, llvm::raw_pwrite_stream& out, llvm::CodeGenFileType type) {
  llvm::TargetPassConfig* config = machine.createPassConfig(passes);
  config->setDisableVerify(true);
  leaveOut(*config);
  auto* modules = new llvm::MachineModuleInfoWrapperPass(&machine);
  passes.add(config);
  passes.add(modules);
  if (config->addISelPasses()) return false;
  config->addMachinePasses();
  config->setInitialized();
  if (machine.addAsmPrinter(passes, out, nullptr, type, modules->getMMI().getContext())) return false;
  passes.add(llvm::createFreeMachineFunctionPass());
  return true;
}

// At rest. What they were made for is part of it.
struct Resting {
  std::string key;
  std::unique_ptr<CodeGenerator> generator;
};
struct Rest {
  std::mutex mutex;
  std::vector<Resting> all;
};

Rest& rest() {
  static Rest& rest = *new Rest;
  return rest;
}

std::string keyOf(const EmitOptions& options) {
  return options.triple + "|" + options.cpu + "|" + options.features + "|" + std::to_string(options.optLevel);
}

}  // namespace

Result<std::unique_ptr<CodeGenerator>> CodeGenerator::create(const EmitOptions& options, llvm::CodeGenFileType type) {
  auto machine = createTargetMachine(options);
  if (!machine) return machine.error();
  std::unique_ptr<CodeGenerator> made(new CodeGenerator);
  made->machine_ = std::move(*machine);
  if (!addPasses(static_cast<llvm::LLVMTargetMachine&>(*made->machine_), made->passes_, made->stream_, type))
    return Error{ErrorKind::Unsupported, "the target emits no such file"};
  return made;
}

std::vector<uint8_t> CodeGenerator::emit(llvm::Module& module) {
  passes_.run(module);
  std::vector<uint8_t> bytes(buffer_.begin(), buffer_.end());
  buffer_.clear();
  return bytes;
}

Result<std::unique_ptr<CodeGenerator>> takeCodeGenerator(const EmitOptions& options) {
  std::string key = keyOf(options);
  {
    std::lock_guard lock(rest().mutex);
    for (Resting& one : rest().all)
      if (one.key == key) {
        auto found = std::move(one.generator);
        std::swap(one, rest().all.back());
        rest().all.pop_back();
        return found;
      }
  }
  return CodeGenerator::create(options, llvm::CodeGenFileType::ObjectFile);
}

void giveBack(std::unique_ptr<CodeGenerator> generator, const EmitOptions& options, size_t bytes) {
  constexpr size_t most = 4, large = size_t(1) << 20;
  if (bytes >= large) return;
  std::lock_guard lock(rest().mutex);
  if (rest().all.size() < most) rest().all.push_back({keyOf(options), std::move(generator)});
}

}  // namespace anywarp::jit
