// Local memory that only its thread reaches, and tables in it that each thread of a warp makes alike. SPDX-License-Identifier: Apache-2.0
#pragma once

#include "compiler/analysis/shapes.h"

namespace anywarp::analysis {

// Whether every store to local memory is one of all live lanes together, of the same value at the same place of each, and no generic
// address of it is made: then one copy serves a warp. For plans in lockstep, without functions out of line.
bool localMemoryIsAlike(Flat& flat, const Order& order, const Shapes& shapes);

// Whether no generic address of local memory is made: then its layout is the compiler's own affair.
bool localMemoryIsPrivate(Flat& flat, const Order& order);

}  // namespace anywarp::analysis
