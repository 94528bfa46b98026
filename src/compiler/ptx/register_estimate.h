// How many registers a GPU's compiler would give a thread of a kernel: an estimate. SPDX-License-Identifier: Apache-2.0
// Programs choose block and grid sizes by that number, so it has to tell light kernels from heavy ones; it is not ptxas's.
#pragma once

#include <cstdint>

#include "compiler/ptx/ast.h"

namespace anywarp::ptx {

inline constexpr uint32_t mostRegisters = 255;  // that an instruction of a GPU can name

uint32_t estimateRegisters(const Body& body);

}  // namespace anywarp::ptx
