// Strides that varying indices mostly have: those of the affine values they are clamped from. SPDX-License-Identifier: Apache-2.0
#pragma once

#include "compiler/analysis/shapes.h"

namespace anywarp::analysis {

// By register, 0 where nothing is known: from lane to lane, an integer of up to 32 bits mostly grows by this. Of a 64-bit register
// (Shape::Kind::ExtendedVarying): its 32-bit part does. `min(max(x, 0), w - 1)` strides like x except at the borders, so a
// test at run time finds a vector load where the shape allows but a gather.
std::vector<int64_t> findLikelyStrides(Flat& flat, const Webs& webs, const Shapes& shapes, const LaunchShape& launch);

}  // namespace anywarp::analysis
