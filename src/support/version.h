// Which anywarp this is. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace anywarp {

// "0.1.0"
const char* version();

// What git says of the source, where it was built from a checkout; "" elsewhere.
const char* sourceRevision();

// Identifies the linked file that holds the function at `address` (default: this one) by its content: the linker's build id, or
// size and time where it has none. Two builds that could compile a kernel differently have different ids.
std::string buildId(const void* address = nullptr);

// The same, of an ELF file that is not loaded; "" where it cannot be read.
std::string buildIdOfFile(const std::string& path);

}  // namespace anywarp
