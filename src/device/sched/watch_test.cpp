// When a kernel counts as stuck. SPDX-License-Identifier: Apache-2.0
#include "device/sched/watch.h"

#include <gtest/gtest.h>

namespace anywarp::device {
namespace {

constexpr uint64_t second = 1000000000u;

class WatchTest : public testing::Test {
 protected:
  WatchTest() {
    kernel_.name = "spin";
    grid_.kernel = &kernel_;
    grid_.info.grid = {4, 3, 2};
  }

  std::vector<Watch::Stuck> lookAt(uint64_t seconds, uint64_t block, uint64_t steps, bool waits = false) {
    std::vector<Watch::Stuck> stuck;
    Watch::look(grid_, {{&grid_, block, steps, waits}, {nullptr, 9, seconds, false}}, 100 * second + seconds * second, stuck);
    return stuck;
  }

  abi::CompiledKernel kernel_;
  Grid grid_;
};

TEST_F(WatchTest, ABlockThatRunsForLongIsTold) {
  EXPECT_TRUE(lookAt(0, 17, 5).empty());
  EXPECT_TRUE(lookAt(19, 17, 5).empty());
  auto stuck = lookAt(22, 17, 5, true);
  ASSERT_EQ(stuck.size(), 1u);
  EXPECT_EQ(stuck[0].kernel, "spin");
  EXPECT_EQ(stuck[0].block.x, 1u);
  EXPECT_EQ(stuck[0].block.y, 1u);
  EXPECT_EQ(stuck[0].block.z, 1u);
  EXPECT_EQ(stuck[0].seconds, 22u);
  EXPECT_TRUE(stuck[0].waits);
}

TEST_F(WatchTest, BlocksThatEndAreProgress) {
  for (uint64_t seconds = 0; seconds < 80; seconds += 16) EXPECT_TRUE(lookAt(seconds, seconds, seconds).empty());
}

TEST_F(WatchTest, BlocksThatStartAreProgress) {
  EXPECT_TRUE(lookAt(0, 17, 5).empty());
  grid_.next = 18;
  EXPECT_TRUE(lookAt(22, 17, 5).empty());
  EXPECT_EQ(lookAt(43, 17, 5).size(), 1u);
}

TEST_F(WatchTest, NothingIsSaidOfAGridThatNobodyIsIn) {
  std::vector<Watch::Stuck> stuck;
  for (uint64_t seconds : {1, 40}) Watch::look(grid_, {{nullptr, 0, 5, false}}, seconds * second, stuck);
  EXPECT_TRUE(stuck.empty());
}

}  // namespace
}  // namespace anywarp::device
