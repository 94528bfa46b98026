// Tests of parseModule and parseBody. SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cstring>

#include "compiler/ptx/ast.h"

namespace anywarp::ptx {
namespace {

constexpr const char* head = ".version 8.3\n.target sm_90a\n.address_size 64\n";

std::unique_ptr<Module> moduleOf(const std::string& text) {
  auto module = parseModule(head + text, "t.ptx");
  EXPECT_TRUE(module) << module.error().message;
  return module ? std::move(*module) : std::make_unique<Module>();
}

std::string moduleError(const std::string& text) {
  auto module = parseModule(head + text, "t.ptx");
  return module ? "no error" : module.error().message;
}

struct Parsed {
  std::unique_ptr<Module> module;
  std::unique_ptr<Body> body;
  std::string error;
  const Instruction& operator[](size_t i) const { return body->instructions.at(i); }
};

// The body of a kernel k with registers of every type.
Parsed bodyOf(const std::string& statements, const std::string& declarations = "") {
  Parsed p;
  p.module = moduleOf(declarations +
                      ".entry k(.param .u64 a, .param .align 8 .b8 s[24])\n{\n"
                      ".reg .pred %p<9>; .reg .b16 %h<9>; .reg .b32 %r<99>; .reg .b64 %rd<9>; .reg .f32 %f<9>; .reg .f64 %fd<9>;\n" +
                      statements + "\n}\n");
  auto body = parseBody(*p.module, p.module->functions.back());
  if (body) p.body = std::move(*body);
  else p.error = body.error().message;
  return p;
}

Parsed good(const std::string& statements, const std::string& declarations = "") {
  Parsed p = bodyOf(statements, declarations);
  EXPECT_TRUE(p.body) << p.error;
  if (!p.body) p.body = std::make_unique<Body>();
  return p;
}

// ---- modules

TEST(Module, HeaderIsRead) {
  const auto m = moduleOf("");
  EXPECT_EQ(m->versionMajor, 8u);
  EXPECT_EQ(m->versionMinor, 3u);
  EXPECT_EQ(m->target, 90u);
  EXPECT_EQ(m->targetSuffix, 'a');
  EXPECT_EQ(m->addressSize, 64u);
}

TEST(Module, VersionComesFirst) {
  const auto m = parseModule(".target sm_80\n", "t.ptx");
  ASSERT_FALSE(m);
  EXPECT_EQ(m.error().message, "t.ptx:1:1: expected .version first, found '.target'");
  EXPECT_FALSE(parseModule("", "t.ptx"));
  EXPECT_FALSE(parseModule("\x7f" "ELF", "t.ptx"));
}

TEST(Module, PaddingAfterTheTextIsIgnored) {
  std::string text = std::string(head) + ".entry k() { ret; }\n";
  text.append(40, '\0');
  EXPECT_TRUE(parseModule(text, "t.ptx"));
}

TEST(Module, VariablesWithInitialisers) {
  const auto m = moduleOf(
      ".global .align 4 .u32 x = 7;\n"
      ".visible .global .f32 f[2][2] = {{1.5, 0f40000000}, {-2}};\n"
      ".const .align 16 .b8 bytes[8] = {1, -1, 0x7f, 2+3*2};\n"
      ".global .v2 .u16 pairs[2] = {{1,2},{3,4}};\n"
      ".extern .shared .align 16 .b8 dynamic[];\n"
      ".global .f64 d = 0d3FF0000000000000, e[] = {1, 2, 3};\n"
      ".global .attribute(.managed) .align 8 .u64 m;\n");
  ASSERT_EQ(m->variables.size(), 8u);
  EXPECT_EQ(m->variables[0].init, (std::vector<uint8_t>{7, 0, 0, 0}));
  const Variable& f = m->variables[1];
  EXPECT_EQ(f.linkage, Linkage::Visible);
  EXPECT_EQ(f.size, 16u);
  ASSERT_EQ(f.init.size(), 12u);
  float values[3];
  std::memcpy(values, f.init.data(), 12);
  EXPECT_EQ(values[0], 1.5f);
  EXPECT_EQ(values[1], 2.0f);
  EXPECT_EQ(values[2], -2.0f);
  EXPECT_EQ(m->variables[2].init, (std::vector<uint8_t>{1, 0xff, 0x7f, 8}));
  EXPECT_EQ(m->variables[2].align, 16u);
  EXPECT_EQ(m->variables[3].init, (std::vector<uint8_t>{1, 0, 2, 0, 3, 0, 4, 0}));
  EXPECT_EQ(m->variables[3].size, 8u);
  EXPECT_TRUE(m->variables[4].unsized);
  EXPECT_EQ(m->variables[6].size, 24u);
  EXPECT_TRUE(m->variables[7].managed);
  EXPECT_EQ(m->findVariable("e"), 6);
  EXPECT_EQ(m->findVariable("nothing"), -1);
}

TEST(Module, InitialisersThatReferToNames) {
  const auto m = moduleOf(
      ".global .u32 x;\n"
      ".global .u64 p[3] = {x, generic(x)+4, 9};\n"
      ".global .u8 b[2] = {0xff(x), 0xff00(x)};\n");
  const auto& r = m->variables[1].references;
  ASSERT_EQ(r.size(), 2u);
  EXPECT_FALSE(r[0].generic);
  EXPECT_EQ(r[1].offset, 8u);
  EXPECT_EQ(r[1].addend, 4);
  EXPECT_TRUE(r[1].generic);
  EXPECT_EQ(m->variables[1].init[16], 9);
  EXPECT_EQ(m->variables[2].references[1].shift, 8u);
  EXPECT_EQ(m->variables[2].references[1].bytes, 1u);
}

TEST(Module, FunctionsAndTheirDirectives) {
  const auto m = moduleOf(
      ".extern .func (.param .b32 r) vprintf (.param .b64 a, .param .b64 b);\n"
      ".func twice(.reg .u32 x) .noreturn { ret; }\n"
      ".weak .entry k(.param .u64 .ptr .global .align 16 p)\n.maxntid 256, 2\n.minnctapersm 3\n.pragma \"nounroll\";\n"
      ".reqnctapercluster 2, 1, 1\n{ ret; }\n"
      ".alias other, twice;\n");
  ASSERT_EQ(m->functions.size(), 3u);
  EXPECT_EQ(m->functions[0].returns.size(), 1u);
  EXPECT_FALSE(m->functions[0].hasBody);
  EXPECT_TRUE(m->functions[1].noReturn);
  EXPECT_EQ(m->functions[1].params[0].space, Space::None);
  const Function& k = m->functions[2];
  EXPECT_TRUE(k.isEntry);
  EXPECT_EQ(k.linkage, Linkage::Weak);
  EXPECT_EQ(k.maxntid[0], 256u);
  EXPECT_EQ(k.maxntid[1], 2u);
  EXPECT_EQ(k.maxntid[2], 1u);
  EXPECT_EQ(k.minnctapersm, 3u);
  EXPECT_EQ(k.reqnctapercluster[0], 2u);
  EXPECT_EQ(k.params[0].size, 8u);
  EXPECT_EQ(m->findFunction("other"), 1);
}

TEST(Module, DeclarationThenDefinitionIsOneFunction) {
  const auto m = moduleOf(".visible .func f(.param .u32 a);\n.visible .func f(.param .u32 a) { ret; }\n");
  ASSERT_EQ(m->functions.size(), 1u);
  EXPECT_TRUE(m->functions[0].hasBody);
}

TEST(Module, DefinedTwice) {
  EXPECT_EQ(moduleError(".entry k() { ret; }\n.entry k() { ret; }\n"), "t.ptx:5:8: function 'k' is defined twice, first in line 4");
  EXPECT_EQ(moduleError(".global .u32 x;\n.global .u32 x;\n"), "t.ptx:5:14: variable 'x' is defined twice, first in line 4");
}

TEST(Module, BracesInCommentsAndStringsAreText) {
  const auto m = moduleOf(".entry a() { // }\n /* } */ .pragma \"}\"; ret; }\n.entry b() { ret; }\n");
  EXPECT_EQ(m->functions.size(), 2u);
}

TEST(Module, SectionsFilesAndLinesAreAccepted) {
  const auto m = moduleOf(".file 1 \"a.cu\", 123, 456\n.section .debug_str { .b8 1,2 }\n@@DWARF .byte 1\n.entry k() { .loc 1 7 0\nret; }\n");
  EXPECT_EQ(m->files[1], "a.cu");
  auto body = parseBody(*m, m->functions[0]);
  ASSERT_TRUE(body);
  EXPECT_EQ((*body)->instructions[0].sourceLine, 7u);
}

TEST(Module, Messages) {
  EXPECT_EQ(moduleError(".entry k() {"), "t.ptx:4:12: body of 'k' is not closed");
  EXPECT_EQ(moduleError(".bogus\n"), "t.ptx:4:1: unknown directive '.bogus'");
  EXPECT_EQ(moduleError(".global .u32 x = 1.5;\n"), "t.ptx:4:18: floating-point value for 'x' of type .u32");
  EXPECT_EQ(moduleError(".global .u32 x[2] = {1,2,3};\n"), "t.ptx:4:27: more initial values than 'x' has elements");
  EXPECT_EQ(moduleError(".global .u32 x[4294967296][4294967296];\n"), "t.ptx:4:14: 'x' is larger than 1099511627776 bytes");
  EXPECT_EQ(moduleError(".global .align 3 .u32 x;\n"), "t.ptx:4:16: alignment 3 is no power of two up to 1048576");
  EXPECT_EQ(moduleError(".global .u32 x = 99999999999999999999;\n"), "t.ptx:4:18: expected a constant, found integer literal does not fit 64 bits");
}

TEST(Module, ConstantExpressions) {
  const auto m = moduleOf(
      ".global .s64 v[] = {1<<4|3, -7/2, -7 % 3, (2+3)*4, 5>3?10:20, ~0, !5, (.s64)2.9, 0x10U, 0b101, 017, WARP_SZ, 1==1&&0};\n");
  const Variable& v = m->variables[0];
  const int64_t expected[] = {19, -3, -1, 20, 10, -1, 0, 2, 16, 5, 15, 32, 0};
  ASSERT_EQ(v.size, sizeof expected);
  EXPECT_EQ(std::memcmp(v.init.data(), expected, sizeof expected), 0);
}

TEST(Module, HostileNestingEndsInAnError) {
  EXPECT_NE(moduleError(".global .u32 x = " + std::string(100000, '(') + "1;").find("nested too deeply"), std::string::npos);
  EXPECT_NE(moduleError(".global .u32 x = " + std::string(100000, '-') + "1;").find("nested too deeply"), std::string::npos);
  EXPECT_NE(moduleError(".global .u32 x[2] = " + std::string(100000, '{') + "1;").find("nested too deeply"), std::string::npos);
}

// ---- bodies

TEST(Body, OperandsOfAnInstruction) {
  const Parsed p = good("@!%p1 mad.lo.s32 %r1, %r2, -5, 0x10;");
  EXPECT_EQ(p[0].form, Form::MadInt);
  EXPECT_TRUE(p[0].guardNegated);
  EXPECT_EQ(p.body->registers[p[0].guard].name, "%p1");
  EXPECT_TRUE(p[0].has(Mod::Lo));
  EXPECT_EQ(p[0].type(), Type::S32);
  ASSERT_EQ(p[0].operands.size(), 4u);
  EXPECT_EQ(immediateBits(p[0].operands[2], Type::S32), 0xfffffffbu);
  EXPECT_EQ(p[0].loc.line, 7u);
}

TEST(Body, AbsentOperandsKeepTheirSlots) {
  const Parsed p = good(
      "setp.lt.s32 %p1, %r1, %r2;\n"
      "setp.lt.and.s32 %p1|%p2, %r1, %r2, !%p3;\n"
      "shfl.sync.down.b32 %r1, %r2, 1, 31, -1;\n"
      "shfl.sync.down.b32 %r1|%p1, %r2, 1, 31, -1;\n"
      "bar.sync 0; bar.sync 1, 64;\n"
      "bar.red.popc.u32 %r1, 0, %p1; bar.red.popc.u32 %r1, 0, 64, %p1;\n");
  EXPECT_TRUE(p[0].operands[1].isNone());
  EXPECT_TRUE(p[0].operands[4].isNone());
  EXPECT_TRUE(p[1].operands[1].isReg());
  EXPECT_TRUE(p[1].operands[4].negated);
  ASSERT_EQ(p[2].operands.size(), 6u);
  EXPECT_TRUE(p[2].operands[1].isNone());
  EXPECT_TRUE(p[3].operands[1].isReg());
  EXPECT_TRUE(p[4].operands[1].isNone());
  EXPECT_FALSE(p[5].operands[1].isNone());
  EXPECT_TRUE(p[6].operands[2].isNone());
  EXPECT_TRUE(p[6].operands[3].isReg());
  EXPECT_FALSE(p[7].operands[2].isNone());
}

TEST(Body, Addresses) {
  const Parsed p = good(
      "ld.param.u64 %rd1, [a]; ld.param.u32 %r1, [s+4];\n"
      "ld.global.v2.f32 {%f1, %f2}, [%rd1+-8]; st.shared.u32 [16], 7; ld.u32 %r1, [%rd1-4];\n"
      "ld.global.u32 %r1, [table+12]; mov.u64 %rd2, table+4; mov.u64 %rd2, table[2];\n", ".global .u32 table[9];\n");
  EXPECT_TRUE(p[0].operands[1].hasSymbol);
  EXPECT_EQ(p[0].operands[1].symbol.kind, SymbolKind::Parameter);
  EXPECT_EQ(p[1].operands[1].symbol.index, 1u);
  EXPECT_EQ(p[1].operands[1].offset, 4);
  EXPECT_EQ(p[2].operands[1].offset, -8);
  EXPECT_EQ(p[2].operands[0].elements.size(), 2u);
  EXPECT_EQ(slotType(p[2], 0), Type::F32);
  EXPECT_EQ(p[3].operands[0].reg, noReg);
  EXPECT_EQ(p[3].operands[0].offset, 16);
  EXPECT_EQ(p[4].operands[1].offset, -4);
  EXPECT_EQ(p[4].space(), Space::Generic);
  EXPECT_EQ(p[5].operands[1].symbol.kind, SymbolKind::ModuleVariable);
  EXPECT_EQ(p[5].operands[1].offset, 12);
  EXPECT_EQ(p[6].operands[1].kind, Operand::Kind::Symbol);
  EXPECT_EQ(p[6].operands[1].offset, 4);
  EXPECT_EQ(p[7].operands[1].offset, 8);
}

TEST(Body, MovesChooseTheirFormByOperands) {
  const Parsed p = good(
      "mov.b64 %rd1, {%r1, %r2}; mov.b64 {%r1, _}, %rd1; mov.b32 {%h1, %h2}, %r1; mov.u32 %r1, %tid.x;\n"
      "mov.b32 %r1, %envreg2; mov.u64 %rd1, %clock64; mov.v4.u32 {%r1,%r2,%r3,%r4}, %ctaid; mov.f32 %f1, 0f3F800000; mov.f64 %fd1, 1.5;");
  EXPECT_EQ(p[0].form, Form::MovPack);
  EXPECT_EQ(slotType(p[0], 1), Type::B32);
  EXPECT_EQ(p[1].form, Form::MovUnpack);
  EXPECT_EQ(p[1].operands[0].elements[1].kind, Operand::Kind::Discard);
  EXPECT_EQ(slotType(p[2], 0), Type::B16);
  EXPECT_EQ(p[3].form, Form::Mov);
  EXPECT_EQ(p[3].operands[1].special, SpecialReg::TidX);
  EXPECT_EQ(p[4].operands[1].special, SpecialReg::Envreg2);
  EXPECT_EQ(p[6].operands[1].elements[2].special, SpecialReg::CtaidZ);
  EXPECT_EQ(immediateBits(p[7].operands[1], Type::F32), 0x3f800000u);
  EXPECT_EQ(immediateBits(p[8].operands[1], Type::F64), 0x3ff8000000000000u);
  EXPECT_EQ(immediateBits(p[8].operands[1], Type::F32), 0x3fc00000u);
  EXPECT_EQ(immediateBits(p[8].operands[1], Type::F16), 0x3e00u);
}

TEST(Body, TypesFollowTheInstruction) {
  const Parsed p = good(
      "mul.wide.s32 %rd1, %r1, %r2; shl.b64 %rd1, %rd2, %r1; selp.b32 %r1, %r2, %r3, %p1; set.lt.u32.f32 %r1, %f1, %f2;\n"
      "slct.f32.s32 %f1, %f2, %f3, %r1; bfe.u64 %rd1, %rd2, 3, 4; dp4a.s32.u32 %r1, %r2, %r3, %r4; dp4a.u32.u32 %r1, %r2, %r3, %r4;\n"
      "cvt.rn.f32.s64 %f1, %rd1; atom.global.cas.b64 %rd1, [%rd2], %rd3, %rd4; st.global.u8 [%rd1], %h1; vote.sync.ballot.b32 %r1, %p1, -1;");
  EXPECT_EQ(slotType(p[0], 0), Type::S64);
  EXPECT_EQ(slotType(p[0], 1), Type::S32);
  EXPECT_EQ(slotType(p[1], 2), Type::U32);
  EXPECT_EQ(slotType(p[2], 3), Type::Pred);
  EXPECT_EQ(slotType(p[3], 0), Type::U32);
  EXPECT_EQ(slotType(p[3], 1), Type::F32);
  EXPECT_EQ(slotType(p[4], 3), Type::S32);
  EXPECT_EQ(slotType(p[5], 2), Type::U32);
  EXPECT_EQ(slotType(p[6], 0), Type::S32);
  EXPECT_EQ(slotType(p[6], 2), Type::U32);
  EXPECT_EQ(slotType(p[7], 3), Type::U32);
  EXPECT_EQ(slotType(p[8], 1), Type::S64);
  EXPECT_EQ(p[9].form, Form::AtomCas);
  EXPECT_EQ(slotType(p[9], 3), Type::B64);
  EXPECT_EQ(slotRole(p[9], 1), SlotRole::Address);
  EXPECT_EQ(slotType(p[10], 1), Type::U8);
  EXPECT_EQ(slotType(p[11], 1), Type::Pred);
  EXPECT_EQ(slotRole(p[11], 9), SlotRole::None);
}

TEST(Body, ModifiersMayStandInAnyOrder) {
  const Parsed p = good("ld.volatile.global.u32 %r1, [%rd1]; ld.global.volatile.u32 %r1, [%rd1]; vote.ballot.sync.b32 %r1, %p1, -1;");
  EXPECT_EQ(p[0].form, Form::Ld);
  EXPECT_EQ(p[1].form, Form::Ld);
  EXPECT_EQ(p[0].space(), Space::Global);
  EXPECT_EQ(p[2].form, Form::VoteSyncBallot);
}

TEST(Body, RegistersOfScopesAreDifferent) {
  const Parsed p = good("{ .reg .b32 t; mov.b32 t, 1; }\n{ .reg .f32 t; mov.f32 t, 0f00000000; { .reg .b16 t; mov.b16 t, 1; } }");
  const auto& r = p.body->registers;
  EXPECT_EQ(r[p[0].operands[0].reg].type, Type::B32);
  EXPECT_EQ(r[p[1].operands[0].reg].type, Type::F32);
  EXPECT_EQ(r[p[2].operands[0].reg].type, Type::B16);
}

TEST(Body, LabelsOfScopesAreDifferent) {
  const Parsed p = good("{ bra L; L: bra OUT; }\n{ bra L; L: bra OUT; }\nOUT: ret;");
  const auto target = [&](size_t i) { return p.body->labels[p[i].operands[0].label].instruction; };
  EXPECT_EQ(target(0), 1u);
  EXPECT_EQ(target(1), 4u);
  EXPECT_EQ(target(2), 3u);
  EXPECT_EQ(target(3), 4u);
}

TEST(Body, InnerLabelHidesTheOuterOneAlsoWhenItComesLater) {
  const Parsed p = good("L: { bra L; L: ret; }");
  EXPECT_EQ(p.body->labels[p[0].operands[0].label].instruction, 1u);
}

TEST(Body, VectorRegisters) {
  const Parsed p = good(".reg .v4 .f32 v; ld.global.v4.f32 v, [%rd1]; add.f32 %f1, v.x, v.w;");
  ASSERT_EQ(p[0].operands[0].elements.size(), 4u);
  EXPECT_EQ(p[1].operands[2].reg, p[0].operands[0].elements[3].reg);
}

TEST(Body, OnlyUsedRegistersOfARangeExist) {
  const Parsed p = good(".reg .b32 %q<268435456>; mov.b32 %q268435455, %q7;");
  EXPECT_EQ(p.body->registers.size(), 2u);
  EXPECT_EQ(bodyOf(".reg .b32 %q<4000000000>;").error, "t.ptx:7:14: range of 4000000000 registers is beyond 268435456");
  EXPECT_EQ(bodyOf(".reg .b32 %q<4>; mov.b32 %q4, 1;").error, "t.ptx:7:26: undeclared name '%q4'");
}

TEST(Body, Calls) {
  const Parsed p = good(
      ".param .b64 p0; .param .b32 r0; .reg .b64 fp;\n"
      "call f; call.uni f, (p0); call (r0), g, (p0, p0);\n"
      "proto: .callprototype (.param .b32 _) _ (.param .b64 _);\n"
      "call (r0), fp, (p0), proto;\n"
      "list: .calltargets g;\ncall (r0), fp, (p0, p0), list;",
      ".func f(.param .b64 x);\n.func (.param .b32 r) g(.param .b64 x, .param .b64 y);\n");
  EXPECT_TRUE(p[0].operands[2].elements.empty());
  EXPECT_EQ(p[1].operands[2].elements.size(), 1u);
  EXPECT_EQ(p[2].operands[0].elements.size(), 1u);
  EXPECT_EQ(p[2].operands[1].symbol.kind, SymbolKind::Function);
  EXPECT_TRUE(p[3].operands[1].isReg());
  EXPECT_EQ(p.body->prototypes[p[3].operands[3].label].params.size(), 1u);
  EXPECT_EQ(p.body->prototypes[p[4].operands[3].label].targets, std::vector<uint32_t>{1});
}

TEST(Body, IndirectBranches) {
  const Parsed p = good("T: .branchtargets A, B; brx.idx %r1, T; A: ret; B: ret;");
  const auto& targets = p.body->branchTargets[p[0].operands[1].label];
  EXPECT_EQ(p.body->labels[targets.labels[1]].instruction, 2u);
}

TEST(Body, TextureCoordinates) {
  const Parsed p = good("tex.2d.v4.f32.f32 {%f1,%f2,%f3,%f4}, [%rd1, {%f5,%f6}]; tex.1d.v4.f32.s32 {%f1,%f2,%f3,%f4}, [%rd1, %rd2, {%r1}];");
  EXPECT_EQ(p[0].operands[2].elements.size(), 2u);
  EXPECT_TRUE(p[0].operands[3].isNone());
  EXPECT_EQ(p[1].operands[3].reg, p[1].operands[3].reg);
  EXPECT_TRUE(p[1].operands[3].isReg());
}

TEST(Body, VideoSelections) {
  const Parsed p = good("vadd.s32.u32.s32.sat %r1, %r2.b1, %r3.h0; vabsdiff4.u32.u32.u32.add %r1, %r2, %r3.b7610, %r4;");
  EXPECT_EQ(p[0].operands[1].selectBytes(), 1u);
  EXPECT_EQ(p[0].operands[1].selectIndex(0), 1u);
  EXPECT_EQ(p[0].operands[2].selectBytes(), 2u);
  EXPECT_EQ(p[1].operands[2].selectCount(), 4u);
  EXPECT_EQ(p[1].operands[2].selectIndex(0), 0u);
  EXPECT_EQ(p[1].operands[2].selectIndex(3), 7u);
}

TEST(Body, UnknownInstructionsKeepTheirText) {
  const Parsed p = good("frobnicate;\n@%p1 add.bogus.s32 %r1, %r2, %r3;\nret;");
  EXPECT_EQ(p[0].form, Form::Unknown);
  EXPECT_EQ(p[0].text, "frobnicate");
  EXPECT_EQ(p[1].form, Form::Unknown);
  EXPECT_EQ(p[1].text, "add.bogus.s32 %r1, %r2, %r3");
  EXPECT_NE(p[1].guard, noReg);
  EXPECT_EQ(p[2].form, Form::Ret);
}

TEST(Body, UnknownInstructionEndsAtItsSemicolon) {
  const Parsed p = good("frobnicate.u32 {%r1, %r2}, [%rd1];\nret;");
  ASSERT_EQ(p.body->instructions.size(), 2u);
  EXPECT_EQ(p[0].text, "frobnicate.u32 {%r1, %r2}, [%rd1]");
  EXPECT_EQ(p[1].form, Form::Ret);
}

TEST(Body, WindowsLineEndsCountOnce) {
  const Parsed p = good("mov.b32 %r1, 1;\r\nmov.b32 %r1, 2;\r\n");
  EXPECT_EQ(p[1].loc.line, 8u);
}

TEST(Body, Messages) {
  EXPECT_EQ(bodyOf("add.s32 %r1, %r2, %r3").error, "t.ptx:8:1: expected ';' after operand, found end of file");
  EXPECT_EQ(bodyOf("{ add.s32 %r1, %r2, %r3 }").error, "t.ptx:7:25: expected ';' after operand, found '}'");
  EXPECT_EQ(bodyOf("add.s32 %r1, %r2;").error, "t.ptx:7:1: 'add.s32 %r1, %r2': operands do not fit D|A|B");
  EXPECT_EQ(bodyOf("bra NOWHERE;").error, "t.ptx:7:5: undefined label 'NOWHERE'");
  EXPECT_EQ(bodyOf("mov.b32 %r1, nothing;").error, "t.ptx:7:14: undeclared name 'nothing'");
  EXPECT_EQ(bodyOf("L: ret; L: ret;").error, "t.ptx:7:9: label 'L' is defined twice");
  EXPECT_EQ(bodyOf("@%r1 ret;").error, "t.ptx:7:2: guard '%r1' is .b32, not .pred");
  EXPECT_EQ(bodyOf(std::string(1000, '{') + std::string(1000, '}')).error, "t.ptx:7:65: more than 64 nested scopes");
}

}  // namespace
}  // namespace anywarp::ptx
