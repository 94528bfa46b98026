// How much of a foreign pointer's memory can be read without a fault. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

namespace anywarp::fatbin {

// The number of bytes from `address` on that are mapped readable, at most `wanted`.
size_t readableBytes(const void* address, size_t wanted);

// Length of the NUL-terminated text at `address`; the readable length where no NUL comes first.
size_t readableTextLength(const void* address);

// Whether the first and the last byte can be read: two pages asked for in one call, however long the range is.
bool readableEnds(const void* address, size_t bytes);

}  // namespace anywarp::fatbin
