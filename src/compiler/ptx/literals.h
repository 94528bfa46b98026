// Bit patterns of floating-point constants in every PTX format that literals can have. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "compiler/ptx/types.h"

namespace anywarp::ptx {

// `value` rounded to nearest even into F16, BF16, TF32, F32 or F64; other types get the pattern of the double.
uint64_t floatBits(double value, Type type);
// The double with the value of an F16 or BF16 pattern.
uint64_t doubleBits(uint64_t pattern, Type type);

}  // namespace anywarp::ptx
