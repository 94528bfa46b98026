// Kernels that do what they must not: the context has a fault, the process lives on. SPDX-License-Identifier: Apache-2.0
#include <signal.h>
#include <setjmp.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "abi/running_lane.h"
#include "device/sched/pool.h"
#include "device/testing.h"

namespace anywarp::device {
namespace {

using namespace testing;
using abi::BlockContext;

struct Address {
  volatile uint32_t* address;
};

uint32_t store(BlockContext* c, uint32_t, uint32_t begin, uint32_t end) {
  *params<Address>(c).address = 1;
  return exitAll(c, begin, end);
}

Fault faultOf(abi::EntryFn entry, const Address& p, uint32_t grid = 1) {
  auto context = makeContext();
  auto kernel = makeKernel("bad", entry);
  context->legacyStream().launch(request(kernel, p, grid, 64));
  context->synchronize();
  return context->fault() ? *context->fault() : Fault{};
}

#if defined(__SANITIZE_THREAD__)
// ThreadSanitizer's own shadow of an unmapped range is what faults then, inside its runtime.
#define ANYWARP_SKIP_WITH_TSAN GTEST_SKIP()
#else
#define ANYWARP_SKIP_WITH_TSAN (void)0
#endif

TEST(Fault, PastTheEndOfAnAllocation) {
  ANYWARP_SKIP_WITH_TSAN;
  auto context = makeContext();
  auto memory = context->allocate(8192);
  ASSERT_TRUE(memory);
  auto kernel = makeKernel("past", store);
  Address p{static_cast<uint32_t*>(*memory) + 2048 + 12};
  context->legacyStream().launch(request(kernel, p, 1, 32));
  context->synchronize();
  ASSERT_NE(context->fault(), nullptr);
  EXPECT_EQ(context->fault()->kind, FaultKind::IllegalAddress);
  EXPECT_NE(context->fault()->message.find("48 bytes past the end of the 8192-byte device allocation"), std::string::npos)
      << context->fault()->message;
  EXPECT_NE(context->fault()->message.find("ANYWARP_PAGE=2M"), std::string::npos) << context->fault()->message;
}

TEST(Fault, FreedMemory) {
  ANYWARP_SKIP_WITH_TSAN;
  auto context = makeContext();
  auto memory = context->allocate(8192);
  ASSERT_TRUE(memory);
  ASSERT_TRUE(Memory::instance().release(*memory));
  Fault fault = faultOf(store, {static_cast<uint32_t*>(*memory)});
  EXPECT_EQ(fault.kind, FaultKind::IllegalAddress);
  EXPECT_NE(fault.message.find("memory that was freed"), std::string::npos) << fault.message;
}

TEST(Fault, NullAndNonCanonical) {
  EXPECT_EQ(faultOf(store, {nullptr}).kind, FaultKind::IllegalAddress);
  EXPECT_EQ(faultOf(store, {reinterpret_cast<uint32_t*>(0xdead00000000beefull)}).kind, FaultKind::IllegalAddress);
}

TEST(Fault, SharedWindowEnds) {
  auto beyond = [](BlockContext* c, uint32_t, uint32_t begin, uint32_t end) -> uint32_t {
    reinterpret_cast<volatile uint32_t*>(c->shared)[0] = 1;
    reinterpret_cast<volatile uint32_t*>(c->shared + 0x7ffffff0)[0] = 1;
    return exitAll(c, begin, end);
  };
  Fault fault = faultOf(beyond, {}, 8);
  EXPECT_EQ(fault.kind, FaultKind::IllegalAddress);
  EXPECT_NE(fault.message.find("offset 2147483632 in the block's 0 bytes of shared memory"), std::string::npos) << fault.message;
}

TEST(Fault, TrapNamesLineAndThread) {
  auto trap = [](BlockContext* c, uint32_t, uint32_t begin, uint32_t end) -> uint32_t {
    c->services->trap(c, 1, 1u << 5, abi::TrapKind::Trap, 77, 0);
    return exitAll(c, begin, end);
  };
  Fault fault = faultOf(trap, {});
  EXPECT_EQ(fault.kind, FaultKind::Trap);
  EXPECT_EQ(fault.message, "bad: trap; block (0,0,0), thread (37,0,0), PTX line 77");
}

TEST(Fault, MisalignedAmongSeveral) {
  auto trap = [](BlockContext* c, uint32_t, uint32_t begin, uint32_t end) -> uint32_t {
    c->services->trap(c, 1, 3u << 5, abi::TrapKind::Misaligned, 77, reinterpret_cast<uintptr_t>(c->shared) + 6);
    return exitAll(c, begin, end);
  };
  Fault fault = faultOf(trap, {});
  EXPECT_EQ(fault.kind, FaultKind::MisalignedAddress);
  EXPECT_NE(fault.message.find("offset 6 in the block's 0 bytes of shared memory"), std::string::npos) << fault.message;
  EXPECT_NE(fault.message.find("one of the threads (32,0,0) to (63,0,0)"), std::string::npos) << fault.message;
}

TEST(Fault, InterpretedCodeSaysWhichLine) {
  auto touch = [](BlockContext* c, uint32_t, uint32_t begin, uint32_t end) -> uint32_t {
    EXPECT_EQ(c->runningLine, 0u);
    c->runningLine = 41;
    *params<Address>(c).address = 1;
    return exitAll(c, begin, end);
  };
  Fault fault = faultOf(touch, {});
  EXPECT_EQ(fault.kind, FaultKind::IllegalAddress);
  EXPECT_NE(fault.message.find(", PTX line 41"), std::string::npos) << fault.message;
}

TEST(Fault, OneLaneThatRunsIsNamed) {
  auto touch = [](BlockContext* c, uint32_t, uint32_t begin, uint32_t end) -> uint32_t {
    c->runningWarp = abi::runningLaneMark | 6u << abi::runningLaneShift | 1;
    *reinterpret_cast<volatile uint32_t*>(16) = 1;
    return exitAll(c, begin, end);
  };
  Fault fault = faultOf(touch, {});
  EXPECT_EQ(fault.kind, FaultKind::IllegalAddress);
  EXPECT_NE(fault.message.find("block (0,0,0), thread (38,0,0)"), std::string::npos) << fault.message;
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Winfinite-recursion"
__attribute__((noinline)) uint32_t recurse(uint32_t depth) {
  volatile uint8_t frame[512];
  frame[depth % 512] = static_cast<uint8_t>(depth);
  return recurse(depth + 1) + frame[0];
}
#pragma GCC diagnostic pop

TEST(Fault, EndlessRecursion) {
  ANYWARP_SKIP_WITH_TSAN;
  auto deep = [](BlockContext* c, uint32_t, uint32_t begin, uint32_t end) -> uint32_t {
    recurse(0);
    return exitAll(c, begin, end);
  };
  EXPECT_EQ(faultOf(deep, {}).kind, FaultKind::StackOverflow);
}

TEST(Fault, Assert) {
  auto fail = [](BlockContext* c, uint32_t, uint32_t begin, uint32_t end) -> uint32_t {
    uint64_t message[32] = {}, file[32] = {}, function[32] = {};
    uint32_t lines[32] = {};
    message[2] = reinterpret_cast<uint64_t>("x < 1");
    file[2] = reinterpret_cast<uint64_t>("a.cu");
    function[2] = reinterpret_cast<uint64_t>("void k(int)");
    lines[2] = 12;
    c->services->assertFail(c, 0, 1u << 2, message, file, lines, function);
    return exitAll(c, begin, end);
  };
  ::testing::internal::CaptureStderr();
  Fault fault = faultOf(fail, {});
  std::string text = ::testing::internal::GetCapturedStderr();
  EXPECT_EQ(fault.kind, FaultKind::Assert);
  EXPECT_NE(text.find("a.cu:12: void k(int): block: [0,0,0], thread: [2,0,0] Assertion `x < 1` failed.\n"), std::string::npos) << text;
}

// Block 0 never ends by itself; block 1 faults. Both workers must come back.
TEST(Fault, StopsBlocksThatNeverEnd) {
  ANYWARP_SKIP_WITH_TSAN;
  if (workerCount() < 2) GTEST_SKIP() << "one worker";
  static std::atomic<uint32_t> started;
  started = 0;
  auto endless = [](BlockContext* c, uint32_t, uint32_t begin, uint32_t end) -> uint32_t {
    if (c->ctaid[0] == 0) {
      started = 1;
      for (volatile bool forever = true; forever;) {
      }
    }
    while (!started) {
    }
    *static_cast<volatile uint32_t*>(nullptr) = 1;
    return exitAll(c, begin, end);
  };
  EXPECT_EQ(faultOf(endless, {}, 2).kind, FaultKind::IllegalAddress);
}

// What the context's destructor does after it has waited long enough.
TEST(Fault, EndlessKernelsCanBeStopped) {
  ANYWARP_SKIP_WITH_TSAN;
  auto endless = [](BlockContext*, uint32_t, uint32_t, uint32_t) -> uint32_t {
    for (volatile bool forever = true; forever;) {
    }
    return abi::regionExited;
  };
  auto context = makeContext();
  auto kernel = makeKernel("endless", endless);
  auto other = context->createStream(StreamKind::NonBlocking);
  context->legacyStream().launch(request(kernel, 0, 4 * workerCount(), 32));
  other->launch(request(kernel, 0, 1, 32));
  usleep(1000);
  EXPECT_FALSE(context->idle());
  Pool::instance().stop(*context);
  context->synchronize();
}

TEST(Fault, StaysAndDropsLaterWork) {
  auto context = makeContext();
  auto bad = makeKernel("bad", store);
  auto touch = [](BlockContext* c, uint32_t, uint32_t begin, uint32_t end) -> uint32_t {
    *params<Address>(c).address = 7;
    return exitAll(c, begin, end);
  };
  auto good = makeKernel("good", touch);
  uint32_t value = 0;
  std::atomic<int> calls{0};
  auto event = std::make_shared<Event>();
  Stream& stream = context->legacyStream();
  stream.launch(request(bad, Address{nullptr}, 1, 32));
  stream.launch(request(good, Address{&value}, 1, 32));
  stream.hostFunction([&] { calls += 1; });
  stream.hostFunction([&] { calls += 10; }, OnFault::Always);
  stream.record(event);
  context->synchronize();
  EXPECT_EQ(value, 0u);
  EXPECT_EQ(calls.load(), 10);
  EXPECT_TRUE(event->complete());
  ASSERT_NE(context->fault(), nullptr);
  // Another context works.
  auto other = makeContext();
  other->legacyStream().launch(request(good, Address{&value}, 1, 32));
  other->synchronize();
  EXPECT_EQ(value, 7u);
}

TEST(Fault, CopyFromBadAddress) {
  auto context = makeContext();
  uint32_t value = 0;
  context->legacyStream().copy(Copy::flat(&value, reinterpret_cast<void*>(16), 4));
  context->synchronize();
  ASSERT_NE(context->fault(), nullptr);
  EXPECT_EQ(context->fault()->kind, FaultKind::IllegalAddress);
}

sigjmp_buf programsRecovery;
void programsHandler(int) { siglongjmp(programsRecovery, 1); }

// The program's own handler, installed after ours, gets the program's own signals; kernels still fault properly.
TEST(Fault, ProgramsOwnHandler) {
  ANYWARP_SKIP_WITH_TSAN;  // it stands between the program and sigaction
  makeContext()->synchronize();
  struct sigaction action {};
  action.sa_handler = programsHandler;
  struct sigaction before;
  sigaction(SIGSEGV, &action, &before);
  std::this_thread::sleep_for(std::chrono::milliseconds(6));
  EXPECT_EQ(faultOf(store, {nullptr}).kind, FaultKind::IllegalAddress);
  volatile bool caught = false;
  if (sigsetjmp(programsRecovery, 1)) {
    caught = true;
  } else {
    *static_cast<volatile int*>(nullptr) = 1;
  }
  EXPECT_TRUE(caught);
  sigaction(SIGSEGV, &before, nullptr);
}

TEST(FaultDeathTest, ForkedChildKnows) {
  ANYWARP_SKIP_WITH_TSAN;
  makeContext();
  EXPECT_FALSE(Device::lostByFork());
  EXPECT_EXIT(_exit(Device::lostByFork() ? 4 : 1), ::testing::ExitedWithCode(4), "");
}

// A crash of the program itself still kills it with the right signal.
TEST(FaultDeathTest, ProgramsOwnCrash) {
  ANYWARP_SKIP_WITH_TSAN;
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        faultOf(store, {nullptr});
        *static_cast<volatile int*>(nullptr) = 1;
      },
      ::testing::KilledBySignal(SIGSEGV), "");
}

// exit() while a kernel never ends.
TEST(FaultDeathTest, ExitWhileAKernelRuns) {
  ANYWARP_SKIP_WITH_TSAN;
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  auto endless = [](BlockContext*, uint32_t, uint32_t, uint32_t) -> uint32_t {
    for (volatile bool forever = true; forever;) {
    }
    return abi::regionExited;
  };
  EXPECT_EXIT(
      {
        auto kernel = makeKernel("endless", endless);
        auto* context = makeContext().release();
        context->legacyStream().launch(request(kernel, 0, 4, 32));
        usleep(2000);
        exit(3);
      },
      ::testing::ExitedWithCode(3), "");
}

}  // namespace
}  // namespace anywarp::device
