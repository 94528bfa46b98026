// Tests of Cfg. SPDX-License-Identifier: Apache-2.0
#include "compiler/ptx/cfg.h"

#include <gtest/gtest.h>

namespace anywarp::ptx {
namespace {

struct Parsed {
  std::unique_ptr<Module> module;
  std::unique_ptr<Body> body;
};

Parsed parse(const std::string& statements) {
  auto module = parseModule(".version 8.0\n.target sm_80\n.address_size 64\n.entry k()\n{\n.reg .pred %p<4>;\n.reg .b32 %r<9>;\n" +
                                statements + "\n}\n", "t.ptx");
  EXPECT_TRUE(module) << module.error().message;
  auto body = parseBody(**module, (*module)->functions[0]);
  EXPECT_TRUE(body) << body.error().message;
  return {std::move(*module), std::move(*body)};
}

using Blocks = std::vector<uint32_t>;

TEST(Cfg, EmptyBodyHasOneBlock) {
  const Parsed p = parse("");
  const Cfg cfg = buildCfg(*p.body);
  ASSERT_EQ(cfg.blocks.size(), 1u);
  EXPECT_TRUE(cfg.blocks[0].successors.empty());
  EXPECT_EQ(cfg.reversePostOrder, Blocks{0});
}

TEST(Cfg, GuardedBranchHasTargetThenNext) {
  const Parsed p = parse("@%p1 bra L; mov.b32 %r1, 1; L: ret;");
  const Cfg cfg = buildCfg(*p.body);
  ASSERT_EQ(cfg.blocks.size(), 3u);
  EXPECT_EQ(cfg.blocks[0].successors, (Blocks{2, 1}));
  EXPECT_EQ(cfg.blocks[1].successors, Blocks{2});
  EXPECT_EQ(cfg.blocks[2].predecessors, (Blocks{0, 1}));
  EXPECT_EQ(cfg.blockOf, (std::vector<uint32_t>{0, 1, 2}));
}

TEST(Cfg, GuardedBranchToTheNextBlockKeepsBothEdges) {
  const Parsed p = parse("@%p1 bra L; L: ret;");
  const Cfg cfg = buildCfg(*p.body);
  EXPECT_EQ(cfg.blocks[0].successors, (Blocks{1, 1}));
  EXPECT_EQ(cfg.blocks[1].predecessors, Blocks{0});
}

TEST(Cfg, GuardedReturnFallsThrough) {
  const Parsed p = parse("@%p1 ret; @!%p2 exit; mov.b32 %r1, 1;");
  const Cfg cfg = buildCfg(*p.body);
  ASSERT_EQ(cfg.blocks.size(), 3u);
  EXPECT_EQ(cfg.blocks[0].successors, Blocks{1});
  EXPECT_EQ(cfg.blocks[1].successors, Blocks{2});
  EXPECT_TRUE(cfg.blocks[2].successors.empty());
  EXPECT_EQ(cfg.terminator(*p.body, 2), nullptr);
}

TEST(Cfg, GuardedReturnAtTheEndFallsToAnEmptyBlock) {
  const Parsed p = parse("@%p1 ret;");
  const Cfg cfg = buildCfg(*p.body);
  ASSERT_EQ(cfg.blocks.size(), 2u);
  EXPECT_EQ(cfg.blocks[1].first, cfg.blocks[1].last);
}

TEST(Cfg, UnreachableBlocksAreNotInTheOrder) {
  const Parsed p = parse("bra END; mov.b32 %r1, 1; bra END; END: ret;");
  const Cfg cfg = buildCfg(*p.body);
  ASSERT_EQ(cfg.blocks.size(), 3u);
  EXPECT_FALSE(cfg.isReachable(1));
  EXPECT_EQ(cfg.reversePostOrder, (Blocks{0, 2}));
}

TEST(Cfg, LabelAtTheEndIsABlock) {
  const Parsed p = parse("bra END; END:");
  const Cfg cfg = buildCfg(*p.body);
  ASSERT_EQ(cfg.blocks.size(), 2u);
  EXPECT_EQ(cfg.blocks[0].successors, Blocks{1});
}

TEST(Cfg, IndirectBranchGoesToEachTargetOnce) {
  const Parsed p = parse("T: .branchtargets A, B, A; @%p1 brx.idx %r1, T; A: mov.b32 %r2, 1; B: ret;");
  const Cfg cfg = buildCfg(*p.body);
  ASSERT_EQ(cfg.blocks.size(), 3u);
  EXPECT_EQ(cfg.blocks[0].successors, (Blocks{1, 2}));
}

TEST(Cfg, LoopInReversePostOrder) {
  const Parsed p = parse("mov.b32 %r1, 0; LOOP: add.s32 %r1, %r1, 1; @%p1 bra LOOP; ret;");
  const Cfg cfg = buildCfg(*p.body);
  ASSERT_EQ(cfg.blocks.size(), 3u);
  EXPECT_EQ(cfg.blocks[1].successors, (Blocks{1, 2}));
  EXPECT_EQ(cfg.reversePostOrder, (Blocks{0, 1, 2}));
}

}  // namespace
}  // namespace anywarp::ptx
