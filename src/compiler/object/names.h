// The libc, libm and libgcc functions that compiled code may call: those LLVM itself makes calls to. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace anywarp::object {

// Address of the function of that name, nullptr for any name outside the list.
const void* findHostFunction(std::string_view name);

}  // namespace anywarp::object
