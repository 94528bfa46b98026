// How much of a kernel's arithmetic can go on at once within a thread. SPDX-License-Identifier: Apache-2.0
#pragma once

#include "compiler/analysis/flow.h"

namespace anywarp::analysis {

// Of the longest block in the innermost loops: how many operations are under way at once on the average when none waits for anything
// but its operands. Few: they form one long chain. 0: no block is long enough to tell.
double parallelism(Flat& flat, const Order& order);

}  // namespace anywarp::analysis
