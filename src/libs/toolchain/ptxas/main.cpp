// The program `ptxas` that `anywarp run` puts in the place of the toolkit's. SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <string>
#include <vector>

#include "libs/toolchain/ptxas/assemble.h"

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + (argc > 0), argv + argc);
  const anywarp::toolchain::PtxasOutcome outcome = anywarp::toolchain::runPtxas(arguments);
  std::fputs(outcome.standard.c_str(), stdout);
  std::fputs(outcome.messages.c_str(), stderr);
  return outcome.exitCode;
}
