// Cfg: basic blocks of a body and the edges between them. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "compiler/ptx/ast.h"

namespace anywarp::ptx {

struct Block {
  uint32_t first = 0, last = 0;          // instructions [first, last); empty only where a label stands at the end of the body
  // A guarded bra: target, then the next block, also where both are the same. brx.idx: each target once, then the next block
  // when guarded. Guarded ret and exit: the next block. Empty: the function ends here.
  std::vector<uint32_t> successors;
  std::vector<uint32_t> predecessors;    // each once
};

struct Cfg {
  std::vector<Block> blocks;             // in the order of the text; block 0 is the entry; never empty
  std::vector<uint32_t> blockOf;         // instruction -> block
  std::vector<uint32_t> reversePostOrder;  // reachable blocks only, entry first
  std::vector<bool> reachable;

  bool isReachable(uint32_t block) const { return reachable[block]; }
  const Instruction* terminator(const Body& body, uint32_t block) const;  // null where the block just falls through
};

// True for bra, brx.idx, ret and exit: they end a block, guarded or not.
bool endsBlock(const Instruction& instruction);

Cfg buildCfg(const Body& body);

}  // namespace anywarp::ptx
