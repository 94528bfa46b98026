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

// Another library of the toolkit, from the same folder. Null when there is none.
inline void* openBesideReplaced(const std::string& name) {
  const std::string replaced = anywarpReplacedLibrary;
  const size_t slash = replaced.rfind('/');
  if (slash == std::string::npos) return nullptr;
  return dlopen(("/proc/self/root" + replaced.substr(0, slash + 1) + name).c_str(), RTLD_NOW | RTLD_LOCAL);
}

}  // namespace anywarp::toolchain
