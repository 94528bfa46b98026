// Opening the toolkit's library that a stand-in replaces. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <dlfcn.h>

#include <string>

#define ANYWARP_TEXT(x) #x
#define ANYWARP_NUMBER(x) ANYWARP_TEXT(x)

// Where the library lies that was asked for; the auditing library of `anywarp run` writes it when it puts the stand-in in its place.
extern "C" __attribute__((visibility("default"))) char anywarpReplacedLibrary[4096];

namespace anywarp::toolchain {

// By way of /proc/self/root: such a name is not redirected to the stand-in. Null when there is none.
inline void* openReplaced(const char* soname) {
  const std::string places[] = {anywarpReplacedLibrary, std::string("/usr/local/cuda/lib64/") + soname};
  for (const std::string& place : places) {
    void* library = place.empty() ? nullptr : dlopen(("/proc/self/root" + place).c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!library) continue;
    if (!dlsym(library, "anywarpReplacedLibrary")) return library;
    dlclose(library);  // a stand-in again, by another name
  }
  return nullptr;
}

}  // namespace anywarp::toolchain
