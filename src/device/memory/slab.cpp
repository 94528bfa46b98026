// Small allocations: pieces of one size out of a range of pages. SPDX-License-Identifier: Apache-2.0
#include "device/memory/slab.h"

#include <algorithm>
#include <cstring>
#include <iterator>

namespace anywarp::device {

Result<uintptr_t> Slabs::take(size_t bytes) {
  size_t piece = roundUp(bytes, unit);
  auto& open = open_[piece / unit];
  if (open.empty()) {
    auto base = arena_.take(slabBytes, pageSize());
    if (!base) return base;
    Slab slab;
    slab.piece = piece;
    for (size_t at = slabBytes / piece; at-- > 0;) slab.free.push_back(*base + at * piece);
    slabs_.emplace(*base, std::move(slab));
    open.push_back(*base);
  }
  Slab& slab = slabs_.at(open.back());
  uintptr_t taken = slab.free.back();
  slab.free.pop_back();
  ++slab.used;
  if (slab.free.empty()) open.pop_back();
  return taken;
}

void Slabs::give(uintptr_t piece) {
  auto it = std::prev(slabs_.upper_bound(piece));
  Slab& slab = it->second;
  auto& open = open_[slab.piece / unit];
  if (--slab.used == 0) {
    auto entry = std::find(open.begin(), open.end(), it->first);
    if (entry != open.end()) open.erase(entry);
    arena_.give(it->first);
    slabs_.erase(it);
    return;
  }
  std::memset(reinterpret_cast<void*>(piece), 0, slab.piece);
  if (slab.free.empty()) open.push_back(it->first);
  slab.free.push_back(piece);
}

}  // namespace anywarp::device
