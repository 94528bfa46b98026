// One running block: lockstep and free-running region loops. SPDX-License-Identifier: Apache-2.0
#include "device/sched/block.h"

#include <algorithm>
#include <cstdlib>

#include "device/memory/arena.h"
#include "device/sched/worker.h"
#include "support/options.h"

namespace anywarp::device {

namespace {

// Rounds over the warps of a block in which nothing but spinning happens, before others get the worker.
constexpr uint32_t quietRounds = 8;
// The same where lanes do move on, perhaps only around a loop of several waits.
constexpr uint32_t busyRounds = 256;
// Barriers that complete before others may get the worker: threads may meet again and again and wait for another block all the same.
constexpr uint32_t barriersAtOnce = 512;
constexpr size_t frameAlignment = 64;
// Blocks that run row by row together, until a row has this many threads.
constexpr uint32_t stripThreads = 512, mostStrip = 16;

bool stripsAreOff() {
  static const bool off = options::isPassOff("row-strips");
  return off;
}

bool rowTurnsAreOff() {
  static const bool off = options::isPassOff("row-turns");
  return off;
}

uint32_t lanesOfWarp(uint32_t threads, uint32_t width, uint32_t warp) {
  uint32_t left = threads - warp * width;
  return left >= width ? (width == 32 ? ~0u : (1u << width) - 1) : (1u << left) - 1;
}

}  // namespace

Block::Block() : abi::BlockContext{} {}

Block::~Block() { std::free(frameMemory_); }

const abi::CompiledKernel* Block::codeOf(const Grid& grid) {
  const abi::CompiledKernel* better = abi::loadReplacement(*grid.kernel);
  return better ? better : grid.kernel;
}

Status Block::prepare(Grid& grid) {
  const abi::CompiledKernel* code = codeOf(grid);
  if (serial_ == grid.serial && kernel == code) return {};
  serial_ = 0;
  const abi::LaunchInfo& info = grid.info;
  if (Status s = shared_.resize(abi::reservedSharedOffset(info.totalSharedBytes) + abi::reservedSharedBytes); !s) return s;
  if (Status s = prepareWarps(grid, *code); !s) return s;
  grid_ = &grid;
  kernel = code;
  mayTakeTurns_ = mayTakeTurns(*code);
  hasRows_ = hasRows(*code, info.block);
  perRow_ = hasRows_ ? info.block.x / code->width : warpCount_;
  params = info.params;
  symbols = info.symbols;
  shared = shared_.base();
  local = local_.base();
  frames = frameMemory_;
  warps = states_.data();
  launch = &info;
  services = info.services;
  hasCluster_ = info.cluster.x != 1 || info.cluster.y != 1 || info.cluster.z != 1;
  std::fill_n(clusterCtaid, 3, 0u);
  clusterRank = 0;
  index_ = noIndex;
  serial_ = grid.serial;
  return {};
}

// What differs between two codes of one kernel: warps, local memory, frames.
Status Block::prepareWarps(const Grid& grid, const abi::CompiledKernel& code) {
  const abi::Dim3& shape = grid.info.block;
  uint32_t threads = code.rowsRepeat ? shape.x : shape.x * shape.y * shape.z;
  if (threads != threads_ || code.width != width_) {
    threads_ = threads;
    width_ = code.width;
    warpCount_ = (threads + width_ - 1) / width_;
    states_.resize(warpCount_);
    status_.resize(warpCount_);
    barriers_.prepare(threads, width_);
  }
  barriers_.reset();
  localStride = roundUp(code.localBytes, 16);
  // Whole warps: their lanes may lie side by side in it.
  if (Status s = local_.resize(localStride * warpCount_ * width_); !s) return s;
  size_t frameBytes = size_t{code.frameBytes} * warpCount_;
  if (frameBytes <= frameCapacity_) return {};
  std::free(frameMemory_);
  frameCapacity_ = roundUp(frameBytes, 4096);
  frameMemory_ = static_cast<uint8_t*>(std::aligned_alloc(frameAlignment, frameCapacity_));
  if (frameMemory_) return {};
  frameCapacity_ = 0;
  return Error{ErrorKind::OutOfMemory, "no memory for the frames of a block"};
}

size_t Block::workingBytes() const { return size_t{kernel->frameBytes} * warpCount_ + grid_->info.totalSharedBytes; }

void Block::start(uint64_t index) {
  place(index);
  startWarps();
}

void Block::place(uint64_t index) {
  const abi::LaunchInfo& info = grid_->info;
  if (index_ != noIndex && index == index_ + 1 && ctaid[0] + 1 < info.grid.x) {
    ++ctaid[0];
  } else {
    uint64_t row = index / info.grid.x;
    ctaid[0] = static_cast<uint32_t>(index % info.grid.x);
    ctaid[1] = static_cast<uint32_t>(row % info.grid.y);
    ctaid[2] = static_cast<uint32_t>(row / info.grid.y);
  }
  index_ = index;
  runningLine = 0;
  if (!hasCluster_) return;
  clusterCtaid[0] = ctaid[0] % info.cluster.x;
  clusterCtaid[1] = ctaid[1] % info.cluster.y;
  clusterCtaid[2] = ctaid[2] % info.cluster.z;
  clusterRank = clusterCtaid[0] + info.cluster.x * (clusterCtaid[1] + info.cluster.y * clusterCtaid[2]);
}

uint32_t Block::stripFrom(uint64_t index) const {
  const abi::LaunchInfo& info = grid_->info;
  bool rows = kernel->mode == abi::PlanMode::Lockstep && kernel->regionCount == 1 && info.block.y > 1 && info.block.x % kernel->width == 0;
  if (!rows || stripsAreOff() || info.totalSharedBytes || info.block.x * mostStrip < stripThreads || kernel->usesSpin) return 1;
  uint64_t rest = info.grid.x - index % info.grid.x;
  return static_cast<uint32_t>(std::min<uint64_t>({stripThreads / info.block.x, mostStrip, rest}));
}

RunResult Block::runStrip(Worker& worker, uint64_t index, uint32_t count) {
  place(index);
  startWarps();
  uint32_t first = ctaid[0], perRow = grid_->info.block.x / kernel->width;
  for (uint32_t w = 0; w < warpCount_; w += perRow) {
    for (uint32_t b = 0; b < count; ++b) {
      ctaid[0] = first + b;
      clusterCtaid[0] = ctaid[0] % grid_->info.cluster.x;
      runningLine = 0;
      lastErrors_.clear();
      for (uint32_t i = w; i < w + perRow; ++i) {
        states_[i].pc = 0;
        states_[i].live = lanesOfWarp(threads_, kernel->width, i);
      }
      uint32_t next = enter(worker, 0, w, w + perRow);
      if (grid_->stop.load(std::memory_order_relaxed)) return RunResult::Abandoned;
      if (next != abi::regionExited) return RunResult::Deadlock;  // there is no place where it could wait
    }
  }
  index_ = index + count - 1;
  progressed_ = true;
  return RunResult::Done;
}

void Block::startWarps() {
  bool free = kernel->mode == abi::PlanMode::Free;
  if (!free && kernel->regionCount == 1) return startSimply();
  for (uint32_t w = 0; w < warpCount_; ++w) {
    abi::WarpState& state = states_[w];
    state.pc = 0;
    state.live = lanesOfWarp(threads_, kernel->width, w);
    state.blocked = 0;
    state.suspend = abi::Suspend::None;
    if (free) std::fill_n(state.lanePc, abi::maxWarpWidth, 0u);
    status_[w] = WarpStatus::Runnable;
  }
  barriers_.reset();
  lastErrors_.clear();
  region_ = 0;
  uniform_ = true;
  progressed_ = false;
}

// Lockstep plans without a place where warps could wait: nothing else is looked at.
void Block::startSimply() {
  abi::WarpState* states = states_.data();
  uint32_t last = warpCount_ - 1, whole = lanesOfWarp(kernel->width, kernel->width, 0);
  for (uint32_t w = 0; w < last; ++w) {
    states[w].pc = 0;
    states[w].live = whole;
  }
  states[last].pc = 0;
  states[last].live = lanesOfWarp(threads_, kernel->width, last);
  lastErrors_.clear();
  region_ = 0;
  uniform_ = true;
  progressed_ = false;
}

RunResult Block::run(Worker& worker) {
  progressed_ = false;
  return kernel->mode == abi::PlanMode::Lockstep ? runLockstep(worker) : runFree(worker);
}

uint32_t Block::enter(Worker& worker, uint32_t region, uint32_t begin, uint32_t end) {
  runningWarp = begin;
  Worker::InKernel inside(worker);
  // An interruption before this point was not ours to take; callers look at `stop` after each call.
  if (grid_->stop.load(std::memory_order_acquire)) return abi::regionMixed;
  return kernel->entry(this, region, begin, end);
}

RunResult Block::runLockstep(Worker& worker) {
  for (uint32_t quiet = 0, rounds = 0, barriers = 0; quiet < quietRounds && rounds < busyRounds;) {
    bool moved = false;
    if (uniform_) {
      uint32_t next = enter(worker, region_, 0, warpCount_);
      moved = next != region_;
      switch (afterRegion(next)) {
        case After::Done: return RunResult::Done;
        case After::Abandoned: return RunResult::Abandoned;
        case After::Yielded: return RunResult::Yielded;
        case After::Next:
          if (++barriers == barriersAtOnce) return RunResult::Continues;
          rounds = 0;
          continue;
        case After::Mixed: break;
      }
    } else {
      moved = runRunnable(worker);
      if (grid_->stop.load(std::memory_order_relaxed)) return RunResult::Abandoned;
    }
    bool settled = settle(false);
    if (RunResult result = resume(); result != RunResult::Waiting) return result;
    if (yielded_) return RunResult::Yielded;
    if (settled && ++barriers == barriersAtOnce) return RunResult::Continues;
    quiet = moved || settled ? 0 : quiet + 1;
    rounds = settled ? 0 : rounds + 1;
  }
  return RunResult::Waiting;
}

// Lockstep: all warps have run region_ and want `next`.
Block::After Block::afterRegion(uint32_t next) {
  if (next == abi::regionExited) return After::Done;
  if (grid_->stop.load(std::memory_order_relaxed)) return After::Abandoned;
  if (next < kernel->regionCount && kernel->regions) {
    region_ = next;
    const abi::RegionInfo& region = kernel->regions[next];
    if (region.plainBarrier) return takesTurns_ && region.interleaved ? After::Yielded : After::Next;
    if (region.interleaved) return After::Yielded;
  }
  for (uint32_t w = 0; w < warpCount_; ++w) classify(w);
  return After::Mixed;
}

bool Block::hasRows(const abi::CompiledKernel& kernel, const abi::Dim3& shape) {
  if (kernel.mode != abi::PlanMode::Lockstep || !kernel.regions || kernel.rowsRepeat || rowTurnsAreOff()) return false;
  if (shape.y * shape.z == 1 || shape.x % kernel.width != 0) return false;
  return std::any_of(kernel.regions, kernel.regions + kernel.regionCount, [](const abi::RegionInfo& r) { return r.interleaved != 0; });
}

uint32_t Block::rowsWith(const Block& other) const {
  bool same = hasRows_ && uniform_ && other.uniform_ && kernel == other.kernel && region_ == other.region_;
  bool besides = other.ctaid[0] == ctaid[0] + 1 && other.ctaid[1] == ctaid[1] && other.ctaid[2] == ctaid[2];
  return same && besides ? warpCount_ / perRow_ : 0;
}

void Block::runRow(Worker& worker, uint32_t row) {
  uint32_t begin = row * perRow_, next = enter(worker, region_, begin, begin + perRow_);
  rowsWant_ = row == 0 || rowsWant_ == next ? next : abi::regionMixed;
}

RunResult Block::endRows() {
  progressed_ = false;
  switch (afterRegion(rowsWant_)) {
    case After::Done: return RunResult::Done;
    case After::Abandoned: return RunResult::Abandoned;
    case After::Mixed: break;
    default: return RunResult::Yielded;
  }
  settle(false);
  RunResult result = resume();
  return result == RunResult::Waiting ? RunResult::Yielded : result;
}

// What a warp of a lockstep plan has become by its last run.
void Block::classify(uint32_t w) {
  if (status_[w] != WarpStatus::Runnable) return;
  abi::WarpState& state = states_[w];
  if (state.pc == abi::regionExited || state.live == 0) {
    status_[w] = WarpStatus::Exited;
    progressed_ = true;
  } else if (state.pc < kernel->regionCount && kernel->regions && kernel->regions[state.pc].plainBarrier) {
    status_[w] = WarpStatus::AtBarrier;
    barriers_.arrive({.warp = w, .mask = state.live, .barrier = 0, .threads = 0, .waits = true, .reduction = 0, .predicate = 0});
  } else if (state.suspend == abi::Suspend::Barrier) {
    status_[w] = WarpStatus::AtBarrier;
    barriers_.arrive({.warp = w, .mask = state.live, .barrier = state.barrier, .threads = state.barrierThreads,
                      .waits = true, .reduction = state.reduction, .predicate = state.predicate});
  }
}

// Runs each warp that can run once, neighbours that want the same region together. True when any wants another region now.
bool Block::runRunnable(Worker& worker) {
  bool moved = false;
  for (uint32_t begin = 0; begin < warpCount_;) {
    if (status_[begin] != WarpStatus::Runnable) {
      ++begin;
      continue;
    }
    uint32_t region = states_[begin].pc, end = begin + 1;
    while (end < warpCount_ && status_[end] == WarpStatus::Runnable && states_[end].pc == region) ++end;
    moved = enter(worker, region, begin, end) != region || moved;
    if (grid_->stop.load(std::memory_order_relaxed)) return moved;
    for (uint32_t w = begin; w < end; ++w) classify(w);
    begin = end;
  }
  return moved;
}

uint32_t Block::liveLanes(uint32_t warp) const { return status_[warp] == WarpStatus::Exited ? 0 : states_[warp].live; }

bool Block::settle(bool exitedCount) {
  if (!barriers_.pending()) return false;
  bool free = kernel->mode == abi::PlanMode::Free;
  bool any = barriers_.settle(
      barrierResult, [&](uint32_t w) { return liveLanes(w); },
      [&](uint32_t w, uint32_t lanes) {
        if (free) {
          states_[w].blocked &= ~lanes;
        } else {
          status_[w] = WarpStatus::Runnable;
        }
      },
      exitedCount);
  progressed_ = progressed_ || any;
  return any;
}

bool Block::interleaved(uint32_t region) const {
  return region < kernel->regionCount && kernel->regions && kernel->regions[region].interleaved == 1;
}

bool Block::mayTakeTurns(const abi::CompiledKernel& kernel) {
  if (kernel.mode != abi::PlanMode::Lockstep || !kernel.regions) return false;
  return std::any_of(kernel.regions, kernel.regions + kernel.regionCount, [](const abi::RegionInfo& r) { return r.interleaved == abi::turnsAtBarrier; });
}

// Lockstep: finds how the block goes on. Waiting: it does.
RunResult Block::resume() {
  uint32_t live = 0, runnable = 0, region = abi::regionMixed;
  bool same = true;
  yielded_ = false;
  for (uint32_t w = 0; w < warpCount_; ++w) {
    if (status_[w] == WarpStatus::Exited) continue;
    ++live;
    if (status_[w] != WarpStatus::Runnable) continue;
    ++runnable;
    if (region == abi::regionMixed) region = states_[w].pc;
    same = same && states_[w].pc == region;
    yielded_ = yielded_ || interleaved(states_[w].pc);
  }
  if (live == 0) return RunResult::Done;
  if (runnable == 0 && !settle(true)) return RunResult::Deadlock;
  uniform_ = runnable == live && same;
  if (uniform_) region_ = region;
  return RunResult::Waiting;
}

// Lets every lane of a free plan's warp that can run go on. True when it has exited or gone to another place.
bool Block::runLanes(Worker& worker, uint32_t w) {
  abi::WarpState& state = states_[w];
  uint32_t live = state.live, places[abi::maxWarpWidth];
  std::copy_n(state.lanePc, kernel->width, places);
  if (enter(worker, 0, w, w + 1) == abi::regionExited) state.live = 0;
  if (state.live != live) progressed_ = true;
  return state.live != live || !std::equal(places, places + kernel->width, state.lanePc);
}

RunResult Block::runFree(Worker& worker) {
  for (uint32_t quiet = 0, rounds = 0, barriers = 0; quiet < quietRounds && rounds < busyRounds;) {
    uint32_t live = 0, ran = 0;
    bool moved = false, settled = false;
    for (uint32_t w = 0; w < warpCount_; ++w) {
      abi::WarpState& state = states_[w];
      if (state.live == 0) continue;
      ++live;
      if ((state.live & ~state.blocked) == 0) continue;
      ++ran;
      moved = runLanes(worker, w) || moved;
      if (grid_->stop.load(std::memory_order_relaxed)) return RunResult::Abandoned;
      settled = settle(false) || settled;
    }
    if (live == 0) return RunResult::Done;
    if (ran == 0 && !settle(false) && !settle(true)) return RunResult::Deadlock;
    if (settled && ++barriers == barriersAtOnce) return RunResult::Continues;
    quiet = moved || settled ? 0 : quiet + 1;
    rounds = settled ? 0 : rounds + 1;
  }
  return RunResult::Waiting;
}

void Block::setLastError(uint32_t thread, uint32_t error) {
  if (lastErrors_.empty()) lastErrors_.assign(threads_, 0);
  lastErrors_[thread] = error;
}

void Block::arriveAtBarrier(const Barriers::Arrival& arrival) {
  barriers_.arrive(arrival);
  if (arrival.waits) states_[arrival.warp].blocked |= arrival.mask;
}

}  // namespace anywarp::device
