// Words for people. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace anywarp::cli {

// "1.5 MiB"
std::string bytes(uint64_t count);

}  // namespace anywarp::cli
