// The address map, the allocators behind it, and the device heap. SPDX-License-Identifier: Apache-2.0
#include "device/memory/memory.h"

#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <random>
#include <thread>
#include <vector>

#include "device/memory/arena.h"
#include "device/memory/heap.h"
#include "device/memory/window.h"
#include "device/testing.h"

namespace anywarp::device {
namespace {

using namespace testing;

constexpr int spare = 40;  // an ordinal no other test uses

bool mapped(uintptr_t address) {
  unsigned char resident;
  auto page = reinterpret_cast<void*>(address & ~(pageSize() - 1));
  if (mincore(page, 1, &resident) != 0) return false;
  int pipes[2];
  if (pipe(pipes)) return false;
  bool readable = write(pipes[1], reinterpret_cast<void*>(address), 1) == 1;
  close(pipes[0]);
  close(pipes[1]);
  return readable;
}

TEST(Memory, AllocationsAreFoundAlignedAndGuarded) {
  auto& memory = Memory::instance();
  memory.setCapacity(spare, 64 << 20);
  for (size_t bytes : {1u, 512u, 513u, 3584u, 3585u, 4096u, 10000u, 3u << 20}) {
    auto p = memory.allocate({.bytes = bytes, .device = spare});
    ASSERT_TRUE(p);
    auto base = reinterpret_cast<uintptr_t>(*p);
    EXPECT_EQ(base % 512, 0u);
    std::memset(*p, 1, bytes);
    auto found = memory.find(reinterpret_cast<void*>(base + bytes - 1));
    ASSERT_TRUE(found);
    EXPECT_EQ(found->base, base);
    EXPECT_EQ(found->bytes, bytes);
    EXPECT_FALSE(memory.find(reinterpret_cast<void*>(base + bytes)));
    if (bytes > 3584) {
      EXPECT_FALSE(mapped(roundUp(base + bytes, pageSize())));
    }
    EXPECT_TRUE(memory.release(*p));
    EXPECT_FALSE(memory.find(*p));
    if (bytes > 3584) {
      EXPECT_FALSE(mapped(base));
    }
    EXPECT_FALSE(memory.release(*p));
  }
  EXPECT_EQ(memory.usage(spare).free, memory.usage(spare).total);
}

TEST(Memory, CapacityIsKept) {
  auto& memory = Memory::instance();
  memory.setCapacity(spare, 8 << 20);
  auto half = memory.allocate({.bytes = 4 << 20, .device = spare});
  ASSERT_TRUE(half);
  EXPECT_EQ(memory.usage(spare).free, 4u << 20);
  auto tooMuch = memory.allocate({.bytes = 5 << 20, .device = spare});
  ASSERT_FALSE(tooMuch);
  EXPECT_EQ(tooMuch.error().kind, ErrorKind::OutOfMemory);
  EXPECT_FALSE(memory.allocate({.bytes = ~size_t{0} - 100, .device = spare}));
  // Pinned and managed memory is the host's.
  auto pinned = memory.allocate({.bytes = 16 << 20, .kind = MemoryKind::HostPinned, .device = spare});
  ASSERT_TRUE(pinned);
  EXPECT_TRUE(memory.release(*pinned));
  EXPECT_TRUE(memory.release(*half));
}

TEST(Memory, OwnersTakeTheirMemoryAlong) {
  auto& memory = Memory::instance();
  memory.setCapacity(spare, 64 << 20);
  int a, b;
  auto p = memory.allocate({.bytes = 100, .device = spare, .owner = &a});
  auto q = memory.allocate({.bytes = 100, .device = spare, .owner = &b});
  ASSERT_TRUE(p && q);
  memory.releaseAll(&a);
  EXPECT_FALSE(memory.find(*p));
  EXPECT_TRUE(memory.find(*q));
  memory.releaseAll(&b);
}

TEST(Memory, RenewedIsAnotherAllocationInTheSamePages) {
  auto& memory = Memory::instance();
  memory.setCapacity(spare, 64 << 20);
  for (size_t bytes : {size_t{700}, size_t{50000}}) {
    auto p = memory.allocate({.bytes = bytes, .device = spare});
    ASSERT_TRUE(p);
    auto before = memory.find(*p);
    std::memset(*p, 7, bytes);
    const auto free = memory.usage(spare).free;
    auto renewed = memory.renew(*p, bytes - 100);
    ASSERT_TRUE(renewed) << renewed.error().message;
    EXPECT_EQ(renewed->bytes, bytes - 100);
    EXPECT_GT(renewed->id, before->id);
    EXPECT_EQ(memory.find(*p)->id, renewed->id);
    EXPECT_EQ(static_cast<char*>(*p)[bytes - 101], 7);
    EXPECT_EQ(memory.usage(spare).free, free);
    EXPECT_FALSE(memory.renew(*p, bytes / 2));
    EXPECT_FALSE(memory.renew(*p, 0));
    EXPECT_FALSE(memory.renew(static_cast<char*>(*p) + 1, bytes));
    EXPECT_TRUE(memory.release(*p));
    EXPECT_FALSE(memory.renew(*p, bytes));
  }
}

TEST(Memory, RegisteredRanges) {
  auto& memory = Memory::instance();
  std::vector<char> host(10000);
  ASSERT_TRUE(memory.registerHost(host.data(), 5000, 0, nullptr, 7));
  EXPECT_FALSE(memory.registerHost(host.data() + 4999, 10, 0, nullptr, 0));
  EXPECT_TRUE(memory.registerHost(host.data() + 5000, 10, 0, nullptr, 0));
  EXPECT_EQ(memory.find(host.data() + 4999)->flags, 7u);
  EXPECT_FALSE(memory.release(host.data()));
  EXPECT_TRUE(memory.unregisterHost(host.data()));
  EXPECT_FALSE(memory.unregisterHost(host.data()));
  EXPECT_TRUE(memory.unregisterHost(host.data() + 5000));
}

TEST(Memory, RandomUseFromManyThreads) {
  auto& memory = Memory::instance();
  memory.setCapacity(spare, 256 << 20);
  auto work = [&](unsigned seed) {
    std::mt19937 random(seed);
    std::vector<std::pair<uint8_t*, size_t>> live;
    for (int i = 0; i < 400; ++i) {
      if (live.size() < 30 && random() % 3) {
        size_t bytes = random() % 4 ? random() % 4000 + 1 : random() % 200000 + 1;
        auto p = memory.allocate({.bytes = bytes, .device = spare});
        ASSERT_TRUE(p);
        auto* bytesOf = static_cast<uint8_t*>(*p);
        ASSERT_EQ(bytesOf[0] | bytesOf[bytes - 1], 0);
        std::memset(bytesOf, static_cast<int>(seed), bytes);
        live.emplace_back(bytesOf, bytes);
      } else if (!live.empty()) {
        size_t pick = random() % live.size();
        auto [p, bytes] = live[pick];
        ASSERT_EQ(p[0], seed);
        ASSERT_EQ(p[bytes - 1], seed);
        ASSERT_EQ(memory.find(p + bytes / 2)->bytes, bytes);
        ASSERT_TRUE(memory.release(p));
        live.erase(live.begin() + static_cast<ptrdiff_t>(pick));
      }
    }
    for (auto [p, bytes] : live) ASSERT_TRUE(memory.release(p));
  };
  std::vector<std::thread> threads;
  for (unsigned t = 1; t <= 4; ++t) threads.emplace_back(work, t);
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(memory.usage(spare).free, memory.usage(spare).total);
}

TEST(Arena, FreedRangesJoinAndAreUsedAgain) {
  Arena arena(1 << 20);
  for (int round = 0; round < 50; ++round) {
    std::vector<uintptr_t> taken;
    for (int i = 0; i < 20; ++i) {
      auto p = arena.take(40000, 4096);
      ASSERT_TRUE(p);
      taken.push_back(*p);
    }
    std::shuffle(taken.begin(), taken.end(), std::mt19937(static_cast<unsigned>(round)));
    for (uintptr_t p : taken) arena.give(p);
  }
  auto whole = arena.take(900 << 10, 4096);
  ASSERT_TRUE(whole);
  arena.give(*whole);
}

// Where the kernel says that memory is, in the words of /proc/self/maps: "---p".
std::string protectionAt(uintptr_t address) {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    unsigned long first = 0, last = 0;
    char protection[5] = "";
    if (std::sscanf(line.c_str(), "%lx-%lx %4s", &first, &last, protection) == 3 && address >= first && address < last) return protection;
  }
  return "none";
}

TEST(Arena, NothingElseLiesNearIt) {
  constexpr size_t GiB = size_t{1} << 30;
  Arena arena(64 * GiB);
  auto base = arena.take(4096, 4096);
  ASSERT_TRUE(base);
  EXPECT_EQ(protectionAt(*base), "rw-p");
  for (size_t distance : {size_t{4096}, size_t{40} << 20, 3 * GiB}) EXPECT_EQ(protectionAt(*base - distance), "---p") << distance;
  EXPECT_EQ(protectionAt(*base + 64 * GiB), "---p");
}

TEST(Arena, PagesAsLargeAsAGpus) {
  constexpr size_t large = size_t{2} << 20;
  Arena arena(size_t{1} << 30, Arena::Place::Anywhere, large);
  auto base = arena.take(5000, 4096);
  ASSERT_TRUE(base);
  for (size_t distance : {size_t{0}, size_t{8192}, large - 1}) EXPECT_EQ(protectionAt(*base + distance), "rw-p") << distance;
  EXPECT_EQ(protectionAt(*base + large), "---p");
  arena.give(*base);
  EXPECT_EQ(protectionAt(*base + 8192), "---p");
}

TEST(Arena, AFreedRangeIsNotTheNextOneTaken) {
  Arena arena(1 << 20);
  auto first = arena.take(4096, 4096);
  ASSERT_TRUE(first);
  arena.give(*first);
  auto second = arena.take(4096, 4096);
  ASSERT_TRUE(second);
  EXPECT_NE(*first, *second);
  EXPECT_FALSE(mapped(*first));
}

TEST(Window, SizesAndGuards) {
  Window window(Window::Shrink::Exactly);
  ASSERT_TRUE(window.resize(100));
  auto base = reinterpret_cast<uintptr_t>(window.base());
  std::memset(window.base(), 1, 100);
  EXPECT_FALSE(mapped(base - 1));
  EXPECT_FALSE(mapped(base + pageSize()));
  ASSERT_TRUE(window.resize(100000));
  EXPECT_EQ(window.base()[99], 1);
  EXPECT_TRUE(mapped(base + 99999));
  ASSERT_TRUE(window.resize(100));
  EXPECT_FALSE(mapped(base + pageSize()));
  ASSERT_TRUE(window.resize(8 << 20));
  std::memset(window.base(), 2, 8 << 20);
}

bool worksWithLittleAddressSpace() {
  Memory::instance().setCapacity(spare, uint64_t{8} << 30);
  auto p = Memory::instance().allocate({.bytes = 32 << 20, .device = spare});
  auto q = Memory::instance().allocate({.bytes = 100, .kind = MemoryKind::HostPinned});
  Window window(Window::Shrink::Exactly);
  bool fine = p && q && window.resize(50000);
  return fine && !Memory::instance().allocate({.bytes = size_t{6} << 30, .device = spare});
}

// With little address space (ulimit -v) things still work, in a process of its own.
TEST(MemoryDeathTest, LittleAddressSpace) {
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "sanitizers need address space";
#endif
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        rlimit limit;
        limit.rlim_cur = limit.rlim_max = size_t{1} << 30;
        setrlimit(RLIMIT_AS, &limit);
        Memory::instance().setCapacity(spare, uint64_t{8} << 30);
        _exit(worksWithLittleAddressSpace() ? 5 : 1);
      },
      ::testing::ExitedWithCode(5), "");
}

TEST(DeviceHeap, AllocatesUntilExhaustedAndReuses) {
  auto context = makeContext();
  DeviceHeap& heap = context->heap();
  ASSERT_TRUE(context->setLimit(Limit::HeapBytes, 1 << 20));
  std::vector<uint64_t> live;
  while (uint64_t p = heap.allocate(1000)) {
    EXPECT_EQ(p % 16, 0u);
    std::memset(reinterpret_cast<void*>(p), 3, 1000);
    live.push_back(p);
  }
  EXPECT_GT(live.size(), 1000u);
  EXPECT_FALSE(context->setLimit(Limit::HeapBytes, 2 << 20));
  EXPECT_FALSE(heap.release(live[0] + 16));
  EXPECT_FALSE(heap.release(12345));
  for (uint64_t p : live) EXPECT_TRUE(heap.release(p));
  EXPECT_FALSE(heap.release(live[0]));
  uint64_t large = heap.allocate(900000);  // the small pieces have joined again
  EXPECT_NE(large, 0u);
  EXPECT_TRUE(heap.release(large));
}

}  // namespace
}  // namespace anywarp::device
