// Random kernels with structured control flow whose results do not depend on the order of threads. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <random>
#include <string>
#include <vector>

#include "program.h"

namespace anywarp::tests {

// A piece of a kernel. Any of them can be taken away and the kernel stays valid.
struct Statement {
  enum class Kind { Straight, If, Loop, Switch, Return } kind = Kind::Straight;
  std::vector<std::string> lines;                 // Straight: code; others: what computes the condition
  std::vector<std::vector<Statement>> bodies;     // If: then, else; Loop: body; Switch: cases
  bool masked = false;                            // keeps the membermask of the lanes inside
  std::string condition;                          // predicate or index register
  int number = 0;                                 // for labels
};

struct FuzzKernel {
  uint64_t seed = 0;
  uint32_t grid = 1;
  abi::Dim3 block;
  bool shared = false;
  std::vector<Statement> statements;
  std::vector<std::vector<Statement>> functions;  // bodies of callees
};

FuzzKernel generateKernel(uint64_t seed);

// A module with these kernels, and a launch for each.
Program programOf(const std::vector<FuzzKernel>& kernels);

// How many statements there are, at any depth.
size_t countStatements(const FuzzKernel& kernel);

// The kernel without the statement of that index (counted depth first), or with its first body in its place.
enum class Removal { Whole, KeepFirstBody };
FuzzKernel without(const FuzzKernel& kernel, size_t index, Removal removal);

}  // namespace anywarp::tests
