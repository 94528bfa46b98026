// Kernels made from opcodes: each applies instructions to special and random operands, one element per thread.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "compiler/ptx/instructions.h"
#include "spec.h"

namespace anywarp::tests {

// Every opcode that a pure row of instructions.def spells, in canonical order of modifiers; some no assembler accepts.
std::vector<std::string> enumerateOpcodes(ptx::Form form);

// A kernel per batch of opcodes, and where each opcode's results lie.
struct FormsProgram {
  struct Result {
    std::string opcode;
    size_t launch = 0;
    int buffer = 0;
    std::vector<int> inputs;  // buffers
  };
  Program program;
  std::vector<Result> results;
  std::vector<Tolerance> tolerances;  // by buffer
};

// The error names an opcode that no row accepts, or that has operands this generator does not make.
Result<FormsProgram> makeFormsProgram(const std::vector<std::string>& opcodes, size_t perKernel, uint64_t seed);

}  // namespace anywarp::tests
