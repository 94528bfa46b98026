// C++ names as a person writes them. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace anywarp {

// "write(int*, int)" for "_Z5writePii"; a name that is not mangled stays as it is.
std::string demangled(const std::string& name);

}  // namespace anywarp
