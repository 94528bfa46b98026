// Runs threaded code: groups of lanes that are at the same place, the one that is furthest behind first, so that they meet again.
// SPDX-License-Identifier: Apache-2.0
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <bit>

#include "compiler/quick/program.h"

namespace anywarp::quick {

namespace {

constexpr uint32_t nowhere = ~0u;
// Operations after which the kernel's counter learns of them.
constexpr uint64_t countAfter = 1 << 14;
// The compiler takes about as long for an instruction as warps for so many operations: a kernel that has executed as many as compiling
// it costs is worth compiling.
constexpr uint64_t operationsToCompileOne = 1 << 14;
constexpr uint64_t operationsToCompileNone = 1 << 19;
constexpr int64_t microsecondsToCompileOne = 1000, microsecondsToCompileNone = 100000;
constexpr long fewCores = 4;

class Run {
 public:
  Run(abi::BlockContext* block, const Kernel& kernel, uint32_t index)
      : kernel_(kernel), state_(block->warps[index]), ops_(kernel.program.ops.data()),
        warp_{{block->frames + size_t{index} * kernel.frameBytes, kernel.program.constantRows}, block, index} {}

  uint32_t run() {
    if (kernel_.isHot.load(std::memory_order_relaxed) && beginsBlock()) awaitCompiler();
    while (choose()) runGroup();
    count();
    return state_.live ? abi::regionMixed : abi::regionExited;
  }

 private:
  // The lanes to go on with: those furthest behind. Lanes that wait for others at a warp-synchronous instruction come last: where
  // those are gone by now, they go on; where they all wait for each other at different places, the first does. Lanes that have been
  // around a loop in which they wait for others go on when the warp runs again.
  bool choose() {
    uint32_t ready = state_.live & ~state_.blocked & ~yielded_;
    if (!ready) return false;
    isForced_ = false;
    if (uint32_t free = ready & ~parked_) {
      furthestBehind(free);
      return true;
    }
    for (uint32_t rest = ready; rest; rest &= ~mask_) {
      furthestBehind(rest);
      if (!missingAt(ops_[pc_], mask_)) break;
    }
    if (missingAt(ops_[pc_], mask_)) {
      if (yielded_ & state_.live) return false;
      furthestBehind(ready);
      isForced_ = true;
    }
    next_ = nowhere;
    return true;
  }

  void furthestBehind(uint32_t candidates) {
    uint32_t at[lanes], least = nowhere, second = nowhere, mask = 0;
    for (uint32_t l = 0; l < lanes; ++l) at[l] = (candidates >> l & 1) ? state_.lanePc[l] : nowhere;
    for (uint32_t l = 0; l < lanes; ++l) least = at[l] < least ? at[l] : least;
    for (uint32_t l = 0; l < lanes; ++l) mask |= uint32_t{at[l] == least} << l;
    if (mask != candidates) {
      for (uint32_t l = 0; l < lanes; ++l) second = at[l] > least && at[l] < second ? at[l] : second;
    }
    pc_ = least;
    next_ = second;
    mask_ = mask;
  }

  // Lanes that a warp-synchronous instruction is for, beside those that are there, and that may still come.
  uint32_t missingAt(const Op& op, uint32_t here) {
    if (op.kind != OpKind::Converge || op.members == Op::noOperand) return 0;
    uint32_t members = 0;
    const uint32_t* masks = row<uint32_t>(&warp_, op.members);
    for (uint32_t rest = here; rest; rest &= rest - 1) members |= masks[std::countr_zero(rest)];
    return members & state_.live & ~state_.blocked & ~here;
  }

  bool beginsBlock() const { return warp_.index == 0 && state_.live && state_.lanePc[std::countr_zero(state_.live)] == 0; }

  // The compiler wants a core, and gets more done with it than this code does: on machines with few, all workers leave it to the
  // compiler, on others one does. Further blocks will run what it makes.
  void awaitCompiler() {
    static const bool isSmall = sysconf(_SC_NPROCESSORS_ONLN) <= fewCores;
    if (!kernel_.isBeingCompiled || !kernel_.isBeingCompiled(&kernel_)) return;
    if (!isSmall && kernel_.isAwaited.exchange(true)) return;
    timespec nap{0, 200000};
    while (kernel_.isBeingCompiled(&kernel_) && !hasWaitedEnough()) nanosleep(&nap, nullptr);
  }

  // The compiler may take minutes, or for ever.
  bool hasWaitedEnough() {
    const int64_t patience = microsecondsToCompileNone + microsecondsToCompileOne * int64_t(kernel_.program.ops.size());
    timespec clock{};
    clock_gettime(CLOCK_MONOTONIC, &clock);
    const int64_t now = clock.tv_sec * 1000000 + clock.tv_nsec / 1000;
    int64_t none = 0;
    kernel_.awaitedUntil.compare_exchange_strong(none, now + patience, std::memory_order_relaxed);
    return now >= kernel_.awaitedUntil.load(std::memory_order_relaxed);
  }

  uint64_t hotAfter() const { return std::max<uint64_t>(operationsToCompileNone, operationsToCompileOne * kernel_.program.ops.size()); }

  void place(uint32_t mask, uint32_t pc) {
    for (uint32_t l = 0; l < lanes; ++l) state_.lanePc[l] = (mask >> l & 1) ? pc : state_.lanePc[l];
  }

  void count() {
    if (kernel_.isHot.load(std::memory_order_relaxed)) return void(executed_ = 0);
    uint64_t before = kernel_.executed.fetch_add(executed_, std::memory_order_relaxed);
    executed_ = 0;
    if (before < hotAfter() || kernel_.isHot.exchange(true)) return;
    if (kernel_.becameHot) kernel_.becameHot(&kernel_);
  }

  void runGroup() {
    uint32_t pc = pc_, mask = mask_;
    while (true) {
      const Op& op = ops_[pc];
      switch (op.kind) {
        case OpKind::Plain: {
          uint32_t active = mask;
          if (op.guard != Op::noOperand) active &= predicate(op.guard, op.guardNegated);
          if (active) op.fn(&warp_, &op, active);
          ++pc;
          continue;
        }
        case OpKind::Branch: {
          uint32_t yes = mask & predicate(op.operands[0], op.negated);
          if (yes && yes != mask) {
            place(yes, op.target[0]);
            place(mask & ~yes, op.target[1]);
            executed_ += op.weight;
            return;
          }
          pc = op.target[yes ? 0 : 1];
          break;
        }
        case OpKind::Jump: pc = op.target[0]; break;
        case OpKind::Switch: return spread(op, mask);
        case OpKind::Exit:
          executed_ += op.weight;
          state_.live &= ~mask;
          return;
        case OpKind::Barrier:
          place(mask, pc + 1);
          op.fn(&warp_, &op, mask);
          return;
        case OpKind::Yield:
          place(mask, pc + 1);
          yielded_ |= mask;
          return;
        case OpKind::Converge:
          mask = meet(op, pc, mask);
          if (!mask) return;
          ++pc;
          continue;
      }
      executed_ += op.weight;
      if (executed_ > countAfter) count();
      if (pc >= next_) return place(mask, pc);
    }
  }

  uint32_t predicate(int32_t operand, bool negated) {
    uint32_t bits = *row<uint32_t>(&warp_, operand);
    return negated ? ~bits : bits;
  }

  void spread(const Op& op, uint32_t mask) {
    const uint32_t* index = row<uint32_t>(&warp_, op.operands[0]);
    for (uint32_t rest = mask; rest; rest &= rest - 1) {
      uint32_t lane = uint32_t(std::countr_zero(rest));
      uint32_t which = index[lane] < op.target[1] ? index[lane] : 0;
      state_.lanePc[lane] = op.target[0] + which;
    }
    executed_ += op.weight;
  }

  // Executes a warp-synchronous instruction for all of its members, or leaves the lanes waiting: 0.
  uint32_t meet(const Op& op, uint32_t pc, uint32_t mask) {
    uint32_t here = mask;
    for (uint32_t rest = parked_ & state_.live; rest; rest &= rest - 1)
      if (state_.lanePc[std::countr_zero(rest)] == pc) here |= rest & -rest;
    if (missingAt(op, here) && !isForced_) {
      place(mask, pc);
      parked_ |= mask;
      return 0;
    }
    parked_ &= ~here;
    uint32_t active = here;
    if (op.guard != Op::noOperand) active &= predicate(op.guard, op.guardNegated);
    if (active) op.fn(&warp_, &op, active);
    isForced_ = false;
    return here;
  }

  const Kernel& kernel_;
  abi::WarpState& state_;
  const Op* ops_;
  Warp warp_;
  uint32_t pc_ = 0, mask_ = 0;
  uint32_t next_ = nowhere;      // where the next lanes wait
  uint32_t parked_ = 0;          // lanes at a warp-synchronous instruction
  uint32_t yielded_ = 0;         // lanes that let others run first
  bool isForced_ = false;        // none but parked lanes can go on: whom they wait for does not come
  uint64_t executed_ = 0;
};

}  // namespace

uint32_t runWarp(abi::BlockContext* block, uint32_t, uint32_t begin, uint32_t) {
  return Run(block, static_cast<const Kernel&>(*block->kernel), begin).run();
}

}  // namespace anywarp::quick
