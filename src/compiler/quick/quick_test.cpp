// Threaded code run by hand, without a device; what it leaves to the compiler. Every instruction is tested in tests/forms and tests/run.
// SPDX-License-Identifier: Apache-2.0
#include "compiler/quick/quick.h"

#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <string>

namespace anywarp::quick {
namespace {

std::unique_ptr<ptx::Module> parse(const std::string& body, const std::string& before = "") {
  auto module = ptx::parseModule(".version 8.0\n.target sm_80\n.address_size 64\n" + before + ".visible .entry kernel(.param .u64 out, .param .u32 n) {\n" +
                                     ".reg .pred %p<9>; .reg .b32 %r<99>; .reg .b64 %rd<99>; .reg .f32 %f<99>;\n" + body + "\n}\n",
                                 "test.ptx");
  EXPECT_TRUE(module) << module.error().message;
  return std::move(*module);
}

// Runs one block of `threads` threads until all of them have exited. Returns what each stored to out[tid].
std::vector<uint32_t> run(const Kernel& kernel, uint32_t threads, uint32_t n, abi::LaunchInfo launch = {}) {
  std::vector<uint32_t> out(threads, 0xdddddddd);
  struct {
    uint64_t out;
    uint32_t n, padding;
  } params{reinterpret_cast<uint64_t>(out.data()), n, 0};
  launch.block.x = threads;
  uint32_t warps = (threads + lanes - 1) / lanes;
  std::vector<abi::WarpState> states(warps, abi::WarpState{});
  std::vector<uint64_t> frames((size_t{kernel.frameBytes} * warps + 64) / 8);
  abi::BlockContext block{};
  block.params = reinterpret_cast<const uint8_t*>(&params);
  block.launch = &launch;
  block.warps = states.data();
  block.kernel = &kernel;
  block.frames = reinterpret_cast<uint8_t*>((reinterpret_cast<uintptr_t>(frames.data()) + 63) / 64 * 64);
  for (uint32_t w = 0; w < warps; ++w) {
    uint32_t left = threads - w * lanes;
    states[w].live = left >= lanes ? ~0u : (1u << left) - 1;
  }
  // Warps may let others run, which is enough in the second round.
  for (uint32_t w = 0; w < warps; ++w) kernel.entry(&block, 0, w, w + 1);
  for (uint32_t w = 0; w < warps; ++w) {
    EXPECT_EQ(kernel.entry(&block, 0, w, w + 1), abi::regionExited);
    EXPECT_EQ(states[w].live, 0u);
  }
  return out;
}

constexpr const char* storeR1 = "ld.param.u64 %rd1, [out]; mov.u32 %r90, %tid.x; mul.wide.u32 %rd2, %r90, 4; add.s64 %rd3, %rd1, %rd2;"
                                "st.global.u32 [%rd3], %r1; ret;";

TEST(Quick, LanesThatPartMeetAgain) {
  auto module = parse(std::string("mov.u32 %r2, %tid.x; and.b32 %r3, %r2, 3; mov.u32 %r1, 0; setp.eq.u32 %p1, %r3, 0; @%p1 bra MEET;\n"
                                  "AGAIN: add.u32 %r1, %r1, %r2; sub.u32 %r3, %r3, 1; setp.ne.u32 %p2, %r3, 0; @%p2 bra AGAIN;\n"
                                  "MEET: activemask.b32 %r4; popc.b32 %r4, %r4; shl.b32 %r4, %r4, 16; or.b32 %r1, %r1, %r4;\n") +
                      storeR1);
  auto kernel = makeKernel(*module, 0, {40, 1, 1});
  ASSERT_TRUE(kernel) << kernel.error().message;
  std::vector<uint32_t> out = run(**kernel, 40, 0);
  for (uint32_t t = 0; t < 40; ++t) EXPECT_EQ(out[t], t * (t & 3) | (t < 32 ? 32u : 8u) << 16) << t;
}

TEST(Quick, RegistersShareRows) {
  std::string body = "ld.param.u32 %r1, [n];\n";
  for (int i = 2; i < 80; ++i) body += "add.u32 %r" + std::to_string(i) + ", %r" + std::to_string(i - 1) + ", 1;\n";
  auto module = parse(body + "mov.u32 %r1, %r79;" + storeR1);
  auto kernel = makeKernel(*module, 0, {32, 1, 1});
  ASSERT_TRUE(kernel) << kernel.error().message;
  EXPECT_LT((*kernel)->program.rowBytes, 4096u);
  EXPECT_EQ(run(**kernel, 32, 5)[31], 83u);
}

TEST(Quick, TellsWhatNeedsTheCompiler) {
  auto why = [](const std::string& body, const std::string& before = "") {
    auto module = parse(body, before);
    auto kernel = makeKernel(*module, 0, {32, 1, 1});
    return kernel ? std::string("nothing") : kernel.error().message;
  };
  EXPECT_EQ(why("ret;"), "nothing");
  EXPECT_EQ(why("alloca.u64 %rd1, 8; ret;"), "kernel: alloca (Alloca)");
  EXPECT_NE(why("vadd.u32.u32.u32 %r1, %r2, %r3; ret;").find("no prebuilt code for"), std::string::npos);
}

// Cooperative groups find the workspace of their grid there.
TEST(Quick, ReadsTheEnvironmentRegisters) {
  auto module = parse(std::string("mov.u32 %r2, %envreg1; mov.u32 %r3, %envreg2; mad.lo.u32 %r1, %r2, 16, %r3;\n") + storeR1);
  auto kernel = makeKernel(*module, 0, {32, 1, 1});
  ASSERT_TRUE(kernel) << kernel.error().message;
  abi::LaunchInfo launch{};
  launch.envreg[1] = 3, launch.envreg[2] = 5;
  EXPECT_EQ(run(**kernel, 32, 0, launch), std::vector<uint32_t>(32, 53));
}

TEST(Quick, LongRunsAskForTheCompiler) {
  static int asked;
  asked = 0;
  auto module = parse(std::string("ld.param.u32 %r2, [n]; mov.u32 %r1, 0;\n"
                                  "AGAIN: add.u32 %r1, %r1, 1; setp.lt.u32 %p1, %r1, %r2; @%p1 bra AGAIN;\n") +
                      storeR1);
  auto kernel = makeKernel(*module, 0, {32, 1, 1});
  ASSERT_TRUE(kernel) << kernel.error().message;
  (*kernel)->becameHot = [](const abi::CompiledKernel*) { ++asked; };
  EXPECT_EQ(run(**kernel, 32, 10)[0], 10u);
  EXPECT_EQ(asked, 0);
  EXPECT_EQ(run(**kernel, 32, 1000000)[0], 1000000u);
  EXPECT_EQ(asked, 1);
  run(**kernel, 32, 1000000);
  EXPECT_EQ(asked, 1);
}

TEST(Quick, LargeKernelsAskLater) {
  static int asked;
  asked = 0;
  std::string never;
  for (int i = 0; i < 1000; ++i) never += "add.u32 %r3, %r3, %r1;\n";
  auto module = parse(std::string("ld.param.u32 %r2, [n]; mov.u32 %r1, 0; mov.u32 %r3, 0; setp.eq.u32 %p2, %r2, 7; @!%p2 bra AGAIN;\n") + never +
                      "AGAIN: add.u32 %r1, %r1, 1; setp.lt.u32 %p1, %r1, %r2; @%p1 bra AGAIN;\n@%p2 add.u32 %r1, %r1, %r3;\n" + storeR1);
  auto kernel = makeKernel(*module, 0, {32, 1, 1});
  ASSERT_TRUE(kernel) << kernel.error().message;
  (*kernel)->becameHot = [](const abi::CompiledKernel*) { ++asked; };
  for (int launch = 0; launch < 2; ++launch) run(**kernel, 32, 1000000);
  EXPECT_EQ(asked, 0);
  for (int launch = 0; launch < 8; ++launch) run(**kernel, 32, 1000000);
  EXPECT_EQ(asked, 1);
}

// Lanes wait for lane 31, which comes to its store only when they let it, and warps for the last warp.
TEST(Quick, WaitingLoopsLetOthersRun) {
  auto module = parse(std::string("ld.param.u64 %rd4, [out]; mov.u32 %r2, %tid.x; setp.eq.u32 %p1, %r2, 63; @%p1 bra TELL;\n"
                                  "AGAIN: ld.volatile.global.u32 %r1, [%rd4+252]; setp.ne.u32 %p2, %r1, 7; @%p2 bra AGAIN; bra DONE;\n"
                                  "TELL: mov.u32 %r1, 7; st.volatile.global.u32 [%rd4+252], %r1;\nDONE:\n") +
                      storeR1);
  auto kernel = makeKernel(*module, 0, {64, 1, 1});
  ASSERT_TRUE(kernel) << kernel.error().message;
  EXPECT_EQ((*kernel)->usesSpin, 1u);
  EXPECT_EQ(run(**kernel, 64, 0), std::vector<uint32_t>(64, 7));
}

TEST(Quick, EveryLevelHasEveryHandler) {
  const bool isX86 = hostLevel() != Level::Generic;
  for (Level level : isX86 ? std::vector{Level::V3, Level::V4} : std::vector{Level::Generic}) {
    EXPECT_NE(findHandler(level, "AddInt .u32 3"), nullptr);
    EXPECT_NE(findHandler(level, "Ex2.approx.ftz .f32 2"), nullptr);
    EXPECT_EQ(findHandler(level, "AddInt .u32 4"), nullptr);
  }
}

std::string repeat(int from, int to, const std::function<std::string(int)>& text) {
  std::string all;
  for (int step = from < to ? 1 : -1, i = from; i != to; i += step) all += text(i);
  return all;
}

// What would keep a launch waiting for long: it is compiled on a thread that is stopped when it takes too long.
TEST(Quick, LeavesWhatIsLongToAnalyseToTheCompiler) {
  constexpr int many = 4000;
  auto label = [](int i) { return "L" + std::to_string(i); };
  auto loopsInLoops = repeat(0, many, [&](int i) { return label(i) + ": add.u32 %r1, %r1, %r2;\n"; }) +
                      repeat(many - 1, -1, [&](int i) { return "setp.lt.u32 %p1, %r1, " + std::to_string(i) + "; @%p1 bra " + label(i) + ";\n"; });
  auto module = parse(loopsInLoops + storeR1);
  auto kernel = makeKernel(*module, 0, {32, 1, 1});
  ASSERT_FALSE(kernel);
  EXPECT_NE(kernel.error().message.find("control flow that takes long to follow"), std::string::npos) << kernel.error().message;

  auto value = [](int i) { return "%v" + std::to_string(i); };
  auto liveOverBarriers = ".reg .b32 %v<" + std::to_string(many) + ">;\n" +
                          repeat(0, many, [&](int i) { return "add.u32 " + value(i) + ", %r2, " + std::to_string(i) + ";\n"; }) +
                          repeat(0, many, [](int) { return "bar.sync 0;\n"; }) +
                          repeat(0, many, [&](int i) { return "add.u32 %r1, %r1, " + value(i) + ";\n"; });
  module = parse(liveOverBarriers + storeR1);
  kernel = makeKernel(*module, 0, {32, 1, 1});
  ASSERT_FALSE(kernel);
  EXPECT_NE(kernel.error().message.find("live over many blocks"), std::string::npos) << kernel.error().message;
}

TEST(Quick, TakesManyBranchesAndLoopsSideBySide) {
  auto body = repeat(0, 4000, [](int i) {
    auto label = "L" + std::to_string(i);
    return (i % 2 ? label + ": add.u32 %r1, %r1, 1; setp.lt.u32 %p1, %r1, " : "setp.lt.u32 %p1, %r1, ") + std::to_string(i) + "; @%p1 bra " + label +
           ";\n" + (i % 2 ? "" : "add.u32 %r1, %r1, 3; " + label + ":\n");
  });
  auto module = parse("mov.u32 %r1, 0;\n" + body + storeR1);
  auto kernel = makeKernel(*module, 0, {32, 1, 1});
  ASSERT_TRUE(kernel) << kernel.error().message;
  uint32_t expected = 0;
  for (uint32_t i = 0; i < 4000; ++i) {
    if (i % 2 == 0) expected += expected < i ? 0 : 3;
    else do ++expected;
      while (expected < i);
  }
  EXPECT_EQ(run(**kernel, 32, 0), std::vector<uint32_t>(32, expected));
}

}  // namespace
}  // namespace anywarp::quick
