// Grids, blocks, barriers and progress, with kernels written by hand. SPDX-License-Identifier: Apache-2.0
#include <atomic>
#include <chrono>
#include <numeric>
#include <thread>
#include <vector>

#include "device/sched/pace.h"
#include "device/sched/pool.h"
#include "device/testing.h"

namespace anywarp::device {
namespace {

using namespace testing;
using abi::BlockContext;
using abi::Suspend;

struct Counter {
  std::atomic<uint32_t>* hits;
};

uint32_t countBlocks(BlockContext* c, uint32_t, uint32_t begin, uint32_t end) {
  const abi::LaunchInfo& info = *c->launch;
  uint64_t linear = c->ctaid[0] + uint64_t{info.grid.x} * (c->ctaid[1] + uint64_t{info.grid.y} * c->ctaid[2]);
  params<Counter>(c).hits[linear]++;
  return exitAll(c, begin, end);
}

TEST(Grid, RunsEveryBlockOnce) {
  auto context = makeContext();
  auto kernel = makeKernel("count", countBlocks);
  std::vector<std::atomic<uint32_t>> hits(7 * 5 * 300);
  Counter p{hits.data()};
  auto r = request(kernel, p, 300, 64);
  r.grid.y = 7;
  r.grid.z = 5;
  context->legacyStream().launch(r);
  context->synchronize();
  for (auto& h : hits) ASSERT_EQ(h.load(), 1u);
  EXPECT_EQ(context->fault(), nullptr);
}

// Rows of warps: blocks may run in strips, some chunks of which are tried each way.
TEST(Grid, StripsRunEveryWarpOnceWithItsBlock) {
  auto once = [](BlockContext* c, uint32_t, uint32_t begin, uint32_t end) -> uint32_t {
    const abi::LaunchInfo& info = *c->launch;
    uint64_t linear = c->ctaid[0] + uint64_t{info.grid.x} * (c->ctaid[1] + uint64_t{info.grid.y} * c->ctaid[2]);
    for (uint32_t w = begin; w < end; ++w)
      if (lanes(c, w) == 32) params<Counter>(c).hits[linear * 8 + w]++;
    return exitAll(c, begin, end);
  };
  auto context = makeContext();
  auto kernel = makeKernel("once", once);
  kernel.regionCount = 1;
  uint32_t across = 61, down = 37, deep = 3;
  std::vector<std::atomic<uint32_t>> hits(across * down * deep * 8);
  Counter p{hits.data()};
  auto r = request(kernel, p, across, 32);
  r.block.y = 4;
  r.block.z = 2;
  r.grid.y = down;
  r.grid.z = deep;
  for (uint32_t round = 1; round <= 4; ++round) {
    context->legacyStream().launch(r);
    context->synchronize();
    for (auto& h : hits) ASSERT_EQ(h.load(), round);
  }
  EXPECT_EQ(context->fault(), nullptr);
}

// Each round of a warp counts; row r of a block goes around `rounds[r]` times. Blocks of 32 x 8 threads, a row is a warp.
struct Rounds {
  std::atomic<uint32_t>* hits;    // by block and row
  std::atomic<uint32_t>* single;  // calls for one row of several
  const uint32_t* rounds;
};
uint32_t together(BlockContext* c, uint32_t begin, uint32_t end, uint32_t region) {
  uint32_t next = abi::regionExited;
  bool first = true;
  for (uint32_t w = begin; w < end; ++w, first = false)
    next = first || next == c->warps[w].pc ? c->warps[w].pc : abi::regionMixed;
  if (end - begin == 1 && region != 0) params<Rounds>(c).single->fetch_add(1);
  return next;
}
uint32_t goAround(BlockContext* c, uint32_t region, uint32_t begin, uint32_t end) {
  auto& p = params<Rounds>(c);
  const abi::LaunchInfo& info = *c->launch;
  uint64_t linear = c->ctaid[0] + uint64_t{info.grid.x} * (c->ctaid[1] + uint64_t{info.grid.y} * c->ctaid[2]);
  for (uint32_t w = begin; w < end; ++w) {
    if (c->warps[w].pc != region) continue;
    auto* done = reinterpret_cast<uint32_t*>(c->frames + w * 64);
    if (region == 0) *done = 0;
    if (region == 1) {
      p.hits[linear * 8 + w]++;
      ++*done;
    }
    bool more = *done < p.rounds[w];
    c->warps[w].pc = more ? 1 : abi::regionExited;
    c->warps[w].suspend = Suspend::Yield;
    if (!more) c->warps[w].live = 0;
  }
  return together(c, begin, end, region);
}

// Blocks of 8 rows, each as many rounds of which count as hits as its element of `rounds` says.
void launchUntilRowsTakeTurns(Context& context, const abi::CompiledKernel& kernel, uint32_t across, uint32_t down, const uint32_t (&rounds)[8]) {
  std::vector<std::atomic<uint32_t>> hits(across * down * 8);
  std::atomic<uint32_t> single{0};
  Rounds p{hits.data(), &single, rounds};
  auto r = request(kernel, p, across, 32);
  r.block.y = 8;
  r.grid.y = down;
  // Whether rows take turns depends on what was faster, which is tried now and then.
  for (uint32_t launch = 1; launch <= 4 || (single.load() <= 100 && launch < 200); ++launch) {
    context.legacyStream().launch(r);
    context.synchronize();
    for (size_t i = 0; i < hits.size(); ++i) ASSERT_EQ(hits[i].load(), launch * rounds[i % 8]) << i;
  }
  EXPECT_GT(single.load(), 100u);
  EXPECT_EQ(context.fault(), nullptr);
}

TEST(Grid, RowsTakeTurnsAndEndWhenTheyLike) {
  auto context = makeContext();
  auto kernel = makeKernel("goAround", goAround);
  abi::RegionInfo regions[2] = {{0, 0, 0}, {0, 0, 1}};
  kernel.regions = regions;
  kernel.regionCount = 2;
  kernel.frameBytes = 64;
  launchUntilRowsTakeTurns(*context, kernel, 13, 29, {0, 5, 5, 5, 5, 5, 2, 7});
}

// Region 1 writes shared memory, region 2, behind a barrier, reads what the row below wrote, and leads to region 1 by another barrier.
uint32_t passRowsOn(BlockContext* c, uint32_t region, uint32_t begin, uint32_t end) {
  auto& p = params<Rounds>(c);
  const abi::LaunchInfo& info = *c->launch;
  auto* shared = reinterpret_cast<uint32_t*>(c->shared);
  uint64_t linear = c->ctaid[0] + uint64_t{info.grid.x} * c->ctaid[1];
  uint32_t next = region == 1 ? 2 : 1;
  for (uint32_t w = begin; w < end; ++w) {
    auto* done = reinterpret_cast<uint32_t*>(c->frames + w * 64);
    if (region == 0) *done = 0;
    if (region == 1) shared[w] = uint32_t(linear) * 1000 + *done * 10 + w;
    if (region == 2) {
      p.hits[linear * 8 + w] += shared[(w + 1) % 8] == uint32_t(linear) * 1000 + *done * 10 + (w + 1) % 8;
      if (++*done == p.rounds[w]) next = abi::regionExited;
    }
    c->warps[w].pc = next;
  }
  if (end - begin == 1) p.single->fetch_add(1);
  return next;
}

TEST(Grid, RowsTakeTurnsBetweenBarriers) {
  auto context = makeContext();
  auto kernel = makeKernel("passRowsOn", passRowsOn);
  abi::RegionInfo regions[3] = {{0, 0, 0}, {1, 0, abi::turnsAtBarrier}, {1, 0, 0}};
  kernel.regions = regions;
  kernel.regionCount = 3;
  kernel.frameBytes = 64;
  kernel.staticSharedBytes = 64;
  launchUntilRowsTakeTurns(*context, kernel, 16, 40, {6, 6, 6, 6, 6, 6, 6, 6});
}

TEST(Pace, PrefersWhatWasFaster) {
  for (auto faster : {Pace::Way::Blocks, Pace::Way::Strips}) {
    Pace pace;
    pace.of(1);
    uint32_t chosen = 0;
    for (int i = 0; i < 200; ++i) {
      Pace::Way way = pace.next();
      pace.took(way == faster ? 1000 : 2000, 10);
      chosen += i >= 100 && way == faster;
    }
    EXPECT_GT(chosen, 90u);
  }
}

TEST(Grid, LargeParameterImageIsCopied) {
  struct Large {
    uint32_t* out;
    uint32_t values[1000];
  };
  auto sum = [](BlockContext* c, uint32_t, uint32_t begin, uint32_t end) -> uint32_t {
    auto& p = params<Large>(c);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(&p) % 64, 0u);
    *p.out = std::accumulate(std::begin(p.values), std::end(p.values), 0u);
    return exitAll(c, begin, end);
  };
  auto context = makeContext();
  auto kernel = makeKernel("sum", sum);
  uint32_t out = 0;
  auto p = std::make_unique<Large>();
  p->out = &out;
  std::fill(std::begin(p->values), std::end(p->values), 3u);
  context->legacyStream().launch(request(kernel, *p, 1, 32));
  p.reset();
  context->synchronize();
  EXPECT_EQ(out, 3000u);
}

// Region 0 writes, region 1 reads what the neighbour wrote: a whole-block barrier known to the plan.
struct Exchange {
  uint32_t* out;
};
uint32_t exchange(BlockContext* c, uint32_t region, uint32_t begin, uint32_t end) {
  auto* shared = reinterpret_cast<uint32_t*>(c->shared);
  uint32_t threads = c->launch->block.x;
  for (uint32_t w = begin; w < end; ++w) {
    for (uint32_t l = 0; l < lanes(c, w); ++l) {
      uint32_t t = w * 32 + l;
      if (region == 0) shared[t] = t + c->ctaid[0];
      else params<Exchange>(c).out[c->ctaid[0] * threads + t] = shared[(t + 33) % threads];
    }
    c->warps[w].pc = region == 0 ? 1 : abi::regionExited;
  }
  return region == 0 ? 1 : abi::regionExited;
}

TEST(Lockstep, PlainBarrier) {
  auto context = makeContext();
  auto kernel = makeKernel("exchange", exchange);
  abi::RegionInfo regions[2] = {{0, 0, 0}, {1, 0, 0}};
  kernel.regions = regions;
  kernel.regionCount = 2;
  kernel.staticSharedBytes = 4096;
  std::vector<uint32_t> out(100 * 200);
  context->legacyStream().launch(request(kernel, Exchange{out.data()}, 100, 200));
  context->synchronize();
  for (uint32_t b = 0; b < 100; ++b) {
    for (uint32_t t = 0; t < 200; ++t) ASSERT_EQ(out[b * 200 + t], (t + 33) % 200 + b);
  }
}

// Warps take different ways to barrier 0: even ones through region 1, odd ones through region 2; the last warp exits early.
struct Order {
  std::atomic<uint32_t>* before;
  std::atomic<uint32_t>* wrong;
};
uint32_t mixed(BlockContext* c, uint32_t region, uint32_t begin, uint32_t end) {
  auto& p = params<Order>(c);
  uint32_t result = abi::regionExited;
  for (uint32_t w = begin; w < end; ++w) {
    abi::WarpState& s = c->warps[w];
    if (s.pc != region) {
      result = abi::regionMixed;
      continue;
    }
    if (region == 0 && w == 3) {
      s.pc = abi::regionExited;
      s.live = 0;
    } else if (region == 0) {
      p.before->fetch_add(1);
      s.pc = 1 + w % 2;
      s.suspend = Suspend::Barrier;
      s.barrier = 0;
      s.barrierThreads = 0;
      s.reduction = 0;
      result = abi::regionMixed;
    } else {
      if (p.before->load() != 3) p.wrong->fetch_add(1);
      s.pc = abi::regionExited;
    }
  }
  return result;
}

TEST(Lockstep, BarrierReachedInDifferentPlacesWithAnExitedWarp) {
  auto context = makeContext();
  auto kernel = makeKernel("mixed", mixed);
  std::atomic<uint32_t> before{0}, wrong{0};
  context->legacyStream().launch(request(kernel, Order{&before, &wrong}, 1, 128));
  context->synchronize();
  EXPECT_EQ(context->fault(), nullptr);
  EXPECT_EQ(before.load(), 3u);
  EXPECT_EQ(wrong.load(), 0u);
}

// barrier.red.popc, .and, .or one after the other; 50 threads.
struct Reductions {
  uint32_t* out;
};
uint32_t reductions(BlockContext* c, uint32_t region, uint32_t begin, uint32_t end) {
  for (uint32_t w = begin; w < end; ++w) {
    abi::WarpState& s = c->warps[w];
    if (region > 0) params<Reductions>(c).out[(region - 1) * 2 + w] = c->barrierResult[5];
    s.suspend = Suspend::Barrier;
    s.barrier = 5;
    s.barrierThreads = 0;
    s.reduction = region + 1;
    s.predicate = region == 0 ? 0x55555555u : region == 1 ? (w == 1 ? s.live & ~2u : s.live) : (w == 1 ? 4u : 0u);
    s.pc = region == 3 ? abi::regionExited : region + 1;
  }
  return region == 3 ? abi::regionExited : region + 1;
}

TEST(Lockstep, Reductions) {
  auto context = makeContext();
  auto kernel = makeKernel("reductions", reductions);
  uint32_t out[6];
  context->legacyStream().launch(request(kernel, Reductions{out}, 1, 50));
  context->synchronize();
  uint32_t expected[6] = {16 + 9, 16 + 9, 0, 0, 1, 1};
  EXPECT_EQ(std::vector<uint32_t>(out, out + 6), std::vector<uint32_t>(expected, expected + 6));
}

// Warps 0 and 1 meet at barrier 1 (64 threads), warps 2 and 3 at barrier 2, again and again; warp 4 only arrives at both.
uint32_t named(BlockContext* c, uint32_t region, uint32_t begin, uint32_t end) {
  auto* out = params<Reductions>(c).out;
  bool all = true;
  for (uint32_t w = begin; w < end; ++w) {
    abi::WarpState& s = c->warps[w];
    if (s.pc != region) {
      all = false;
      continue;
    }
    if (w == 4) {
      c->services->barrierArrive(c, w, s.live, 1, 96, 0, 0, 0);
      c->services->barrierArrive(c, w, s.live, 2, 96, 0, 0, 0);
      s.pc = abi::regionExited;
      continue;
    }
    out[w] = region;
    s.suspend = Suspend::Barrier;
    s.barrier = 1 + w / 2;
    s.barrierThreads = region == 0 ? 96 : 64;
    s.reduction = 0;
    s.pc = region == 9 ? abi::regionExited : region + 1;
    all = all && s.pc == abi::regionExited;
  }
  return all ? abi::regionExited : abi::regionMixed;
}

TEST(Lockstep, NamedBarriersAndArrive) {
  auto context = makeContext();
  auto kernel = makeKernel("named", named);
  uint32_t out[4] = {};
  context->legacyStream().launch(request(kernel, Reductions{out}, 1, 160));
  context->synchronize();
  EXPECT_EQ(context->fault(), nullptr);
  for (uint32_t o : out) EXPECT_EQ(o, 9u);
}

TEST(Lockstep, DeadlockIsAFault) {
  auto stuck = [](BlockContext* c, uint32_t, uint32_t begin, uint32_t end) -> uint32_t {
    for (uint32_t w = begin; w < end; ++w) {
      c->warps[w].pc = 1;
      c->warps[w].suspend = Suspend::Barrier;
      c->warps[w].barrier = w;  // everyone waits at a barrier of his own
      c->warps[w].barrierThreads = 64;
    }
    return 1;
  };
  auto context = makeContext();
  auto kernel = makeKernel("stuck", stuck);
  context->legacyStream().launch(request(kernel, Reductions{}, 4, 64));
  context->synchronize();
  ASSERT_NE(context->fault(), nullptr);
  EXPECT_EQ(context->fault()->kind, FaultKind::BarrierDeadlock);
}

// Free plan: each lane stops at a barrier alone, in two steps, then exits. lanePc: 0 start, 1 after the barrier.
uint32_t freeLanes(BlockContext* c, uint32_t, uint32_t w, uint32_t) {
  abi::WarpState& s = c->warps[w];
  for (uint32_t l = 0; l < 32; ++l) {
    uint32_t bit = 1u << l;
    if (!(s.live & ~s.blocked & bit)) continue;
    auto* arrived = reinterpret_cast<uint32_t*>(c->shared);
    if (s.lanePc[l] == 0) {
      ++*arrived;
      s.lanePc[l] = 1;
      c->services->barrierArrive(c, w, bit, 0, 0, 1, 1, l == 3 ? bit : 0);
      if (l == 7) return abi::regionMixed;  // the others go on in the next round
    } else {
      auto* out = params<Reductions>(c).out;
      uint32_t t = w * 32 + l;
      out[t] = *arrived * 1000 + c->barrierResult[0];
      s.live &= ~bit;
    }
  }
  return s.live ? abi::regionMixed : abi::regionExited;
}

TEST(Free, LanesArriveOneByOne) {
  auto context = makeContext();
  auto kernel = makeKernel("free", freeLanes, abi::PlanMode::Free);
  std::vector<uint32_t> out(100);
  for (uint32_t round = 0; round < 3; ++round) {
    auto zero = [](BlockContext* c, uint32_t, uint32_t, uint32_t) -> uint32_t { return abi::regionExited; };
    (void)zero;
    std::fill(out.begin(), out.end(), 0u);
    auto first = [](BlockContext* c, uint32_t region, uint32_t w, uint32_t end) -> uint32_t {
      if (w == 0 && c->warps[0].lanePc[0] == 0) *reinterpret_cast<uint32_t*>(c->shared) = 0;
      return freeLanes(c, region, w, end);
    };
    kernel.entry = first;
    context->legacyStream().launch(request(kernel, Reductions{out.data()}, 1, 100));
    context->synchronize();
    EXPECT_EQ(context->fault(), nullptr);
    for (uint32_t o : out) ASSERT_EQ(o, 100u * 1000 + 4);
  }
}

// Each block waits for a later one: needs more blocks in flight than there are workers.
struct Chain {
  std::atomic<uint32_t>* flags;
  uint32_t count;
};
uint32_t waitForNext(BlockContext* c, uint32_t, uint32_t begin, uint32_t end) {
  auto& p = params<Chain>(c);
  uint32_t b = c->ctaid[0];
  if (b + 1 < p.count && !p.flags[b + 1].load(std::memory_order_acquire)) {
    for (uint32_t w = begin; w < end; ++w) {
      c->warps[w].pc = 1;
      c->warps[w].suspend = Suspend::Yield;
    }
    return 1;
  }
  p.flags[b].store(1, std::memory_order_release);
  return exitAll(c, begin, end);
}

TEST(Progress, BlocksMayWaitForLaterOnes) {
  auto context = makeContext();
  auto kernel = makeKernel("chain", waitForNext);
  kernel.usesSpin = 1;
  std::vector<std::atomic<uint32_t>> flags(40);
  context->legacyStream().launch(request(kernel, Chain{flags.data(), 40}, 40, 64));
  context->synchronize();
  for (auto& f : flags) EXPECT_EQ(f.load(), 1u);
}

TEST(Progress, CooperativeGridBarrier) {
  auto gridSync = [](BlockContext* c, uint32_t region, uint32_t begin, uint32_t end) -> uint32_t {
    auto& p = params<Chain>(c);
    if (region % 2 == 0) {
      p.flags[region / 2].fetch_add(1);
      for (uint32_t w = begin; w < end; ++w) c->warps[w].pc = region + 1;
      region += 1;
    }
    if (p.flags[region / 2].load() < p.count) {
      for (uint32_t w = begin; w < end; ++w) c->warps[w].suspend = Suspend::Yield;
      return region;
    }
    if (region == 9) return exitAll(c, begin, end);
    for (uint32_t w = begin; w < end; ++w) {
      c->warps[w].pc = region + 1;
      c->warps[w].suspend = Suspend::Yield;
    }
    return region + 1;
  };
  auto context = makeContext();
  auto kernel = makeKernel("gridSync", gridSync);
  kernel.usesSpin = 1;
  std::vector<std::atomic<uint32_t>> flags(5);
  Chain p{flags.data(), 64};
  auto r = request(kernel, p, 64, 32);
  r.residency = Residency::WholeGrid;
  context->legacyStream().launch(r);
  context->synchronize();
  for (auto& f : flags) EXPECT_EQ(f.load(), 64u);
}

// A kernel on one stream spins until a kernel on another has run, on every worker.
TEST(Progress, KernelsMayWaitForEachOther) {
  struct Flag {
    std::atomic<uint32_t>* flag;
  };
  auto wait = [](BlockContext* c, uint32_t, uint32_t begin, uint32_t end) -> uint32_t {
    if (params<Flag>(c).flag->load()) return exitAll(c, begin, end);
    for (uint32_t w = begin; w < end; ++w) {
      c->warps[w].pc = 0;
      c->warps[w].suspend = Suspend::Yield;
    }
    return 0;
  };
  auto set = [](BlockContext* c, uint32_t, uint32_t begin, uint32_t end) -> uint32_t {
    params<Flag>(c).flag->store(1);
    return exitAll(c, begin, end);
  };
  auto context = makeContext();
  auto waiting = makeKernel("wait", wait), setting = makeKernel("set", set);
  waiting.usesSpin = 1;
  std::atomic<uint32_t> flag{0};
  auto a = context->createStream(StreamKind::NonBlocking), b = context->createStream(StreamKind::NonBlocking);
  a->launch(request(waiting, Flag{&flag}, 2 * workerCount(), 32));
  b->launch(request(setting, Flag{&flag}, 1, 32));
  context->synchronize();
  EXPECT_EQ(flag.load(), 1u);
}

// Better code that comes while the grid runs.
struct Exchanged {
  abi::CompiledKernel* first;
  const abi::CompiledKernel* better;
  std::atomic<uint32_t>* out;       // by thread: who wrote it, and how often
  std::atomic<uint32_t>* tooLate;   // blocks that the first code began after the exchange
  uint32_t exchangeAt;
};
constexpr uint32_t byFirst = 1, byBetter = 1000;

// All lanes of a warp meet at a barrier, then write. Lanes have resume points of their own.
uint32_t firstCode(BlockContext* c, uint32_t, uint32_t w, uint32_t) {
  auto& p = params<Exchanged>(c);
  abi::WarpState& s = c->warps[w];
  if (c->kernel != p.first) return abi::regionExited;
  if (s.lanePc[0] == 0) {
    if (w == 0 && abi::loadReplacement(*p.first)) ++*p.tooLate;
    if (w == 0 && c->ctaid[0] == p.exchangeAt) abi::storeReplacement(*p.first, p.better);
    for (uint32_t l = 0; l < lanes(c, w); ++l) s.lanePc[l] = 1;
    c->services->barrierArrive(c, w, s.live, 0, 0, 1, 0, 0);
    return abi::regionMixed;
  }
  for (uint32_t l = 0; l < lanes(c, w); ++l) p.out[c->ctaid[0] * c->launch->block.x + w * 32 + l] += byFirst;
  return abi::regionExited;
}

// The same with warps of 8 in lockstep, with frames and local memory.
uint32_t betterCode(BlockContext* c, uint32_t region, uint32_t begin, uint32_t end) {
  auto& p = params<Exchanged>(c);
  uint32_t next = region == 0 ? 1 : abi::regionExited;
  for (uint32_t w = begin; w < end; ++w) {
    auto* frame = reinterpret_cast<uint32_t*>(c->frames + size_t{w} * c->kernel->frameBytes);
    auto* local = reinterpret_cast<uint32_t*>(c->local + c->localStride * (w * 8 + 7));
    if (region == 0) {
      frame[15] = w;
      local[11] = w;
    } else if (c->kernel == p.better && frame[15] == w && local[11] == w) {
      for (uint32_t t = w * 8; t < w * 8 + 8; ++t) p.out[c->ctaid[0] * c->launch->block.x + t] += byBetter;
    }
    c->warps[w].pc = next;
  }
  return next;
}

constexpr abi::RegionInfo twoRegions[2] = {{0, 0, 0}, {1, 0, 0}};

abi::CompiledKernel makeBetter(abi::EntryFn entry) {
  auto kernel = makeKernel("better", entry);
  kernel.width = 8;
  kernel.frameBytes = 64;
  kernel.localBytes = 48;
  kernel.regions = twoRegions;
  kernel.regionCount = 2;
  return kernel;
}

TEST(Replacement, BlocksThatStartLaterRunIt) {
  auto context = makeContext();
  for (uint32_t threads : {8u, 72u}) {
    auto first = makeKernel("first", firstCode, abi::PlanMode::Free);
    auto better = makeBetter(betterCode);
    constexpr uint32_t grid = 5000;
    std::vector<std::atomic<uint32_t>> out(size_t{grid} * threads);
    std::atomic<uint32_t> tooLate{0};
    context->legacyStream().launch(request(first, Exchanged{&first, &better, out.data(), &tooLate, 700}, grid, threads));
    context->synchronize();
    EXPECT_EQ(context->fault(), nullptr);
    uint32_t replaced = 0;
    for (uint32_t b = 0; b < grid; ++b) {
      uint32_t who = out[size_t{b} * threads];
      ASSERT_TRUE(who == byFirst || who == byBetter) << b << ": " << who;
      for (uint32_t t = 1; t < threads; ++t) ASSERT_EQ(out[size_t{b} * threads + t], who);
      replaced += who == byBetter;
    }
    EXPECT_GT(replaced, 0u);
    EXPECT_LE(tooLate.load(), workerCount() + 1);  // each, and who waits, may have been about to start one
    context->legacyStream().launch(request(first, Exchanged{&first, &better, out.data(), &tooLate, 0}, grid, threads));
    context->synchronize();
    for (auto& o : out) ASSERT_GE(o.load(), byBetter);
  }
}

// Suspended blocks go on with the code they began with: that of the others knows nothing of their state.
struct Handover {
  abi::CompiledKernel* first;
  const abi::CompiledKernel* better;
  std::atomic<uint32_t>* begun;  // by block, bits of who has begun and ended it
  std::atomic<uint32_t>* ended;
  uint32_t count;
};
uint32_t handOver(BlockContext* c, uint32_t, uint32_t begin, uint32_t end) {
  auto& p = params<Handover>(c);
  uint32_t b = c->ctaid[0], self = c->kernel == p.first ? 1 : 2;
  p.begun[b] |= self;
  if (b == 2) abi::storeReplacement(*p.first, p.better);
  if (b + 1 < p.count && !p.ended[b + 1].load(std::memory_order_acquire)) {
    for (uint32_t w = begin; w < end; ++w) c->warps[w].suspend = Suspend::Yield;
    return self == 1 ? abi::regionMixed : 0;
  }
  if (begin == 0) p.ended[b].fetch_or(self, std::memory_order_release);
  return exitAll(c, begin, end);
}

TEST(Replacement, SuspendedBlocksKeepTheirCode) {
  auto context = makeContext();
  auto first = makeKernel("first", handOver, abi::PlanMode::Free);
  auto better = makeBetter(handOver);
  first.usesSpin = better.usesSpin = 1;
  constexpr uint32_t count = 40;
  std::vector<std::atomic<uint32_t>> begun(count), ended(count);
  context->legacyStream().launch(request(first, Handover{&first, &better, begun.data(), ended.data(), count}, count, 32));
  context->synchronize();
  EXPECT_EQ(context->fault(), nullptr);
  for (uint32_t b = 0; b < count; ++b) EXPECT_EQ(begun[b].load(), ended[b].load()) << b;
  EXPECT_EQ(ended[0].load(), 1u);
  EXPECT_EQ(ended[count - 1].load(), 2u);
}

TEST(Pool, ParallelRunsAllParts) {
  std::vector<std::atomic<uint32_t>> hits(1000);
  for (int round = 0; round < 20; ++round) {
    Pool::instance().parallel(
        hits.size(), [](void* a, uint64_t i) { static_cast<std::atomic<uint32_t>*>(a)[i]++; }, hits.data());
  }
  for (auto& h : hits) EXPECT_EQ(h.load(), 20u);
}

// Not a test of time: prints what a launch costs here.
TEST(Latency, Printed) {
  auto context = makeContext();
  auto empty = [](BlockContext* c, uint32_t, uint32_t begin, uint32_t end) -> uint32_t { return exitAll(c, begin, end); };
  auto kernel = makeKernel("empty", empty);
  auto time = [&](auto&& what, int rounds) {
    std::vector<double> samples;
    for (int i = 0; i < rounds; ++i) {
      auto begin = std::chrono::steady_clock::now();
      what();
      samples.push_back(std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin).count());
    }
    std::sort(samples.begin(), samples.end());
    return std::pair(samples[samples.size() / 2], samples[samples.size() / 10]);
  };
  Stream& stream = context->legacyStream();
  auto show = [](const char* what, std::pair<double, double> t, double scale) {
    printf("%-28s median %8.3f us, lowest tenth %8.3f us\n", what, t.first * scale, t.second * scale);
  };
  auto one = time([&] { stream.launch(request(kernel, 0, 1, 32)), stream.synchronize(); }, 5000);
  show("launch and synchronise", one, 1);
  auto row = time(
      [&] {
        for (int i = 0; i < 100; ++i) stream.launch(request(kernel, 0, 1, 32));
        stream.synchronize();
      },
      50);
  show("launch in a row", row, 1.0 / 100);
  auto blocks = time([&] { stream.launch(request(kernel, 0, 100000, 32)), stream.synchronize(); }, 20);
  show("block of one warp", blocks, 1.0 / 100000);
}

}  // namespace
}  // namespace anywarp::device
