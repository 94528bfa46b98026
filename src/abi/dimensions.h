// Of grids and blocks. SPDX-License-Identifier: Apache-2.0
#pragma once

#include "abi/kernel.h"

namespace anywarp::abi {

// How many blocks or threads; exact for every grid within the limits.
constexpr uint64_t volume(const Dim3& d) { return uint64_t{d.x} * d.y * d.z; }

}  // namespace anywarp::abi
