// Printer: modules, bodies and instructions back to PTX text. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "compiler/ptx/ast.h"

namespace anywarp::ptx {

// The names under which a body is printed: scopes are gone there, so names that collide get a `$2` after them.
class BodyNames {
 public:
  BodyNames(const Module& module, const Function& function, const Body& body);

  std::vector<std::string> registers, variables, labels, prototypes, branchTargets;
};

// The whole module, bodies included. What parses prints, and what is printed parses to the same (see printer_test.cpp).
Result<std::string> print(const Module& module);
// One function with its body.
std::string print(const Module& module, const Function& function, const Body& body);
// One instruction without its semicolon, for messages and dumps.
std::string print(const Module& module, const Function& function, const Body& body, const Instruction& instruction,
                  const BodyNames& names);
std::string print(const Module& module, const Function& function, const Body& body, const Instruction& instruction);

}  // namespace anywarp::ptx
