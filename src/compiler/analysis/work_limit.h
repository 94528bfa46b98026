// How much the analyses may look at before they give up. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace anywarp::analysis {

// Control flow that nobody writes makes some of them take time that is not linear. What they find once the limit is passed is of no use:
// who sets one asks isPassed() before using it.
class WorkLimit {
 public:
  explicit WorkLimit(uint64_t most) : left_(most) {}
  bool isPassed() const { return passed_; }
  // Work that is about to be done: blocks, instructions, values.
  bool spend(uint64_t work) {
    passed_ |= work > left_;
    left_ -= passed_ ? 0 : work;
    return !passed_;
  }

 private:
  uint64_t left_;
  bool passed_ = false;
};

inline bool maySpend(WorkLimit* limit, uint64_t work) { return !limit || limit->spend(work); }

}  // namespace anywarp::analysis
