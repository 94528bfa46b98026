// A short pipeline for code that is vectorised already (docs/decisions/0008-short-pass-pipeline.md). SPDX-License-Identifier: Apache-2.0
#include "compiler/jit/passes.h"

#include <llvm/IR/Dominators.h>
#include <llvm/IR/Module.h>
#include <llvm/IR/PassInstrumentation.h>
#include <llvm/IR/PassTimingInfo.h>
#include <llvm/Passes/PassBuilder.h>
#include <llvm/Target/TargetMachine.h>

#include <algorithm>

#include "compiler/jit/fast_ways.h"
#include "compiler/jit/first_lanes.h"
#include "compiler/jit/forward.h"
#include "compiler/jit/mask_words.h"
#include "compiler/jit/merge_traps.h"
#include "compiler/jit/narrow.h"
#include "compiler/jit/promote.h"
#include "compiler/jit/side_by_side.h"
#include "support/log.h"
#include "support/options.h"

namespace anywarp::jit {
namespace {

// Neither loop nor SLP vectoriser: a warp is a vector. Inlining is decided where calls are generated (alwaysinline).
constexpr const char* pipelines[] = {
    // 0: as generated
    "always-inline",
    // 1: quick
    "always-inline,function(sroa<modify-cfg>,early-cse,instcombine<no-verify-fixpoint>,simplifycfg)",
    // 2: one pass of each kind
    "always-inline,globaldce,"
    "function(sroa<preserve-cfg>,early-cse<memssa>,fast-ways,instcombine<no-verify-fixpoint;max-iterations=1>,simplifycfg,forward-shared,"
    "loop-mssa(licm<allowspeculation>),early-cse<memssa>,simplifycfg)",
    // 3
    "always-inline,globaldce,"
    "function(sroa<modify-cfg>,early-cse<memssa>,simplifycfg,instcombine<no-verify-fixpoint>,simplifycfg,forward-shared,"
    "reassociate,loop-mssa(loop-simplifycfg,licm<allowspeculation>),"
    "loop(indvars,loop-deletion,loop-unroll-full),"
    "sroa<modify-cfg>,early-cse<memssa>,vector-combine,gvn,sccp,bdce,instcombine<no-verify-fixpoint>,dse,"
    "loop-mssa(licm<allowspeculation>),loop-unroll<O3>,"
    "gvn,adce,simplifycfg,instcombine<no-verify-fixpoint>)",
};

std::string pipelineText(int optLevel) {
  const std::string& own = options::passes();
  return own.empty() ? pipelines[std::clamp(optLevel, 0, 3)] : own;
}

struct ForwardShared : llvm::PassInfoMixin<ForwardShared> {
  llvm::PreservedAnalyses run(llvm::Function& function, llvm::FunctionAnalysisManager&) {
    if (options::isPassOff("forward-shared") || !forwardShared(function)) return llvm::PreservedAnalyses::all();
    llvm::PreservedAnalyses kept;
    kept.preserveSet<llvm::CFGAnalyses>();
    return kept;
  }
};

struct FastWays : llvm::PassInfoMixin<FastWays> {
  llvm::PreservedAnalyses run(llvm::Function& function, llvm::FunctionAnalysisManager& analyses) {
    if (options::isPassOff("fast-ways") || !joinFastWays(function, analyses.getResult<llvm::DominatorTreeAnalysis>(function))) return llvm::PreservedAnalyses::all();
    return llvm::PreservedAnalyses::none();
  }
};

// CodeGenPrepare numbers all instructions of a block each time it looks whether operands should move down to their user, which in
// the one block of an unrolled cipher or field arithmetic is quadratic. It works block by block, and joins these again at its end.
void splitLongBlocks(llvm::Function& function) {
  constexpr unsigned most = 2048;
  for (auto block = function.begin(); block != function.end(); ++block) {
    auto at = block->begin();
    for (unsigned n = 0; n < most && at != block->end(); ++n) ++at;
    if (at != block->end() && !at->isTerminator() && !llvm::isa<llvm::PHINode>(*at)) block->splitBasicBlock(at);
  }
}

}  // namespace

Status optimize(llvm::Module& module, llvm::TargetMachine& machine, const EmitOptions& emit) {
  llvm::PassInstrumentationCallbacks callbacks;
  llvm::PassBuilder builder(&machine, llvm::PipelineTuningOptions(), std::nullopt, &callbacks);
  if (!options::disablePass().empty())
    callbacks.registerShouldRunOptionalPassCallback(
        [&](llvm::StringRef pass, llvm::Any) { return !options::isPassOff(callbacks.getPassNameForClassName(pass)); });

  std::string report;
  llvm::raw_string_ostream stream(report);
  llvm::TimePassesHandler timing(options::timePasses());
  timing.setOutStream(stream);
  timing.registerCallbacks(callbacks);

  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager components;
  llvm::ModuleAnalysisManager modules;
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(components);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, components, modules);

  builder.registerPipelineParsingCallback([](llvm::StringRef name, llvm::FunctionPassManager& passes, auto) {
    if (name == "forward-shared") passes.addPass(ForwardShared());
    else if (name == "fast-ways") passes.addPass(FastWays());
    else return false;
    return true;
  });
  llvm::ModulePassManager passes;
  std::string text = pipelineText(emit.optLevel);
  if (llvm::Error error = builder.parsePassPipeline(passes, text))
    return Error{ErrorKind::Invalid, "pass pipeline '" + text + "': " + llvm::toString(std::move(error))};
  if (emit.optLevel > 0)
    for (llvm::Function& function : module)
      if (!function.isDeclaration()) {
        if (!options::isPassOff("merge-traps")) mergeTraps(function);
        promoteRegisters(function);
        takeFirstLanes(function);
      }
  passes.run(module, modules);
  for (llvm::Function& function : module) {
    if (emit.optLevel > 1 && !function.isDeclaration() && !options::isPassOff("narrow-lanes")) narrowLanes(function);
    if (emit.optLevel > 1 && !function.isDeclaration() && !options::isPassOff("warps-side-by-side"))
      runSideBySide(function, vectorBits(emit));
    if (emit.optLevel > 0 && !function.isDeclaration() && vectorBits(emit) < 512 && !options::isPassOff("mask-words"))
      spreadMaskWords(function, vectorBits(emit) == 256);
    splitLongBlocks(function);
  }
  if (options::timePasses()) {
    timing.print();
    log::info("{}", stream.str());
  }
  return {};
}

}  // namespace anywarp::jit
