// How Variable::init holds the fields of a .texref, .samplerref or .surfref (PTX: Texture Sampler and Surface Types): one byte per
// field that a sampler has, the value plus one, zero where it is not given. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

#include "compiler/ptx/ast.h"

namespace anywarp::ptx {

enum class OpaqueField : uint8_t { AddrMode0, AddrMode1, AddrMode2, FilterMode, NormalizedCoords, ForceUnnormalizedCoords, Count };

// Values of AddrMode0 to 2, and of FilterMode.
enum class OpaqueAddressMode : uint8_t { Wrap, Mirror, ClampOgl, ClampToEdge, ClampToBorder };
enum class OpaqueFilterMode : uint8_t { Nearest, Linear };

inline std::optional<unsigned> opaqueField(const Variable& variable, OpaqueField field) {
  auto index = static_cast<size_t>(field);
  if (index >= variable.init.size() || variable.init[index] == 0) return std::nullopt;
  return variable.init[index] - 1u;
}

}  // namespace anywarp::ptx
