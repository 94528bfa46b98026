// validate: what parses but is not PTX: operand types, sizes, counts, versions (PTX ISA: Type Checking Rules).
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "compiler/ptx/ast.h"

namespace anywarp::ptx {

struct Diagnostic {
  enum class Severity : uint8_t { Warning, Error } severity = Severity::Error;
  SourceLoc loc;
  std::string message;  // with its place
  bool unknown = false;  // an instruction that no row of instructions.def takes
};

// Errors: what no execution could give a meaning to (a 32-bit register where 64 bits are read, predicates as numbers, wrong
// numbers of elements or arguments, unknown instructions). Warnings: what a strict assembler refuses but means something
// (a .f32 register in an integer instruction, an instruction newer than .version or .target).
std::vector<Diagnostic> validate(const Module& module, const Function& function, const Body& body);

// parseBody, then the first error of validate. Unknown instructions pass: whoever executes them says so.
Result<std::unique_ptr<Body>> parseCheckedBody(const Module& module, const Function& function);

}  // namespace anywarp::ptx
