// What PTX uses of LTO-IR it is linked with: the toolkit's nvJitLink is given the LTO-IR only, and drops functions that nothing
// there calls. A kernel that takes their addresses keeps them; it is left out again. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "compiler/fatbin/fatbin.h"
#include "support/result.h"

namespace anywarp::toolchain {

// Functions that these modules declare, none of them defines, and the device does not provide.
Result<std::vector<std::string>> undefinedFunctions(std::span<const fatbin::PtxSource> sources);

// That kernel as LTO-IR for sm_`arch`, made by the toolkit's NVRTC.
Result<std::string> compileKeeper(const std::vector<std::string>& functions, uint32_t arch);

// The linked PTX without that kernel; other modules see the functions.
Result<std::string> withoutKeeper(std::string ptx, const std::vector<std::string>& functions);

}  // namespace anywarp::toolchain
