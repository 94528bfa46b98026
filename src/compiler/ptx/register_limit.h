// A limit on registers that comes from outside the PTX: options of loaders, linkers and ptxas. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace anywarp::ptx {

// `text` with .maxnreg for the kernels that say nothing of it. What does not parse stays as it is, and so does all with a limit of 0.
std::string limitRegisters(std::string text, uint32_t limit);

}  // namespace anywarp::ptx
