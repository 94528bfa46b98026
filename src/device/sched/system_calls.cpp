// What NVIDIA's device runtime asks of the system (abi/system_calls.def): launches from kernels, and the little that goes with them.
// SPDX-License-Identifier: Apache-2.0
#include "device/sched/system_calls.h"

#include <atomic>
#include <bit>
#include <cstring>

#include "abi/dimensions.h"
#include "device/context.h"
#include "device/profile/profile.h"
#include "device/sched/block.h"
#include "device/sched/children.h"
#include "device/sched/services.h"
#include "device/sched/worker.h"

namespace anywarp::device {
namespace {

// Of cudaError_t, which SetLastError takes.
constexpr uint32_t invalidConfiguration = 9, tooManyLaunches = 69, invalidFunction = 98;
// What these functions return. The runtime has a table from here to cudaError_t.
constexpr uint64_t success = 0, invalidValue = 1, invalidDevice = 3, badConfiguration = 7;
// Named streams (cuda_device_runtime_api.h).
constexpr uint64_t tailLaunch = 3;

// One lane's call.
struct Call {
  Block& block;
  Grid& grid;
  uint32_t thread;
  const uint64_t* arguments;  // of this lane: the n-th is arguments[n * maxWarpWidth]

  uint64_t operator[](size_t n) const { return arguments[n * abi::maxWarpWidth]; }
  uint32_t word(size_t n) const { return static_cast<uint32_t>((*this)[n]); }
  abi::Dim3 dim(size_t n) const { return {word(n), word(n + 1), word(n + 2)}; }
  // Writes through a pointer of the kernel's; a bad one is its fault.
  template <class T>
  uint64_t give(size_t n, T value) const {
    writeKernelMemory((*this)[n], &value, sizeof value);
    return success;
  }
};

bool isShape(const abi::Dim3& grid, const abi::Dim3& block) {
  return abi::volume(grid) > 0 && abi::volume(block) > 0 && block.x <= abi::maxThreadsPerBlock && block.y <= abi::maxThreadsPerBlock &&
         block.z <= abi::maxThreadsPerBlock && abi::volume(block) <= abi::maxThreadsPerBlock;
}

// The runtime takes no buffer as a failed launch.
uint64_t callParameterBuffer(const Call& call) {
  Child child;
  child.function = call[0];
  child.grid = call.dim(1);
  child.block = call.dim(4);
  child.sharedBytes = call.word(7);
  if (!call.grid.launcher || !isShape(child.grid, child.block)) {
    call.block.setLastError(call.thread, invalidConfiguration);
    return 0;
  }
  std::optional<size_t> bytes = call.grid.launcher->paramBytes(child.function);
  if (!bytes) {
    call.block.setLastError(call.thread, invalidFunction);
    return 0;
  }
  uint64_t buffer = childrenOf(call.grid).prepare(std::move(child), *bytes);
  if (!buffer) call.block.setLastError(call.thread, tooManyLaunches);
  return buffer;
}

// cudaGetParameterBuffer and cudaLaunchDevice: the buffer is asked for before its kernel is known.
uint64_t callPlainBuffer(const Call& call) {
  uint64_t buffer = childrenOf(call.grid).prepare({}, call.word(1));
  if (!buffer) call.block.setLastError(call.thread, tooManyLaunches);
  return buffer;
}

uint64_t callPlainLaunch(const Call& call) {
  abi::Dim3 grid, block;
  readKernelMemory(&grid, call[2], sizeof grid);
  readKernelMemory(&block, call[3], sizeof block);
  if (!call.grid.launcher || !isShape(grid, block)) return badConfiguration;
  std::optional<size_t> bytes = call.grid.launcher->paramBytes(call[0]);
  if (!bytes) return invalidValue;
  Child child;
  child.function = call[0];
  child.grid = grid;
  child.block = block;
  child.sharedBytes = call.word(4);
  child.tail = call[5] == tailLaunch;
  return childrenOf(call.grid).launch(call[1], std::move(child), *bytes) ? success : invalidValue;
}

uint64_t callLaunchDevice(const Call& call) {
  return childrenOf(call.grid).launch(call[0], call[1] == tailLaunch) ? success : invalidValue;
}

// The runtime returns what this returns.
uint64_t callSetLastError(const Call& call) {
  call.block.setLastError(call.thread, call.word(0));
  return call.word(0);
}
uint64_t callLastError(const Call& call) { return call.block.lastError(call.thread); }

uint64_t nextName() {
  static std::atomic<uint64_t> last{0x1000};
  return ++last;
}

// Children run one after the other in the order of their launches: streams and events are names, and every wait is over.
uint64_t callStreamCreate(const Call& call) { return call.give<uint64_t>(0, nextName()); }
uint64_t callStreamDestroy(const Call& call) { return call[0] ? success : invalidValue; }
uint64_t callStreamWaitEvent(const Call& call) { return call[1] ? success : invalidValue; }
uint64_t callEventCreate(const Call& call) { return call.give<uint64_t>(0, nextName()); }
uint64_t callEventRecord(const Call& call) { return call[0] ? success : invalidValue; }
uint64_t callEventDestroy(const Call& call) { return call[0] ? success : invalidValue; }

// A kernel sees its own device alone, as number 0.
uint64_t callCurrentDevice(const Call& call) { return call.give<int32_t>(0, 0); }
uint64_t callDeviceCount(const Call& call) { return call.give<int32_t>(0, 1); }
uint64_t callDeviceAttribute(const Call& call) {
  if (call.word(2) != 0) return invalidDevice;
  const auto attribute = call.word(1);
  if (attribute == 0 || attribute >= attributeCount) return invalidValue;
  return call.give<int32_t>(0, call.grid.context->device().profile()[static_cast<Attribute>(attribute)]);
}

// In the order of cudaFuncAttributes; the first three of its members are 64 bits wide.
uint64_t callFunctionAttribute(const Call& call) {
  std::optional<KernelFacts> facts = call.grid.launcher ? call.grid.launcher->facts(call[2]) : std::nullopt;
  if (!facts) return invalidValue;
  switch (call.word(1)) {
    case 0: return call.give<uint32_t>(0, facts->maxThreads);
    case 1: return call.give<uint64_t>(0, facts->sharedBytes);
    case 2: return call.give<uint64_t>(0, facts->constBytes);
    case 3: return call.give<uint64_t>(0, facts->localBytes);
    case 4: return call.give<uint32_t>(0, facts->registers);
    case 5: return call.give<uint32_t>(0, facts->ptxVersion);
    case 6: return call.give<uint32_t>(0, facts->binaryVersion);
    default: return invalidValue;
  }
}

// By cudaLimit.
uint64_t callDeviceLimit(const Call& call) {
  const Context& context = *call.grid.context;
  switch (call.word(1)) {
    case 0: return call.give<uint64_t>(0, context.limit(Limit::StackBytes));
    case 1: return call.give<uint64_t>(0, context.limit(Limit::PrintfBytes));
    case 2: return call.give<uint64_t>(0, context.limit(Limit::HeapBytes));
    case 4: return call.give<uint64_t>(0, Children::most);
    default: return invalidValue;
  }
}

uint64_t callActiveBlocks(const Call& call) {
  if (!call.grid.launcher || call.word(2) == 0) return invalidValue;
  std::optional<int> blocks = call.grid.launcher->activeBlocks(call[1], call.word(2), call[3]);
  return blocks ? call.give<int32_t>(0, *blocks) : invalidValue;
}
uint64_t callActiveBlocksWithFlags(const Call& call) { return call.word(4) > 1 ? invalidValue : callActiveBlocks(call); }

// No preference, and banks of four bytes: a device without such a choice says so.
uint64_t callCacheConfig(const Call& call) { return call.give<uint32_t>(0, 0); }
uint64_t callSharedMemoryConfig(const Call& call) { return call.give<uint32_t>(0, 1); }

using Function = uint64_t (*)(const Call&);
constexpr Function functions[] = {
#define SYSTEM_CALL(name, symbol, arguments) call##name,
#include "abi/system_calls.def"
#undef SYSTEM_CALL
};

}  // namespace

void systemCall(abi::BlockContext* context, uint32_t warp, uint32_t mask, uint32_t which, const uint64_t* arguments, uint64_t* results) {
  OutOfKernel outside;
  auto& block = *static_cast<Block*>(context);
  Grid& grid = block.grid();
  for (uint32_t left = mask; left; left &= left - 1) {
    auto lane = static_cast<uint32_t>(std::countr_zero(left));
    results[lane] = functions[which]({block, grid, warp * block.kernel->width + lane, arguments + lane});
  }
}

}  // namespace anywarp::device
