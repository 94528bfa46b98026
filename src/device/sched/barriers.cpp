// The barriers of one block: arrivals and reductions. SPDX-License-Identifier: Apache-2.0
#include "device/sched/barriers.h"

#include <algorithm>

namespace anywarp::device {

void Barriers::prepare(uint32_t threads, uint32_t width) {
  width_ = width;
  warps_ = (threads + width - 1) / width;
  tailLanes_ = (threads + 31) / 32 * 32 - warps_ * std::min(width, 32u);
  lanes_.assign(size_t{warps_} * abi::maxBarriers, Lanes{});
  for (Barrier& barrier : barriers_) barrier = Barrier{};
  used_ = 0;
}

void Barriers::reset() {
  for (uint32_t left = used_; left; left &= left - 1) clear(static_cast<uint32_t>(std::countr_zero(left)));
}

void Barriers::arrive(const Arrival& a) {
  uint32_t b = a.barrier % abi::maxBarriers;
  Barrier& barrier = barriers_[b];
  Lanes& lanes = lanesOf(b, a.warp);
  used_ |= 1u << b;
  barrier.expected = a.threads;
  lanes.arrived |= a.mask;
  if (a.waits) lanes.waiting |= a.mask;
  if (a.reduction) {
    barrier.reduction = a.reduction;
    barrier.count += static_cast<uint32_t>(std::popcount(a.mask & a.predicate));
    barrier.all = barrier.all && (a.mask & ~a.predicate) == 0;
  }
}

uint32_t Barriers::result(const Barrier& barrier) {
  constexpr uint32_t popc = 1, conjunction = 2;
  if (barrier.reduction == popc) return barrier.count;
  if (barrier.reduction == conjunction) return barrier.all;
  return barrier.count != 0;
}

void Barriers::clear(uint32_t b) {
  barriers_[b] = Barrier{};
  std::fill_n(lanes_.begin() + b * warps_, warps_, Lanes{});
  used_ &= ~(1u << b);
}

}  // namespace anywarp::device
