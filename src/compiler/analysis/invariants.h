// Registers that have one value for a thread wherever they are written: what shapes need not lose where paths meet.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "compiler/analysis/webs.h"

namespace anywarp::analysis {

// By register: every write of it computes the same, from values that never change (compilers compute an index again on each of
// several paths). A lane has the same value from whichever write it comes.
std::vector<uint8_t> findInvariants(Flat& flat, const Webs& webs);

}  // namespace anywarp::analysis
