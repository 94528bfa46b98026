// A thread that looks now and then whether kernels get anywhere. SPDX-License-Identifier: Apache-2.0
#include "device/sched/watch.h"

#include <pthread.h>

#include <csignal>

#include "device/sched/futex.h"
#include "device/sched/pool.h"
#include "support/demangle.h"
#include "support/log.h"

namespace anywarp::device {

namespace {

constexpr uint64_t second = 1000000000u;
constexpr uint64_t patience = 20 * second;
constexpr timespec betweenLooks{2, 500000000};
constexpr uint32_t emptyLooksBeforeSleep = 4;
constexpr size_t stackBytes = 256 << 10;

abi::Dim3 placeOf(uint64_t block, const abi::Dim3& grid) {
  return {static_cast<uint32_t>(block % grid.x), static_cast<uint32_t>(block / grid.x % grid.y), static_cast<uint32_t>(block / grid.x / grid.y)};
}

}  // namespace

void Watch::start(Pool& pool) {
  pool_ = &pool;
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&attributes, stackBytes);
  pthread_t thread;
  pthread_create(&thread, &attributes, threadMain, this);  // without it nothing is said
  pthread_attr_destroy(&attributes);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void Watch::wake() {
  if (asleep_.load(std::memory_order_relaxed) == 0 || asleep_.exchange(0) == 0) return;
  futexWake(asleep_, 1);
}

void* Watch::threadMain(void* self) {
  pthread_setname_np(pthread_self(), "anywarp-watch");
  static_cast<Watch*>(self)->run();
  return nullptr;
}

void Watch::run() {
  for (uint32_t empty = 0;;) {
    nanosleep(&betweenLooks, nullptr);
    empty = pool_->tellOfStuck(monotonicNanoseconds()) ? 0 : empty + 1;
    if (empty < emptyLooksBeforeSleep) continue;
    asleep_.store(1);
    // Whoever lists a grid from here on wakes us.
    if (!pool_->tellOfStuck(monotonicNanoseconds())) {
      while (asleep_.load()) futexWait(asleep_, 1);
    }
    asleep_.store(0);
    empty = 0;
  }
}

void Watch::look(Grid& grid, const std::vector<Worker::Trace>& traces, uint64_t now, std::vector<Stuck>& stuck) {
  uint64_t steps = grid.next.load(std::memory_order_relaxed);
  const Worker::Trace* inside = nullptr;
  for (const Worker::Trace& trace : traces) {
    if (trace.grid != &grid) continue;
    steps += trace.steps;
    inside = &trace;
  }
  if (!inside) return;
  if (grid.watchedSince == 0 || steps != grid.watchedSteps) {
    grid.watchedSteps = steps;
    grid.watchedSince = now;
  } else if (now - grid.watchedSince > patience) {
    stuck.push_back({grid.kernel->name, placeOf(inside->block, grid.info.grid), (now - grid.watchedSince) / second, inside->waits});
  }
}

void Watch::tell(const Stuck& stuck) {
  log::logOnce(log::Level::Warn, stuck.kernel, "{}: block ({},{},{}) has run for {} s and has not ended{}. If it never does: as on a GPU, only the end of the process ends it (Ctrl-C, kill)",
                demangled(stuck.kernel), stuck.block.x, stuck.block.y, stuck.block.z, stuck.seconds,
                stuck.waits ? ": its threads wait for what others are to write" : "");
}

}  // namespace anywarp::device
