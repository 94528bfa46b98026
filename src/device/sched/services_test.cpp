// printf, malloc and the clocks as kernels see them. SPDX-License-Identifier: Apache-2.0
#include <cstdio>

#include "device/sched/services.h"
#include "device/testing.h"

namespace anywarp::device {
namespace {

using namespace testing;
using abi::BlockContext;

struct Print {
  const char* format;
  const void* args;
  int32_t* result;
};

uint32_t print(BlockContext* c, uint32_t, uint32_t begin, uint32_t end) {
  auto& p = params<Print>(c);
  uint64_t formats[32] = {reinterpret_cast<uint64_t>(p.format)}, args[32] = {reinterpret_cast<uint64_t>(p.args)};
  int32_t results[32] = {};
  c->services->printf(c, 0, 1, formats, args, results);
  *p.result = results[0];
  return exitAll(c, begin, end);
}

// What a kernel that calls printf(format, args...) puts on stdout.
std::string printed(const char* format, const void* args, int32_t expected) {
  auto context = makeContext();
  auto kernel = makeKernel("print", print);
  int32_t result = -100;
  ::testing::internal::CaptureStdout();
  context->legacyStream().launch(request(kernel, Print{format, args, &result}, 1, 32));
  context->synchronize();
  fflush(stdout);
  EXPECT_EQ(result, expected);
  EXPECT_EQ(context->fault(), nullptr);
  return ::testing::internal::GetCapturedStdout();
}

TEST(Printf, ConversionsAndLayout) {
  // int, double, char, const char*, short, float (as double), long long: offsets 0 8 16 24 32 40 48.
  struct Args {
    int32_t i = -7;
    double d = 2.5;
    int32_t c = 'x';
    const char* s = "text";
    int32_t h = 12;
    double f = 0.125;
    int64_t l = -5000000000;
  } args;
  EXPECT_EQ(printed("%d|%f|%c|%s|%hd|%.3g|%lld\n", &args, 7), "-7|2.500000|x|text|12|0.125|-5000000000\n");
}

TEST(Printf, WidthsFlagsStarsAndPercent) {
  struct Args {
    int32_t width = 6;
    int32_t precision = 2;
    double value = 3.14159;
    uint32_t x = 255;
    uint32_t o = 8;
    uint64_t u = 18446744073709551615u;
  } args;
  EXPECT_EQ(printed("[%*.*f] %#06x %o %lu 100%%\n", &args, 6), "[  3.14] 0x00ff 10 18446744073709551615 100%\n");
}

TEST(Printf, NullStringPlainTextAndUnknownConversion) {
  const char* null = nullptr;
  EXPECT_EQ(printed("%s", &null, 1), "(null)");
  EXPECT_EQ(printed("plain", nullptr, 0), "plain");
  EXPECT_EQ(printed("%y %", &null, 0), "%y %");
  EXPECT_EQ(printed(nullptr, nullptr, -1), "");
}

TEST(Printf, BadPointerIsAFault) {
  auto context = makeContext();
  auto kernel = makeKernel("print", print);
  int32_t result = 0;
  const char* bad = reinterpret_cast<const char*>(64);
  context->legacyStream().launch(request(kernel, Print{"%s", &bad, &result}, 1, 32));
  context->synchronize();
  ASSERT_NE(context->fault(), nullptr);
  EXPECT_EQ(context->fault()->kind, FaultKind::IllegalAddress);
}

TEST(Printf, OldestCallsAreLostWhenTheBufferIsFull) {
  auto context = makeContext();
  ASSERT_TRUE(context->setLimit(Limit::PrintfBytes, 1024));
  auto kernel = makeKernel("print", print);
  int32_t result;
  ::testing::internal::CaptureStdout();
  for (int i = 0; i < 300; ++i) context->legacyStream().launch(request(kernel, Print{"%04d\n", &i, &result}, 1, 32)), context->legacyStream().synchronize();
  context->synchronize();
  fflush(stdout);
  std::string text = ::testing::internal::GetCapturedStdout();
  EXPECT_LE(text.size(), 1024u);
  EXPECT_EQ(text.substr(text.size() - 5), "0299\n");
  EXPECT_EQ(text.size() % 5, 0u);
}

TEST(Heap, KernelsAllocateAndFree) {
  auto allocate = [](BlockContext* c, uint32_t, uint32_t begin, uint32_t end) -> uint32_t {
    uint64_t sizes[32], pointers[32];
    for (uint64_t i = 0; i < 32; ++i) sizes[i] = 8 * i + 8;
    c->services->malloc(c, ~0u, sizes, pointers);
    for (uint64_t i = 0; i < 32; ++i) memset(reinterpret_cast<void*>(pointers[i]), 1, sizes[i]);
    c->services->free(c, ~0u, pointers);
    return exitAll(c, begin, end);
  };
  auto badFree = [](BlockContext* c, uint32_t, uint32_t begin, uint32_t end) -> uint32_t {
    uint64_t pointers[32] = {0, 4096};
    c->services->free(c, 3, pointers);
    return exitAll(c, begin, end);
  };
  auto context = makeContext();
  auto good = makeKernel("allocate", allocate), bad = makeKernel("badFree", badFree);
  context->legacyStream().launch(request(good, 0, 500, 32));
  context->synchronize();
  EXPECT_EQ(context->fault(), nullptr);
  context->legacyStream().launch(request(bad, 0, 1, 32));
  context->synchronize();
  ASSERT_NE(context->fault(), nullptr);
}

TEST(Clock, TicksAtTheDevicesRate) {
  auto context = makeContext();
  uint64_t c0 = services().clock64(nullptr), t0 = services().globaltimer(nullptr);
  while (services().globaltimer(nullptr) - t0 < 5000000) {
  }
  uint64_t t1 = services().globaltimer(nullptr);
  double rate = static_cast<double>(services().clock64(nullptr) - c0) / static_cast<double>(t1 - t0) * 1e6;
  EXPECT_NEAR(rate / context->device().profile()[Attribute::ClockKilohertz], 1.0, 0.3);
}

}  // namespace
}  // namespace anywarp::device
