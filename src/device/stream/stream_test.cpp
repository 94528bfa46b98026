// Streams and events: order, overlap, default-stream rules, callbacks, time. SPDX-License-Identifier: Apache-2.0
#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "device/testing.h"

namespace anywarp::device {
namespace {

using namespace testing;
using abi::BlockContext;

// Holds a stream until it is opened.
struct Door {
  std::atomic<bool> open{false};
  void close(Stream& stream) {
    stream.waitUntil([this] { return open.load(); });
  }
};

TEST(Stream, OperationsRunInOrder) {
  auto context = makeContext();
  auto stream = context->createStream(StreamKind::NonBlocking);
  std::vector<int> order;
  for (int i = 0; i < 3000; ++i) {
    if (i % 3 == 0) stream->hostFunction([&order, i] { order.push_back(i); });
    else stream->call([&order, i] { order.push_back(i); });
  }
  stream->synchronize();
  ASSERT_EQ(order.size(), 3000u);
  for (int i = 0; i < 3000; ++i) ASSERT_EQ(order[static_cast<size_t>(i)], i);
  EXPECT_TRUE(stream->idle());
}

TEST(Stream, SubmittingDoesNotWait) {
  auto context = makeContext();
  auto stream = context->createStream(StreamKind::NonBlocking);
  Door door;
  door.close(*stream);
  std::atomic<int> ran{0};
  for (int i = 0; i < 500; ++i) stream->call([&] { ++ran; });
  EXPECT_FALSE(stream->idle());
  EXPECT_EQ(ran.load(), 0);
  door.open = true;
  stream->synchronize();
  EXPECT_EQ(ran.load(), 500);
}

TEST(Stream, NonBlockingStreamsAreIndependentOfTheLegacyOne) {
  auto context = makeContext();
  auto free = context->createStream(StreamKind::NonBlocking);
  Door door;
  door.close(context->legacyStream());
  std::atomic<bool> ran{false};
  free->call([&] { ran = true; });
  free->synchronize();
  EXPECT_TRUE(ran);
  door.open = true;
  context->synchronize();
}

TEST(Stream, LegacyStreamOrdersBlockingStreams) {
  auto context = makeContext();
  auto a = context->createStream(StreamKind::Blocking), b = context->createStream(StreamKind::Blocking);
  Door door;
  std::vector<int> order;
  door.close(*a);
  a->call([&] { order.push_back(1); });
  context->legacyStream().call([&] { order.push_back(2); });
  b->call([&] { order.push_back(3); });
  std::this_thread::sleep_for(std::chrono::milliseconds(2));
  EXPECT_FALSE(context->legacyStream().idle());
  EXPECT_FALSE(b->idle());
  door.open = true;
  context->synchronize();
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3}));
}

TEST(Stream, LegacySynchronizeCoversBlockingStreams) {
  auto context = makeContext();
  auto a = context->createStream(StreamKind::Blocking);
  std::atomic<bool> ran{false};
  a->call([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    ran = true;
  });
  context->legacyStream().synchronize();
  EXPECT_TRUE(ran);
}

TEST(Stream, PerThreadStreamIsTheThreadsOwn) {
  auto context = makeContext();
  Stream* mine = &context->perThreadStream();
  EXPECT_EQ(mine, &context->perThreadStream());
  Stream* others = nullptr;
  std::thread([&] { others = &context->perThreadStream(); }).join();
  EXPECT_NE(mine, others);
}

TEST(Stream, DestroyedWhileBusyFinishesItsWork) {
  auto context = makeContext();
  Door door;
  std::atomic<bool> ran{false};
  {
    auto stream = context->createStream(StreamKind::NonBlocking);
    door.close(*stream);
    stream->call([&] { ran = true; });
  }
  auto another = context->createStream(StreamKind::NonBlocking);
  door.open = true;
  context->synchronize();
  EXPECT_TRUE(ran);
}

TEST(Stream, CallbacksMaySubmitWork) {
  auto context = makeContext();
  auto a = context->createStream(StreamKind::NonBlocking), b = context->createStream(StreamKind::NonBlocking);
  std::atomic<int> count{0};
  for (int i = 0; i < 10; ++i) a->hostFunction([&] { b->call([&] { ++count; }); });
  a->synchronize();
  b->synchronize();
  EXPECT_EQ(count.load(), 10);
}

TEST(Stream, CopiesAndFills) {
  auto context = makeContext();
  Stream& stream = context->legacyStream();
  size_t bytes = (5 << 20) + 13;
  auto device = context->allocate(bytes);
  ASSERT_TRUE(device);
  std::vector<uint8_t> from(bytes), to(bytes);
  for (size_t i = 0; i < bytes; ++i) from[i] = static_cast<uint8_t>(i * 7 + i / 999);
  stream.copy(Copy::flat(*device, from.data(), bytes));
  stream.copy(Copy::flat(to.data(), *device, bytes));
  stream.synchronize();
  EXPECT_EQ(from, to);

  auto* words = static_cast<uint32_t*>(*device);
  stream.fill({.target = *device, .value = 0xdeadbeef, .elementBytes = 4, .width = 1 << 20});
  stream.synchronize();
  for (size_t i = 0; i < 1 << 20; ++i) ASSERT_EQ(words[i], 0xdeadbeefu);

  // Columns 3..5 of a 10 x 4 matrix, then a box out of a volume.
  std::vector<uint8_t> matrix(40, 1), out(12, 0);
  stream.copy({.target = out.data(), .source = matrix.data() + 3, .width = 3, .height = 4, .targetRowPitch = 3, .sourceRowPitch = 10});
  stream.fill({.target = matrix.data() + 3, .value = 9, .width = 3, .height = 4, .rowPitch = 10});
  stream.synchronize();
  EXPECT_EQ(out, std::vector<uint8_t>(12, 1));
  for (size_t i = 0; i < 40; ++i) EXPECT_EQ(matrix[i], i % 10 >= 3 && i % 10 < 6 ? 9 : 1);

  std::vector<uint8_t> volume(4 * 4 * 4), box(8);
  for (size_t i = 0; i < 64; ++i) volume[i] = static_cast<uint8_t>(i);
  transfer(Copy{.target = box.data(), .source = volume.data() + 21, .width = 2, .height = 2, .depth = 2, .targetRowPitch = 2,
                .sourceRowPitch = 4, .targetSlicePitch = 4, .sourceSlicePitch = 16});
  EXPECT_EQ(box, (std::vector<uint8_t>{21, 22, 25, 26, 37, 38, 41, 42}));
}

TEST(Event, OrdersStreams) {
  auto context = makeContext();
  auto a = context->createStream(StreamKind::NonBlocking), b = context->createStream(StreamKind::NonBlocking);
  for (int round = 0; round < 200; ++round) {
    auto event = std::make_shared<Event>(EventTiming::Off);
    std::atomic<int> value{0};
    int seen = -1;
    a->call([&] { value = 1; });
    a->record(event);
    b->wait(event);
    event.reset();  // destroyed while in use
    b->call([&] { seen = value; });
    b->synchronize();
    ASSERT_EQ(seen, 1);
  }
}

TEST(Event, WaitMeansTheRecordBeforeIt) {
  auto context = makeContext();
  auto a = context->createStream(StreamKind::NonBlocking), b = context->createStream(StreamKind::NonBlocking);
  auto event = std::make_shared<Event>();
  b->wait(event);  // never recorded: no wait
  b->synchronize();
  EXPECT_TRUE(event->complete());
  EXPECT_FALSE(event->recorded());
  Door door;
  a->record(event);
  b->wait(event);
  door.close(*a);
  a->record(event);  // b does not wait for this one
  b->synchronize();
  EXPECT_FALSE(event->complete());
  door.open = true;
  event->synchronize();
  EXPECT_TRUE(event->complete());
}

TEST(Event, TimesGrow) {
  auto context = makeContext();
  Stream& stream = context->legacyStream();
  auto begin = std::make_shared<Event>(), end = std::make_shared<Event>();
  stream.record(begin);
  stream.call([] { std::this_thread::sleep_for(std::chrono::milliseconds(3)); });
  stream.record(end);
  end->synchronize();
  uint64_t nanoseconds = end->timestamp() - begin->timestamp();
  EXPECT_GE(nanoseconds, 3000000u);
  EXPECT_LT(nanoseconds, 3000000000u);
}

// Threads that submit to streams of one context, with events across and the legacy stream in between.
TEST(Stream, ManyThreadsAndStreams) {
  auto context = makeContext();
  constexpr int threadCount = 4, rounds = 100;
  std::atomic<int> ran{0};
  auto shared = context->createStream(StreamKind::Blocking);
  std::vector<std::thread> threads;
  for (int t = 0; t < threadCount; ++t) {
    threads.emplace_back([&, t] {
      auto own = context->createStream(t % 2 ? StreamKind::Blocking : StreamKind::NonBlocking, t - 2);
      for (int i = 0; i < rounds; ++i) {
        auto event = std::make_shared<Event>();
        own->call([&] { ++ran; });
        own->record(event);
        shared->wait(event);
        shared->call([&] { ++ran; });
        if (i % 10 == 0) context->legacyStream().call([&] { ++ran; });
        if (i % 25 == 0) own->synchronize();
      }
    });
  }
  for (auto& thread : threads) thread.join();
  context->synchronize();
  EXPECT_TRUE(context->idle());
  EXPECT_EQ(ran.load(), threadCount * (2 * rounds + rounds / 10));
}

}  // namespace
}  // namespace anywarp::device
