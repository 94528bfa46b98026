// Webs: registers renamed so that independent uses of one name become different registers, and their live ranges.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "compiler/analysis/flat.h"
#include "compiler/analysis/work_limit.h"

namespace anywarp::analysis {

struct Web {
  uint32_t defs = 0;       // instructions that write it
  bool maybeUndefined = false;  // some path from the entry reads it before any write
  std::vector<BlockId> defBlocks;  // sorted, unique
};

// After renameWebs, registers of `flat` are webs.
struct Webs {
  std::vector<Web> webs;                       // by register
  std::vector<std::vector<ptx::RegId>> liveIn;  // by block, sorted
  bool isLiveIn(BlockId b, ptx::RegId r) const;
};

Webs renameWebs(Flat& flat, WorkLimit* limit = nullptr);

}  // namespace anywarp::analysis
