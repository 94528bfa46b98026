// Where the registers of a kernel lie in the rows of a warp. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "compiler/analysis/flow.h"
#include "compiler/analysis/webs.h"

namespace anywarp::quick {

struct RowLayout {
  std::vector<uint32_t> offsets;  // by register
  uint32_t bytes = 0;
};

// Bytes of a row for values of a type; a predicate's is one word of bits.
uint32_t rowBytes(ptx::Type type);

// Registers that do not live at the same time share a row. `order`: the blocks as the code will have them.
RowLayout layOutRows(analysis::Flat& flat, const analysis::Webs& webs, const std::vector<analysis::BlockId>& order);

}  // namespace anywarp::quick
