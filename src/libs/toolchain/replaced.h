// Opening the toolkit's library that a stand-in replaces. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <dlfcn.h>

#include <string>

// Where the library lies that was asked for; the auditing library of `anywarp run` writes it when it puts the stand-in in its place.
extern "C" __attribute__((visibility("default"))) char anywarpReplacedLibrary[4096];

namespace anywarp::toolchain {

// By way of /proc/self/root: such a name is not redirected to the stand-in. Null when there is none.
inline void* openReplaced() {
  if (!*anywarpReplacedLibrary) return nullptr;
  return dlopen((std::string("/proc/self/root") + anywarpReplacedLibrary).c_str(), RTLD_NOW | RTLD_LOCAL);
}

}  // namespace anywarp::toolchain
