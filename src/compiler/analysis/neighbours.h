// Lanes of a warp that exchange values through shared memory with no barrier between, as programs written for lockstep warps do.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "compiler/analysis/shapes.h"

namespace anywarp::analysis {

// Whether some load from shared memory may see, with no barrier between, what another lane of its 32 has stored: such code counts on
// the 32 to go together. Needs registers renamed (webs.h). Errs towards yes, but for stores and loads through the same register at
// the same offset, which are one lane's own.
bool readsNeighbours(const Flat& flat, const Order& order, const Shapes& shapes);

}  // namespace anywarp::analysis
