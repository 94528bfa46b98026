// The builtins and the table that finds them. SPDX-License-Identifier: Apache-2.0
#include "compiler/builtins/builtins.h"

#include <span>

namespace anywarp::builtins {
namespace {

struct Entry {
  std::string_view name;
  const void* address;
};

std::span<const Entry> entries() {
  static const Entry table[] = {
#define ANYWARP_BUILTIN(name, function) {#name, reinterpret_cast<const void*>(&function)},
#include "compiler/builtins/table.def"
#undef ANYWARP_BUILTIN
      {{}, nullptr},
  };
  return std::span(table).first(std::size(table) - 1);
}

}  // namespace

const void* findBuiltin(std::string_view name) {
  for (const Entry& entry : entries()) {
    if (entry.name == name) return entry.address;
  }
  return nullptr;
}

}  // namespace anywarp::builtins
