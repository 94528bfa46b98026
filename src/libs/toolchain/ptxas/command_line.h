// The command line of ptxas: what of it is read, what is accepted without effect. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "support/result.h"

namespace anywarp::toolchain {

struct PtxasRequest {
  std::string input;
  bool inputIsText = false;  // --input-as-string: `input` is PTX itself
  std::string output = "elf.o";
  uint32_t arch = 75;
  uint32_t maxRegisters = 0;  // 0: no limit
  char archSuffix = 0;  // 'a', 'f' or 0
  bool verbose = false, silent = false, warningsAreErrors = false;
  bool version = false, help = false;
};

// `arguments` without the program's name; --options-file is read in its place.
Result<PtxasRequest> readCommandLine(std::span<const std::string> arguments);

// "sm_90a" -> 90, 'a'. False: it is no such name.
bool readArchitecture(std::string_view text, uint32_t& arch, char& suffix);

std::string ptxasHelp();

}  // namespace anywarp::toolchain
