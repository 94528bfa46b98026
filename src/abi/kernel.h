// The contract between a compiled kernel (compiler/) and the virtual GPU that runs it (device/).
// Plain C layout: compiled code reads and writes these structs at fixed offsets. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

namespace anywarp::abi {

// Bump when any struct below changes: it is part of the key of the on-disk cache.
inline constexpr uint32_t kernelAbiVersion = 6;
inline constexpr uint32_t maxWarpWidth = 32;
inline constexpr uint32_t maxBarriers = 16;
inline constexpr uint32_t maxThreadsPerBlock = 1024;

// Shared memory that the system keeps for itself in each block (%reserved_smem_offset_1): it lies behind the kernel's own.
inline constexpr uint32_t reservedSharedBytes = 1024;
inline constexpr uint32_t reservedSharedOffset(uint32_t totalSharedBytes) { return (totalSharedBytes + 127) / 128 * 128; }

struct Dim3 {
  uint32_t x = 1, y = 1, z = 1;
};

struct CompiledKernel;
struct Services;
struct WarpState;

// What is the same for every block of a launch. Read-only while the launch runs.
struct LaunchInfo {
  const uint8_t* params;         // packed parameter image (driver-abi.md 3.1), 64-byte aligned
  const uint64_t* symbols;       // address of the i-th symbol of the module: variable, or opaque handle of a function
  const Services* services;
  void* owner;                   // the device's own record of the launch
  Dim3 grid, block, cluster;
  uint32_t dynamicSharedBytes;
  uint32_t totalSharedBytes;     // static + dynamic
  uint32_t smCount;
  uint32_t envreg[4];            // %envreg0..3; 1 (high) and 2 (low) hold the grid workspace of cooperative launches
  uint64_t gridId;
};

// One running block. The compiled code gets a pointer to it; the device embeds it as first member of its own record.
struct BlockContext {
  const uint8_t* params;         // = launch->params
  const uint64_t* symbols;       // = launch->symbols
  uint8_t* shared;               // host address of offset 0 of the shared window. At least 2 GiB on both sides is reserved and
                                 // faults, so any 32-bit offset, sign-extended, is safe to touch
  uint8_t* local;                // local memory: thread t (linear in the block) owns [local + t*localStride, +localStride)
  uint64_t localStride;          // bytes
  uint8_t* frames;               // warp w keeps what lives across suspension at frames + w * CompiledKernel::frameBytes
  WarpState* warps;              // one per warp of the plan's width
  const LaunchInfo* launch;
  const Services* services;      // = launch->services
  uint32_t ctaid[3];
  uint32_t smid;
  uint32_t clusterCtaid[3];
  uint32_t clusterRank;
  uint32_t barrierResult[maxBarriers];  // result of the last barrier.red on each barrier, filled when it completes
  uint32_t runningWarp;          // optional: compiled code that loops over warps stores the one it is in, for fault reports;
                                 // the device sets it to `begin` before each call
  const CompiledKernel* kernel;  // whose code runs this block; other blocks of the launch may run another's
  uint32_t runningLine;          // PTX line that interpreted code is at; 0: ask CompiledKernel::locate. The device sets it to 0
                                 // before the block starts
};

// Region ids. Region 0 is the kernel's entry.
inline constexpr uint32_t regionExited = 0xffffffffu;  // every lane has exited
inline constexpr uint32_t regionMixed = 0xfffffffeu;   // warps of a lockstep plan want different regions: look at WarpState::pc

// Why lanes stopped.
enum class Suspend : uint32_t {
  None = 0,
  Barrier = 1,      // barrier{.cta}.sync / .red; `barrier`, `barrierThreads` (0: the whole block) and `predicate` are set
  Yield = 2,        // a spin loop, nanosleep, rounds of an interleaved loop: runnable again at once, but let others run first
  GridExit = 3,     // the warp's lanes are done, as if they had exited
};

// One per warp (of CompiledKernel::width lanes). Written by compiled code when it suspends, read and written by the scheduler.
struct WarpState {
  uint32_t pc;              // lockstep plans: the region to run next, or regionExited. Written at every suspension, before `entry`
                            // returns; only behind a plainBarrier that all warps reach is it not read
  uint32_t live;            // lanes that exist and have not exited
  uint32_t blocked;         // free plans: lanes that wait at a barrier; the scheduler clears them
  Suspend suspend;          // lockstep plans: why the warp stopped
  uint32_t barrier;         // lockstep plans, Suspend::Barrier
  uint32_t barrierThreads;  // 0: all threads of the block
  uint32_t reduction;       // 0 none, 1 popc, 2 and, 3 or
  uint32_t predicate;       // barrier.red: lanes whose predicate is true
  uint32_t lanePc[maxWarpWidth];  // free plans: the resume point of each lane
};

// Before a block starts the device sets pc = 0, live = the lanes that exist, blocked = 0, suspend = None, and for free plans
// lanePc = 0. A warp of a lockstep plan that has exited has pc == regionExited or live == 0; both `regionMixed` and the region of
// the others may be returned then.

enum class PlanMode : uint32_t {
  Lockstep,  // every suspension point is warp-uniform: entry(ctx, region, begin, end) runs that region for the warps whose pc is it
  Free,      // lanes have resume points of their own: entry(ctx, 0, w, w + 1) lets every runnable lane of warp w go on until it
             // suspends or exits
};

// Runs warps [begin, end) of the block from `region` to their next suspension point, skipping warps whose pc is another region.
// Returns the region that all of them want next, regionExited, or regionMixed. Free plans return regionExited when no lane of
// the warp is live any more, else regionMixed.
using EntryFn = uint32_t (*)(BlockContext*, uint32_t region, uint32_t begin, uint32_t end);

// A suspension point whose kind is known statically lets the lockstep scheduler skip WarpState. Index: region id.
struct RegionInfo {
  uint32_t plainBarrier;  // 1: reached only through a whole-block barrier 0 without reduction
  uint32_t line;          // PTX line of the suspension point that leads here
  uint32_t interleaved;   // 1: the header of a loop that warps leave by Suspend::Yield after some rounds, so that others run theirs;
                          // turnsAtBarrier: a plain barrier
};
// In a loop that strides over memory: neighbouring blocks may be run by turns there.
inline constexpr uint32_t turnsAtBarrier = 2;

// What the device needs to know of one compiled kernel. Owned by the plan, which lives as long as its module.
struct CompiledKernel {
  EntryFn entry = nullptr;
  PlanMode mode = PlanMode::Lockstep;
  uint32_t width = 32;             // lanes per warp of this plan: 32, or fewer where the kernel has no warp-level instruction
  uint32_t regionCount = 1;
  uint32_t frameBytes = 0;         // per warp, multiple of 64
  uint32_t localBytes = 0;         // per thread, multiple of 16
  uint32_t staticSharedBytes = 0;
  uint32_t usesSpin = 0;           // waits for other threads: its blocks may have to share a worker
  uint32_t rowsRepeat = 0;         // 1: threads that differ in tid.y or tid.z alone do the very same; those with 0 in both run for all
  const RegionInfo* regions = nullptr;
  const char* name = "";
  // Maps a host code address inside the kernel to a PTX line; 0 when the address is not of this kernel.
  uint32_t (*locate)(const CompiledKernel*, uintptr_t hostPc) = nullptr;
  // Better code for the same function, block shape and layout of shared memory, there from some moment on: blocks that start then
  // run it, others go on with what they have. Everything else of it may differ. Read and written by the two functions below.
  const CompiledKernel* replacement = nullptr;
  // Code that is meant to be replaced calls it when it has executed a lot, from any worker and possibly often: asks for the
  // replacement. Quick, takes no lock, allocates nothing.
  void (*becameHot)(const CompiledKernel*) = nullptr;
  void* plan = nullptr;  // what becameHot knows the kernel by
};

inline const CompiledKernel* loadReplacement(const CompiledKernel& kernel) {
  return __atomic_load_n(&kernel.replacement, __ATOMIC_ACQUIRE);
}
inline void storeReplacement(CompiledKernel& kernel, const CompiledKernel* replacement) {
  __atomic_store_n(&kernel.replacement, replacement, __ATOMIC_RELEASE);
}

// Why compiled code ends a launch.
enum class TrapKind : uint32_t {
  Trap,
  Breakpoint,
  InvalidFunction,   // a call through a pointer to none
  StackOverflow,
  InvalidUse,        // of an instruction
  Misaligned,
  IllegalAddress,
};

// What compiled code calls. Lane arrays are indexed by lane and hold `width` elements; only lanes of `mask` are read or written.
// Functions marked noreturn leave the kernel by longjmp: the launch ends with a fault.
struct Services {
  // vprintf(format, args) per lane; results[lane] as CUDA's printf returns (Formatted Output).
  void (*printf)(BlockContext*, uint32_t warp, uint32_t mask, const uint64_t* formats, const uint64_t* args, int32_t* results);
  // noreturn. Lanes' generic pointers to message, file, function; line.
  void (*assertFail)(BlockContext*, uint32_t warp, uint32_t mask, const uint64_t* messages, const uint64_t* files,
                     const uint32_t* lines, const uint64_t* functions);
  // noreturn. `address` is that of the first lane of `mask` that is at fault, with the last two kinds; else 0.
  void (*trap)(BlockContext*, uint32_t warp, uint32_t mask, TrapKind kind, uint32_t line, uint64_t address);
  void (*malloc)(BlockContext*, uint32_t mask, const uint64_t* sizes, uint64_t* pointers);
  void (*free)(BlockContext*, uint32_t mask, const uint64_t* pointers);
  // `mask` lanes of `warp` arrive at a barrier. sync != 0 (free plans only): they also wait, and the caller returns when no lane of
  // the warp can go on; the device has set their bits in WarpState::blocked and clears them when the barrier completes. sync == 0
  // (both plans): bar.arrive. threads == 0: the whole block.
  void (*barrierArrive)(BlockContext*, uint32_t warp, uint32_t mask, uint32_t barrier, uint32_t threads, uint32_t sync,
                        uint32_t reduction, uint32_t predicate);
  uint64_t (*clock64)(BlockContext*);       // ticks of the device's SM clock
  uint64_t (*globaltimer)(BlockContext*);   // nanoseconds
  void (*nanosleep)(BlockContext*, uint32_t nanoseconds);
  // tex and tld4: abi::TextureOperation says which rows `operands` has. Four rows of results. Invalid handles end the launch.
  void (*texture)(BlockContext*, uint32_t warp, uint32_t mask, uint32_t operation, const uint64_t* textures, const uint64_t* samplers,
                  const uint32_t* operands, uint32_t* results);
  // suld, sust and sured: abi::SurfaceOperation.
  void (*surface)(BlockContext*, uint32_t warp, uint32_t mask, uint32_t operation, const uint64_t* surfaces, const uint32_t* coordinates,
                  void* data);
  // txq, suq and istypep: abi::TextureQuery. One handle per lane; `levels` may be null.
  void (*textureQuery)(BlockContext*, uint32_t warp, uint32_t mask, uint32_t query, const uint64_t* handles, const uint32_t* levels,
                       uint32_t* results);
  // A function of system_calls.def, by its row: argument n of a lane is arguments[n * maxWarpWidth + lane].
  void (*system)(BlockContext*, uint32_t warp, uint32_t mask, uint32_t which, const uint64_t* arguments, uint64_t* results);
};

}  // namespace anywarp::abi
