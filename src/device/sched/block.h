// One running block: its memory, its warps, and the loop that takes it from region to region. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "abi/kernel.h"
#include "device/memory/window.h"
#include "device/sched/barriers.h"
#include "device/sched/grid.h"
#include "support/result.h"

namespace anywarp::device {

class Worker;

enum class RunResult : uint8_t {
  Done,
  Yielded,    // warps have handed over in an interleaved loop: call again, perhaps after other blocks of the grid
  Continues,  // many barriers have completed: call again, perhaps after other blocks, since what the threads wait for may be in one of them
  Waiting,    // every thread that can run only waits for another block (or another kernel): run something else, then call again
  Deadlock,   // every thread waits at barriers that cannot complete
  Abandoned,  // the grid has failed elsewhere
};

// Compiled code gets its BlockContext part; services cast back. Reused for block after block of any grid.
class Block final : public abi::BlockContext {
 public:
  Block();
  ~Block();
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;

  // Memory for the blocks of `grid`, which are to run the best code that its kernel has now. Cheap when both are the same as before.
  Status prepare(Grid& grid);
  // Whether prepare() has nothing to do for another block of the same grid.
  bool isPrepared() const { return kernel == codeOf(*grid_); }
  void start(uint64_t index);
  RunResult run(Worker& worker);
  // How many blocks from `index` on runStrip() should take together: 1 where rows of threads are no rows of warps, or warps wait.
  uint32_t stripFrom(uint64_t index) const;
  // Runs `count` blocks that are neighbours in x, row of threads by row of threads: as a loop over rows would touch memory.
  RunResult runStrip(Worker& worker, uint64_t index, uint32_t count);

  // Whether rows of threads are rows of warps, so that blocks of a kernel that take turns may do so row by row.
  static bool hasRows(const abi::CompiledKernel& kernel, const abi::Dim3& shape);
  bool hasRows() const { return hasRows_; }
  // How many rows this block and `other` may run by turns, row after row, since all their warps go on at one region and they lie
  // side by side in x; 0 where that is not so.
  uint32_t rowsWith(const Block& other) const;
  // Runs the warps of one row in the block's region.
  void runRow(Worker& worker, uint32_t row);
  // After all rows, or some if the grid has been stopped: what the block does next. Never Waiting.
  RunResult endRows();

  // Whether there are barriers at which blocks side by side may take turns, and whether this one is to yield there.
  static bool mayTakeTurns(const abi::CompiledKernel& kernel);
  bool mayTakeTurns() const { return mayTakeTurns_; }
  void takeTurns(bool yes) { takesTurns_ = yes; }
  bool takesTurns() const { return takesTurns_; }

  Grid& grid() const { return *grid_; }
  uint64_t index() const { return index_; }
  uint32_t warpCount() const { return warpCount_; }
  // Since the last start() or call: did any thread exit or any barrier complete?
  bool progressed() const { return progressed_; }
  // What the block keeps in caches while it runs: shared memory and frames.
  size_t workingBytes() const;

  // What cudaGetLastError gives to a thread.
  uint32_t lastError(uint32_t thread) const { return thread < lastErrors_.size() ? lastErrors_[thread] : 0; }
  void setLastError(uint32_t thread, uint32_t error);

  // Services::barrierArrive.
  void arriveAtBarrier(const Barriers::Arrival& arrival);

 private:
  enum class WarpStatus : uint8_t { Runnable, AtBarrier, Exited };

  void place(uint64_t index);
  void startWarps();
  void startSimply();
  uint32_t enter(Worker& worker, uint32_t region, uint32_t begin, uint32_t end);
  enum class After : uint8_t { Next, Yielded, Done, Abandoned, Mixed };
  After afterRegion(uint32_t next);
  RunResult runLockstep(Worker& worker);
  RunResult runFree(Worker& worker);
  bool runLanes(Worker& worker, uint32_t warp);
  bool runRunnable(Worker& worker);
  void classify(uint32_t warp);
  bool settle(bool exitedCount);
  RunResult resume();
  static const abi::CompiledKernel* codeOf(const Grid& grid);
  Status prepareWarps(const Grid& grid, const abi::CompiledKernel& code);
  bool interleaved(uint32_t region) const;
  uint32_t liveLanes(uint32_t warp) const;

  Grid* grid_ = nullptr;
  uint64_t serial_ = 0;
  static constexpr uint64_t noIndex = ~uint64_t{0};
  uint64_t index_ = noIndex;
  uint32_t threads_ = 0;
  uint32_t width_ = 0;
  uint32_t warpCount_ = 0;
  uint32_t region_ = 0;
  bool uniform_ = true;      // lockstep: all warps that have not exited are to run region_
  bool progressed_ = false;
  bool mayTakeTurns_ = false, takesTurns_ = false;
  bool hasRows_ = false;
  uint32_t perRow_ = 0;      // warps
  uint32_t rowsWant_ = 0;    // runRow(): the region that all rows so far want next
  bool hasCluster_ = false;
  bool yielded_ = false;     // lockstep: a warp that can run is in an interleaved loop

  Window shared_{Window::Shrink::Exactly};
  Window local_{Window::Shrink::Never};
  std::vector<abi::WarpState> states_;
  std::vector<WarpStatus> status_;
  Barriers barriers_;
  std::vector<uint32_t> lastErrors_;  // by thread, once one has been set
  uint8_t* frameMemory_ = nullptr;
  size_t frameCapacity_ = 0;
};

}  // namespace anywarp::device
