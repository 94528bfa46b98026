// The workers of this process and the grids they share: submission, fairness, sleep and wake. SPDX-License-Identifier: Apache-2.0
#include "device/sched/pool.h"

#include <algorithm>

#include "device/fault/signals.h"
#include "device/profile/host.h"
#include "device/sched/futex.h"
#include "device/sched/launch.h"
#include "device/sched/worker.h"
#include "support/log.h"
#include "support/options.h"

namespace anywarp::device {

namespace {

// Launches often follow each other closely; sleeping and waking costs some 5 to 50 microseconds.
constexpr uint64_t spinNanoseconds = 40000;
// A woken worker wakes this many more while blocks are left.
constexpr uint32_t wakeFanout = 2;

}  // namespace

unsigned workerCount() {
  static const unsigned count = [] {
    constexpr int64_t most = 1024;
    int64_t asked = options::threads();
    return asked > 0 ? static_cast<unsigned>(std::min(asked, most)) : hostCores();
  }();
  return count;
}

Pool& Pool::instance() {
  static Pool& pool = *new Pool;
  return pool;
}

Pool::Pool() {
  installFaultHandlers();
  workers_.reserve(device::workerCount());
  std::vector<Worker*> wanted;
  for (unsigned i = 0; i < device::workerCount(); ++i) wanted.push_back(new Worker(*this, i));
  for (Worker* worker : wanted) {
    if (!worker->startThread()) {
      log::warn("only {} of {} worker threads could be started", workers_.size(), wanted.size());
      break;
    }
    workers_.push_back(worker);
  }
  if (workers_.empty()) log::error("no worker thread could be started: kernels will not run");
}

void Pool::submit(Grid& grid) {
  if (grid.total == 0) return grid.completed(&grid);
  list(grid, 0);
}

void Pool::list(Grid& grid, uint32_t workers) {
  grid.next.store(0, std::memory_order_relaxed);
  grid.stop.store(false, std::memory_order_relaxed);
  grid.workers = workers;
  grid.serial = lastSerial_.fetch_add(1, std::memory_order_relaxed) + 1;
  refreshFaultHandlers();
  uint64_t chunks = (grid.total + grid.chunk - 1) / grid.chunk;
  {
    Lock lock(mutex_);
    grid.before = last_;
    grid.after = nullptr;
    (last_ ? last_->after : first_) = &grid;
    last_ = &grid;
    if (workers == 0) waiting_.fetch_add(1, std::memory_order_relaxed);
    version_.fetch_add(1, std::memory_order_seq_cst);
  }
  // A worker that submits looks for work itself as soon as it is back.
  uint32_t spinning = spinners_.load(std::memory_order_relaxed) + (Worker::current() ? 1 : 0);
  if (chunks > spinning) wake(static_cast<uint32_t>(std::min<uint64_t>(chunks - spinning, wakeFanout)));
}

void Pool::wake(uint32_t count) {
  if (sleepers_.load(std::memory_order_seq_cst)) futexWake(version_, count);
}

void Pool::joinLocked(Grid& grid) {
  if (grid.workers++ == 0) waiting_.fetch_sub(1, std::memory_order_relaxed);
}

Grid* Pool::join() {
  while (true) {
    uint32_t seen = version_.load(std::memory_order_seq_cst);
    if (Grid* grid = tryJoin([](const Grid&) { return false; })) {
      uint64_t taken = grid->next.load(std::memory_order_relaxed);
      bool more = grid->total - std::min(taken, grid->total) > grid->chunk;
      if (more || gridsWait()) wake(wakeFanout);
      return grid;
    }
    idle(seen);
  }
}

// Until version_ is no longer `seen`: the first few spin for a while, the others sleep at once.
void Pool::idle(uint32_t seen) {
  auto changed = [&] { return version_.load(std::memory_order_relaxed) != seen; };
  uint32_t mostSpinners = std::max<uint32_t>(1, static_cast<uint32_t>(device::workerCount()) - 1);
  if (spinners_.fetch_add(1, std::memory_order_relaxed) < mostSpinners) spinFor(spinNanoseconds, changed);
  spinners_.fetch_sub(1, std::memory_order_relaxed);
  sleepers_.fetch_add(1, std::memory_order_seq_cst);
  while (version_.load(std::memory_order_seq_cst) == seen) futexWait(version_, seen);
  sleepers_.fetch_sub(1, std::memory_order_relaxed);
}

void Pool::leave(Grid& grid) {
  bool last = false;
  {
    Lock lock(mutex_);
    if (--grid.workers == 0) {
      if (grid.exhausted()) {
        unlink(grid);
        last = true;
      } else {
        waiting_.fetch_add(1, std::memory_order_relaxed);
      }
    }
  }
  if (last) grid.completed(&grid);
}

void Pool::unlink(Grid& grid) {
  (grid.before ? grid.before->after : first_) = grid.after;
  (grid.after ? grid.after->before : last_) = grid.before;
}

void Pool::stop(const Context& context) {
  std::vector<Grid*> untouched;
  {
    Lock lock(mutex_);
    for (Grid *grid = first_, *next; grid; grid = next) {
      next = grid->after;
      if (grid->context != &context) continue;
      bool exhausted = grid->exhausted();
      grid->stop.store(true, std::memory_order_release);
      interrupt(*grid, nullptr);
      if (grid->workers != 0 || exhausted) continue;
      unlink(*grid);
      waiting_.fetch_sub(1, std::memory_order_relaxed);
      untouched.push_back(grid);
    }
  }
  for (Grid* grid : untouched) grid->completed(grid);
}

void Pool::interrupt(const Grid& grid, const Worker* except) {
  for (Worker* worker : workers_) {
    if (worker != except && worker->runningGrid() == &grid) worker->interrupt();
  }
}

void Pool::parallel(uint64_t count, void (*body)(void*, uint64_t), void* argument) {
  if (count == 0) return;
  struct Shared : Grid {
    std::atomic<uint32_t> ended{0};
  } grid;
  grid.body = body;
  grid.argument = argument;
  grid.total = count;
  grid.completed = [](Grid* g) {
    auto* shared = static_cast<Shared*>(g);
    shared->ended.store(1, std::memory_order_release);
    futexWake(shared->ended, 1);
  };
  list(grid, 1);  // the caller counts as a worker
  for (uint64_t begin, end; grid.claim(begin, end);) {
    for (uint64_t i = begin; i < end; ++i) body(argument, i);
  }
  leave(grid);
  auto ended = [&] { return grid.ended.load(std::memory_order_acquire) != 0; };
  if (spinFor(spinNanoseconds, ended)) return;
  while (!ended()) futexWait(grid.ended, 0);
}

}  // namespace anywarp::device
