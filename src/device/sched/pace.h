// Whether blocks of a kernel run faster one by one or in strips, found by trying both. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace anywarp::device {

// Strips keep caches and prefetchers warm where a block's rows lie far apart, and cost a call for each row. The two are tried by turns,
// and now and then again.
class Pace {
 public:
  enum class Way : uint8_t { Blocks, Strips };

  // Forgets everything when it is another kernel's.
  void of(uint64_t key) {
    if (key == key_) return;
    *this = Pace{};
    key_ = key;
  }
  // For the next chunk.
  Way next() {
    uint32_t turn = turn_++;
    if (turn < 2 * tries || turn % again == 0) return way_ = turn % 2 || turn % (2 * again) == again ? Way::Strips : Way::Blocks;
    return way_ = best_[1] < best_[0] ? Way::Strips : Way::Blocks;
  }
  // What the chunk took for each of its blocks. The least counts: the rest is others' use of the core.
  void took(uint64_t nanoseconds, uint32_t blocks) {
    if (blocks == 0) return;
    double each = double(nanoseconds) / blocks;
    double& best = best_[way_ == Way::Strips];
    // What was once fast with warm caches need not stay so.
    best = each < best ? each : best + (each - best) * forget;
  }

 private:
  static constexpr uint32_t tries = 4, again = 64;
  static constexpr double forget = 0.05;
  uint64_t key_ = 0;
  uint32_t turn_ = 0;
  Way way_ = Way::Blocks;
  double best_[2] = {1e30, 1e30};
};

}  // namespace anywarp::device
