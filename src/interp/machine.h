// The machine that the oracle simulates: grid, block, thread, call frame. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cstdlib>
#include <deque>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "interp/interp.h"

namespace anywarp::interp {

inline constexpr uint32_t warpSize = 32;
inline constexpr uint32_t barrierCount = 16;

// A register of any type; only b128 uses `hi`.
struct Value {
  uint64_t lo = 0, hi = 0;
};

// Where the variables of one function lie. Local ones are relative to the frame.
struct FrameLayout {
  std::vector<uint64_t> variables;  // by index into Body::variables: local or shared offset
  std::vector<uint64_t> params;     // offset of each parameter: in the kernel's image, or in the frame
  std::vector<uint64_t> returns;
  uint64_t bytes = 0;               // of local memory
};

// A function whose body has been read.
struct Code {
  uint32_t index = 0;  // into Module::functions
  const ptx::Function* function = nullptr;
  std::unique_ptr<ptx::Body> body;
  FrameLayout layout;
};

// One call of a function.
struct Frame {
  const Code* code = nullptr;
  uint32_t pc = 0;
  std::vector<Value> registers;
  uint64_t local = 0;  // offset of the frame in the thread's local memory
  uint64_t taken = 0;  // bytes that alloca took behind it

  uint64_t end() const { return local + code->layout.bytes + taken; }
};

enum class ThreadState { Ready, Waiting, Exited };

// Zeroed memory at a page boundary, which costs nothing until it is touched.
class Pages {
 public:
  Pages() = default;
  explicit Pages(size_t bytes);
  Pages(Pages&& other) noexcept : data_(std::exchange(other.data_, nullptr)), bytes_(other.bytes_) {}
  Pages& operator=(Pages&& other) noexcept;
  ~Pages();
  uint8_t* data() const { return data_; }

 private:
  uint8_t* data_ = nullptr;
  size_t bytes_ = 0;
};

struct Block;

struct Thread {
  Block* block = nullptr;
  uint32_t index = 0;  // linear in the block
  Dim3 tid;
  std::vector<Frame> frames;
  ThreadState state = ThreadState::Ready;
  bool carry = false;             // condition code register
  uint32_t polls = 0;             // turns spent waiting at this instruction
  int barrier = -1;               // waits at this barrier ...
  uint64_t barrierPhase = 0;      // ... until its phase is another
  uint64_t executed = 0;          // instructions
  uint8_t* local = nullptr;

  Frame& frame() { return frames.back(); }
  const ptx::Instruction& instruction() const {
    const Frame& top = frames.back();
    return top.code->body->instructions[top.pc];
  }
  uint32_t lane() const { return index % warpSize; }
  uint32_t warp() const { return index / warpSize; }
};

// One of the sixteen barriers of a block.
struct Barrier {
  uint64_t phase = 0;
  uint32_t expected = 0;                // threads; 0: all of the block
  std::vector<uint32_t> arrived;        // of each warp: lanes that have arrived in this phase
  uint32_t repeated = 0;                // arrivals beyond the first of a lane
  uint32_t popc = 0;
  bool all = true, any = false;
  uint32_t lastPopc = 0;                // results of the phase before
  bool lastAll = true, lastAny = false;

  bool busy() const;
};

// A barrier that is an object in shared memory.
struct Mbarrier {
  uint64_t phase = 0;
  int64_t expected = 0, pending = 0;  // arrivals in a phase; those that are still to come
  int64_t transactions = 0;
};

struct Grid;

struct Block {
  Grid* grid = nullptr;
  Dim3 id;
  uint64_t linear = 0;
  Pages sharedStorage;
  uint32_t sharedBytes = 0;
  std::deque<Thread> threads;
  Pages localStorage;
  Barrier barriers[barrierCount];
  std::map<uint64_t, Mbarrier> mbarriers;  // by host address
  uint32_t live = 0;   // threads that have not exited

  // With what the system keeps for itself behind the kernel's own: 1 KiB.
  uint64_t reservedShared() const { return (uint64_t{sharedBytes} + 127) / 128 * 128; }
  uint64_t sharedExtent() const { return reservedShared() + 1024; }

  uint8_t* shared() { return sharedStorage.data(); }
  uint32_t warps() const { return (static_cast<uint32_t>(threads.size()) + warpSize - 1) / warpSize; }
  Thread* lane(uint32_t warp, uint32_t lane);  // null where the block has no such thread
};

struct Grid {
  const ptx::Module& module;
  const LaunchConfig& launch;
  std::vector<uint8_t>& params;
  std::unordered_map<uint32_t, std::unique_ptr<Code>> code;  // by function
  std::vector<uint64_t> sharedOffsets;                       // of module variables in shared space
  uint32_t staticShared = 0;
  std::optional<Fault> fault;
  uint64_t executed = 0;

  uint32_t sharedBytes() const { return staticShared + launch.dynamicShared; }
};

// Makes a block with all its threads at the kernel's first instruction.
std::unique_ptr<Block> makeBlock(Grid& grid, const Code& kernel, uint64_t linear);

// Reads the kernel and every function that it may reach, and lays out their variables.
std::optional<Fault> loadCode(Grid& grid, uint32_t function);

// Puts a frame for `code` on the thread's stack; false where local memory is used up.
bool pushFrame(Thread& thread, const Code& code);

// Takes the thread's last frame away; the thread exits when none is left.
void popFrame(Thread& thread);
void exitThread(Thread& thread);

}  // namespace anywarp::interp
