// A worker thread: takes blocks of grids, runs them, and survives what they do. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <csetjmp>
#include <csignal>
#include <cstdint>
#include <memory>
#include <vector>

#include "device/fault/record.h"
#include "device/sched/block.h"
#include "device/sched/grid.h"
#include "device/sched/own_stack.h"
#include "device/sched/pace.h"

namespace anywarp::device {

class Pool;

class Worker {
 public:
  Worker(Pool& pool, unsigned index);

  // For a worker without a thread of its own, which a thread that waits becomes for a while (help.h). False when the host refuses.
  bool makeHelper();
  bool isHelper() const { return helper_; }
  // The calling thread is this worker, until release().
  void adopt(int thread);
  void release();
  // Whose grids a helper takes.
  bool helps(const void* owner) const { return helped_ == owner; }
  void setHelped(const void* owner) { helped_ = owner; }
  // Works in `grid`, which the pool has joined this worker to, until it has left it.
  void assist(Grid& grid);

  // The worker of the calling thread; null elsewhere. Async-signal-safe.
  static Worker* current();

  unsigned index() const { return index_; }
  // In no grid: it looks for one next.
  bool isFree() const { return joined_.empty() && held_.empty(); }
  // Starts the thread. False when the host refuses.
  bool startThread();

  // While one of these exists a signal that compiled code causes ends the block instead of the process.
  class InKernel {
   public:
    explicit InKernel(Worker& worker) : worker_(worker) { worker.setInKernel(1); }
    ~InKernel() { worker_.setInKernel(0); }

   private:
    Worker& worker_;
  };
  bool inKernel() const { return inKernel_ != 0; }
  // For services, which run inside compiled code but are not it.
  void setInKernel(int value) {
    std::atomic_signal_fence(std::memory_order_seq_cst);
    inKernel_ = value;
    std::atomic_signal_fence(std::memory_order_seq_cst);
  }
  // Back from a service: an interruption in the meantime takes effect now.
  void reenterKernel();

  // Ends what the worker is running and records why. Called by services and by the signal handler; no frame between here and the
  // worker's loop may own anything.
  [[noreturn]] void leave(const FaultRecord& record);

  // The grid that the worker is inside, for those who want to stop it.
  Grid* runningGrid() const { return runningGrid_.load(std::memory_order_acquire); }
  // For the watch, from any thread. What it was in last, whether or not it is there now, and how often anything got further.
  struct Trace {
    const Grid* grid = nullptr;
    uint64_t block = 0, steps = 0;
    bool waits = false;  // the block can only wait for others
  };
  Trace trace() const {
    return {tracedGrid_.load(std::memory_order_relaxed), tracedBlock_.load(std::memory_order_relaxed), steps_.load(std::memory_order_relaxed),
            waits_.load(std::memory_order_relaxed)};
  }
  // Makes the worker look at its grid's `stop` even inside compiled code.
  void interrupt();

  struct Range {
    uintptr_t begin = 0, end = 0;
  };
  Range stackGuard() const { return stackGuard_; }

  // Memory for services: grows, is never given back, survives leave().
  char* scratch(size_t bytes);
  char* text(size_t bytes);

 private:
  // A grid this worker takes blocks from.
  struct Joined {
    Grid* grid = nullptr;
    uint64_t next = 0, end = 0;  // what is left of the chunk
    uint32_t held = 0;           // suspended blocks
  };

  static void* threadMain(void* self);
  [[noreturn]] void run();
  void runAssistance();
  void turn();
  void work(size_t joined);
  void workTogether(Joined& joined, Block& first);
  size_t rowsFrom(size_t first) const;
  void runRows(size_t begin, size_t end);
  bool endTurn(size_t index, RunResult result);
  void runBody(Joined& joined);
  bool nextIndex(Joined& joined, uint64_t& index);
  bool stepHeld();
  void whenQuiet();
  void whenBusy();
  bool mayStart(const Joined& joined, uint64_t quietNanoseconds) const;
  bool startAnother(uint64_t quietNanoseconds);
  RunResult runBlock(Block& block, uint64_t index = 0, uint32_t strip = 1);
  uint32_t stripOf(const Joined& joined, Block& block, uint64_t index);
  void noteProgress(const Block& block, RunResult result);
  void chunkEnded(const Grid& grid);
  void ended(Block& block, RunResult result);
  RunResult goOn(Block& block);
  void hold(Block& block);
  void afterFault();
  void leaveFinishedGrids();
  Joined* joinedTo(const Grid& grid);
  Block* takeBlock(Grid& grid);
  void prepareStack();

  Pool& pool_;
  const unsigned index_;
  std::atomic<int> thread_{0};
  bool helper_ = false;
  OwnStack stack_;                // of a helper
  const void* helped_ = nullptr;
  Range stackGuard_;

  volatile sig_atomic_t inKernel_ = 0;
  std::atomic<Grid*> runningGrid_{nullptr};
  std::atomic<const Grid*> tracedGrid_{nullptr};
  std::atomic<uint64_t> tracedBlock_{0}, steps_{0};  // written by this worker only
  std::atomic<bool> waits_{false};
  sigjmp_buf recovery_;
  FaultRecord record_;

  Pace pace_[16];                 // by kernel
  Pace* timed_ = nullptr;         // of the chunk that runs
  uint64_t chunkBegan_ = 0;
  bool strips_ = false;           // also: turns are taken row by row

  Block* running_ = nullptr;      // inside run()
  size_t heldIndex_ = notHeld;    // of running_ in held_
  std::vector<Joined> joined_;
  std::vector<Block*> held_;
  std::vector<Block*> together_;  // neighbours that take turns; running_ may be one of them
  std::vector<Block*> spare_;
  uint64_t quietSince_ = 0;
  uint64_t quietTurns_ = 0;
  uint64_t busySince_ = 0;        // since then no suspended block has ended
  uint64_t turnBegan_ = 0;

  char* scratch_ = nullptr;
  size_t scratchBytes_ = 0;
  char* text_ = nullptr;
  size_t textBytes_ = 0;

  static constexpr size_t notHeld = ~size_t{0};
};

// While a service runs, signals are not the kernel's doing, except inside readKernelMemory() and writeKernelMemory().
class OutOfKernel {
 public:
  OutOfKernel() : worker_(*Worker::current()) { worker_.setInKernel(0); }
  ~OutOfKernel() { worker_.reenterKernel(); }

 private:
  Worker& worker_;
};

}  // namespace anywarp::device
