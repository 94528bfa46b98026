// A thread that looks now and then whether kernels get anywhere, and says so on the log when one does not. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "device/sched/worker.h"

namespace anywarp::device {

class Pool;

class Watch {
 public:
  // A kernel of which no block has ended for a while.
  struct Stuck {
    std::string kernel;
    abi::Dim3 block;
    uint64_t seconds = 0;
    bool waits = false;
  };

  void start(Pool& pool);
  // A grid has been listed.
  void wake();

  // Appends `grid` to `stuck` when it has become so; the pool's mutex is held.
  static void look(Grid& grid, const std::vector<Worker::Trace>& traces, uint64_t now, std::vector<Stuck>& stuck);
  // Once for each kernel.
  static void tell(const Stuck& stuck);

 private:
  static void* threadMain(void* self);
  void run();

  Pool* pool_ = nullptr;
  std::atomic<uint32_t> asleep_{0};  // futex word: 1 while there is nothing to look at
};

}  // namespace anywarp::device
