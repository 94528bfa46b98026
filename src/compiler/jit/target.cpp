// Chooses the LLVM target: small position-independent objects for the host's CPU. SPDX-License-Identifier: Apache-2.0
#include "compiler/jit/target.h"

#include <llvm/IR/Function.h>
#include <llvm/IR/Module.h>
#include <llvm/MC/MCSubtargetInfo.h>
#include <llvm/MC/TargetRegistry.h>
#include <llvm/Support/CommandLine.h>
#include <llvm/Support/TargetSelect.h>
#include <llvm/Target/TargetMachine.h>
#include <llvm/TargetParser/Host.h>

#include <map>
#include <mutex>

#include "compiler/jit/code_generator.h"
#include "support/host_cpu.h"
#include "support/log.h"
#include "support/options.h"

namespace anywarp::jit {
namespace {

// Switches of LLVM's code generator that have no other interface.
constexpr std::pair<const char*, const char*> backendOptions[] = {
    // The greedy register allocator grows the region of a split value block by block, in time that does not scale with the number
    // of edges. Its own limit of 10000 makes kernels of many blocks cost seconds; this one costs 3% more spills there, else none.
    {"grow-region-complexity-budget", "50"},
    // We have line tables but no variables: the value-tracking kind of this analysis numbers all machine values for nothing.
    {"experimental-debug-variable-locations", "false"},
    // Kernels call no library and compare no strings.
    {"disable-partial-libcall-inlining", "true"},
    {"disable-mergeicmps", "true"},
};

void setBackendOption(const char* name, const char* value) {
  auto& all = llvm::cl::getRegisteredOptions();
  auto found = all.find(name);
  if (found == all.end() || found->second->addOccurrence(0, name, value))
    log::warn("LLVM has no option '{}' that could be {}", name, value);
}

void initializeHostTarget() {
  static std::once_flag& once = *new std::once_flag;
  std::call_once(once, [] {
    llvm::InitializeNativeTarget();
    llvm::InitializeNativeTargetAsmPrinter();
    llvm::InitializeNativeTargetAsmParser();
    for (auto [name, value] : backendOptions) setBackendOption(name, value);
  });
}

llvm::CodeGenOptLevel codeGenLevel(int optLevel) {
  static constexpr llvm::CodeGenOptLevel levels[] = {llvm::CodeGenOptLevel::None, llvm::CodeGenOptLevel::Less,
                                                     llvm::CodeGenOptLevel::Default, llvm::CodeGenOptLevel::Default};
  return levels[std::clamp(optLevel, 0, 3)];
}

llvm::TargetOptions targetOptions() {
  llvm::TargetOptions options;
  options.AllowFPOpFusion = llvm::FPOpFusion::Strict;  // PTX says where to fuse
  options.EmulatedTLS = false;
  return options;
}

}  // namespace

// Objects are position independent in the small code model: code, constants, GOT and stubs of one object lie within 2 GiB of each
// other, wherever the loader maps them; what is outside is reached through the GOT and stubs.
Result<std::unique_ptr<llvm::TargetMachine>> createTargetMachine(const EmitOptions& options) {
  initializeHostTarget();
  std::string triple = options.triple.empty() ? llvm::sys::getDefaultTargetTriple() : options.triple;
  std::string why;
  const llvm::Target* target = llvm::TargetRegistry::lookupTarget(triple, why);
  if (!target) return Error{ErrorKind::Unsupported, "no code generator for " + triple + ": " + why};
  std::unique_ptr<llvm::TargetMachine> machine(
      target->createTargetMachine(triple, options.cpu, options.features, targetOptions(), llvm::Reloc::PIC_, llvm::CodeModel::Small,
                                  codeGenLevel(options.optLevel), /*JIT=*/false));
  if (!machine) return Error{ErrorKind::Unsupported, "no target machine for " + triple + ", cpu " + options.cpu};
  return machine;
}

Status prepareModule(llvm::Module& module, const EmitOptions& options) {
  auto generator = takeCodeGenerator(options);
  if (!generator) return generator.error();
  module.setTargetTriple((*generator)->machine().getTargetTriple().str());
  module.setDataLayout((*generator)->machine().createDataLayout());
  module.setPICLevel(llvm::PICLevel::SmallPIC);
  giveBack(std::move(*generator), options, 0);
  return {};
}

static Result<std::string> findFeatures(const EmitOptions& options) {
  auto machine = createTargetMachine(options);
  if (!machine) return machine.error();
  const llvm::MCSubtargetInfo& subtarget = *(*machine)->getMCSubtargetInfo();
  if (!options.cpu.empty() && !subtarget.isCPUStringValid(options.cpu))
    return Error{ErrorKind::Unsupported, "unknown CPU '" + options.cpu + "'"};
  std::string text;
  for (const llvm::SubtargetFeatureKV& feature : subtarget.getAllProcessorFeatures())
    if (subtarget.getFeatureBits().test(feature.Value)) text += std::string(text.empty() ? "+" : ",+") + feature.Key;
  return text;
}

Result<std::string> enabledFeatures(const EmitOptions& options) {
  struct Known {
    std::mutex mutex;
    std::map<std::string, std::string> features;
  };
  static Known& known = *new Known;
  std::string key = options.triple + "|" + options.cpu + "|" + options.features;
  std::lock_guard lock(known.mutex);
  if (auto found = known.features.find(key); found != known.features.end()) return found->second;
  auto features = findFeatures(options);
  if (features) known.features[key] = *features;
  return features;
}

void preferGathers(EmitOptions& options) {
  if (!hasFeature(options.enabled, "+avx2") || hasFeature(options.enabled, "+avx512f") || options::isPassOff("avx2-gather")) return;
  options.features += std::string(options.features.empty() ? "" : ",") + "+fast-gather";
}

unsigned vectorBits(const EmitOptions& options) {
  const std::string& features = options.enabled.empty() ? options.features : options.enabled;
  if (hasFeature(features, "+avx512f")) return 512;
  if (hasFeature(features, "+avx")) return 256;
  return 128;
}

void setFunctionAttributes(llvm::Function& function, const EmitOptions& options) {
  std::string bits = std::to_string(vectorBits(options));
  if (!options.cpu.empty()) function.addFnAttr("target-cpu", options.cpu);
  if (!options.features.empty()) function.addFnAttr("target-features", options.features);
  // Some CPU models prefer 256 bits for code that uses vectors now and then; kernels use them all the time.
  function.addFnAttr("prefer-vector-width", bits);
  function.addFnAttr("min-legal-vector-width", bits);
  // A frame larger than a guard page must not jump over it.
  function.addFnAttr("probe-stack", "inline-asm");
  function.addFnAttr(llvm::Attribute::NoUnwind);
}

}  // namespace anywarp::jit
