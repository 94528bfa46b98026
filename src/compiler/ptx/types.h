// Type: the types of PTX and what is known of them (types.def). SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "compiler/ptx/enum_set.h"

namespace anywarp::ptx {

enum class Type : uint8_t {
  None,
#define PTX_TYPE(name, spelling, bits, cls, lanes) name,
#include "compiler/ptx/types.def"
#undef PTX_TYPE
  Count
};
inline constexpr size_t typeCount = size_t(Type::Count);
using TypeSet = EnumSet<Type, typeCount>;

enum class TypeClass : uint8_t { None, Predicate, Bits, Unsigned, Signed, Float, Opaque };

struct TypeInfo {
  const char* spelling;  // without the dot
  uint16_t bits;
  TypeClass cls;
  uint8_t lanes;
};

inline constexpr TypeInfo typeInfos[typeCount] = {
    {"", 0, TypeClass::None, 1},
#define PTX_TYPE(name, spelling, bits, cls, lanes) {spelling, bits, TypeClass::cls, lanes},
#include "compiler/ptx/types.def"
#undef PTX_TYPE
};

constexpr const TypeInfo& info(Type type) { return typeInfos[size_t(type)]; }
constexpr const char* spelling(Type type) { return info(type).spelling; }
constexpr unsigned bits(Type type) { return info(type).bits; }
constexpr unsigned bytes(Type type) { return (info(type).bits + 7) / 8; }  // in memory
constexpr bool isSigned(Type type) { return info(type).cls == TypeClass::Signed; }
constexpr bool isUnsigned(Type type) { return info(type).cls == TypeClass::Unsigned; }
constexpr bool isInteger(Type type) { return isSigned(type) || isUnsigned(type); }
constexpr bool isBits(Type type) { return info(type).cls == TypeClass::Bits; }
constexpr bool isFloat(Type type) { return info(type).cls == TypeClass::Float; }  // packed ones too
constexpr bool isOpaque(Type type) { return info(type).cls == TypeClass::Opaque; }
constexpr bool isPacked(Type type) { return info(type).lanes > 1; }
constexpr unsigned lanes(Type type) { return info(type).lanes; }

// f16, bf16 and their pairs: the types of the half precision instructions.
constexpr bool isHalf(Type type) {
  return type == Type::F16 || type == Type::BF16 || type == Type::F16x2 || type == Type::BF16x2;
}

// The element of a packed type (f16x2 -> f16); the type itself otherwise.
Type elementType(Type type);
// Integer of twice the width, same class (mul.wide). None where there is none.
Type widened(Type type);
// The bits type of a width: 32 -> B32. None where there is none.
Type bitsType(unsigned bits);
// `s32` -> S32; None for anything else.
Type typeFromSpelling(std::string_view spelling);

}  // namespace anywarp::ptx
