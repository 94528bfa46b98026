// Where all lanes that parted at a branch are together again: their mask is the one from before, and is not kept meanwhile.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "compiler/analysis/flow.h"

namespace anywarp::analysis {

// By block: the block whose lanes, all of them and no others, come together there; noBlock where that is not so. What runs between the
// two is entered through the first only, left to the second only, stands between them in the order, ends no thread and does not wait.
// `entries`: where lanes may be when the region begins; `leaves`: blocks that a warp may leave to come back later.
std::vector<BlockId> findMeetings(const Flat& flat, const Order& order, const std::vector<BlockId>& entries,
                                  const std::vector<uint8_t>& leaves);

}  // namespace anywarp::analysis
