// The barriers of one block: who has arrived, who waits, and what a reduction gives (PTX: barrier, bar). SPDX-License-Identifier: Apache-2.0
// Counted in threads. A barrier without a thread count completes when every thread of the block that has not exited is there. One
// with a count takes lanes that exited or never existed as arrived together with their warp, since counts are multiples of it.
#pragma once

#include <bit>
#include <cstdint>
#include <vector>

#include "abi/kernel.h"

namespace anywarp::device {

class Barriers {
 public:
  void prepare(uint32_t threads, uint32_t width);
  void reset();

  struct Arrival {
    uint32_t warp = 0;
    uint32_t mask = 0;      // lanes
    uint32_t barrier = 0;
    uint32_t threads = 0;   // 0: the whole block
    bool waits = true;
    uint32_t reduction = 0;
    uint32_t predicate = 0;
  };
  void arrive(const Arrival& arrival);

  bool pending() const { return used_ != 0; }

  // Completes what is complete: stores reductions to `results` and calls release(warp, lanes) for those that waited. True if any
  // did. `live(warp)` gives the lanes that have not exited. With `exitedCount` exited threads count for explicit counts too:
  // the last way out before a deadlock is reported.
  template <class Live, class Release>
  bool settle(uint32_t* results, Live&& live, Release&& release, bool exitedCount = false) {
    bool any = false;
    for (uint32_t left = used_; left; left &= left - 1) {
      auto b = static_cast<uint32_t>(std::countr_zero(left));
      if (!complete(b, live, exitedCount)) continue;
      any = true;
      Barrier& barrier = barriers_[b];
      if (barrier.reduction) results[b] = result(barrier);
      for (uint32_t w = 0; w < warps_; ++w) {
        if (uint32_t lanes = lanesOf(b, w).waiting) release(w, lanes);
      }
      clear(b);
    }
    return any;
  }

 private:
  struct Barrier {
    uint32_t expected = 0;
    uint32_t reduction = 0;
    uint32_t count = 0;   // true predicates
    bool all = true;
  };
  struct Lanes {
    uint32_t arrived = 0;
    uint32_t waiting = 0;
  };

  Lanes& lanesOf(uint32_t barrier, uint32_t warp) { return lanes_[barrier * warps_ + warp]; }
  // What a warp adds to a thread count: its arrived lanes, or all of it once nobody is left to arrive.
  uint32_t threadsOf(uint32_t arrived, uint32_t live, uint32_t warp, bool exitedCount) const {
    bool whole = (live & ~arrived) == 0 && (arrived || exitedCount);
    if (!whole) return static_cast<uint32_t>(std::popcount(arrived));
    return width_ + (warp + 1 == warps_ ? tailLanes_ : 0);
  }
  static uint32_t result(const Barrier& barrier);
  void clear(uint32_t barrier);

  template <class Live>
  bool complete(uint32_t b, Live&& live, bool exitedCount) {
    if (uint32_t expected = barriers_[b].expected) {
      uint32_t arrived = 0;
      for (uint32_t w = 0; w < warps_; ++w) arrived += threadsOf(lanesOf(b, w).arrived, live(w), w, exitedCount);
      return arrived >= expected;
    }
    for (uint32_t w = 0; w < warps_; ++w) {
      if (live(w) & ~lanesOf(b, w).arrived) return false;
    }
    return true;
  }

  uint32_t warps_ = 0;
  uint32_t width_ = 32;
  uint32_t tailLanes_ = 0;  // what the last warp of the plan lacks to a whole 32
  uint32_t used_ = 0;       // barriers with arrivals
  Barrier barriers_[abi::maxBarriers];
  std::vector<Lanes> lanes_;
};

}  // namespace anywarp::device
