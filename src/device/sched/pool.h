// The workers of this process and the grids they share. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <vector>

#include "device/sched/grid.h"
#include "device/sched/mutex.h"
#include "device/sched/watch.h"
#include "device/sched/worker.h"

namespace anywarp::device {

class Pool {
 public:
  // Made, with its threads, on first use; never destroyed.
  static Pool& instance();

  // Takes `grid` until it calls completed(). Never blocks, except for the pool's mutex.
  void submit(Grid& grid);
  // Runs body(argument, 0 .. count-1) on workers and on the calling thread; returns when all calls have ended.
  void parallel(uint64_t count, void (*body)(void*, uint64_t), void* argument);

  // For threads that wait (help.h): a grid of `owner` with blocks left to which `worker` is joined; one that is idle when it is null.
  struct Help {
    Worker* worker = nullptr;
    Grid* grid = nullptr;
  };
  Help tryHelp(const void* owner, Worker* worker);
  void giveBack(Worker& helper);
  // Whoever asks whether something has ended may be waiting for a small grid that nobody was woken for.
  void hurry() {
    if (lookAt_.load(std::memory_order_relaxed) != 0 && spinners_.load(std::memory_order_relaxed) == 0) announce(1);
  }
  // A small grid takes longer than was hoped: everybody may join.
  void call(Grid& grid);

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
  // Says on the log which kernels have got nowhere for a while (watch.h). False when there is no grid at all.
  bool tellOfStuck(uint64_t now);
  // Makes workers inside `grid` see that it has stopped.
  void interrupt(const Grid& grid, const Worker* except);

 private:
  Pool();
  void list(Grid& grid, uint32_t workers);
  void joinLocked(Grid& grid) ANYWARP_REQUIRES(mutex_);
  Grid* mostUrgent(Worker* self, bool (*joined)(void*, const Grid&), void* argument) ANYWARP_REQUIRES(mutex_);
  Worker* idleHelper() ANYWARP_REQUIRES(mutex_);
  void announce(uint32_t count);
  bool somebodyLooks(const Worker* submitter, const Grid& grid) const;
  bool somebodyLooks() const;
  void leftAlone(Grid& grid) ANYWARP_REQUIRES(mutex_);
  bool doze(uint32_t seen);
  void unlink(Grid& grid) ANYWARP_REQUIRES(mutex_);
  void wake(uint32_t count);
  void idle(uint32_t seen);

  Mutex mutex_;
  Grid* first_ ANYWARP_GUARDED_BY(mutex_) = nullptr;
  Grid* last_ ANYWARP_GUARDED_BY(mutex_) = nullptr;
  std::vector<Worker*> workers_;
  // Threads that wait at the same time; more of them just wait.
  static constexpr size_t mostHelpers = 64;
  std::array<std::atomic<Worker*>, mostHelpers> helpers_{};
  std::atomic<uint32_t> helperCount_{0};
  std::vector<Worker*> idleHelpers_ ANYWARP_GUARDED_BY(mutex_);
  // How often small grids were taken by a thread that waited for them, of late.
  std::atomic<uint32_t> prompt_{0};

  alignas(64) std::atomic<uint32_t> version_{0};   // futex word: changes with every submission
  alignas(64) std::atomic<uint32_t> sleepers_{0};
  std::atomic<uint32_t> spinners_{0};
  std::atomic<uint32_t> dozers_{0};                // sleep for a short time only
  alignas(64) std::atomic<uint64_t> lookAt_{0};    // when a small grid may have been left alone for long enough; 0: there is none
  std::atomic<uint32_t> waiting_{0};               // grids with blocks left and no worker
  std::atomic<uint64_t> lastSerial_{0};
  Watch watch_;
};

template <class Joined>
Grid* Pool::tryJoin(Joined&& joined) {
  auto ask = [](void* argument, const Grid& grid) -> bool { return (*static_cast<std::remove_reference_t<Joined>*>(argument))(grid); };
  Lock lock(mutex_);
  Grid* best = mostUrgent(Worker::current(), ask, &joined);
  if (best) joinLocked(*best);
  return best;
}

}  // namespace anywarp::device
