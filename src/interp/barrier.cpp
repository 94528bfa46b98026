// Barriers of a block, and fences (PTX: Parallel Synchronization and Communication Instructions: bar, barrier, fence).
// SPDX-License-Identifier: Apache-2.0
#include <bit>

#include "interp/step.h"

namespace anywarp::interp {
namespace {

uint32_t exitedLanes(Block& block, uint32_t warp) {
  uint32_t lanes = 0;
  for (uint32_t i = 0; i < warpSize; i++) {
    Thread* thread = block.lane(warp, i);
    if (!thread || thread->state == ThreadState::Exited) lanes |= 1u << i;
  }
  return lanes;
}

// Threads that have arrived. A warp whose lanes have all arrived or exited counts in full, as counts are in warps.
uint32_t arrivals(Block& block, const Barrier& barrier) {
  uint32_t count = barrier.repeated;
  for (uint32_t warp = 0; warp < block.warps(); warp++) {
    uint32_t arrived = barrier.arrived[warp];
    if (arrived == 0) continue;
    bool whole = (arrived | exitedLanes(block, warp)) == 0xffffffff;
    count += whole ? warpSize : static_cast<uint32_t>(std::popcount(arrived));
  }
  return count;
}

bool everyThreadIsHere(Block& block, const Barrier& barrier) {
  for (uint32_t warp = 0; warp < block.warps(); warp++)
    if ((barrier.arrived[warp] | exitedLanes(block, warp)) != 0xffffffff) return false;
  return true;
}

bool complete(Block& block, const Barrier& barrier) {
  if (!barrier.busy()) return false;
  return barrier.expected == 0 ? everyThreadIsHere(block, barrier) : arrivals(block, barrier) >= barrier.expected;
}

void release(Barrier& barrier) {
  barrier.phase++;
  barrier.lastPopc = barrier.popc;
  barrier.lastAll = barrier.all;
  barrier.lastAny = barrier.any;
  barrier.arrived.assign(barrier.arrived.size(), 0);
  barrier.repeated = barrier.popc = barrier.expected = 0;
  barrier.all = true;
  barrier.any = false;
}

Barrier* barrierNamed(Step& step, size_t slot) {
  uint64_t index = step.bits(slot, Type::U32);
  if (index < barrierCount) return &step.block().barriers[index];
  step.fault(FaultKind::IllegalInstruction, "barrier " + std::to_string(index) + " does not exist");
  return nullptr;
}

bool validCount(Step& step, size_t slot) {
  if (!step.present(slot)) return true;
  uint64_t count = step.bits(slot, Type::U32);
  if (count % warpSize == 0 && count > 0) return true;
  step.fault(FaultKind::IllegalInstruction, "barrier thread count " + std::to_string(count) + " is not a multiple of the warp size");
  return false;
}

void arrive(Step& step, Barrier& barrier, size_t countSlot) {
  Thread& thread = step.thread;
  uint32_t bit = 1u << thread.lane();
  uint32_t& lanes = barrier.arrived[thread.warp()];
  if (lanes & bit) barrier.repeated++;
  lanes |= bit;
  barrier.expected = step.present(countSlot) ? static_cast<uint32_t>(step.bits(countSlot, Type::U32)) : 0;
}

// Arrives on the first call, then waits until the phase is over. True when the thread may go on.
bool arriveAndWait(Step& step, size_t barrierSlot, size_t countSlot, bool predicate) {
  Thread& thread = step.thread;
  Barrier* barrier = barrierNamed(step, barrierSlot);
  if (!barrier || !validCount(step, countSlot)) return false;
  if (thread.barrier < 0) {
    arrive(step, *barrier, countSlot);
    barrier->popc += predicate;
    barrier->all &= predicate;
    barrier->any |= predicate;
    thread.barrier = static_cast<int>(step.bits(barrierSlot, Type::U32));
    thread.barrierPhase = barrier->phase;
  }
  if (barrier->phase == thread.barrierPhase && complete(step.block(), *barrier)) release(*barrier);
  if (barrier->phase == thread.barrierPhase) {
    step.wait();
    return false;
  }
  thread.barrier = -1;
  return true;
}

}  // namespace

void barSync(Step& step) { arriveAndWait(step, 0, 1, false); }

void barArrive(Step& step) {
  Barrier* barrier = barrierNamed(step, 0);
  if (!barrier || !validCount(step, 1)) return;
  arrive(step, *barrier, 1);
  if (complete(step.block(), *barrier)) release(*barrier);
}

void barRed(Step& step) {
  if (!arriveAndWait(step, 1, 2, step.predicate(3))) return;
  const Barrier& barrier = step.block().barriers[step.bits(1, Type::U32)];
  if (step.has(Mod::Popc)) return step.set(0, Type::U32, barrier.lastPopc);
  step.setPredicate(0, step.has(Mod::And) ? barrier.lastAll : barrier.lastAny);
}

// One thread runs at a time and memory is coherent: fences order nothing that is not ordered.
void fence(Step&) {}

}  // namespace anywarp::interp
