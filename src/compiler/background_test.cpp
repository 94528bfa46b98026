// Tasks for the background: when they run, and what is known of them. SPDX-License-Identifier: Apache-2.0
#include "compiler/background.h"

#include <gtest/gtest.h>
#include <unistd.h>

namespace anywarp::compiler {
namespace {

struct Task : BackgroundTask {
  ~Task() override {
    withdraw();
    wait();
  }
  void run() override {
    ++runs;
    while (!mayEnd) usleep(100);
  }
  std::atomic<int> runs{0};
  std::atomic<bool> mayEnd{false};
};

bool comesTrue(auto&& condition) {
  for (int i = 0; i < 50000 && !condition(); ++i) usleep(100);
  return condition();
}

TEST(Background, ATaskIsPendingFromItsRequestToItsEnd) {
  Task task;
  ASSERT_TRUE(task.enlist());
  EXPECT_FALSE(task.isPending());
  task.request();
  EXPECT_TRUE(task.isPending());
  EXPECT_TRUE(comesTrue([&] { return task.runs == 1; }));
  EXPECT_TRUE(task.isPending());
  task.mayEnd = true;
  EXPECT_TRUE(comesTrue([&] { return !task.isPending(); }));
  task.request();
  EXPECT_FALSE(task.isPending());
  EXPECT_EQ(task.runs, 1);
}

TEST(Background, AWithdrawnTaskIsNotPending) {
  Task first, second;
  ASSERT_TRUE(first.enlist() && second.enlist());
  first.request();
  ASSERT_TRUE(comesTrue([&] { return first.runs == 1; }));
  second.request();
  EXPECT_TRUE(second.isPending());
  second.withdraw();
  EXPECT_FALSE(second.isPending());
  first.mayEnd = second.mayEnd = true;
  first.wait();
  EXPECT_EQ(second.runs, 0);
}

}  // namespace
}  // namespace anywarp::compiler
