// Modifier look-ups, expanded from modifiers.def. SPDX-License-Identifier: Apache-2.0
#include "compiler/ptx/modifiers.h"

#include <unordered_map>

namespace anywarp::ptx {
Mod modFromSpelling(std::string_view text) {
  static const auto& table = *[] {
    auto* map = new std::unordered_map<std::string_view, Mod>;
    for (size_t i = 1; i < modCount; ++i) map->emplace(info(Mod(i)).spelling, Mod(i));
    return map;
  }();
  auto found = table.find(text);
  return found == table.end() ? Mod::None : found->second;
}

const ModSet& membersOf(ModGroup group) {
  static const auto& table = *[] {
    auto* sets = new std::array<ModSet, size_t(ModGroup::Count)>;
    for (size_t i = 1; i < modCount; ++i)
      for (size_t g = 0; g < sets->size(); ++g)
        if (info(Mod(i)).groups.has(ModGroup(g))) (*sets)[g].add(Mod(i));
    return sets;
  }();
  return table[size_t(group)];
}

unsigned vectorLength(const ModList& mods) {
  switch (mods.first(ModGroup::Vector)) {
    case Mod::V2: return 2;
    case Mod::V4: return 4;
    case Mod::V8: return 8;
    default: return 1;
  }
}

}  // namespace anywarp::ptx
