// What compiled code calls: assert, trap, the heap, barriers, clocks. printf has its own file. SPDX-License-Identifier: Apache-2.0
#include "device/sched/services.h"

#include <sched.h>
#include <time.h>

#include <algorithm>
#include <bit>
#include <cstdio>
#include <cstring>

#include "abi/running_lane.h"
#include "device/context.h"
#include "device/memory/arena.h"
#include "device/memory/heap.h"
#include "device/profile/host.h"
#include "device/sched/block.h"
#include "device/sched/futex.h"
#include "device/sched/printf.h"
#include "device/sched/system_calls.h"
#include "device/sched/worker.h"
#include "device/texture/services.h"

namespace anywarp::device {

namespace {

Block& blockOf(abi::BlockContext* context) { return *static_cast<Block*>(context); }

template <class Visit>
void eachLane(uint32_t mask, Visit&& visit) {
  for (; mask; mask &= mask - 1) visit(static_cast<uint32_t>(std::countr_zero(mask)));
}

// One line per thread, in the form that CUDA gives them.
void printAssertion(const Block& block, uint32_t thread, const char* text, const size_t* offsets, uint32_t line) {
  const abi::Dim3& shape = block.launch->block;
  fprintf(stderr, "%s:%u: %s: block: [%u,%u,%u], thread: [%u,%u,%u] Assertion `%s` failed.\n", text + offsets[1], line,
          text + offsets[2], block.ctaid[0], block.ctaid[1], block.ctaid[2], thread % shape.x, thread / shape.x % shape.y,
          thread / shape.x / shape.y, text + offsets[0]);
}

void assertFail(abi::BlockContext* context, uint32_t warp, uint32_t mask, const uint64_t* messages, const uint64_t* files,
                const uint32_t* lines, const uint64_t* functions) {
  Worker& worker = *Worker::current();
  worker.setInKernel(0);
  Block& block = blockOf(context);
  for (uint32_t left = mask; left; left &= left - 1) {
    auto lane = static_cast<uint32_t>(std::countr_zero(left));
    size_t offsets[3], end = 0, at = 0;
    for (uint64_t address : {messages[lane], files[lane], functions[lane]}) {
      offsets[at++] = end;
      end += readKernelString(address, end) + 1;
    }
    printAssertion(block, warp * block.kernel->width + lane, worker.scratch(0), offsets, lines[lane]);
  }
  FaultRecord record;
  record.kind = FaultKind::Assert;
  record.hasWarp = true;
  record.warp = warp;
  record.mask = mask;
  worker.leave(record);
}

FaultKind faultOf(abi::TrapKind kind) {
  switch (kind) {
    case abi::TrapKind::Trap: case abi::TrapKind::Breakpoint: break;
    case abi::TrapKind::InvalidFunction: return FaultKind::InvalidFunction;
    case abi::TrapKind::StackOverflow: return FaultKind::StackOverflow;
    case abi::TrapKind::InvalidUse: return FaultKind::IllegalInstruction;
    case abi::TrapKind::Misaligned: return FaultKind::MisalignedAddress;
    case abi::TrapKind::IllegalAddress: return FaultKind::IllegalAddress;
  }
  return FaultKind::Trap;
}

void trap(abi::BlockContext*, uint32_t warp, uint32_t mask, abi::TrapKind kind, uint32_t line, uint64_t address) {
  FaultRecord record;
  record.kind = faultOf(kind);
  record.hasAddress = address != 0;
  record.address = address;
  record.hasWarp = true;
  record.warp = warp;
  record.mask = mask;
  record.line = line;
  Worker::current()->leave(record);
}

void printfOutOfKernel(abi::BlockContext* context, uint32_t warp, uint32_t mask, const uint64_t* formats, const uint64_t* args,
                       int32_t* results) {
  OutOfKernel outside;
  printfService(context, warp, mask, formats, args, results);
}

void heapAllocate(abi::BlockContext* context, uint32_t mask, const uint64_t* sizes, uint64_t* pointers) {
  OutOfKernel outside;
  DeviceHeap& heap = blockOf(context).grid().context->heap();
  eachLane(mask, [&](uint32_t lane) { pointers[lane] = heap.allocate(sizes[lane]); });
}

void heapRelease(abi::BlockContext* context, uint32_t mask, const uint64_t* pointers) {
  Worker& worker = *Worker::current();
  worker.setInKernel(0);
  DeviceHeap& heap = blockOf(context).grid().context->heap();
  uint32_t bad = 0;
  eachLane(mask, [&](uint32_t lane) {
    if (pointers[lane] && !heap.release(pointers[lane])) bad |= 1u << lane;
  });
  if (!bad) return worker.reenterKernel();
  FaultRecord record;
  record.kind = FaultKind::IllegalAddress;
  record.hasWarp = record.hasAddress = true;
  record.warp = abi::warpOfRunning(context->runningWarp);
  record.mask = bad;
  record.address = pointers[std::countr_zero(bad)];
  worker.leave(record);
}

void barrierArrive(abi::BlockContext* context, uint32_t warp, uint32_t mask, uint32_t barrier, uint32_t threads, uint32_t sync,
                   uint32_t reduction, uint32_t predicate) {
  blockOf(context).arriveAtBarrier({.warp = warp, .mask = mask, .barrier = barrier, .threads = threads, .waits = sync != 0, .reduction = reduction, .predicate = predicate});
}

uint64_t clock64(abi::BlockContext*) { return clockTicks(); }

uint64_t globalTimer(abi::BlockContext*) {
  timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  return static_cast<uint64_t>(t.tv_sec) * 1000000000u + static_cast<uint64_t>(t.tv_nsec);
}

// Between zero and twice the duration is allowed: short ones spin, long ones give the core away a little at a time.
void nanosleepService(abi::BlockContext*, uint32_t nanoseconds) {
  constexpr uint32_t spinBelow = 2000, longest = 100000;
  uint32_t duration = std::min(nanoseconds, longest);
  if (duration == 0) return;
  if (duration < spinBelow) {
    uint64_t end = monotonicNanoseconds() + duration;
    while (monotonicNanoseconds() < end) cpuRelax();
    return;
  }
  OutOfKernel outside;
  timespec t{0, static_cast<long>(duration)};
  nanosleep(&t, nullptr);
}

}  // namespace

const abi::Services& services() {
  static const abi::Services& table = *new abi::Services{
      .printf = printfOutOfKernel,
      .assertFail = assertFail,
      .trap = trap,
      .malloc = heapAllocate,
      .free = heapRelease,
      .barrierArrive = barrierArrive,
      .clock64 = clock64,
      .globaltimer = globalTimer,
      .nanosleep = nanosleepService,
      .texture = textureService,
      .surface = surfaceService,
      .textureQuery = textureQueryService,
      .system = systemCall,
  };
  return table;
}

void readKernelMemory(void* target, uint64_t address, size_t bytes) {
  Worker& worker = *Worker::current();
  worker.setInKernel(1);
  std::memcpy(target, reinterpret_cast<const void*>(address), bytes);
  worker.setInKernel(0);
}

void writeKernelMemory(uint64_t address, const void* source, size_t bytes) {
  Worker& worker = *Worker::current();
  worker.setInKernel(1);
  std::memcpy(reinterpret_cast<void*>(address), source, bytes);
  worker.setInKernel(0);
}

size_t readKernelString(uint64_t address, size_t offset) {
  Worker& worker = *Worker::current();
  auto* from = reinterpret_cast<const char*>(address);
  worker.setInKernel(1);
  size_t length = std::strlen(from);
  worker.setInKernel(0);
  char* to = worker.scratch(offset + length + 1);
  if (!to) return 0;
  readKernelMemory(to + offset, address, length);
  to[offset + length] = 0;
  return length;
}

}  // namespace anywarp::device
