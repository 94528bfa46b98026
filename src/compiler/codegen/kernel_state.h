// What all LLVM functions of one kernel share. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include <llvm/IR/DIBuilder.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/Module.h>

#include "compiler/analysis/interleave.h"
#include "compiler/analysis/linearize.h"
#include "compiler/analysis/shapes.h"
#include "compiler/analysis/suspensions.h"
#include "compiler/analysis/together.h"
#include "compiler/analysis/webs.h"
#include "compiler/backend.h"
#include "compiler/codegen/nan_bits.h"
#include "compiler/codegen/pure.h"

namespace anywarp::codegen {

// Where an accumulator of matrix products lives, see matrix_tiles.h.
struct TilePlace {
  uint32_t home = ~0u;  // ~0u: the register lives as others do
  uint8_t part = 0;     // 4 * side + register
};

// Everything known of one flat function before code is made for it.
struct Analyzed {
  analysis::Flat* flat = nullptr;
  analysis::Webs webs;
  analysis::Order order;
  analysis::Shapes shapes;
  std::vector<NanKind> nans;   // by register
  std::vector<int64_t> likely;  // by register: stride that it mostly has (analysis/likely.h); empty: not looked for
  std::vector<uint32_t> uses;  // by register: instructions and branches that read it
  std::vector<uint8_t> local;  // by register: lives inside one block, where every write comes before what reads it
  std::vector<uint8_t> oneLane;  // by block: at most one lane runs it at a time (analysis/one_lane.h); empty: not known of any
  std::vector<TilePlace> tiles;  // by register (matrix_tiles.h); empty: none
  uint32_t tileHomes = 0;
};

// An interleaved loop with what its warps keep between turns.
struct InterleavedLoop {
  analysis::Interleaved loop;
  uint32_t region = 0;
  std::vector<ptx::RegId> live;      // sorted
  std::vector<analysis::BlockId> roots;  // the header, then what else may wait
  uint32_t masks = ~0u;              // offset in the frame of one mask per root; ~0u: all live lanes are at the header
};

struct FrameSlot {
  uint32_t offset = ~0u;  // in the warp's frame; ~0u: not in the frame
};

struct KernelState {
  llvm::Module& module;
  const ptx::Module& ptx;
  analysis::FlatProgram& program;
  compiler::PlanOptions options;
  HostTarget host{};
  std::function<void(llvm::Function&)> setAttributes;

  unsigned width = 32;
  bool free = false;
  bool fullWarps = false;     // the block is a whole number of warps
  bool callsApproximations = false;  // PureEmitter's
  bool lanesExit = true;      // single lanes may exit before the others
  uint32_t threads = 1;
  analysis::LaunchShape launch{};
  analysis::ParamLayout params{};
  analysis::Suspensions suspensions{};
  analysis::Together together{};         // of a kernel in lockstep: how its warps meet
  std::vector<uint32_t> regionOf{};      // by BlockId: region id of a resume point, ~0u otherwise
  std::vector<const analysis::Inst*> suspendedAt{};  // by region: the instruction that waits, nullptr
  std::vector<InterleavedLoop> interleaved{};
  std::vector<FrameSlot> frame{};        // by register of the kernel
  std::vector<uint32_t> remade{};        // by register of the kernel: the instruction that makes it again; ~0u: it is kept in the frame
  uint32_t frameBytes = 0;
  uint32_t tilesOffset = ~0u;          // of the kernel's tile homes in the frame; ~0u: they live on the stack
  bool localByLanes = false;           // of a warp, lanes lie side by side in each word of local memory
  bool localAlike = false;             // local memory is the same in all lanes of a warp: lane 0's serves them all
  uint64_t localBytes = 0;             // of the kernel; out-of-line functions take theirs above it

  std::map<uint32_t, llvm::Function*> functions{};   // out-of-line
  std::map<uint32_t, Analyzed> analyzed{};           // out-of-line
  llvm::DICompileUnit* unit = nullptr;
  llvm::DIFile* file = nullptr;
  llvm::DIBuilder* debug = nullptr;

  bool failed = false;
  Error error{};

  const InterleavedLoop* interleavedRegion(uint32_t region) const {
    for (const InterleavedLoop& l : interleaved)
      if (l.region == region) return &l;
    return nullptr;
  }
  const InterleavedLoop* interleavedHeader(analysis::BlockId header) const {
    for (const InterleavedLoop& l : interleaved)
      if (l.loop.header == header) return &l;
    return nullptr;
  }

  // Remembers the first error; the kernel will not be used.
  void fail(ErrorKind kind, const ptx::SourceLoc& loc, const std::string& message);
  llvm::LLVMContext& context() { return module.getContext(); }
};

}  // namespace anywarp::codegen
