// A worker thread: takes blocks of grids, runs them, and survives what they do. SPDX-License-Identifier: Apache-2.0
#include "device/sched/worker.h"

#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <iterator>

#include "device/context.h"
#include "device/fault/signals.h"
#include "device/sched/futex.h"
#include "device/sched/pool.h"
#include "support/left_frames.h"

namespace anywarp::device {

namespace {

constexpr size_t stackBytes = size_t{64} << 20;
constexpr size_t smallStackBytes = size_t{8} << 20;  // where address space is short
constexpr size_t guardBytes = size_t{1} << 20;
constexpr size_t signalStackBytes = 64 << 10;

// How long a worker that only spins waits before it takes on more.
constexpr uint64_t quietBeforeMoreBlocks = 20000;
constexpr uint64_t quietBeforeUnfairShare = 200000;
constexpr uint64_t quietBeforeOtherGrids = 50000;
constexpr uint64_t quietBeforeSleep = 2000000;
constexpr uint64_t shortSleep = 20000;
// How long a block goes from barrier to barrier before it may be waiting for others: where a loop looks like it, and elsewhere.
constexpr uint64_t busyWhereItSpins = 5000000;
constexpr uint64_t busyElsewhere = 50000000;
// Suspended blocks of an ordinary grid in one worker. A device promises progress only to as many as fit on it.
constexpr uint32_t mostHeld = 64;
constexpr size_t mostSpare = 16;
// Blocks that take turns in a loop: until they touch a few pages side by side, as long as what they keep stays in the L2.
constexpr size_t threadsTogether = 4096;
constexpr size_t bytesTogether = 256 << 10;
constexpr size_t mostTogether = 16;
// How long a worker stays with one grid while another has none.
constexpr uint64_t sliceNanoseconds = 200000;
// How long a thread that waits takes blocks of a grid that has workers.
constexpr uint64_t helpNanoseconds = 30000;
constexpr uint32_t smallestStrip = 2;

__attribute__((tls_model("initial-exec"))) thread_local Worker* currentWorker = nullptr;

// The block is to run again, but others may go first.
bool isSuspended(RunResult result) { return result == RunResult::Waiting || result == RunResult::Continues; }

char* grow(char*& memory, size_t& capacity, size_t bytes) {
  if (bytes <= capacity) return memory;
  size_t wanted = std::max(bytes, capacity * 2);
  auto* larger = static_cast<char*>(std::realloc(memory, wanted));
  if (!larger) return nullptr;
  memory = larger;
  capacity = wanted;
  return memory;
}

}  // namespace

Worker::Worker(Pool& pool, unsigned index) : pool_(pool), index_(index) {}

Worker* Worker::current() { return currentWorker; }

bool Worker::startThread() {
  // Workers leave the program's signals to its own threads; the ones that their own code causes cannot be blocked.
  sigset_t all, before;
  sigfillset(&all);
  for (int own : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS, SIGPROF}) sigdelset(&all, own);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int failed = 1;
  for (size_t bytes : {stackBytes, smallStackBytes}) {
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, bytes);
    pthread_attr_setguardsize(&attributes, guardBytes);
    pthread_t thread;
    failed = pthread_create(&thread, &attributes, threadMain, this);
    pthread_attr_destroy(&attributes);
    if (!failed) break;
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return !failed;
}

void* Worker::threadMain(void* self) {
  auto* worker = static_cast<Worker*>(self);
  currentWorker = worker;
  worker->thread_.store(static_cast<int>(syscall(SYS_gettid)), std::memory_order_relaxed);
  pthread_setname_np(pthread_self(), ("anywarp-" + std::to_string(worker->index_)).c_str());
  worker->prepareStack();
  worker->run();
}

void Worker::prepareStack() {
  pthread_attr_t attributes;
  if (pthread_getattr_np(pthread_self(), &attributes) == 0) {
    void* lowest = nullptr;
    size_t bytes = 0, guard = 0;
    pthread_attr_getstack(&attributes, &lowest, &bytes);
    pthread_attr_getguardsize(&attributes, &guard);
    auto begin = reinterpret_cast<uintptr_t>(lowest);
    // Whether the guard lies below the reported stack or inside it differs between libraries; both are no place for data.
    stackGuard_ = {begin - guard, begin + guard};
    pthread_attr_destroy(&attributes);
  }
  stack_t alternative{};
  alternative.ss_size = signalStackBytes;
  alternative.ss_sp = mmap(nullptr, signalStackBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (alternative.ss_sp != MAP_FAILED) sigaltstack(&alternative, nullptr);
}

void Worker::run() {
  if (sigsetjmp(recovery_, 0) != 0) afterFault();
  while (true) turn();
}

void Worker::leave(const FaultRecord& record) {
  record_ = record;
  inKernel_ = 0;
  siglongjmp(recovery_, 1);
}

void Worker::reenterKernel() {
  setInKernel(1);
  Grid* grid = runningGrid_.load(std::memory_order_relaxed);
  if (grid && grid->stop.load(std::memory_order_acquire)) leave(FaultRecord{});
}

void Worker::interrupt() { sendInterrupt(thread_.load(std::memory_order_relaxed)); }

bool Worker::makeHelper() {
  helper_ = true;
  if (!stack_.make(stackBytes, guardBytes) && !stack_.make(smallStackBytes, guardBytes)) return false;
  stackGuard_ = {stack_.guardBegin(), stack_.guardEnd()};
  return true;
}

void Worker::adopt(int thread) {
  thread_.store(thread, std::memory_order_relaxed);
  currentWorker = this;
}

void Worker::release() { currentWorker = nullptr; }

void Worker::assist(Grid& grid) {
  joined_.push_back({.grid = &grid});
  stack_.run([](void* self) { static_cast<Worker*>(self)->runAssistance(); }, this);
}

void Worker::runAssistance() {
  if (sigsetjmp(recovery_, 0) != 0) afterFault();
  while (!isFree()) {
    if (held_.empty()) {
      quietSince_ = 0;
      work(joined_.size() - 1);
    } else if (stepHeld()) {
      whenBusy();
    } else {
      whenQuiet();
    }
    leaveFinishedGrids();
  }
}

char* Worker::scratch(size_t bytes) { return grow(scratch_, scratchBytes_, bytes); }
char* Worker::text(size_t bytes) { return grow(text_, textBytes_, bytes); }

// One step: fresh blocks while nothing is suspended, otherwise one round over the suspended ones.
void Worker::turn() {
  if (held_.empty()) {
    quietSince_ = 0;
    if (joined_.empty()) joined_.push_back({.grid = pool_.join()});
    work(joined_.size() - 1);
  } else if (stepHeld()) {
    whenBusy();
  } else {
    whenQuiet();
  }
  leaveFinishedGrids();
}

// Runs blocks of one grid that have not started, until there are none, one is suspended, or another grid's turn has come.
void Worker::work(size_t at) {
  Grid& grid = *joined_[at].grid;
  turnBegan_ = 0;
  timed_ = nullptr;
  if (grid.body) return runBody(joined_[at]);
  uint64_t index;
  if (!nextIndex(joined_[at], index)) return;
  Block* block = takeBlock(grid);
  if (!block) return;
  while (true) {
    uint32_t strip = stripOf(joined_[at], *block, index);
    if (strip <= 1) block->start(index);
    joined_[at].next += strip > 1 ? strip - 1 : 0;
    RunResult result = runBlock(*block, index, strip);
    if (result == RunResult::Continues) result = goOn(*block);
    if (result == RunResult::Yielded) workTogether(joined_[at], *block);
    if (timed_ && joined_[at].next == joined_[at].end) chunkEnded(grid);
    if (result == RunResult::Yielded) {
      if (!held_.empty() || !nextIndex(joined_[at], index)) return;
      block = takeBlock(grid);
      if (!block) return;
      continue;
    }
    if (result == RunResult::Done && held_.empty() && nextIndex(joined_[at], index)) {
      if (block->isPrepared()) continue;
      ended(*block, result);
      block = takeBlock(grid);
      if (!block) return;
      continue;
    }
    if (!isSuspended(result)) return ended(*block, result);
    hold(*block);
    if (!mayStart(joined_[at], 0) || !nextIndex(joined_[at], index)) return;
    block = takeBlock(grid);
    if (!block) return;
  }
}

// How many blocks from `index` on, which has been taken, run as one strip. Decided for a chunk, and timed.
uint32_t Worker::stripOf(const Joined& joined, Block& block, uint64_t index) {
  const Grid& grid = *joined.grid;
  block.takeTurns(false);
  if (grid.chunk < smallestStrip) return 1;
  uint32_t most = block.stripFrom(index);
  bool turns = block.mayTakeTurns();
  if (index % grid.chunk == 0 && (turns || block.hasRows() || block.stripFrom(0) >= smallestStrip)) {
    uint64_t key = reinterpret_cast<uintptr_t>(block.kernel) ^ uint64_t{grid.info.block.x} << 48;
    timed_ = &pace_[(key >> 6) % std::size(pace_)];
    timed_->of(key);
    strips_ = timed_->next() == Pace::Way::Strips;
    chunkBegan_ = monotonicNanoseconds();
  }
  block.takeTurns(turns && timed_ && strips_);
  return timed_ && strips_ ? static_cast<uint32_t>(std::min<uint64_t>(most, joined.end - joined.next + 1)) : 1;
}

void Worker::chunkEnded(const Grid& grid) {
  timed_->took(monotonicNanoseconds() - chunkBegan_, grid.chunk);
  timed_ = nullptr;
}

// `first` is in a loop whose warps take turns: so do the next blocks, since they read what lies next to what it reads.
void Worker::workTogether(Joined& joined, Block& first) {
  Grid& grid = first.grid();
  size_t threads = size_t{grid.info.block.x} * grid.info.block.y * grid.info.block.z;
  size_t bytes = std::max<size_t>(first.workingBytes(), 1);
  size_t count = std::clamp<size_t>(std::min(threadsTogether / threads, bytesTogether / bytes), 1, mostTogether);
  together_.push_back(&first);
  // Only what is left of the chunk: neighbours, and no other worker waits for them.
  while (together_.size() < count && joined.next != joined.end) {
    Block* block = takeBlock(grid);
    if (!block) break;
    block->takeTurns(first.takesTurns());
    block->start(joined.next++);
    together_.push_back(block);
  }
  // The first has come to the loop already: the others follow before they all go on row by row.
  bool rows = first.hasRows() && timed_ && strips_;
  for (size_t begin = 1; !together_.empty(); begin = 0) {
    for (size_t i = begin; i < together_.size();) {
      size_t end = rows && begin == 0 ? rowsFrom(i) : i;
      if (end > i + 1) {
        runRows(i, end);
        while (i < end) {
          RunResult result = together_[i]->endRows();
          noteProgress(*together_[i], result);
          if (endTurn(i, result)) ++i;
          else --end;
        }
        continue;
      }
      Block& block = *together_[i];
      if (endTurn(i, grid.stop.load(std::memory_order_relaxed) ? RunResult::Abandoned : runBlock(block))) ++i;
    }
  }
}

// Whether the block is to have more turns. Otherwise another has its place.
bool Worker::endTurn(size_t index, RunResult result) {
  if (result == RunResult::Yielded) return true;
  Block& block = *together_[index];
  together_.erase(together_.begin() + static_cast<ptrdiff_t>(index));
  block.takeTurns(false);
  if (isSuspended(result)) {
    hold(block);
  } else {
    ended(block, result);
  }
  return false;
}

// Behind the last of those that can run row by row with `first`.
size_t Worker::rowsFrom(size_t first) const {
  size_t end = first + 1;
  while (end < together_.size() && together_[end - 1]->rowsWith(*together_[end]) > 1) ++end;
  return end;
}

// Blocks side by side, row of threads by row of threads: as a loop over rows would touch memory.
void Worker::runRows(size_t begin, size_t end) {
  Grid& grid = together_[begin]->grid();
  uint32_t rows = together_[begin]->rowsWith(*together_[begin + 1]);
  tracedGrid_.store(&grid, std::memory_order_relaxed);
  tracedBlock_.store(together_[begin]->index(), std::memory_order_relaxed);
  runningGrid_.store(&grid, std::memory_order_release);
  for (uint32_t row = 0; row < rows && !grid.stop.load(std::memory_order_relaxed); ++row)
    for (size_t i = begin; i < end; ++i) {
      running_ = together_[i];
      running_->runRow(*this, row);
    }
  runningGrid_.store(nullptr, std::memory_order_release);
  running_ = nullptr;
}

void Worker::runBody(Joined& joined) {
  Grid& grid = *joined.grid;
  runningGrid_.store(&grid, std::memory_order_release);
  for (uint64_t index; nextIndex(joined, index);) {
    if (grid.bodyTouchesUserMemory) {
      InKernel inside(*this);
      grid.body(grid.argument, index);
    } else {
      grid.body(grid.argument, index);
    }
    if (!held_.empty()) break;
  }
  runningGrid_.store(nullptr, std::memory_order_release);
}

bool Worker::nextIndex(Joined& joined, uint64_t& index) {
  Grid& grid = *joined.grid;
  if (grid.stop.load(std::memory_order_relaxed)) {
    joined.next = joined.end;
    return false;
  }
  if (joined.next == joined.end) {
    bool others = pool_.gridsWait(), called = grid.total == 1 || grid.called.load(std::memory_order_relaxed);
    if (others || !called || (helper_ && grid.total > 1)) {
      uint64_t now = monotonicNanoseconds();
      if (turnBegan_ == 0) turnBegan_ = now;
      if (!called && now >= grid.aloneUntil && !grid.exhausted()) pool_.call(grid);
      if (others && now - turnBegan_ > sliceNanoseconds) return false;
      if (helper_ && called && grid.total > 1 && now - turnBegan_ > helpNanoseconds) return false;
    }
    if (!grid.claim(joined.next, joined.end)) {
      joined.next = joined.end = 0;
      return false;
    }
  }
  index = joined.next++;
  return true;
}

RunResult Worker::runBlock(Block& block, uint64_t index, uint32_t strip) {
  running_ = &block;
  tracedGrid_.store(&block.grid(), std::memory_order_relaxed);
  tracedBlock_.store(strip > 1 ? index : block.index(), std::memory_order_relaxed);
  runningGrid_.store(&block.grid(), std::memory_order_release);
  RunResult result = strip > 1 ? block.runStrip(*this, index, strip) : block.run(*this);
  runningGrid_.store(nullptr, std::memory_order_release);
  running_ = nullptr;
  noteProgress(block, result);
  return result;
}

void Worker::noteProgress(const Block& block, RunResult result) {
  waits_.store(result == RunResult::Waiting, std::memory_order_relaxed);
  // Barriers alone say nothing: the watch is to notice a block that goes on for ever.
  if (result == RunResult::Done || (result != RunResult::Continues && block.progressed())) steps_.store(steps_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}

// A block that comes to barriers again and again: most end before anybody could wait for them.
RunResult Worker::goOn(Block& block) {
  uint64_t end = monotonicNanoseconds() + (block.kernel->usesSpin ? busyWhereItSpins : busyElsewhere);
  RunResult result = RunResult::Continues;
  while (result == RunResult::Continues && held_.empty() && monotonicNanoseconds() < end) result = runBlock(block);
  if (result == RunResult::Continues) timed_ = nullptr;
  return result;
}

void Worker::hold(Block& block) {
  ++joinedTo(block.grid())->held;
  held_.push_back(&block);
}

// The block will not run again.
void Worker::ended(Block& block, RunResult result) {
  if (result == RunResult::Deadlock) {
    FaultRecord record;
    record.kind = FaultKind::BarrierDeadlock;
    block.grid().fail(report(record, block));
  }
  if (spare_.size() < mostSpare) {
    spare_.push_back(&block);
  } else {
    delete &block;
  }
}

// One round over the suspended blocks; true if any of them got further.
bool Worker::stepHeld() {
  bool progressed = false;
  for (heldIndex_ = 0; heldIndex_ < held_.size();) {
    Block& block = *held_[heldIndex_];
    RunResult result = block.grid().stop.load(std::memory_order_relaxed) ? RunResult::Abandoned : runBlock(block);
    progressed = progressed || block.progressed() || result != RunResult::Waiting;
    if (isSuspended(result) || result == RunResult::Yielded) {
      ++heldIndex_;
      continue;
    }
    --joinedTo(block.grid())->held;
    held_.erase(held_.begin() + static_cast<ptrdiff_t>(heldIndex_));
    ended(block, result);
    busySince_ = 0;
  }
  heldIndex_ = notHeld;
  return progressed;
}

// Suspended blocks that come to barriers again and again may wait for others as those do that only spin. More are started, one at a time.
void Worker::whenBusy() {
  quietSince_ = 0;
  uint64_t now = monotonicNanoseconds();
  if (busySince_ == 0) busySince_ = now;
  uint64_t busy = now - busySince_;
  if (busy < busyWhereItSpins) return;
  bool spins = std::any_of(held_.begin(), held_.end(), [](const Block* b) { return b->kernel->usesSpin != 0; });
  if (!spins && busy < busyElsewhere) return;
  busySince_ = now;
  startAnother(busy);
}

// Everything that is suspended here only spins: what it waits for may be a block that has not started, another kernel, another
// worker, or the host.
void Worker::whenQuiet() {
  uint64_t now = monotonicNanoseconds();
  if (quietSince_ == 0) {
    quietSince_ = now;
    quietTurns_ = 0;
  }
  uint64_t quiet = now - quietSince_;
  if (startAnother(quiet)) return;
  ++quietTurns_;
  if (quiet > quietBeforeSleep) {
    timespec nap{0, static_cast<long>(shortSleep)};
    nanosleep(&nap, nullptr);
  } else if (quietTurns_ % 8 == 0) {
    sched_yield();
  } else {
    for (int i = 0; i < 16; ++i) cpuRelax();
  }
}

bool Worker::mayStart(const Joined& joined, uint64_t quiet) const {
  const Grid& grid = *joined.grid;
  bool left = joined.next != joined.end || !grid.exhausted();
  if (!left || grid.stop.load(std::memory_order_relaxed)) return false;
  if (grid.body) return true;
  if (grid.residency == Residency::WholeGrid) {
    uint64_t share = (grid.total + pool_.workerCount() - 1) / pool_.workerCount();
    return joined.held < share || quiet > quietBeforeUnfairShare;
  }
  return joined.held < mostHeld && quiet > quietBeforeMoreBlocks;
}

bool Worker::startAnother(uint64_t quiet) {
  for (size_t i = 0; i < joined_.size(); ++i) {
    if (!mayStart(joined_[i], quiet)) continue;
    work(i);
    return true;
  }
  if (helper_ || quiet < quietBeforeOtherGrids) return false;
  Grid* other = pool_.tryJoin([this](const Grid& grid) { return joinedTo(grid) != nullptr; });
  if (!other) return false;
  joined_.push_back({.grid = other});
  work(joined_.size() - 1);
  return true;
}

void Worker::afterFault() {
  forgetLeftFrames();
  Grid* grid = runningGrid_.load(std::memory_order_relaxed);
  runningGrid_.store(nullptr, std::memory_order_release);
  Block* block = running_;
  running_ = nullptr;
  if (record_.kind != FaultKind::None) {
    if (block) {
      grid->fail(report(record_, *block));
    } else {
      Fault fault;
      fault.kind = record_.kind;
      fault.message = std::string("copy or fill: ") + name(record_.kind);
      if (record_.hasAddress) fault.message += ": " + Memory::instance().describe(record_.address);
      grid->fail(std::move(fault));
    }
  }
  if (!block) return leaveFinishedGrids();
  if (heldIndex_ != notHeld) {
    held_.erase(held_.begin() + static_cast<ptrdiff_t>(heldIndex_));
    --joinedTo(*grid)->held;
    heldIndex_ = notHeld;
  }
  auto partner = std::find(together_.begin(), together_.end(), block);
  if (partner != together_.end()) together_.erase(partner);
  ended(*block, RunResult::Abandoned);
  for (Block* other : together_) ended(*other, RunResult::Abandoned);  // of the same grid, which has stopped
  together_.clear();
  leaveFinishedGrids();
}

void Worker::leaveFinishedGrids() {
  for (size_t i = joined_.size(); i-- > 0;) {
    Joined& joined = joined_[i];
    bool stopped = joined.grid->stop.load(std::memory_order_relaxed);
    if (joined.held != 0 || (joined.next != joined.end && !stopped)) continue;
    // Suspended blocks keep us here although there may be more to start later: whenQuiet() decides.
    Grid* grid = joined.grid;
    joined_.erase(joined_.begin() + static_cast<ptrdiff_t>(i));
    pool_.leave(*grid);
  }
}

Worker::Joined* Worker::joinedTo(const Grid& grid) {
  auto it = std::find_if(joined_.begin(), joined_.end(), [&](const Joined& j) { return j.grid == &grid; });
  return it == joined_.end() ? nullptr : &*it;
}

// A block with memory for `grid`; null after the grid has failed for lack of it.
Block* Worker::takeBlock(Grid& grid) {
  Block* block;
  if (spare_.empty()) {
    block = new Block;
  } else {
    block = spare_.back();
    spare_.pop_back();
  }
  Status status = block->prepare(grid);
  block->smid = index_ % std::max(grid.info.smCount, 1u);
  if (status) return block;
  spare_.push_back(block);
  Fault fault;
  fault.kind = FaultKind::OutOfResources;
  fault.kernel = grid.kernel->name;
  fault.message = fault.kernel + ": " + status.error().message;
  grid.fail(std::move(fault));
  return nullptr;
}

void Grid::fail(Fault fault) {
  if (context) context->setFault(std::move(fault));
  stop.store(true, std::memory_order_release);
  Pool::instance().interrupt(*this, Worker::current());
}

}  // namespace anywarp::device
