// Barriers that are objects in shared memory, with phases and transaction counts (PTX: Parallel Synchronization and Communication
// Instructions, mbarrier). SPDX-License-Identifier: Apache-2.0
#include "interp/step.h"

namespace anywarp::interp {
namespace {

constexpr int64_t largestCount = (1 << 20) - 1;

// The address operand's slot: behind the destination where there is one.
size_t addressSlot(const Step& step) { return ptx::slotRole(step.inst, 0) == ptx::SlotRole::Address ? 0 : 1; }

// Where the object lies; 0 when the thread has faulted.
uint64_t place(Step& step, size_t slot, Space space) {
  const Operand& operand = step.operand(slot);
  const uint8_t* at = step.memory(step.spaceOf(operand, space), step.address(operand), 8, true);
  return reinterpret_cast<uint64_t>(at);
}

uint64_t place(Step& step) { return place(step, addressSlot(step), step.inst.space()); }

// The object there; null where there is none, which is a fault.
Mbarrier* objectAt(Step& step, uint64_t at) {
  if (at == 0) return nullptr;
  auto found = step.block().mbarriers.find(at);
  if (found != step.block().mbarriers.end()) return &found->second;
  step.fault(FaultKind::IllegalInstruction, "no mbarrier has been initialised here");
  return nullptr;
}

Mbarrier* object(Step& step) { return objectAt(step, place(step)); }

void completeIfDone(Mbarrier& barrier) {
  if (barrier.pending != 0 || barrier.transactions != 0) return;
  barrier.phase++;
  barrier.pending = barrier.expected;
}

// What arrive returns and test_wait takes: the phase, and the count before the arrival.
uint64_t stateOf(const Mbarrier& barrier) { return barrier.phase << 20 | static_cast<uint64_t>(barrier.pending); }

void arriveWith(Step& step, Mbarrier& barrier, int64_t count) {
  if (count > barrier.pending)
    return step.fault(FaultKind::IllegalInstruction, "more arrivals at an mbarrier than it expects");
  barrier.pending -= count;
  if (step.has(Mod::ArriveDrop)) barrier.expected -= count;
  completeIfDone(barrier);
}

}  // namespace


// The bytes of a copy are transactions of the barrier.
void cpAsyncBulkLoad(Step& step) {
  if (!copyBulk(step, Space::Shared, step.has(Mod::Global) ? Space::Global : Space::Shared)) return;
  Mbarrier* barrier = objectAt(step, place(step, 3, Space::Shared));
  if (!barrier) return;
  barrier->transactions -= static_cast<int64_t>(step.bits(2, Type::U32));
  completeIfDone(*barrier);
}

void mbarrierInit(Step& step) {
  uint64_t at = place(step);
  auto count = static_cast<int64_t>(step.bits(1, Type::U32));
  if (at == 0) return;
  if (count < 1 || count > largestCount) return step.fault(FaultKind::IllegalInstruction, "mbarrier count out of range");
  step.block().mbarriers[at] = {.phase = 0, .expected = count, .pending = count, .transactions = 0};
}

void mbarrierInval(Step& step) {
  uint64_t at = place(step);
  step.block().mbarriers.erase(at);
}

void mbarrierExpectTx(Step& step) {
  Mbarrier* barrier = object(step);
  if (!barrier) return;
  barrier->transactions += static_cast<int64_t>(step.bits(1, Type::U32));
  completeIfDone(*barrier);
}

void mbarrierCompleteTx(Step& step) {
  Mbarrier* barrier = object(step);
  if (!barrier) return;
  barrier->transactions -= static_cast<int64_t>(step.bits(1, Type::U32));
  completeIfDone(*barrier);
}

void mbarrierArrive(Step& step) {
  Mbarrier* barrier = object(step);
  if (!barrier) return;
  size_t operand = addressSlot(step) + 1;
  int64_t count = 1;
  if (step.has(Mod::ExpectTx)) barrier->transactions += static_cast<int64_t>(step.bits(operand, Type::U32));
  else if (step.present(operand)) count = static_cast<int64_t>(step.bits(operand, Type::U32));
  uint64_t state = stateOf(*barrier);
  arriveWith(step, *barrier, count);
  if (addressSlot(step) == 1) step.set(0, Type::B64, state);
}

// The copies before it are done already, so the arrival is due at once. Without .noinc one more was expected for it.
void cpAsyncMbarrierArrive(Step& step) {
  Mbarrier* barrier = object(step);
  if (barrier && step.has(Mod::Noinc)) arriveWith(step, *barrier, 1);
}

// try_wait lets the others have a turn before it says no.
void mbarrierWait(Step& step) {
  Mbarrier* barrier = object(step);
  if (!barrier) return;
  uint64_t waitsFor = step.has(Mod::Parity) ? step.bits(2, Type::U32) : step.bits(2, Type::B64) >> 20;
  bool complete = (barrier->phase & 1) != (waitsFor & 1);
  if (!complete && step.has(Mod::TryWait) && step.thread.polls == 0) return step.wait();
  step.setPredicate(0, complete);
}

void mbarrierPendingCount(Step& step) { step.set(0, Type::U32, step.bits(1, Type::B64) & largestCount); }

}  // namespace anywarp::interp
