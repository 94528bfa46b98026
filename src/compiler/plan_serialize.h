// CompiledObject to bytes and back, as the cache keeps it. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "compiler/backend.h"

namespace anywarp::compiler {

std::vector<uint8_t> serialize(const CompiledObject& object);

// Nothing where the bytes are not what serialize wrote.
std::optional<CompiledObject> deserialize(std::span<const uint8_t> bytes);

}  // namespace anywarp::compiler
