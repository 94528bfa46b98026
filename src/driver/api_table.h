// The table of every driver entry point (api.def) as data. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace anywarp::driver {

enum class DefaultStream : uint8_t { Plain, PerThread };
enum class Support : uint8_t { Missing, Done };

struct ApiEntry {
  std::string_view base;    // what programs ask cuGetProcAddress for
  int version;              // CUDA version of this ABI, 12030 for 12.3
  std::string_view symbol;  // exported name
  DefaultStream stream;
  Support support;
  void* function;
};

std::span<const ApiEntry> apiTable();

// The rows of one base name, oldest first; empty where there is no such function.
std::span<const ApiEntry> apiVersions(std::string_view base);

}  // namespace anywarp::driver
