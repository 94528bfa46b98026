// Threads that wait run short grids themselves; what they launch and do not wait for runs without them. SPDX-License-Identifier: Apache-2.0
#include <pthread.h>
#include <signal.h>

#include <atomic>
#include <cfenv>
#include <chrono>
#include <thread>
#include <vector>

#include "device/sched/pool.h"
#include "device/testing.h"

namespace anywarp::device {
namespace {

using namespace testing;
using abi::BlockContext;

struct Seen {
  std::atomic<pthread_t>* thread;
  std::atomic<uint32_t>* count;
};

uint32_t noteThread(BlockContext* c, uint32_t, uint32_t begin, uint32_t end) {
  params<Seen>(c).thread->store(pthread_self());
  params<Seen>(c).count->fetch_add(1);
  return exitAll(c, begin, end);
}

TEST(Help, TheWaitingThreadRunsAShortGrid) {
  auto context = makeContext();
  auto kernel = makeKernel("note", noteThread);
  std::atomic<pthread_t> thread{};
  std::atomic<uint32_t> count{0};
  int here = 0;
  for (int i = 0; i < 500; ++i) {
    context->legacyStream().launch(request(kernel, Seen{&thread, &count}, 1, 32));
    context->legacyStream().synchronize();
    here += thread.load() == pthread_self();
  }
  EXPECT_EQ(count.load(), 500u);
  EXPECT_GT(here, 0);  // mostly all; workers take it when this thread loses its core
}

TEST(Help, SoDoThreadsThatWaitForEventsAndGraphs) {
  auto context = makeContext();
  auto kernel = makeKernel("note", noteThread);
  auto stream = context->createStream(StreamKind::NonBlocking);
  std::atomic<pthread_t> thread{};
  std::atomic<uint32_t> count{0};
  int here = 0;
  for (int i = 0; i < 500; ++i) {
    auto event = std::make_shared<Event>();
    for (int k = 0; k < 3; ++k) stream->launch(request(kernel, Seen{&thread, &count}, 2, 32));
    stream->record(event);
    event->synchronize();
    ASSERT_EQ(count.load(), 6u * (i + 1));
    here += thread.load() == pthread_self();
  }
  EXPECT_GT(here, 0);
}

// Nobody waits: a worker must come, also when all of them have got used to others doing such work.
TEST(Help, LaunchesRunWithoutAWaitingThread) {
  auto context = makeContext();
  auto kernel = makeKernel("note", noteThread);
  std::atomic<pthread_t> thread{};
  std::atomic<uint32_t> count{0};
  for (auto pause : {0, 100, 1000, 5000}) {
    for (int i = 0; i < 50; ++i) {
      context->legacyStream().launch(request(kernel, Seen{&thread, &count}, 1, 32));
      context->legacyStream().synchronize();
    }
    std::this_thread::sleep_for(std::chrono::microseconds(pause));
    uint32_t before = count.load();
    context->legacyStream().launch(request(kernel, Seen{&thread, &count}, 1, 32));
    auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (count.load() == before && std::chrono::steady_clock::now() < limit) {
    }
    EXPECT_EQ(count.load(), before + 1) << pause;
    EXPECT_NE(thread.load(), pthread_self());
  }
  context->synchronize();
}

// A kernel that waits for the host, without any point where it could be suspended.
TEST(Help, LaunchDoesNotRunTheKernel) {
  struct Flags {
    std::atomic<uint32_t>*started, *go;
  };
  auto waits = [](BlockContext* c, uint32_t, uint32_t begin, uint32_t end) -> uint32_t {
    params<Flags>(c).started->store(1);
    while (!params<Flags>(c).go->load()) {
    }
    return exitAll(c, begin, end);
  };
  auto context = makeContext();
  auto kernel = makeKernel("waits", waits);
  for (int i = 0; i < 20; ++i) {
    std::atomic<uint32_t> started{0}, go{0};
    context->legacyStream().launch(request(kernel, Flags{&started, &go}, 1, 32));
    while (!started.load()) std::this_thread::yield();
    go = 1;
    context->synchronize();
  }
}

// The first block waits for the second.
TEST(Help, OthersJoinWhenItTakesLong) {
  struct Together {
    std::atomic<uint32_t>*arrived, *alone;
  };
  auto meet = [](BlockContext* c, uint32_t, uint32_t begin, uint32_t end) -> uint32_t {
    auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    params<Together>(c).arrived->fetch_add(1);
    while (params<Together>(c).arrived->load() < 2) {
      if (std::chrono::steady_clock::now() < limit) continue;
      params<Together>(c).alone->store(1);
      break;
    }
    return exitAll(c, begin, end);
  };
  auto context = makeContext();
  auto kernel = makeKernel("meet", meet);
  std::atomic<uint32_t> arrived{0}, alone{0};
  context->legacyStream().launch(request(kernel, Together{&arrived, &alone}, 4, 32));
  context->synchronize();
  EXPECT_EQ(arrived.load(), 4u);
  EXPECT_EQ(alone.load(), 0u);
}

#if !defined(__SANITIZE_THREAD__)
struct Fatal {
  std::atomic<pthread_t>* thread;
  volatile uint32_t* address;
};
uint32_t faults(BlockContext* c, uint32_t, uint32_t begin, uint32_t end) {
  params<Fatal>(c).thread->store(pthread_self());
  *params<Fatal>(c).address = 1;
  return exitAll(c, begin, end);
}

TEST(Help, AFaultEndsTheLaunchOnly) {
  auto kernel = makeKernel("faults", faults);
  int here = 0;
  for (int i = 0; i < 50; ++i) {
    auto context = makeContext();
    std::atomic<pthread_t> thread{};
    context->legacyStream().launch(request(kernel, Fatal{&thread, nullptr}, 1, 32));
    context->synchronize();
    ASSERT_NE(context->fault(), nullptr);
    EXPECT_EQ(context->fault()->kind, FaultKind::IllegalAddress);
    here += thread.load() == pthread_self();
  }
  EXPECT_GT(here, 0);
}

TEST(Help, AFaultIsCaughtWhereItsSignalIsBlocked) {
  auto kernel = makeKernel("faults", faults);
  std::thread([&] {
    sigset_t all, after;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, nullptr);
    for (int i = 0; i < 20; ++i) {
      auto context = makeContext();
      std::atomic<pthread_t> thread{};
      context->legacyStream().launch(request(kernel, Fatal{&thread, nullptr}, 1, 32));
      context->synchronize();
      EXPECT_NE(context->fault(), nullptr);
    }
    pthread_sigmask(SIG_SETMASK, nullptr, &after);
    EXPECT_EQ(sigismember(&after, SIGSEGV), 1);
  }).join();
}

TEST(Help, AnEndlessKernelOnAWaitingThreadCanBeStopped) {
  struct Flag {
    std::atomic<uint32_t>* started;
  };
  auto endless = [](BlockContext* c, uint32_t, uint32_t, uint32_t) -> uint32_t {
    params<Flag>(c).started->store(1);
    for (volatile bool forever = true; forever;) {
    }
    return abi::regionExited;
  };
  auto kernel = makeKernel("endless", endless);
  for (int i = 0; i < 5; ++i) {
    auto context = makeContext();
    std::atomic<uint32_t> started{0};
    std::thread waiting([&] {
      context->legacyStream().launch(request(kernel, Flag{&started}, 1, 32));
      context->synchronize();
    });
    while (!started.load()) std::this_thread::yield();
    Pool::instance().stop(*context);
    waiting.join();
  }
}
#endif

TEST(Help, KernelsComputeAsAlwaysAndTheThreadAsBefore) {
  struct Numbers {
    volatile float *in, *out;
  };
  auto divide = [](BlockContext* c, uint32_t, uint32_t begin, uint32_t end) -> uint32_t {
    params<Numbers>(c).out[0] = params<Numbers>(c).in[0] / params<Numbers>(c).in[1];
    return exitAll(c, begin, end);
  };
  auto context = makeContext();
  auto kernel = makeKernel("divide", divide);
  float in[2] = {1, 3}, usual = 1.0f / 3.0f;
  for (int i = 0; i < 100; ++i) {
    float out = 0;
    fesetround(FE_UPWARD);
    context->legacyStream().launch(request(kernel, Numbers{in, &out}, 1, 32));
    context->synchronize();
    int rounding = fegetround();
    fesetround(FE_TONEAREST);
    EXPECT_EQ(rounding, FE_UPWARD);
    EXPECT_EQ(out, usual);
  }
}

TEST(Help, ManyThreadsAtOnce) {
  auto context = makeContext();
  auto kernel = makeKernel("note", noteThread);
  std::vector<std::thread> threads;
  std::vector<std::atomic<uint32_t>> counts(6);
  for (auto& count : counts) {
    threads.emplace_back([&] {
      auto stream = context->createStream(StreamKind::NonBlocking);
      std::atomic<pthread_t> thread{};
      for (uint32_t i = 0; i < 1000; ++i) {
        stream->launch(request(kernel, Seen{&thread, &count}, 1 + i % 3, 32));
        if (i % 5 == 4) stream->launch(request(kernel, Seen{&thread, &count}, 40, 32));
        if (i % 2) stream->synchronize();
      }
      stream->synchronize();
    });
  }
  for (auto& thread : threads) thread.join();
  uint32_t expected = 200 * 40;
  for (uint32_t i = 0; i < 1000; ++i) expected += 1 + i % 3;
  for (auto& count : counts) EXPECT_EQ(count.load(), expected);
}

}  // namespace
}  // namespace anywarp::device
