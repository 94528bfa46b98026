// Rounding up to an alignment. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace anywarp {

// `align` need not be a power of two; 0 and 1 leave `value` as it is.
constexpr uint64_t alignUp(uint64_t value, uint64_t align) { return align > 1 ? (value + align - 1) / align * align : value; }

}  // namespace anywarp
