// Words for a fault: kernel, block, threads, address and what is near it, PTX line. SPDX-License-Identifier: Apache-2.0
#include <bit>
#include <cstdio>
#include <string>

#include "abi/running_lane.h"
#include "device/fault/record.h"
#include "device/memory/memory.h"
#include "device/sched/block.h"
#include "support/demangle.h"

namespace anywarp::device {

namespace {

std::string triple(uint32_t x, uint32_t y, uint32_t z) {
  return "(" + std::to_string(x) + "," + std::to_string(y) + "," + std::to_string(z) + ")";
}

std::string hex(uintptr_t value) {
  char text[24];
  snprintf(text, sizeof text, "0x%lx", static_cast<unsigned long>(value));
  return text;
}

std::string threadName(const abi::Dim3& shape, uint32_t linear) {
  return triple(linear % shape.x, linear / shape.x % shape.y, linear / shape.x / shape.y);
}

// What an address is to the block, else to the device.
std::string place(uintptr_t address, const Block& block) {
  constexpr int64_t reach = int64_t{2} << 30;
  auto shared = static_cast<int64_t>(address - reinterpret_cast<uintptr_t>(block.shared));
  if (shared >= -reach && shared < reach) {
    return "offset " + std::to_string(shared) + " in the block's " + std::to_string(block.launch->totalSharedBytes) + " bytes of shared memory";
  }
  uint64_t bytes = block.localStride * block.launch->block.x * block.launch->block.y * block.launch->block.z;
  auto local = static_cast<int64_t>(address - reinterpret_cast<uintptr_t>(block.local));
  if (bytes && local > -reach && local < static_cast<int64_t>(bytes) + reach) {
    return "offset " + std::to_string(local) + " in the block's " + std::to_string(bytes) + " bytes of local memory";
  }
  return Memory::instance().describe(address);
}

// "thread (3,0,0)", or the range of its warp where the lane is not known.
std::string threads(const FaultRecord& record, const Block& block) {
  const abi::Dim3& shape = block.launch->block;
  uint32_t width = block.kernel->width, count = shape.x * shape.y * shape.z;
  uint32_t first = (record.hasWarp ? record.warp : abi::warpOfRunning(block.runningWarp)) * width;
  // Alignment is tested for all active lanes at once: one of them it was.
  bool among = record.kind == FaultKind::MisalignedAddress && std::popcount(record.mask) > 1;
  if (record.hasWarp && record.mask && !among) {
    uint32_t lane = first + static_cast<uint32_t>(std::countr_zero(record.mask));
    uint32_t others = static_cast<uint32_t>(std::popcount(record.mask)) - 1;
    return "thread " + threadName(shape, lane) + (others ? " and " + std::to_string(others) + " more of its warp" : "");
  }
  if (!record.hasWarp && abi::oneLaneRuns(block.runningWarp)) return "thread " + threadName(shape, first + abi::laneOfRunning(block.runningWarp));
  uint32_t last = first + width < count ? first + width - 1 : count - 1;
  if (first == last) return "thread " + threadName(shape, first);
  return "one of the threads " + threadName(shape, first) + " to " + threadName(shape, last) + " (ANYWARP_DEBUG_INFO=1 tells which" + (among && !record.hasAddress ? ", and the address)" : ")");
}

}  // namespace

const char* name(FaultKind kind) {
  switch (kind) {
    case FaultKind::None: return "no fault";
    case FaultKind::IllegalAddress: return "illegal memory access";
    case FaultKind::MisalignedAddress: return "misaligned memory access";
    case FaultKind::IllegalInstruction: return "illegal instruction";
    case FaultKind::InvalidFunction: return "call through an invalid function pointer";
    case FaultKind::Trap: return "trap";
    case FaultKind::Assert: return "assertion failed";
    case FaultKind::StackOverflow: return "stack overflow";
    case FaultKind::BarrierDeadlock: return "all threads of the block wait at barriers that cannot complete";
    case FaultKind::OutOfResources: return "the host has no memory for a block";
    case FaultKind::InvalidTexture: return "use of a texture or sampler handle that is invalid or has nothing bound to it";
    case FaultKind::InvalidSurface: return "use of a surface handle that is invalid or has nothing bound to it";
    case FaultKind::SurfaceOutOfRange: return "surface access out of range";
  }
  return "unknown fault";
}

Fault report(const FaultRecord& record, const Block& block) {
  const abi::CompiledKernel& kernel = *block.kernel;
  Fault fault;
  fault.kind = record.kind;
  fault.kernel = kernel.name;
  fault.message = demangled(fault.kernel) + ": " + name(record.kind);
  if (record.hasAddress) fault.message += " at " + hex(record.address) + ", " + place(record.address, block);
  fault.message += "; block " + triple(block.ctaid[0], block.ctaid[1], block.ctaid[2]);
  if (record.kind != FaultKind::BarrierDeadlock && record.kind != FaultKind::OutOfResources) {
    fault.message += ", " + threads(record, block);
  }
  uint32_t line = record.line;
  if (line == 0 && record.pc && kernel.locate) line = kernel.locate(&kernel, record.pc);
  if (line == 0) line = block.runningLine;
  if (line) fault.message += ", PTX line " + std::to_string(line);
  return fault;
}

}  // namespace anywarp::device
