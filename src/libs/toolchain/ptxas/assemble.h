// ptxas without machine code: checks PTX and keeps it (docs/decisions/0014). SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>

namespace anywarp::toolchain {

// What a run of the program comes to.
struct PtxasOutcome {
  int exitCode = 0;       // 0, or 255 after an error
  std::string standard;   // for standard output
  std::string messages;   // for standard error, in the form that readers of ptxas's messages know
};

// `arguments` without the program's name. Writes the output file.
PtxasOutcome runPtxas(std::span<const std::string> arguments);

}  // namespace anywarp::toolchain
