// Reads of a block's result from shared memory, right behind a barrier, that later stores may overtake.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "compiler/analysis/flat.h"
#include "compiler/analysis/work_limit.h"

namespace anywarp::analysis {

// `x = shared[0]; ... shared[warp] = y; bar.sync`, a reduction called twice in a row, is a race that a GPU's warps always win: all have
// read before one has gone through the rest. Here a warp runs up to the next barrier before the others begin, so such a block is cut
// behind the reads and its warps yield there (Block::yields). Blocks that only some lanes of a warp run (`partial`, by block; empty: not
// known) stay whole. Returns the number of cuts: after any, suspensions, webs and shapes are to be found again.
uint32_t cutBehindEarlyReads(Flat& flat, const std::vector<uint8_t>& partial, WorkLimit* limit = nullptr);

}  // namespace anywarp::analysis
