// What the loader must know of a host architecture: its relocations and its stubs. One table file per architecture. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "support/result.h"

namespace anywarp::object {

// What a relocation refers to.
enum class Via : uint8_t {
  Unknown,  // not a relocation of ours
  Nothing,  // a marker
  Symbol,   // the symbol itself
  Call,     // the symbol, or a stub that jumps there where it is outside the object
  Got,      // the slot of the global offset table that holds the symbol's address
};

struct RelocationForm {
  Via via = Via::Unknown;
  uint8_t bytes = 0;  // written at the place
};

// One relocation, ready to be written.
struct Patch {
  uint8_t* at = nullptr;   // where to write
  uint64_t place = 0;      // the run-time address of `at`
  uint64_t symbol = 0;     // address of the symbol, its stub or its slot, as the form says
  int64_t addend = 0;
};

struct Architecture {
  uint16_t machine;  // EM_...
  uint32_t stubBytes;
  RelocationForm (*form)(uint32_t type);
  bool (*apply)(uint32_t type, const Patch& patch);  // false: the value does not fit
  void (*writeStub)(uint8_t* at, uint64_t place, uint64_t slot);
};

extern const Architecture x86_64, aarch64;

}  // namespace anywarp::object
