// Type look-ups by spelling and by relation. SPDX-License-Identifier: Apache-2.0
#include "compiler/ptx/types.h"

#include <unordered_map>

namespace anywarp::ptx {

Type elementType(Type type) {
  switch (type) {
    case Type::U16x2: return Type::U16;
    case Type::S16x2: return Type::S16;
    case Type::F16x2: return Type::F16;
    case Type::BF16x2: return Type::BF16;
    case Type::F32x2: return Type::F32;
    case Type::E4M3x2: case Type::E4M3x4: return Type::E4M3;
    case Type::E5M2x2: case Type::E5M2x4: return Type::E5M2;
    case Type::E2M3x2: case Type::E2M3x4: return Type::E2M3;
    case Type::E3M2x2: case Type::E3M2x4: return Type::E3M2;
    case Type::E2M1x2: case Type::E2M1x4: return Type::E2M1;
    case Type::UE8M0x2: return Type::UE8M0;
    default: return type;
  }
}

Type widened(Type type) {
  switch (type) {
    case Type::U8: return Type::U16;
    case Type::U16: return Type::U32;
    case Type::U32: return Type::U64;
    case Type::S8: return Type::S16;
    case Type::S16: return Type::S32;
    case Type::S32: return Type::S64;
    default: return Type::None;
  }
}

Type bitsType(unsigned bits) {
  switch (bits) {
    case 1: return Type::Pred;
    case 8: return Type::B8;
    case 16: return Type::B16;
    case 32: return Type::B32;
    case 64: return Type::B64;
    case 128: return Type::B128;
    default: return Type::None;
  }
}

Type typeFromSpelling(std::string_view text) {
  static const auto& table = *[] {
    auto* map = new std::unordered_map<std::string_view, Type>;
    for (size_t i = 1; i < typeCount; ++i) map->emplace(typeInfos[i].spelling, Type(i));
    return map;
  }();
  auto found = table.find(text);
  return found == table.end() ? Type::None : found->second;
}

}  // namespace anywarp::ptx
