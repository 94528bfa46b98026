// Exchange among the lanes of a warp: shfl, vote, match, redux, activemask, elect, bar.warp.sync
// (PTX: Parallel Synchronization and Communication Instructions). SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "interp/floating.h"

namespace anywarp::interp {
namespace {

constexpr uint32_t everyLane = 0xffffffff;
constexpr uint32_t convergePolls = 3;  // turns that lanes which name no mask wait for their neighbours

// The lanes that perform one instruction together. Empty: they are not all here yet, and this thread waits.
struct Group {
  std::vector<Thread*> lanes;  // in order
  uint32_t mask = 0;

  explicit operator bool() const { return !lanes.empty(); }
  Thread* lane(uint32_t index) const {
    for (Thread* thread : lanes)
      if (thread->lane() == index) return thread;
    return nullptr;
  }
  void add(Thread* thread) {
    lanes.push_back(thread);
    mask |= 1u << thread->lane();
  }
};

bool sameOperation(const ptx::Instruction& a, const ptx::Instruction& b) {
  return a.form == b.form && a.mods == b.mods && a.types == b.types;
}

// Is this thread waiting at an instruction like `step`'s, for the same lanes?
bool hasJoined(Step& step, Thread& other, size_t maskSlot, uint32_t mask) {
  if (&other == &step.thread) return true;
  if (other.state != ThreadState::Waiting || other.barrier >= 0) return false;
  if (!sameOperation(step.inst, other.instruction())) return false;
  Step theirs(step.grid, other);
  return static_cast<uint32_t>(theirs.bits(maskSlot, Type::B32)) == mask;
}

// Lanes of the membermask in `slot` that have not exited, once all of them are here.
Group gather(Step& step, size_t slot) {
  uint32_t mask = static_cast<uint32_t>(step.bits(slot, Type::B32));
  if (!(mask >> step.thread.lane() & 1)) {
    step.fault(FaultKind::IllegalInstruction, "executing lane is not in its membermask " + hex(mask));
    return {};
  }
  Group group;
  for (uint32_t i = 0; i < warpSize; i++) {
    Thread* other = mask >> i & 1 ? step.block().lane(step.thread.warp(), i) : nullptr;
    if (!other || other->state == ThreadState::Exited) continue;
    if (!hasJoined(step, *other, slot, mask)) {
      step.wait();
      return {};
    }
    group.add(other);
  }
  return group;
}

// Without a membermask: the lanes that stand at this very instruction once the warp has settled.
Group gatherActive(Step& step) {
  if (step.thread.polls < convergePolls) {
    step.wait();
    return {};
  }
  Group group;
  for (uint32_t i = 0; i < warpSize; i++) {
    Thread* other = step.block().lane(step.thread.warp(), i);
    if (!other || other->state == ThreadState::Exited) continue;
    bool here = other == &step.thread || (other->state == ThreadState::Waiting && other->barrier < 0 && other->frames.size() == step.thread.frames.size() &&
                                          &other->instruction() == &step.inst);
    if (here) group.add(other);
  }
  return group;
}

Group gatherIf(Step& step, size_t maskSlot) { return step.has(Mod::Sync) ? gather(step, maskSlot) : gatherActive(step); }

// Reads a value from every lane of the group before any is written.
template <class Read>
auto readAll(Step& step, const Group& group, Read read) {
  std::vector<decltype(read(step))> values;
  for (Thread* thread : group.lanes) {
    Step lane(step.grid, *thread);
    values.push_back(read(lane));
  }
  return values;
}

// Writes every lane's result and lets the lanes that waited go on.
template <class Write>
void writeAll(Step& step, const Group& group, Write write) {
  for (size_t i = 0; i < group.lanes.size(); i++) {
    Thread* thread = group.lanes[i];
    if (thread == &step.thread) {
      write(step, i);
      continue;
    }
    Step lane(step.grid, *thread);
    write(lane, i);
    thread->state = ThreadState::Ready;
    thread->polls = 0;
    thread->frame().pc++;
  }
}

struct ShuffleSource {
  uint32_t lane;
  bool inRange;
};

// b: lane or distance; c: clamp value in bits 0..4, segment mask in bits 8..12.
ShuffleSource shuffleSource(const Step& step, uint32_t lane, uint32_t b, uint32_t c) {
  int bval = b & 0x1f, segmentMask = c >> 8 & 0x1f, clampValue = c & 0x1f, self = static_cast<int>(lane);
  int maxLane = (self & segmentMask) | (clampValue & ~segmentMask);
  int minLane = self & segmentMask;
  int source;
  bool inRange;
  if (step.has(Mod::Up)) {
    source = self - bval;
    inRange = source >= maxLane;
  } else if (step.has(Mod::Down)) {
    source = self + bval;
    inRange = source <= maxLane;
  } else if (step.has(Mod::Bfly)) {
    source = self ^ bval;
    inRange = source <= maxLane;
  } else {
    source = minLane | (bval & ~segmentMask);
    inRange = source <= maxLane;
  }
  return {static_cast<uint32_t>(inRange ? source : self), inRange};
}

uint64_t reducedInt(const Step& step, const std::vector<uint64_t>& values) {
  Type type = step.type();
  uint64_t result = values[0];
  for (size_t i = 1; i < values.size(); i++) {
    uint64_t a = result, b = values[i];
    bool less = ptx::isSigned(type) ? signExtend(a, 32) < signExtend(b, 32) : a < b;
    if (step.has(Mod::Add)) result = a + b;
    if (step.has(Mod::Min)) result = less ? a : b;
    if (step.has(Mod::Max)) result = less ? b : a;
    if (step.has(Mod::And)) result = a & b;
    if (step.has(Mod::Or)) result = a | b;
    if (step.has(Mod::Xor)) result = a ^ b;
  }
  return result;
}

uint64_t reducedFloat(const Step& step, const std::vector<uint64_t>& values) {
  auto in = [&](uint64_t bits) {
    double value = decode(f32Format, bits);
    return step.has(Mod::Abs) ? std::fabs(value) : value;
  };
  bool nanWins = step.has(Mod::PropagateNan);
  double result = in(values[0]);
  for (size_t i = 1; i < values.size(); i++)
    result = step.has(Mod::Min) ? minimum(result, in(values[i]), nanWins) : maximum(result, in(values[i]), nanWins);
  return encode(f32Format, result, Rounding::NearestEven);
}

}  // namespace

void shfl(Step& step) {
  Group group = gatherIf(step, 5);
  if (!group) return;
  auto values = readAll(step, group, [](Step& lane) { return lane.bits(2, Type::B32); });
  auto sources = readAll(step, group, [](Step& lane) {
    return shuffleSource(lane, lane.thread.lane(), static_cast<uint32_t>(lane.bits(3, Type::U32)), static_cast<uint32_t>(lane.bits(4, Type::U32)));
  });
  writeAll(step, group, [&](Step& lane, size_t i) {
    // A source lane that takes no part gives an undefined value: here the lane's own.
    uint64_t value = values[i];
    for (size_t k = 0; k < group.lanes.size(); k++)
      if (group.lanes[k]->lane() == sources[i].lane) value = values[k];
    lane.set(0, Type::B32, value);
    lane.setPredicate(1, sources[i].inRange);
  });
}

void vote(Step& step) {
  Group group = gatherIf(step, 2);
  if (!group) return;
  auto values = readAll(step, group, [](Step& lane) { return lane.predicate(1); });
  uint32_t ballot = 0;
  for (size_t i = 0; i < values.size(); i++) ballot |= uint32_t{values[i]} << group.lanes[i]->lane();
  bool all = ballot == group.mask, any = ballot != 0;
  writeAll(step, group, [&](Step& lane, size_t) {
    if (lane.has(Mod::Ballot)) return lane.set(0, Type::B32, ballot);
    lane.setPredicate(0, lane.has(Mod::All) ? all : lane.has(Mod::Any) ? any : all || !any);
  });
}

void match(Step& step) {
  bool matchAll = step.inst.form == ptx::Form::MatchAll;
  Group group = gather(step, matchAll ? 3 : 2);
  if (!group) return;
  auto values = readAll(step, group, [&](Step& lane) { return lane.bits(matchAll ? 2 : 1, lane.type()); });
  bool allEqual = std::all_of(values.begin(), values.end(), [&](uint64_t value) { return value == values[0]; });
  writeAll(step, group, [&](Step& lane, size_t i) {
    uint32_t equal = 0;
    for (size_t k = 0; k < values.size(); k++)
      if (values[k] == values[i]) equal |= 1u << group.lanes[k]->lane();
    if (!matchAll) return lane.set(0, Type::B32, equal);
    lane.set(0, Type::B32, allEqual ? group.mask : 0);
    lane.setPredicate(1, allEqual);
  });
}

void redux(Step& step) {
  Group group = gather(step, 2);
  if (!group) return;
  auto values = readAll(step, group, [](Step& lane) { return lane.bits(1, Type::B32); });
  uint64_t result = step.type() == Type::F32 ? reducedFloat(step, values) : reducedInt(step, values);
  writeAll(step, group, [&](Step& lane, size_t) { lane.set(0, Type::B32, result); });
}

void activemask(Step& step) {
  Group group = gatherActive(step);
  if (!group) return;
  writeAll(step, group, [&](Step& lane, size_t) { lane.set(0, Type::B32, group.mask); });
}

// The leader is the lowest lane.
void electSync(Step& step) {
  Group group = gather(step, 2);
  if (!group) return;
  uint32_t leader = group.lanes.front()->lane();
  writeAll(step, group, [&](Step& lane, size_t) {
    lane.set(0, Type::B32, leader);
    lane.setPredicate(1, lane.thread.lane() == leader);
  });
}

void barWarpSync(Step& step) {
  Group group = gather(step, 0);
  if (!group) return;
  writeAll(step, group, [](Step&, size_t) {});
}

}  // namespace anywarp::interp
