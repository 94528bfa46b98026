// Tests of estimateRegisters. SPDX-License-Identifier: Apache-2.0
#include "compiler/ptx/register_estimate.h"

#include <gtest/gtest.h>

namespace anywarp::ptx {
namespace {

uint32_t estimate(const std::string& statements) {
  auto module = parseModule(".version 8.0\n.target sm_80\n.address_size 64\n.entry k(.param .u64 a, .param .u64 b)\n{\n.reg .pred %p<4>;\n"
                            ".reg .b32 %r<200>;\n.reg .b64 %d<400>;\n" + statements + "\n}\n", "t.ptx");
  EXPECT_TRUE(module) << module.error().message;
  auto body = parseBody(**module, (*module)->functions[0]);
  EXPECT_TRUE(body) << body.error().message;
  return estimateRegisters(**body);
}

// `count` values loaded one after the other, then added up: all are live at once.
std::string loadThenAdd(int count, const std::string& between = "") {
  std::string text = "ld.param.u64 %d1, [a];\n";
  for (int i = 0; i < count; ++i) text += "ld.global.u32 %r" + std::to_string(i + 1) + ", [%d1+" + std::to_string(4 * i) + "];\n";
  text += between;
  for (int i = 1; i < count; ++i) text += "add.u32 %r1, %r1, %r" + std::to_string(i + 1) + ";\n";
  return text + "st.global.u32 [%d1], %r1;\nret;";
}

TEST(RegisterEstimate, SmallKernelsTakeFew) {
  EXPECT_EQ(estimate("ret;"), 10u);
  EXPECT_LE(estimate(loadThenAdd(2)), 12u);
}

TEST(RegisterEstimate, GrowsWithWhatIsLive) {
  EXPECT_NEAR(estimate(loadThenAdd(60)), 60, 10);
  EXPECT_NEAR(estimate(loadThenAdd(120)), 120, 10);
}

TEST(RegisterEstimate, ValuesLiveThroughALoopCount) {
  EXPECT_NEAR(estimate(loadThenAdd(40, "mov.u32 %r150, 0;\nL: add.u32 %r150, %r150, 1;\nsetp.lt.u32 %p1, %r150, 9;\n@%p1 bra L;\n")), 41, 10);
}

TEST(RegisterEstimate, WideValuesCountTwice) {
  std::string text;
  for (int i = 1; i <= 40; ++i) text += "mov.u64 %d" + std::to_string(i) + ", %clock64;\n";
  for (int i = 2; i <= 40; ++i) text += "add.u64 %d1, %d1, %d" + std::to_string(i) + ";\n";
  EXPECT_NEAR(estimate(text + "st.global.u64 [%d1], %d1;\nret;"), 80, 10);
}

TEST(RegisterEstimate, NoMoreThanThereAre) {
  std::string text;
  for (int i = 1; i < 400; ++i) text += "mov.u64 %d" + std::to_string(i) + ", %clock64;\n";
  for (int i = 2; i < 400; ++i) text += "add.u64 %d1, %d1, %d" + std::to_string(i) + ";\n";
  EXPECT_EQ(estimate(text + "st.global.u64 [%d1], %d1;\nret;"), mostRegisters);
}

TEST(RegisterEstimate, ParametersAndConstantsAreFree) {
  EXPECT_EQ(estimate("ld.param.u64 %d1, [a];\nld.param.u64 %d2, [b];\nmov.u32 %r1, 7;\nmov.u32 %r2, %ntid.x;\n"
                     "cvta.to.global.u64 %d3, %d1;\ncvta.to.global.u64 %d4, %d2;\nst.global.u32 [%d3], %r1;\nst.global.u32 [%d4], %r2;\nret;"), 10u);
}

}  // namespace
}  // namespace anywarp::ptx
