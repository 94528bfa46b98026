// The table behind findHostFunction. SPDX-License-Identifier: Apache-2.0
#include "compiler/object/names.h"

// Declared as bytes under their linker names: only the addresses matter, and the headers' types do not get in the way.
#define ANYWARP_NAME(name) extern "C" const char anywarp_host_##name __asm__(#name);
#include "compiler/object/names.def"
#undef ANYWARP_NAME

namespace anywarp::object {
namespace {

struct Row {
  std::string_view name;
  const void* address;
};

#define ANYWARP_NAME(name) {#name, &anywarp_host_##name},
const Row rows[] = {
#include "compiler/object/names.def"
};
#undef ANYWARP_NAME

}  // namespace

const void* findHostFunction(std::string_view name) {
  for (const Row& row : rows)
    if (row.name == name) return row.address;
  return nullptr;
}

}  // namespace anywarp::object
