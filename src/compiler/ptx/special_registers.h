// SpecialReg: the read-only registers that PTX predefines (special_registers.def). SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "compiler/ptx/types.h"

namespace anywarp::ptx {

enum class SpecialReg : uint8_t {
  None,
#define PTX_SPECIAL(name, spelling, type, ptx, sm) name,
#include "compiler/ptx/special_registers.def"
#undef PTX_SPECIAL
  Count
};

struct SpecialRegInfo {
  const char* spelling;  // without the %
  Type type;
  uint8_t ptx, sm;
};

const SpecialRegInfo& info(SpecialReg reg);
// `tid.x` -> TidX; None for anything else, also for a vector without component.
SpecialReg specialFromSpelling(std::string_view spelling);
// `tid` -> TidX, whose three followers are y, z and w; None for anything else.
SpecialReg specialVectorFromSpelling(std::string_view spelling);

}  // namespace anywarp::ptx
