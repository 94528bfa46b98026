// Local memory that is the same in all threads of a warp: tables that each thread makes for itself. SPDX-License-Identifier: Apache-2.0
#pragma once

#include "compiler/analysis/shapes.h"

namespace anywarp::analysis {

// Whether every store to local memory is one of all live lanes together, of the same value at the same place of each, and no generic
// address of it is made: then one copy serves a warp. For plans in lockstep, without functions out of line.
bool localMemoryIsAlike(Flat& flat, const Order& order, const Shapes& shapes);

}  // namespace anywarp::analysis
