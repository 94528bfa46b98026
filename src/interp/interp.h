// The oracle: runs a kernel one thread at a time, written for obviousness, not speed. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/ptx/ast.h"
#include "interp/texture.h"
#include "support/result.h"

namespace anywarp::interp {

struct Dim3 {
  uint32_t x = 1, y = 1, z = 1;
};

// A stretch of host memory that kernels may touch.
struct Range {
  uint64_t begin = 0, size = 0;
  bool writable = true;
};

// What outlives a launch: the memory that kernels may touch, and what they have taken from malloc.
struct DeviceMemory {
  std::vector<Range> ranges;
  std::map<uint64_t, std::vector<uint8_t>> heap;

  bool allows(uint64_t address, uint64_t size, bool write) const;
};

enum class FaultKind {
  IllegalAddress,
  MisalignedAddress,
  IllegalInstruction,
  Trap,
  Assert,
  StackOverflow,
  Deadlock,     // no thread can go on, or the instruction limit is reached
  Unsupported,  // valid PTX that the interpreter lacks
  Invalid,      // PTX that breaks its manual
};
const char* name(FaultKind kind);

// Why a launch ended early; the message names kernel, block, thread and line.
struct Fault {
  FaultKind kind = FaultKind::Invalid;
  std::string message;
};

struct LaunchConfig {
  Dim3 grid, block;
  uint32_t dynamicShared = 0;
  bool cooperative = false;         // every block is resident from the start
  std::vector<uint8_t> params;      // packed parameter image
  std::vector<uint64_t> symbols;    // addresses of variables, then handles of functions
  uint32_t envreg[4] = {0, 0, 0, 0};
  uint32_t smCount = 4;
  uint64_t instructionLimit = 4'000'000'000;  // of the whole launch
  uint32_t localBytes = 64 * 1024;  // of each thread
  DeviceMemory* memory = nullptr;
  const TextureSet* textures = nullptr;  // by handle; that of a .texref, .samplerref or .surfref is its symbol's address
  std::function<void(std::string_view)> print;  // where printf and assert go
};

// Runs module.functions[function] to its end. Empty: no fault.
std::optional<Fault> run(const ptx::Module& module, uint32_t function, const LaunchConfig& launch);

// Storage for a module's global and const variables, initialised, and the symbol table that leads to it.
class ModuleImage {
 public:
  static Result<std::unique_ptr<ModuleImage>> create(const ptx::Module& module);

  const std::vector<uint64_t>& symbols() const { return symbols_; }
  std::vector<Range> ranges() const;
  TextureSet samplers(const ptx::Module& module) const;  // the .samplerref variables, by handle

 private:
  std::vector<std::unique_ptr<uint64_t[]>> storage_;  // one per variable; null where it has none
  std::vector<Range> ranges_;
  std::vector<uint64_t> symbols_;
};

}  // namespace anywarp::interp
