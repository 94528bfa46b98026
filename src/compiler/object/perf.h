// Names compiled kernels for perf, in the map file that it looks for. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

namespace anywarp::object {

bool perfMapIsWanted();

// One function: `kernel` is the kernel it belongs to, `symbol` its own name.
void perfMapAdd(uint64_t address, uint64_t size, std::string_view kernel, std::string_view symbol);

}  // namespace anywarp::object
