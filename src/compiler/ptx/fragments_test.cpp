// Fragment layouts against the manual's formulas, written down one by one. SPDX-License-Identifier: Apache-2.0
#include "compiler/ptx/fragments.h"

#include <gtest/gtest.h>

#include <functional>
#include <set>

namespace anywarp::ptx {
namespace {

Instruction instruction(const std::string& opcode) {
  Opcode decoded = decodeOpcode(opcode);
  Instruction inst;
  EXPECT_FALSE(decoded.forms.empty()) << opcode;
  if (decoded.forms.empty()) return inst;
  inst.form = decoded.forms[0];
  inst.mods = decoded.mods;
  inst.types = decoded.types;
  return inst;
}

MatrixProduct product(const std::string& opcode) {
  auto p = matrixProductOfOpcode(instruction(opcode));
  EXPECT_TRUE(bool(p)) << (p ? "" : p.error().message);
  return p ? *p : MatrixProduct{};
}

struct Place {
  unsigned row, column;
};
using Formula = std::function<Place(unsigned group, unsigned quad, unsigned i)>;

void expectLayout(const Fragment& fragment, unsigned elements, const Formula& formula) {
  ASSERT_EQ(fragment.elements, elements);
  for (unsigned lane = 0; lane < 32; ++lane)
    for (unsigned i = 0; i < elements; ++i) {
      MatrixPlace at = fragment.at(lane, i);
      Place wanted = formula(lane / 4, lane % 4, i);
      ASSERT_EQ(at.row, wanted.row) << "lane " << lane << " element " << i;
      ASSERT_EQ(at.column, wanted.column) << "lane " << lane << " element " << i;
    }
}

Place accumulator16x8(unsigned g, unsigned t, unsigned i) { return {i < 2 ? g : g + 8, 2 * t + (i & 1)}; }

TEST(Fragments, M16n8k16Half) {
  MatrixProduct p = product("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32");
  expectLayout(p.fragmentA, 8, [](unsigned g, unsigned t, unsigned i) {
    return Place{i < 2 || (i >= 4 && i < 6) ? g : g + 8, i < 4 ? 2 * t + (i & 1) : 2 * t + (i & 1) + 8};
  });
  expectLayout(p.fragmentB, 4, [](unsigned g, unsigned t, unsigned i) { return Place{i < 2 ? 2 * t + (i & 1) : 2 * t + (i & 1) + 8, g}; });
  expectLayout(p.fragmentC, 4, accumulator16x8);
  EXPECT_EQ(p.fragmentA.registers, 4u);
  EXPECT_EQ(p.fragmentB.registers, 2u);
  EXPECT_EQ(p.fragmentC.registers, 4u);
}

TEST(Fragments, M16n8k8Half) {
  MatrixProduct p = product("mma.sync.aligned.m16n8k8.row.col.f16.f16.f16.f16");
  expectLayout(p.fragmentA, 4, [](unsigned g, unsigned t, unsigned i) { return Place{i < 2 ? g : g + 8, 2 * t + (i & 1)}; });
  expectLayout(p.fragmentB, 2, [](unsigned g, unsigned t, unsigned i) { return Place{2 * t + i, g}; });
  expectLayout(p.fragmentC, 4, accumulator16x8);
  EXPECT_EQ(p.fragmentC.registers, 2u);
}

TEST(Fragments, Tf32) {
  MatrixProduct p = product("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32");
  expectLayout(p.fragmentA, 4, [](unsigned g, unsigned t, unsigned i) { return Place{i == 0 || i == 2 ? g : g + 8, i < 2 ? t : t + 4}; });
  expectLayout(p.fragmentB, 2, [](unsigned g, unsigned t, unsigned i) { return Place{i == 0 ? t : t + 4, g}; });
  p = product("mma.sync.aligned.m16n8k4.row.col.f32.tf32.tf32.f32");
  expectLayout(p.fragmentA, 2, [](unsigned g, unsigned t, unsigned i) { return Place{i == 0 ? g : g + 8, t}; });
  expectLayout(p.fragmentB, 1, [](unsigned g, unsigned t, unsigned) { return Place{t, g}; });
}

TEST(Fragments, Double) {
  MatrixProduct p = product("mma.sync.aligned.m8n8k4.row.col.f64.f64.f64.f64");
  expectLayout(p.fragmentA, 1, [](unsigned g, unsigned t, unsigned) { return Place{g, t}; });
  expectLayout(p.fragmentB, 1, [](unsigned g, unsigned t, unsigned) { return Place{t, g}; });
  expectLayout(p.fragmentC, 2, [](unsigned g, unsigned t, unsigned i) { return Place{g, 2 * t + i}; });
  p = product("mma.sync.aligned.m16n8k16.row.col.f64.f64.f64.f64");
  expectLayout(p.fragmentA, 8, [](unsigned g, unsigned t, unsigned i) {
    return i % 2 == 0 ? Place{g, 2 * i + t} : Place{g + 8, 2 * i - 2 + t};
  });
  expectLayout(p.fragmentB, 4, [](unsigned g, unsigned t, unsigned i) { return Place{t + 4 * i, g}; });
}

TEST(Fragments, Bytes) {
  MatrixProduct p = product("mma.sync.aligned.m16n8k32.row.col.s32.s8.u8.s32");
  expectLayout(p.fragmentA, 16, [](unsigned g, unsigned t, unsigned i) {
    return Place{i < 4 || (i >= 8 && i < 12) ? g : g + 8, i < 8 ? 4 * t + (i & 3) : 4 * t + (i & 3) + 16};
  });
  expectLayout(p.fragmentB, 8, [](unsigned g, unsigned t, unsigned i) { return Place{i < 4 ? 4 * t + (i & 3) : 4 * t + (i & 3) + 16, g}; });
  p = product("mma.sync.aligned.m16n8k16.row.col.s32.s8.s8.s32");
  expectLayout(p.fragmentA, 8, [](unsigned g, unsigned t, unsigned i) { return Place{i < 4 ? g : g + 8, 4 * t + (i & 3)}; });
  p = product("mma.sync.aligned.m8n8k16.row.col.s32.u8.u8.s32");
  expectLayout(p.fragmentA, 4, [](unsigned g, unsigned t, unsigned i) { return Place{g, 4 * t + i}; });
  expectLayout(p.fragmentB, 4, [](unsigned g, unsigned t, unsigned i) { return Place{4 * t + i, g}; });
  expectLayout(p.fragmentC, 2, [](unsigned g, unsigned t, unsigned i) { return Place{g, 2 * t + i}; });
}

TEST(Fragments, PartsOfBytes) {
  MatrixProduct p = product("mma.sync.aligned.m16n8k64.row.col.s32.s4.s4.s32");
  expectLayout(p.fragmentA, 32, [](unsigned g, unsigned t, unsigned i) {
    return Place{i < 8 || (i >= 16 && i < 24) ? g : g + 8, i < 16 ? 8 * t + (i & 7) : 8 * t + (i & 7) + 32};
  });
  expectLayout(p.fragmentB, 16, [](unsigned g, unsigned t, unsigned i) { return Place{i < 8 ? 8 * t + (i & 7) : 8 * t + (i & 7) + 32, g}; });
  p = product("mma.sync.aligned.m16n8k256.row.col.s32.b1.b1.s32.xor.popc");
  expectLayout(p.fragmentA, 128, [](unsigned g, unsigned t, unsigned i) {
    return Place{i < 32 || (i >= 64 && i < 96) ? g : g + 8, i < 64 ? 32 * t + (i & 31) : 32 * t + (i & 31) + 128};
  });
}

TEST(Fragments, QuadPairsHaveMatricesOfTheirOwn) {
  auto upper = [](unsigned g) { return g >= 4 ? 4u : 0u; };
  MatrixProduct p = product("mma.sync.aligned.m8n8k4.col.row.f32.f16.f16.f16");
  expectLayout(p.fragmentA, 4, [&](unsigned g, unsigned t, unsigned i) { return Place{i + upper(g), t}; });
  expectLayout(p.fragmentB, 4, [&](unsigned g, unsigned t, unsigned i) { return Place{t, i + upper(g)}; });
  expectLayout(p.fragmentC, 8, [&](unsigned g, unsigned t, unsigned i) { return Place{t + upper(g), i}; });
  expectLayout(p.fragmentD, 8, [&](unsigned g, unsigned t, unsigned i) {
    return Place{(t & 1) + (i & 2) + upper(g), (i & 4) + (t & 2) + (i & 1)};
  });
  p = product("mma.sync.aligned.m8n8k4.row.col.f32.f16.f16.f32");
  expectLayout(p.fragmentA, 4, [&](unsigned g, unsigned t, unsigned i) { return Place{t + upper(g), i}; });
  expectLayout(p.fragmentB, 4, [&](unsigned g, unsigned t, unsigned i) { return Place{i, t + upper(g)}; });
  EXPECT_EQ(p.fragmentA.at(21, 0).matrix, 1u);
  EXPECT_EQ(p.fragmentA.at(14, 0).matrix, 3u);
}

// Whatever the layout, each element has its holder.
TEST(Fragments, EveryElementIsHeldOnce) {
  for (const char* opcode : {"wmma.mma.sync.aligned.row.col.m16n16k16.f32.f32", "wmma.mma.sync.aligned.row.col.m32n8k16.s32.s8.s8.s32",
                             "wmma.mma.sync.aligned.row.col.m8n32k16.f32.bf16.bf16.f32", "mma.sp.sync.aligned.m16n8k64.row.col.s32.u8.u8.s32",
                             "mma.sync.aligned.m8n8k4.row.col.f16.f16.f16.f16", "wmma.mma.xor.popc.sync.aligned.row.col.m8n8k128.s32.b1.b1.s32"}) {
    MatrixProduct p = product(opcode);
    for (const Fragment* f : {&p.fragmentA, &p.fragmentB, &p.fragmentC, &p.fragmentD}) {
      std::set<std::tuple<unsigned, unsigned, unsigned>> seen;
      for (unsigned lane = 0; lane < 32; ++lane)
        for (unsigned i = 0; i < f->elements; ++i) {
          MatrixPlace at = f->at(lane, i);
          EXPECT_TRUE(at.matrix < f->matrices && at.row < f->rows && at.column < f->columns) << opcode;
          seen.insert({at.matrix, at.row, at.column});
        }
      EXPECT_EQ(seen.size(), size_t(f->matrices) * f->rows * f->columns) << opcode;
    }
  }
}

TEST(Fragments, SparseMetadata) {
  // One lane of four holds sixteen bits of a row and sixteen of the row eight below.
  MatrixProduct p = product("mma.sp.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32");
  EXPECT_EQ(sparseSelectors(p), 4u);
  EXPECT_EQ(sparseIndex(p, 2, 11, 3).lane, 14u);
  EXPECT_EQ(sparseIndex(p, 2, 11, 3).shift, 22u);
  // Two lanes: the second has the second half of the row.
  p = product("mma.sp.sync.aligned.m16n8k32.row.col.f32.f16.f16.f32");
  EXPECT_EQ(sparseSelectors(p), 2u);
  EXPECT_EQ(sparseIndex(p, 1, 3, 9).lane, 15u);
  EXPECT_EQ(sparseIndex(p, 1, 3, 9).shift, 2u);
  // Four lanes: rows g and g + 8 of the first 32 columns, then of the others.
  p = product("mma.sp.sync.aligned.m16n8k64.row.col.s32.s8.s8.s32");
  EXPECT_EQ(sparseSelectors(p), 1u);
  EXPECT_EQ(sparseIndex(p, 0, 9, 1).lane, 5u);
  EXPECT_EQ(sparseIndex(p, 0, 9, 17).lane, 7u);
  EXPECT_EQ(sparseIndex(p, 0, 9, 17).shift, 2u);
}

TEST(Fragments, RefusesWhatTheManualLacks) {
  for (const char* opcode : {"mma.sync.aligned.m16n8k16.row.col.f16.bf16.bf16.f16", "mma.sync.aligned.m16n8k4.row.col.f32.f16.f16.f32",
                             "mma.sync.aligned.m16n8k32.row.col.s32.s8.s4.s32", "mma.sync.aligned.m16n8k256.row.col.s32.b1.b1.s32",
                             "wmma.mma.sync.aligned.row.col.m32n8k16.f32.tf32.tf32.f32", "mma.sp.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32"}) {
    EXPECT_FALSE(bool(matrixProductOfOpcode(instruction(opcode)))) << opcode;
  }
}

}  // namespace
}  // namespace anywarp::ptx
