// A value of RegionInfo::interleaved. SPDX-License-Identifier: Apache-2.0
#pragma once

#include "abi/kernel.h"

namespace anywarp::abi {

// A plainBarrier in a loop that strides over memory: neighbouring blocks may be run by turns there.
inline constexpr uint32_t turnsAtBarrier = 2;

}  // namespace anywarp::abi
