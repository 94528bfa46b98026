// The launch: blocks in index order, threads round robin, each until it waits or its turn is over.
// SPDX-License-Identifier: Apache-2.0
#include <list>

#include "interp/step.h"

namespace anywarp::interp {
namespace {

constexpr uint64_t turnLength = 2000;   // instructions a thread may run before the others get a turn
constexpr size_t residentBlocks = 256;   // of a launch that is not cooperative
constexpr int idleRoundsBeforeDeadlock = 8;

bool guardHolds(const Thread& thread, const ptx::Instruction& inst) {
  if (inst.guard == ptx::noReg) return true;
  return (thread.frames.back().registers[inst.guard].lo & 1) != (inst.guardNegated ? 1u : 0u);
}

void advance(Thread& thread) {
  Frame& frame = thread.frame();
  frame.pc++;
}

// A body that ends without ret returns.
bool atEnd(const Thread& thread) {
  const Frame& frame = thread.frames.back();
  return frame.pc >= frame.code->body->instructions.size();
}

// One instruction; false when the thread waits, exits or faults.
bool stepThread(Grid& grid, Thread& thread) {
  if (atEnd(thread)) {
    returnFromCall(thread);
    return thread.state != ThreadState::Exited;
  }
  Step step(grid, thread);
  if (!guardHolds(thread, step.inst)) {
    advance(thread);
  } else {
    functionOf(step.inst.form)(step);
    if (grid.fault || step.waited()) return false;
    if (step.advances()) advance(thread);
  }
  thread.polls = 0;
  thread.executed++;
  grid.executed++;
  return thread.state != ThreadState::Exited;
}

void takeTurn(Grid& grid, Thread& thread) {
  if (thread.state == ThreadState::Exited) return;
  if (thread.state == ThreadState::Waiting) {
    thread.state = ThreadState::Ready;
    thread.polls++;
  }
  for (uint64_t i = 0; i < turnLength; i++)
    if (!stepThread(grid, thread)) return;
}

void runRound(Grid& grid, Block& block) {
  for (Thread& thread : block.threads) {
    takeTurn(grid, thread);
    if (grid.fault) return;
  }
}

// Where the first thread that is not done stands: the best hint at why nothing moves.
Fault stuck(Grid& grid, Block& block, const char* why) {
  for (Thread& thread : block.threads) {
    if (thread.state == ThreadState::Exited) continue;
    Step(grid, thread).fault(FaultKind::Deadlock, why);
    return *std::exchange(grid.fault, std::nullopt);
  }
  return {FaultKind::Deadlock, why};
}

std::optional<Fault> runBlocks(Grid& grid, const Code& kernel) {
  const Dim3& g = grid.launch.grid;
  uint64_t count = uint64_t{g.x} * g.y * g.z;
  uint64_t next = 0;
  std::list<std::unique_ptr<Block>> resident;
  int idle = 0;
  auto admit = [&] { resident.push_back(makeBlock(grid, kernel, next++)); };
  while (next < count && (grid.launch.cooperative || next == 0)) admit();
  while (!resident.empty()) {
    uint64_t before = grid.executed;
    for (auto& block : resident) {
      runRound(grid, *block);
      if (grid.fault) return grid.fault;
    }
    size_t ended = std::erase_if(resident, [](const auto& block) { return block->live == 0; });
    bool progress = grid.executed != before || ended > 0;
    // A block that waits for a later one must not wait for ever.
    if (next < count && (resident.empty() || (ended == 0 && resident.size() < residentBlocks))) {
      admit();
      progress = true;
    }
    idle = progress ? 0 : idle + 1;
    if (idle >= idleRoundsBeforeDeadlock) return stuck(grid, *resident.front(), "deadlock: every thread waits");
    if (grid.executed > grid.launch.instructionLimit) return stuck(grid, *resident.front(), "instruction limit reached");
  }
  return std::nullopt;
}

std::optional<Fault> checkParams(const Grid& grid, const Code& kernel) {
  uint64_t needed = 0;
  for (size_t i = 0; i < kernel.function->params.size(); i++)
    needed = std::max(needed, kernel.layout.params[i] + kernel.function->params[i].size);
  if (grid.params.size() >= needed) return std::nullopt;
  return Fault{FaultKind::Invalid, "kernel " + kernel.function->name + ": parameters have " + std::to_string(grid.params.size()) +
                                       " bytes, needs " + std::to_string(needed)};
}

}  // namespace

const char* name(FaultKind kind) {
  switch (kind) {
    case FaultKind::IllegalAddress: return "illegal-address";
    case FaultKind::MisalignedAddress: return "misaligned-address";
    case FaultKind::IllegalInstruction: return "illegal-instruction";
    case FaultKind::Trap: return "trap";
    case FaultKind::Assert: return "assert";
    case FaultKind::StackOverflow: return "stack-overflow";
    case FaultKind::Deadlock: return "deadlock";
    case FaultKind::Unsupported: return "unsupported";
    case FaultKind::Invalid: return "invalid";
  }
  return "invalid";
}

std::optional<Fault> run(const ptx::Module& module, uint32_t function, const LaunchConfig& launch) {
  if (function >= module.functions.size() || !module.functions[function].hasBody)
    return Fault{FaultKind::Invalid, "no such kernel"};
  std::vector<uint8_t> params = launch.params;
  Grid grid{module, launch, params, {}, {}, 0, std::nullopt, 0};
  if (auto fault = loadCode(grid, function)) return fault;
  const Code& kernel = *grid.code.at(function);
  if (auto fault = checkParams(grid, kernel)) return fault;
  if (kernel.layout.bytes > launch.localBytes) return Fault{FaultKind::StackOverflow, "kernel needs more local memory than there is"};
  return runBlocks(grid, kernel);
}

}  // namespace anywarp::interp
