// The workers of this process and the grids they share: submission, fairness, sleep and wake. SPDX-License-Identifier: Apache-2.0
#include "device/sched/pool.h"

#include <algorithm>

#include "device/fault/signals.h"
#include "device/sched/futex.h"
#include "device/sched/launch.h"
#include "device/sched/worker.h"
#include "support/host_cores.h"
#include "support/log.h"

namespace anywarp::device {

namespace {

// Launches often follow each other closely; sleeping and waking costs some 5 to 50 microseconds.
constexpr uint64_t spinNanoseconds = 40000;
// A woken worker wakes this many more while blocks are left.
constexpr uint32_t wakeFanout = 2;
// Small grids are left to the thread that launched them for a while: it may be about to wait for them.
constexpr uint64_t mostSmall = 8;
constexpr uint64_t alonePatience = 4000;
// Threads that wait have taken so many of the last small grids that looking now and then is enough.
constexpr uint32_t promptEnough = 8, mostPrompt = 16, promptLost = 4;
constexpr uint64_t dozeNanoseconds = 50000;
constexpr uint32_t dozesBeforeSleep = 40;

// Blocks that wait for each other are better held by few.
bool mayBeHelped(const Grid& grid) {
  return grid.body || grid.total == 1 || (grid.residency == Residency::Independent && !grid.kernel->usesSpin);
}
bool isSmall(const Grid& grid) { return grid.total <= mostSmall && mayBeHelped(grid); }

}  // namespace

unsigned workerCount() { return computeThreads(); }

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
  watch_.start(*this);
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
  grid.watchedSince = 0;
  grid.serial = lastSerial_.fetch_add(1, std::memory_order_relaxed) + 1;
  uint64_t now = monotonicNanoseconds();
  refreshFaultHandlers(now);
  Worker* self = Worker::current();
  bool small = workers == 0 && isSmall(grid);
  grid.aloneUntil = small ? now + alonePatience : 0;
  grid.reservedFor = small ? self : nullptr;
  grid.called.store(!small, std::memory_order_relaxed);
  uint64_t chunks = (grid.total + grid.chunk - 1) / grid.chunk;
  {
    Lock lock(mutex_);
    grid.before = last_;
    grid.after = nullptr;
    (last_ ? last_->after : first_) = &grid;
    last_ = &grid;
    if (workers == 0) waiting_.fetch_add(1, std::memory_order_relaxed);
    if (!small) version_.fetch_add(1, std::memory_order_seq_cst);
    else if (lookAt_.load(std::memory_order_relaxed) == 0) lookAt_.store(now + alonePatience, std::memory_order_seq_cst);
  }
  watch_.wake();
  if (small) {
    if (!somebodyLooks(self, grid)) announce(1);
    return;
  }
  // A worker that submits looks for work itself as soon as it is back.
  uint32_t spinning = spinners_.load(std::memory_order_relaxed) + (self && !self->isHelper() ? 1 : 0);
  if (chunks > spinning) wake(static_cast<uint32_t>(std::min<uint64_t>(chunks - spinning, wakeFanout)));
}

// Whether someone finds a small grid without being woken. What a worker submits when it is in no grid it takes next.
bool Pool::somebodyLooks(const Worker* submitter, const Grid& grid) const {
  return (submitter && submitter->isFree() && (!submitter->isHelper() || submitter->helps(grid.owner))) || somebodyLooks();
}

bool Pool::somebodyLooks() const {
  if (spinners_.load(std::memory_order_seq_cst)) return true;
  return dozers_.load(std::memory_order_seq_cst) && prompt_.load(std::memory_order_relaxed) >= promptEnough;
}

void Pool::wake(uint32_t count) {
  if (sleepers_.load(std::memory_order_seq_cst)) futexWake(version_, count);
}

void Pool::announce(uint32_t count) {
  version_.fetch_add(1, std::memory_order_seq_cst);
  wake(count);
}

void Pool::call(Grid& grid) {
  if (!grid.called.exchange(true, std::memory_order_relaxed)) announce(wakeFanout);
}

void Pool::joinLocked(Grid& grid) {
  if (grid.workers++ == 0) waiting_.fetch_sub(1, std::memory_order_relaxed);
}

// The grid with blocks left that has the highest priority, then the fewest workers. Leaves small ones alone whose time has not come.
Grid* Pool::mostUrgent(Worker* self, bool (*joined)(void*, const Grid&), void* argument) {
  Grid* best = nullptr;
  uint64_t now = 0, next = 0;
  for (Grid* g = first_; g; g = g->after) {
    if (g->exhausted() || joined(argument, *g)) continue;
    if (!g->called.load(std::memory_order_relaxed)) {
      if (now == 0) now = monotonicNanoseconds();
      if (now >= g->aloneUntil) {
        leftAlone(*g);
      } else {
        if (next == 0 || g->aloneUntil < next) next = g->aloneUntil;
        if (g->reservedFor != self) continue;
      }
    }
    if (!best || g->priority < best->priority || (g->priority == best->priority && g->workers < best->workers)) best = g;
  }
  if (lookAt_.load(std::memory_order_relaxed) != next) lookAt_.store(next, std::memory_order_seq_cst);
  return best;
}

// A small grid that nobody who waits for it has taken.
void Pool::leftAlone(Grid& grid) {
  grid.called.store(true, std::memory_order_relaxed);
  version_.fetch_add(1, std::memory_order_seq_cst);
  if (grid.reservedFor) return;
  uint32_t prompt = prompt_.load(std::memory_order_relaxed);
  prompt_.store(prompt - std::min(prompt, promptLost), std::memory_order_relaxed);
}

Grid* Pool::join() {
  while (true) {
    uint32_t seen = version_.load(std::memory_order_seq_cst);
    if (Grid* grid = tryJoin([](const Grid&) { return false; })) {
      uint64_t taken = grid->next.load(std::memory_order_relaxed);
      bool more = grid->total - std::min(taken, grid->total) > grid->chunk;
      // Of a small one the others hear when it takes long.
      if (gridsWait()) announce(wakeFanout);
      else if (more && grid->called.load(std::memory_order_relaxed)) wake(wakeFanout);
      return grid;
    }
    idle(seen);
  }
}

// Until version_ is no longer `seen` or a small grid may have been left alone: the first few spin for a while, the others sleep at once.
void Pool::idle(uint32_t seen) {
  auto changed = [&] {
    if (version_.load(std::memory_order_relaxed) != seen) return true;
    uint64_t look = lookAt_.load(std::memory_order_relaxed);
    return look != 0 && monotonicNanoseconds() >= look;
  };
  uint32_t mostSpinners = std::max<uint32_t>(1, static_cast<uint32_t>(device::workerCount()) - 1);
  bool found = spinners_.fetch_add(1, std::memory_order_seq_cst) < mostSpinners && spinFor(spinNanoseconds, changed);
  spinners_.fetch_sub(1, std::memory_order_seq_cst);
  if (found || doze(seen)) return;
  sleepers_.fetch_add(1, std::memory_order_seq_cst);
  // Whoever lists a small grid from here on sees whether anyone looks.
  auto watched = [&] { return lookAt_.load(std::memory_order_seq_cst) == 0 || dozers_.load(std::memory_order_seq_cst) != 0; };
  while (version_.load(std::memory_order_seq_cst) == seen && watched()) futexWait(version_, seen);
  sleepers_.fetch_sub(1, std::memory_order_relaxed);
}

// While small grids are taken by the threads that wait for them one worker only looks now and then whether one was left, so that no
// launch has to wake anybody. True when there is something to look at.
bool Pool::doze(uint32_t seen) {
  if (prompt_.load(std::memory_order_relaxed) < promptEnough) return false;
  bool found = false;
  if (dozers_.fetch_add(1, std::memory_order_seq_cst) == 0) {
    sleepers_.fetch_add(1, std::memory_order_seq_cst);
    uint64_t listed = lastSerial_.load(std::memory_order_relaxed);
    for (uint32_t quiet = 0; !found && quiet < dozesBeforeSleep; ++quiet) {
      futexWait(version_, seen, dozeNanoseconds);
      uint64_t look = lookAt_.load(std::memory_order_relaxed);
      found = version_.load(std::memory_order_relaxed) != seen || (look != 0 && monotonicNanoseconds() >= look);
      uint64_t now = lastSerial_.load(std::memory_order_relaxed);
      if (now != listed) quiet = 0;
      listed = now;
    }
    sleepers_.fetch_sub(1, std::memory_order_relaxed);
  }
  dozers_.fetch_sub(1, std::memory_order_seq_cst);
  return found;
}

Pool::Help Pool::tryHelp(const void* owner, Worker* worker) {
  Grid* found = nullptr;
  {
    Lock lock(mutex_);
    for (Grid* g = first_; g && !found; g = g->after)
      if (g->owner == owner && !g->exhausted() && mayBeHelped(*g)) found = g;
    if (!found) return {worker, nullptr};
    if (!worker) worker = idleHelper();
    if (!worker) return {};
    joinLocked(*found);
    if (!found->called.load(std::memory_order_relaxed)) prompt_.store(std::min(prompt_.load(std::memory_order_relaxed) + 1, mostPrompt), std::memory_order_relaxed);
  }
  worker->setHelped(owner);
  return {worker, found};
}

Worker* Pool::idleHelper() {
  if (!idleHelpers_.empty()) {
    Worker* helper = idleHelpers_.back();
    idleHelpers_.pop_back();
    return helper;
  }
  uint32_t count = helperCount_.load(std::memory_order_relaxed);
  if (count == mostHelpers) return nullptr;
  auto* helper = new Worker(*this, static_cast<unsigned>(workers_.size()) + count);
  if (!helper->makeHelper()) {
    delete helper;
    return nullptr;
  }
  helpers_[count].store(helper, std::memory_order_release);
  helperCount_.store(count + 1, std::memory_order_release);
  return helper;
}

void Pool::giveBack(Worker& helper) {
  {
    Lock lock(mutex_);
    idleHelpers_.push_back(&helper);
  }
  // What its last grid has made ready was left to it.
  if (lookAt_.load(std::memory_order_seq_cst) != 0 && !somebodyLooks()) announce(1);
}

void Pool::leave(Grid& grid) {
  bool last = false, abandoned = false;
  {
    Lock lock(mutex_);
    if (--grid.workers == 0) {
      if (grid.exhausted()) {
        unlink(grid);
        last = true;
      } else {
        waiting_.fetch_add(1, std::memory_order_relaxed);
        abandoned = true;
      }
    }
  }
  if (last) return grid.completed(&grid);
  // A worker looks for another grid next; a thread that waited may just sleep.
  Worker* self = Worker::current();
  if (abandoned && (!self || self->isHelper())) announce(1);
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
  uint32_t helpers = helperCount_.load(std::memory_order_acquire);
  for (uint32_t i = 0; i < helpers; ++i) {
    Worker* helper = helpers_[i].load(std::memory_order_acquire);
    if (helper != except && helper->runningGrid() == &grid) helper->interrupt();
  }
}

bool Pool::tellOfStuck(uint64_t now) {
  std::vector<Worker::Trace> traces;
  for (const Worker* worker : workers_) traces.push_back(worker->trace());
  uint32_t helpers = helperCount_.load(std::memory_order_acquire);
  for (uint32_t i = 0; i < helpers; ++i) traces.push_back(helpers_[i].load(std::memory_order_acquire)->trace());
  std::vector<Watch::Stuck> stuck;
  {
    Lock lock(mutex_);
    if (!first_) return false;
    for (Grid* grid = first_; grid; grid = grid->after) {
      if (grid->kernel && grid->workers != 0) Watch::look(*grid, traces, now, stuck);
    }
  }
  for (const Watch::Stuck& one : stuck) Watch::tell(one);
  return true;
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
