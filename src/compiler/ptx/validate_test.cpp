// Tests of validate. SPDX-License-Identifier: Apache-2.0
#include "compiler/ptx/validate.h"

#include <gtest/gtest.h>

namespace anywarp::ptx {
namespace {

// Severity and message, one line each; empty for a clean body.
std::string findings(const std::string& statements) {
  auto module = parseModule(
      ".version 5.0\n.target sm_50\n.address_size 64\n.func f(.param .b64 x);\n.entry e();\n.entry k(.param .u64 a)\n{\n"
      ".reg .pred %p<9>; .reg .b16 %h<9>; .reg .b32 %r<9>; .reg .b64 %rd<9>; .reg .f32 %f<9>; .reg .f64 %fd<9>; .reg .s32 %s<9>;\n" +
          statements + "\n}\n", "t.ptx");
  EXPECT_TRUE(module) << module.error().message;
  const Function& k = (*module)->functions.back();
  auto body = parseBody(**module, k);
  EXPECT_TRUE(body) << body.error().message;
  std::string text;
  for (const Diagnostic& d : validate(**module, k, **body))
    text += (d.severity == Diagnostic::Severity::Error ? "error: " : "warning: ") + d.message + "\n";
  return text;
}

TEST(Validate, OrdinaryCodeIsClean) {
  EXPECT_EQ(findings("ld.param.u64 %rd1, [a]; cvta.to.global.u64 %rd2, %rd1; ld.global.u8 %r1, [%rd2]; cvt.u32.u8 %r1, %r1;\n"
                     "mul.wide.s32 %rd3, %r1, 4; add.f32 %f1, %f2, %f3; mov.b32 %f1, %r1; mov.b64 {%r1, %r2}, %rd1; setp.eq.s32 %p1, %r1, 0;\n"
                     "st.global.v2.f32 [%rd2], {%f1, %f2}; st.global.u8 [%rd2], %h1; selp.b32 %r1, %r2, %r3, %p1; shl.b64 %rd1, %rd1, %r1; add.s32 %s1, %r1, %s2;"),
            "");
}

TEST(Validate, WrongSizesAreErrors) {
  EXPECT_EQ(findings("add.s32 %r1, %rd1, 1;"), "error: t.ptx:9:1: add.s32: operand 2 is .s32, '%rd1' is .b64\n");
  EXPECT_EQ(findings("add.s64 %rd1, %r1, 1;"), "error: t.ptx:9:1: add.s64: operand 2 is .s64, '%r1' is .b32\n");
  EXPECT_EQ(findings("add.s32 %r1, %p1, 1;"), "error: t.ptx:9:1: add.s32: operand 2 is .s32, '%p1' is .pred\n");
  EXPECT_EQ(findings("ld.global.u32 %r1, [%h1];"), "error: t.ptx:9:1: ld.global.u32: address '%h1' is .b16\n");
}

TEST(Validate, WrongClassesAreWarnings) {
  EXPECT_EQ(findings("add.s32 %r1, %f1, 1;"), "warning: t.ptx:9:1: add.s32: operand 2 is .s32, '%f1' is .f32\n");
}

TEST(Validate, Counts) {
  EXPECT_EQ(findings("ld.global.v4.f32 {%f1, %f2}, [%rd1];"), "error: t.ptx:9:1: ld.global.v4.f32 takes 4 elements, has 2\n");
  EXPECT_EQ(findings("call f;"), "error: t.ptx:9:1: callee has 1 arguments, call has 0\n");
  EXPECT_EQ(findings("call e;"), "error: t.ptx:9:1: 'e' is a kernel: it cannot be called\n");
}

TEST(Validate, Spaces) {
  EXPECT_EQ(findings("st.const.u32 [%rd1], %r1;"), "error: t.ptx:9:1: st.const.u32: constant memory cannot be written\n");
}

TEST(Validate, AtomicOperations) {
  EXPECT_EQ(findings("atom.global.add.f32 %f1, [%rd1], %f2; atom.or.b32 %r1, [%rd1], 1; atom.cas.b64 %rd1, [%rd2], 0, 1; red.global.inc.u32 [%rd1], 7;"), "");
  EXPECT_EQ(findings("atom.and.f32 %f1, [%rd1], %f2;"), "error: t.ptx:9:1: atom.and.f32: the operation does not work on .f32\n");
  EXPECT_EQ(findings("red.max.f32 [%rd1], %f2;"), "error: t.ptx:9:1: red.max.f32: the operation does not work on .f32\n");
}

TEST(Validate, VersionsAreWarnings) {
  EXPECT_EQ(findings("bar.warp.sync -1;"), "warning: t.ptx:9:1: bar.warp.sync needs PTX 6.0, module has 5.0\n");
  EXPECT_EQ(findings("activemask.b32 %r1;"), "warning: t.ptx:9:1: activemask.b32 needs PTX 6.2, module has 5.0\n");
}

TEST(Validate, UnknownInstructionsAreErrors) {
  EXPECT_EQ(findings("frobnicate %r1;"), "error: t.ptx:9:1: unknown instruction 'frobnicate %r1'\n");
}

}  // namespace
}  // namespace anywarp::ptx
