// Functions that compiled kernels call by name for rare slow paths; they live beside the loader, in libcuda.so.1, because an
// object from the cache runs without the compiler. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace anywarp::builtins {

// Address of the builtin of that name (table.def), nullptr where there is none.
const void* findBuiltin(std::string_view name);

}  // namespace anywarp::builtins
