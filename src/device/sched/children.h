// Grids that kernels launch (CUDA: Dynamic Parallelism). They run when their parent has ended, one after the other, each followed by
// its own: that keeps every order that the programming model promises, which knows no waiting for a child. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "device/sched/launch.h"
#include "device/sched/mutex.h"

namespace anywarp::device {

struct Grid;

// One grid that a kernel is about to launch, or has.
struct Child {
  uint64_t function = 0;       // handle, as kernels see it
  abi::Dim3 grid, block;
  uint32_t sharedBytes = 0;
  bool tail = false;           // after all others of its parent
  struct AlignedFree {
    void operator()(uint8_t* p) const;
  };
  std::unique_ptr<uint8_t[], AlignedFree> params;
  size_t paramBytes = 0;
};

// What the threads of one running grid have prepared and launched.
class Children {
 public:
  static constexpr size_t most = 1 << 20;  // that wait for the end of their parent

  // Memory for the parameters; 0 where there is none for `bytes`.
  uint64_t prepare(Child child, size_t bytes);
  // False: no such buffer.
  bool launch(uint64_t buffer, bool tail);
  // The same for a buffer of prepare() that belongs to no kernel yet: `child` tells which, `bytes` how much it reads.
  bool launch(uint64_t buffer, Child child, size_t bytes);
  // What was launched, in the order in which it is to run.
  std::vector<Child> take();

 private:
  Mutex mutex_;
  std::map<uint64_t, Child> prepared_ ANYWARP_GUARDED_BY(mutex_);  // by the address of their parameters
  std::vector<Child> launched_ ANYWARP_GUARDED_BY(mutex_);
};

// The children of a grid, made when first asked for; any thread.
Children& childrenOf(Grid& grid);

// Runs the descendants of `parent`, which has ended, then calls `done(&parent)`. For Grid::completed.
void runDescendants(Grid& parent, void (*done)(Grid*));

}  // namespace anywarp::device
