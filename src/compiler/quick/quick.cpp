// From a PTX module to a kernel of threaded code. SPDX-License-Identifier: Apache-2.0
#include "compiler/quick/quick.h"

#include <cstring>

#include "compiler/analysis/early_reads.h"
#include "compiler/analysis/repeated_rows.h"
#include "compiler/analysis/suspensions.h"
#include "compiler/quick/builder.h"

namespace anywarp::quick {

namespace {

// Rows of a block beyond this do not stay in any cache.
constexpr uint64_t mostFrameBytes = 8 << 20;

// This code is made while a launch waits: a quarter of a second.
constexpr uint64_t mostWork = 4 << 20;

void alignConstants(Program& program) {
  constexpr size_t alignment = 64;
  size_t bytes = program.constants.size();
  program.constants.resize(bytes + alignment);
  auto at = reinterpret_cast<uintptr_t>(program.constants.data());
  size_t shift = (alignment - at % alignment) % alignment;
  std::memmove(program.constants.data() + shift, program.constants.data(), bytes);
  program.constantRows = program.constants.data() + shift;
}

}  // namespace

Result<std::unique_ptr<Kernel>> makeKernel(const ptx::Module& module, uint32_t function, abi::Dim3 block, Level level) {
  if (level == Level::None) return Error{ErrorKind::Unsupported, "the processor is older than what there is code for"};
  auto flattened = analysis::flatten(module, function);
  if (!flattened) return flattened.error();
  analysis::FlatProgram& program = **flattened;
  auto needsCompiler = [&](const std::string& why) { return Error{ErrorKind::Unsupported, module.functions[function].name + ": " + why}; };
  if (!program.functions.empty() || program.kernel.indirectCalls) return needsCompiler("functions that are not inlined");
  analysis::Flat& flat = program.kernel;
  analysis::WorkLimit limit(mostWork);
  if (uint64_t{block.x} * block.y * block.z > lanes) analysis::cutBehindEarlyReads(flat, {}, &limit);
  analysis::Suspensions suspensions = analysis::findSuspensions(flat, &limit);
  if (limit.isPassed()) return needsCompiler("control flow that takes long to follow");
  analysis::Webs webs = analysis::renameWebs(flat, &limit);
  if (limit.isPassed()) return needsCompiler("many values that are live over many blocks");
  analysis::Order order = analysis::orderBlocks(flat, {0}, analysis::Through::Suspensions, &limit);
  if (limit.isPassed()) return needsCompiler("control flow that takes long to follow");
  RowLayout rows = layOutRows(flat, webs, order.blocks);

  auto kernel = std::make_unique<Kernel>();
  Builder builder(module, program, rows, block, level);
  if (!builder.build(order.blocks, kernel->program)) return needsCompiler(builder.why());
  alignConstants(kernel->program);
  uint64_t threads = uint64_t{block.x} * block.y * block.z;
  if ((threads + lanes - 1) / lanes * kernel->program.rowBytes > mostFrameBytes) return needsCompiler("more registers than rows");
  kernel->ownName = module.functions[function].name;
  kernel->name = kernel->ownName.c_str();
  kernel->entry = runWarp;
  kernel->mode = abi::PlanMode::Free;
  kernel->usesSpin = suspensions.spins;
  kernel->width = lanes;
  kernel->frameBytes = (kernel->program.rowBytes + 63) & ~63u;
  kernel->localBytes = uint32_t((flat.localBytes + 15) & ~uint64_t{15});
  kernel->rowsRepeat = analysis::rowsRepeat(program, block);
  kernel->staticSharedBytes = uint32_t(program.shared.dynamicOffset);
  return kernel;
}

}  // namespace anywarp::quick
