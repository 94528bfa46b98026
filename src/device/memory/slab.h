// Small allocations: pieces of one size out of a range of pages. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <iterator>
#include <map>
#include <vector>

#include "device/memory/arena.h"

namespace anywarp::device {

// Not thread-safe. Pieces are multiples of 512 bytes and begin at multiples of 512.
class Slabs {
 public:
  static constexpr size_t unit = 512;
  static constexpr size_t largest = 4096 - unit;

  explicit Slabs(Arena& arena) : arena_(arena) {}

  // `bytes` in 1..largest. Zero filled.
  Result<uintptr_t> take(size_t bytes);
  void give(uintptr_t piece);

  // The range of pages, slabBytes long, that a piece lies in.
  uintptr_t slabOf(uintptr_t piece) const { return std::prev(slabs_.upper_bound(piece))->first; }
  static constexpr size_t slabBytes = 64 << 10;

 private:

  struct Slab {
    size_t piece = 0;
    uint32_t used = 0;
    std::vector<uintptr_t> free;
  };

  Arena& arena_;
  std::map<uintptr_t, Slab> slabs_;
  std::vector<uintptr_t> open_[largest / unit + 1];  // slabs with free pieces, by size
};

}  // namespace anywarp::device
