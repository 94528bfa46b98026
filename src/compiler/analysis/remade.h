// Registers that are made again behind a barrier instead of being kept in the frame. SPDX-License-Identifier: Apache-2.0
#pragma once

#include "compiler/analysis/shapes.h"

namespace anywarp::analysis {

// By register: the instruction that makes it again from the thread's place and the kernel's parameters, a few scalar operations whatever
// the number of lanes; ~0u where it is kept. What code generation knows of these values is known behind barriers too then: a row of a
// tile in shared memory is at the same offset for all warps.
std::vector<uint32_t> findRemade(Flat& flat, const Webs& webs, const Shapes& shapes);

}  // namespace anywarp::analysis
