// Loops over the lanes of rows. Included by the files that are compiled once for each CPU level. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstring>
#include <type_traits>

#include "compiler/quick/lane_ops.h"

namespace anywarp::quick::ANYWARP_QUICK_LEVEL {

// d[lane] = value(lane) for the lanes of the mask. `value` has no effects: it may be asked for other lanes too.
template <class T, class Value>
inline void write(Warp* warp, int32_t operand, uint32_t mask, Value&& value) {
  T* d = row<T>(warp, operand);
  if (mask == ~0u) {
    for (uint32_t l = 0; l < lanes; ++l) d[l] = value(l);
    return;
  }
  alignas(64) T fresh[lanes];
  for (uint32_t l = 0; l < lanes; ++l) fresh[l] = value(l);
  for (uint32_t l = 0; l < lanes; ++l) d[l] = (mask >> l & 1) ? fresh[l] : d[l];
}

inline void writePredicate(Warp* warp, int32_t operand, uint32_t mask, uint32_t bits) {
  uint32_t* d = row<uint32_t>(warp, operand);
  *d = (*d & ~mask) | (bits & mask);
}

template <class Visit>
inline void eachLane(uint32_t mask, Visit&& visit) {
  for (; mask; mask &= mask - 1) visit(uint32_t(std::countr_zero(mask)));
}

// The value of the mask's first lane.
template <class T>
inline T first(Warp* warp, int32_t operand, uint32_t mask) {
  return row<T>(warp, operand)[std::countr_zero(mask)];
}

}  // namespace anywarp::quick::ANYWARP_QUICK_LEVEL
