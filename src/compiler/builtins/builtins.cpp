// The builtins and the table that finds them. SPDX-License-Identifier: Apache-2.0
#include "compiler/builtins/builtins.h"

#include <cmath>

namespace anywarp::builtins {
namespace {

float fmaF32(float a, float b, float c) { return std::fma(a, b, c); }
double fmaF64(double a, double b, double c) { return std::fma(a, b, c); }

struct Entry {
  std::string_view name;
  const void* address;
};

constexpr auto addressOf = [](auto* function) { return reinterpret_cast<const void*>(function); };

}  // namespace

const void* findBuiltin(std::string_view name) {
  static const Entry table[] = {
#define ANYWARP_BUILTIN(name, function) {#name, addressOf(&function)},
#include "compiler/builtins/table.def"
#undef ANYWARP_BUILTIN
  };
  for (const Entry& entry : table) {
    if (entry.name == name) return entry.address;
  }
  return nullptr;
}

}  // namespace anywarp::builtins
