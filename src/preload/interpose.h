// Interposition of a static CUDA runtime: calls of its functions go to our libcudart instead. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace anywarp::preload {

enum class Verdict {
  NoCuda,        // the object holds no CUDA runtime: nothing was touched
  Interposed,    // its runtime functions jump to ours
  Stripped,      // it holds device code and a runtime that cannot be found
  Unpatchable,   // the host refused to make its code writable
};

// Looks at the file behind a mapped object and redirects its runtime functions. `bias` is what its addresses were moved by.
Verdict interpose(const char* path, uintptr_t bias);

// The same for an object that interpose() found stripped, with the names of the runtime's own archive where the user has it.
Verdict interposeStripped(const char* path, uintptr_t bias);

// Folder that holds libcudart.so.*; set before the first call.
extern char libraryFolder[4096];

}  // namespace anywarp::preload
