// Special register look-ups, expanded from special_registers.def. SPDX-License-Identifier: Apache-2.0
#include "compiler/ptx/special_registers.h"

#include <string>
#include <unordered_map>

namespace anywarp::ptx {
namespace {

constexpr SpecialRegInfo specialInfos[] = {
    {"", Type::None, 0, 0},
#define PTX_SPECIAL(name, spelling, type, ptx, sm) {spelling, Type::type, ptx, sm},
#include "compiler/ptx/special_registers.def"
#undef PTX_SPECIAL
};

}  // namespace

const SpecialRegInfo& info(SpecialReg reg) { return specialInfos[size_t(reg)]; }

SpecialReg specialFromSpelling(std::string_view text) {
  static const auto& table = *[] {
    auto* map = new std::unordered_map<std::string_view, SpecialReg>;
    for (size_t i = 1; i < size_t(SpecialReg::Count); ++i) map->emplace(specialInfos[i].spelling, SpecialReg(i));
    return map;
  }();
  auto found = table.find(text);
  return found == table.end() ? SpecialReg::None : found->second;
}

SpecialReg specialVectorFromSpelling(std::string_view text) {
  if (text.size() > 32) return SpecialReg::None;
  return specialFromSpelling(std::string(text) + ".x");
}

}  // namespace anywarp::ptx
