// The workers of this process and the grids they share. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "device/sched/grid.h"
#include "device/sched/mutex.h"

namespace anywarp::device {

class Worker;

class Pool {
 public:
  // Made, with its threads, on first use; never destroyed.
  static Pool& instance();

  // Takes `grid` until it calls completed(). Never blocks, except for the pool's mutex.
  void submit(Grid& grid);
  // Runs body(argument, 0 .. count-1) on workers and on the calling thread; returns when all calls have ended.
  void parallel(uint64_t count, void (*body)(void*, uint64_t), void* argument);

  size_t workerCount() const { return workers_.size(); }
  // True when a grid has blocks left and no worker.
  bool gridsWait() const { return waiting_.load(std::memory_order_relaxed) != 0; }

  // The grid with blocks left that has the fewest workers, leaving out those for which joined(grid) holds; null when there is none.
  template <class Joined>
  Grid* tryJoin(Joined&& joined);
  // Waits for one.
  Grid* join();
  // `grid` may be gone afterwards.
  void leave(Grid& grid);
  // Ends all grids of `context` soon; those that no worker has joined at once.
  void stop(const Context& context);
  // Makes workers inside `grid` see that it has stopped.
  void interrupt(const Grid& grid, const Worker* except);

 private:
  Pool();
  void list(Grid& grid, uint32_t workers);
  void joinLocked(Grid& grid) ANYWARP_REQUIRES(mutex_);
  void unlink(Grid& grid) ANYWARP_REQUIRES(mutex_);
  void wake(uint32_t count);
  void idle(uint32_t seen);

  Mutex mutex_;
  Grid* first_ ANYWARP_GUARDED_BY(mutex_) = nullptr;
  Grid* last_ ANYWARP_GUARDED_BY(mutex_) = nullptr;
  std::vector<Worker*> workers_;

  alignas(64) std::atomic<uint32_t> version_{0};   // futex word: changes with every submission
  alignas(64) std::atomic<uint32_t> sleepers_{0};
  std::atomic<uint32_t> spinners_{0};
  std::atomic<uint32_t> waiting_{0};               // grids with blocks left and no worker
  std::atomic<uint64_t> lastSerial_{0};
};

template <class Joined>
Grid* Pool::tryJoin(Joined&& joined) {
  Grid* best = nullptr;
  {
    Lock lock(mutex_);
    for (Grid* g = first_; g; g = g->after) {
      if (g->exhausted() || joined(*g)) continue;
      if (!best || g->priority < best->priority || (g->priority == best->priority && g->workers < best->workers)) best = g;
    }
    if (best) joinLocked(*best);
  }
  return best;
}

}  // namespace anywarp::device
