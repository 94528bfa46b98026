// Runs: rows of 8 or 16 lanes inside a warp whose values lie on a line, where those of the warp do not. SPDX-License-Identifier: Apache-2.0
//
// Blocks of 16 x 16 threads, and indices made from `tid & 15` and `tid >> 4`, are what they come from.
#pragma once

#include "compiler/analysis/shapes.h"

namespace anywarp::analysis {

struct Run {
  uint32_t lanes = 0;  // 0: there is none
  int64_t stride = 0;
  uint8_t alignLog2 = 0;  // of the first lane of each

  bool isSame() const { return lanes && stride == 0; }
};

// What uniform, affine and varying values are in runs; none of them where all threads of a block are looked at as one warp.
Run runOf(const Shape& shape, const LaunchShape& launch);
// A varying shape with that run. Bounds are not set.
Shape inRuns(const Run& run);

Run shorter(const Run& a, const Run& b, int64_t stride);
// Runs none of which crosses a multiple of 2^k.
Run runBelow(const Shape& shape, int64_t k, const LaunchShape& launch);
// Both where a value comes from several places.
Shape joinRuns(const Shape& a, const Shape& b, const LaunchShape& launch);
// %tid in blocks whose rows are runs.
Shape threadIndexInRuns(ptx::SpecialReg reg, const LaunchShape& launch);

}  // namespace anywarp::analysis
