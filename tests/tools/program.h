// A test program: PTX text, buffers and launches, and what an engine makes of them. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "abi/kernel.h"
#include "compiler/ptx/types.h"
#include "support/result.h"
#include "texture_input.h"

namespace anywarp::tests {

struct Buffer {
  std::string name;
  ptx::Type type = ptx::Type::U32;
  std::vector<uint8_t> bytes;

  size_t count() const { return bytes.size() / ptx::bytes(type); }
  uint64_t element(size_t index) const;
  void setElement(size_t index, uint64_t bits);
};

// A kernel argument: the address of a buffer, or bytes.
struct Argument {
  int buffer = -1;
  int texture = -1;             // its handle
  uint64_t offset = 0;          // into the buffer
  std::vector<uint8_t> bytes;
  uint64_t align = 0;           // of a struct; 0: its size
};

struct Launch {
  std::string kernel;
  abi::Dim3 grid, block;
  uint32_t shared = 0;
  bool cooperative = false;
  std::vector<Argument> arguments;
};

struct Program {
  std::string name, ptx;
  std::vector<Buffer> buffers;
  std::vector<TextureInput> textures;
  std::vector<Launch> launches;
};

// What a run leaves behind. `fault` is empty where all went well.
struct Outcome {
  std::vector<std::vector<uint8_t>> buffers;
  std::string printed;
  std::string fault;    // a name of interp::FaultKind
  std::string message;
  bool broken = false;  // the engine itself failed: never what a test expects
};

inline Outcome broken(std::string message) {
  Outcome outcome;
  outcome.broken = true;
  outcome.message = std::move(message);
  return outcome;
}

// One way to run a program.
struct Engine {
  std::string name;                                             // interp, jit/w16, ...
  std::vector<std::pair<std::string, std::string>> environment; // of the process that runs the driver
  bool driver = false;
};

// "interp", "jit" (every variant), or one variant's name; empty where there is none such.
std::vector<Engine> enginesNamed(const std::string& names);
// For tools that compare with the interpreter: `run` for each named engine but it. The first exit status that is not 0; 2 where none has that name.
int withEngines(const std::string& names, const std::function<int(const Engine&)>& run);

struct RunOptions {
  std::string library;      // path of libcuda.so.1
  unsigned timeoutSeconds = 120;
};

Outcome runInterpreter(const Program& program);
// In a process of its own, so that options can differ and a crash is a result.
Outcome runDriver(const Program& program, const Engine& engine, const RunOptions& options);
Outcome runEngine(const Program& program, const Engine& engine, const RunOptions& options);

// The library that the build made beside this tool: ../lib/libcuda.so.1.
std::string defaultLibrary();

}  // namespace anywarp::tests
