// Tests of the printer: what is printed parses to the same, and prints the same again. SPDX-License-Identifier: Apache-2.0
#include "compiler/ptx/printer.h"

#include <gtest/gtest.h>

namespace anywarp::ptx {
namespace {

std::unique_ptr<Module> parse(const std::string& text) {
  auto module = parseModule(text, "t.ptx");
  EXPECT_TRUE(module) << module.error().message << "\n" << text;
  return module ? std::move(*module) : std::make_unique<Module>();
}

std::string printed(const Module& module) {
  auto text = print(module);
  EXPECT_TRUE(text) << text.error().message;
  return text ? *text : "";
}

constexpr const char* sample = R"(.version 8.6
.target sm_100a
.address_size 64
.file 1 "a.cu"
.extern .func (.param .b32 r) vprintf(.param .b64 a, .param .b64 b);
.global .align 8 .u64 pointers[3] = {table+4, generic(table), 7};
.global .f32 table[4] = {1.5, -2, 0f7FC00000};
.global .v2 .s16 pairs[2] = {{1,-1},{2,-2}};
.global .f16 halves[3] = {1, 0.5, -65504};
.global .u8 parts[2] = {0xff(table), 0xff00(table)};
.extern .shared .align 16 .b8 dynamic[];
.visible .global .attribute(.managed) .u32 managed;
.func (.reg .u32 result) twice(.reg .u32 x) { add.u32 result, x, x; ret; }
.weak .entry k(.param .u64 a, .param .align 8 .b8 s[24]) .maxntid 256 .minnctapersm 2
{
  .reg .pred %p<9>; .reg .b16 %h<9>; .reg .b32 %r<9>; .reg .b64 %rd<9>; .reg .f32 %f<9>; .reg .f64 %fd<9>;
  .local .align 16 .b8 depot[64];
  .shared .f32 tile[16][17];
  .reg .v4 .f32 quad;
  ld.param.u64 %rd1, [a]; ld.param.u32 %r1, [s+4];
  @!%p1 bra OUT;
  { .reg .b32 t; mov.b32 t, -1; L: @%p1 bra L; }
  { .reg .b64 t; mov.u64 t, tile+4; L: bra.uni L; }
  ld.global.nc.v4.f32 quad, [%rd1+-16];
  fma.rn.f32 %f1, quad.x, quad.w, 0f3F800000; add.f64 %fd1, %fd2, 1.5;
  mov.b32 {%h1, _}, %r1; mov.b64 %rd2, {%r1, %r2}; mov.u32 %r3, %ntid.y; mov.u64 %rd3, twice;
  setp.lt.and.s32 %p1|%p2, %r1, %r2, !%p3; shfl.sync.bfly.b32 %r1|%p1, %r2, 1, 0x1f, 0xffffffff;
  bar.red.popc.u32 %r1, 0, 64, %p1; st.shared.u32 [128], %r1; atom.global.cas.b32 %r1, [%rd1], 0, 1;
  tex.2d.v4.f32.f32 {%f1,%f2,%f3,%f4}, [%rd1, %rd2, {%f5,%f6}]; vadd.s32.u32.s32.sat %r1, %r2.b1, %r3.h0;
  cp.async.cg.shared.global.L2::cache_hint [%r1], [%rd1], 16, %rd2;
  call (%r1), twice, (%r2);
  P: .callprototype (.param .b32 _) _ (.param .b64 _);
  .param .b32 ret0; .param .b64 arg0; call (ret0), %rd3, (arg0), P;
  T: .branchtargets OUT, IN; @%p1 brx.idx %r1, T;
IN: trap; future.instruction %r1, {%r2, %r3};
OUT: ret;
}
.alias other, twice;
)";

TEST(Printer, PrintsWhatParsesToTheSame) {
  const auto first = parse(sample);
  const std::string once = printed(*first);
  const auto second = parse(once);
  EXPECT_EQ(printed(*second), once);
  ASSERT_EQ(first->functions.size(), second->functions.size());
  ASSERT_EQ(first->variables.size(), second->variables.size());
  for (size_t i = 0; i < first->variables.size(); ++i) {
    EXPECT_EQ(first->variables[i].init, second->variables[i].init) << first->variables[i].name;
    EXPECT_EQ(first->variables[i].size, second->variables[i].size);
    EXPECT_EQ(first->variables[i].align, second->variables[i].align);
    EXPECT_EQ(first->variables[i].references.size(), second->variables[i].references.size());
  }
}

TEST(Printer, FunctionAfterTheKernelThatNeedsNone) {
  const auto first = parse(".version 8.0\n.target sm_80\n.address_size 64\n.entry k() { ret; }\n.func f() { ret; }\n");
  const std::string once = printed(*first);
  EXPECT_EQ(printed(*parse(once)), once);
}

TEST(Printer, KeepsInstructions) {
  const auto first = parse(sample);
  const auto second = parse(printed(*first));
  const int k = first->findFunction("k"), k2 = second->findFunction("k");
  auto a = parseBody(*first, first->functions[size_t(k)]);
  auto b = parseBody(*second, second->functions[size_t(k2)]);
  ASSERT_TRUE(a && b);
  ASSERT_EQ((*a)->instructions.size(), (*b)->instructions.size());
  for (size_t i = 0; i < (*a)->instructions.size(); ++i) {
    const Instruction &x = (*a)->instructions[i], &y = (*b)->instructions[i];
    EXPECT_EQ(x.form, y.form);
    EXPECT_EQ(x.mods, y.mods);
    EXPECT_EQ(x.types, y.types);
    ASSERT_EQ(x.operands.size(), y.operands.size());
    for (size_t k = 0; k < x.operands.size(); ++k) {
      EXPECT_EQ(x.operands[k].kind, y.operands[k].kind);
      EXPECT_EQ(x.operands[k].bits, y.operands[k].bits);
      EXPECT_EQ(x.operands[k].offset, y.operands[k].offset);
      EXPECT_EQ(x.operands[k].select, y.operands[k].select);
      EXPECT_EQ(x.operands[k].elements.size(), y.operands[k].elements.size());
    }
  }
}

TEST(Printer, OneInstruction) {
  const auto m = parse(sample);
  const Function& k = m->functions[size_t(m->findFunction("k"))];
  auto body = parseBody(*m, k);
  ASSERT_TRUE(body);
  EXPECT_EQ(print(*m, k, **body, (*body)->instructions[0]), "ld.param.u64 %rd1, [a]");
  EXPECT_EQ(print(*m, k, **body, (*body)->instructions[2]), "@!%p1 bra OUT");
}

}  // namespace
}  // namespace anywarp::ptx
