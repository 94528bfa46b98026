// Loops in which some lanes of a warp wait for other warps while the rest of the warp waits for them. SPDX-License-Identifier: Apache-2.0
#pragma once

#include "compiler/analysis/interleave.h"
#include "compiler/analysis/suspensions.h"

namespace anywarp::analysis {

// The loops whose waiting keeps a kernel from running in lockstep, where all lanes that are elsewhere meanwhile come to a place that needs
// the waiting ones before they do anything that could end the wait (docs/decisions/0030). Their back edges no longer suspend and their
// headers are no resume points then. Empty, with flat and suspensions to be made anew: the kernel needs a free plan.
std::vector<Interleaved> findLoneWaits(Flat& flat, const Shapes& shapes, Suspensions& suspensions);

}  // namespace anywarp::analysis
