// The door to libanywarp-compiler.so, which alone links LLVM: PTX function in, relocatable object out.
// Opened with dlopen(RTLD_LOCAL) by plan.cpp when something must be compiled. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "abi/kernel.h"
#include "compiler/ptx/ast.h"
#include "support/result.h"

namespace anywarp::compiler {

// Everything besides the PTX that the generated code depends on; all of it is in the cache key.
struct PlanOptions {
  abi::Dim3 block;               // block shape that the code is specialised for
  bool smallGrid = true;         // gridDim * blockDim < 2^31 in every dimension: thread indices do not wrap
  uint32_t width = 0;            // lanes per warp where the kernel leaves a choice (8, 16, 32); 0: the compiler chooses
  std::string cpu;               // LLVM CPU name
  std::string features;          // LLVM feature string, "+avx512f,..."
  int optLevel = 2;              // 0..3
  bool hostNans = false;         // results that are NaN may have any bits of a NaN
  bool debugInfo = false;        // DWARF for gdb; line tables are always there
};

struct CompileRequest {
  const ptx::Module* module = nullptr;
  uint32_t function = 0;         // index of an .entry in module->functions
  PlanOptions options;
};

// A compiled kernel before it is loaded. Written to the cache as it is.
struct CompiledObject {
  std::vector<uint8_t> object;   // ELF relocatable; defines `entrySymbol`, needs at most libc/libm names
  std::string entrySymbol;
  abi::PlanMode mode = abi::PlanMode::Lockstep;
  uint32_t width = 32, regionCount = 1, frameBytes = 0, localBytes = 0, staticSharedBytes = 0, usesSpin = 0,
           rowsRepeat = 0;
  std::vector<abi::RegionInfo> regions;
};

// The one exported symbol of libanywarp-compiler.so: `anywarpCompile`.
using CompileFn = bool (*)(const CompileRequest& request, CompiledObject* object, Error* error);

}  // namespace anywarp::compiler
