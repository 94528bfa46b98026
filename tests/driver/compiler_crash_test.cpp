// What follows where the compiler crashes or never ends: an error with the kernel's name, code without optimisation, or the quick
// tier's; the process goes on, and ends when it wants to. SPDX-License-Identifier: Apache-2.0
#include <signal.h>
#include <stdlib.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <thread>

#include "child.h"
#include "driver_fixture.h"

namespace anywarp::test {
namespace {

// Adds n * (n - 1) / 2 to a counter, one number for each round.
constexpr const char* sumPtx = R"(.version 8.0
.target sm_80
.address_size 64
.visible .entry sum(.param .u64 to, .param .u32 n) {
.reg .b64 %a; .reg .b32 %r<4>; .reg .pred %p;
ld.param.u64 %a, [to]; ld.param.u32 %r1, [n];
mov.u32 %r2, 0; mov.u32 %r3, 0;
AGAIN: add.u32 %r3, %r3, %r2; add.u32 %r2, %r2, 1; setp.lt.u32 %p, %r2, %r1; @%p bra AGAIN;
st.global.u32 [%a], %r3; ret; })";

struct Sum {
  CUcontext context = nullptr;
  CUmodule module = nullptr;
  CUfunction function = nullptr;
  CUdeviceptr out = 0;

  Sum() {
    EXPECT_OK(cuInit(0));
    EXPECT_OK(cuCtxCreate_v2(&context, 0, 0));
    EXPECT_OK(cuModuleLoadData(&module, sumPtx));
    EXPECT_OK(cuModuleGetFunction(&function, module, "sum"));
    EXPECT_OK(cuMemAlloc_v2(&out, 4));
  }
  CUresult launch(unsigned rounds) {
    void* params[] = {&out, &rounds};
    if (CUresult result = cuLaunchKernel(function, 1, 1, 1, 32, 1, 1, 0, nullptr, params, nullptr)) return result;
    return cuCtxSynchronize();
  }
  unsigned result() {
    unsigned value = 0;
    EXPECT_OK(cuMemcpyDtoH_v2(&value, out, 4));
    return value;
  }
};

constexpr unsigned rounds = 200000;  // enough to make it hot
constexpr unsigned expected = unsigned(uint64_t(rounds) * (rounds - 1) / 2);

int child(const char* part, const char* crash, const char* quick) {
  // What the compiler crashed on is kept there.
  std::string folder = testing::TempDir() + "anywarp-crash-test-XXXXXX";
  EXPECT_NE(mkdtemp(folder.data()), nullptr);
  int status = runChild(part, {{"ANYWARP_DEBUG_COMPILE_CRASH", crash}, {"ANYWARP_QUICK", quick}, {"ANYWARP_CACHE", "0"}, {"ANYWARP_LOG", "off"},
                               {"TMPDIR", folder.c_str()}});
  std::filesystem::remove_all(folder);
  return status;
}

class CompilerCrash : public testing::TestWithParam<const char*> {};
TEST_P(CompilerCrash, IsAnErrorOfTheLaunch) { EXPECT_EQ(child("LaunchFails", GetParam(), "0"), 0); }
TEST_P(CompilerCrash, LeavesTheQuickTier) { EXPECT_EQ(child("QuickGoesOn", GetParam(), "1"), 0); }
INSTANTIATE_TEST_SUITE_P(All, CompilerCrash, testing::Values("segv", "abort", "fatal", "stack"));

TEST(CompilerCrashTest, WhereItOptimisesCostsTheOptimisation) { EXPECT_EQ(child("QuickGoesOn", "segv-optimised", "0"), 0); }
TEST(CompilerCrashTest, WhatTakesTooLongIsStopped) { EXPECT_EQ(child("QuickGoesOn", "spin", "0"), 0); }
TEST(CompilerCrashTest, NobodyWaitsForACompilerThatHangs) { EXPECT_EQ(child("UnloadAndEnd", "hang", "1"), 0); }
TEST(CompilerCrashTest, TheProgramsHandlersStay) { EXPECT_EQ(child("CrashOfTheProgram", "segv", "0"), 1000 + SIGSEGV); }

TEST(Child, DISABLED_LaunchFails) {
  Sum sum;
  for (int i = 0; i < 2; ++i) EXPECT_EQ(sum.launch(1), CUDA_ERROR_INVALID_PTX);
  EXPECT_OK(cuMemsetD32_v2(sum.out, 5, 1));  // nothing else is broken
  EXPECT_EQ(sum.result(), 5u);
}

TEST(Child, DISABLED_QuickGoesOn) {
  Sum sum;
  for (int i = 0; i < 20; ++i) {
    ASSERT_OK(sum.launch(rounds));
    ASSERT_EQ(sum.result(), expected);
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

TEST(Child, DISABLED_UnloadAndEnd) {
  auto start = std::chrono::steady_clock::now();
  {
    Sum sum;
    for (int i = 0; i < 20; ++i) {
      ASSERT_OK(sum.launch(rounds));
      ASSERT_EQ(sum.result(), expected);
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    EXPECT_OK(cuModuleUnload(sum.module));
    EXPECT_OK(cuCtxDestroy_v2(sum.context));
  }
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
}

TEST(Child, DISABLED_CrashOfTheProgram) {
  Sum sum;
  EXPECT_EQ(sum.launch(1), CUDA_ERROR_INVALID_PTX);
  volatile uintptr_t nowhere = 8;
  *reinterpret_cast<volatile int*>(nowhere) = 1;
}

}  // namespace
}  // namespace anywarp::test
