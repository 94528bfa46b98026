// A grid on its way through the workers: which blocks are left, who works on it, whether it has failed. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>

#include "abi/kernel.h"
#include "device/fault/fault.h"
#include "device/sched/launch.h"

namespace anywarp::device {

class Context;
class Children;
class Worker;

// Either a compiled kernel's blocks or calls of a function of ours. Filled in by the submitter, who keeps it until `completed`.
struct Grid {
  const abi::CompiledKernel* kernel = nullptr;  // its blocks run this or its replacement: BlockContext::kernel says which
  void (*body)(void* argument, uint64_t index) = nullptr;
  void* argument = nullptr;
  bool bodyTouchesUserMemory = false;  // a bad address inside `body` becomes a fault of the context

  Context* context = nullptr;
  abi::LaunchInfo info{};
  Residency residency = Residency::Independent;
  int priority = 0;                    // smaller is sooner, as in CUDA
  uint64_t total = 0;                  // blocks or calls
  uint32_t chunk = 1;                  // how many a worker takes at once
  uint64_t serial = 0;                 // unique per submission; the pool sets it
  void (*completed)(Grid*) = nullptr;  // by the last worker, with no lock held; the grid may die in it
  const void* owner = nullptr;         // compared only: who waits for it names the same (Pool::help)

  alignas(64) std::atomic<uint64_t> next{0};
  std::atomic<bool> stop{false};       // no further block starts, running ones end soon

  // The pool's, under its mutex.
  Grid* before = nullptr;
  Grid* after = nullptr;
  uint32_t workers = 0;
  // Small grids: until `aloneUntil` only `reservedFor` and those who wait for the grid take blocks; nobody is woken for it.
  uint64_t aloneUntil = 0;
  Worker* reservedFor = nullptr;
  std::atomic<bool> called{true};      // everyone may join, and those who sleep have been woken

  bool exhausted() const { return stop.load(std::memory_order_acquire) || next.load(std::memory_order_relaxed) >= total; }

  // Takes the next chunk, in index order. False when none is left.
  bool claim(uint64_t& begin, uint64_t& end) {
    if (exhausted()) return false;
    begin = next.fetch_add(chunk, std::memory_order_relaxed);
    if (begin >= total) return false;
    end = begin + chunk < total ? begin + chunk : total;
    return true;
  }

  // The watch's (watch.h), under the pool's mutex: since when nothing has got further.
  uint64_t watchedSteps = 0, watchedSince = 0;

  // Launches by its threads: made when the first one asks.
  const ChildLauncher* launcher = nullptr;
  std::atomic<Children*> children{nullptr};

  Grid() = default;
  ~Grid();
  Grid(const Grid&) = delete;
  Grid& operator=(const Grid&) = delete;

  // The first failure counts: it becomes the context's fault, and the grid stops.
  void fail(Fault fault);
};

}  // namespace anywarp::device
