// C++ names as a person writes them. SPDX-License-Identifier: Apache-2.0
#include "support/demangle.h"

#include <cxxabi.h>

#include <cstdlib>

namespace anywarp {

std::string demangled(const std::string& name) {
  char* text = name.starts_with("_Z") ? abi::__cxa_demangle(name.c_str(), nullptr, nullptr, nullptr) : nullptr;
  if (!text) return name;
  std::string result = text;
  std::free(text);
  return result;
}

}  // namespace anywarp
