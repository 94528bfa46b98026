// Launch plans: look-up, sharing, failures, the way through the cache. SPDX-License-Identifier: Apache-2.0
#include "compiler/plan.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "compiler/object/cache.h"
#include "compiler/plan_serialize.h"
#include "support/log.h"
#include "support/options.h"

namespace anywarp::compiler {
namespace {

ptx::Module moduleWith(std::initializer_list<const char*> names) {
  ptx::Module module;
  module.text = "text";
  for (const char* name : names) {
    module.text += name;
    ptx::Function function;
    function.name = name;
    function.isEntry = function.hasBody = true;
    module.functions.push_back(function);
  }
  return module;
}

class PlanTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "anywarp-plan-test-" + std::to_string(getpid());
    setenv("ANYWARP_CACHE_DIR", folder_.c_str(), 1);
    setenv("ANYWARP_COMPILER", ANYWARP_PLAN_TEST_BACKEND, 1);
    options::reload();
    log::setLevel(log::Level::Off);
  }
  void TearDown() override {
    std::filesystem::remove_all(folder_);
    log::setLevel(log::Level::Warn);
  }
  static uint32_t run(const abi::CompiledKernel* kernel) { return kernel->entry(nullptr, 0, 0, 1); }
  static uint64_t compiled() { return planStatistics().compiled; }
  static uint64_t fromDisk() { return planStatistics().fromDisk; }

  std::string folder_;
};

TEST_F(PlanTest, CompilesOnceForEachBlockShape) {
  ptx::Module module = moduleWith({"a"});
  PlanCache plans(module);
  uint64_t before = compiled();
  auto first = plans.getPlan(0, {8, 4, 1});
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_EQ(run(*first), 32u);
  EXPECT_STREQ((*first)->name, "a");
  EXPECT_EQ((*first)->frameBytes, 64u);
  EXPECT_EQ((*first)->regions[1].line, 7u);
  auto other = plans.getPlan(0, {64, 1, 1});
  ASSERT_TRUE(other);
  EXPECT_EQ(run(*other), 64u);
  EXPECT_EQ(*plans.getPlan(0, {8, 4, 1}), *first);
  EXPECT_NE(*plans.getPlan(0, {8, 4, 1}, false), *first);
  EXPECT_EQ(compiled() - before, 3u);
}

TEST_F(PlanTest, AnotherLoadOfTheModuleComesFromDisk) {
  ptx::Module module = moduleWith({"a"});
  ASSERT_TRUE(PlanCache(module).getPlan(0, {32, 1, 1}));
  uint64_t compiledBefore = compiled(), diskBefore = fromDisk();
  PlanCache again(module);
  auto plan = again.getPlan(0, {32, 1, 1});
  ASSERT_TRUE(plan);
  EXPECT_EQ(run(*plan), 32u);
  EXPECT_EQ(compiled(), compiledBefore);
  EXPECT_EQ(fromDisk(), diskBefore + 1);
  ptx::Module changed = moduleWith({"b"});
  ASSERT_TRUE(PlanCache(changed).getPlan(0, {32, 1, 1}));
  EXPECT_EQ(compiled(), compiledBefore + 1);
}

TEST_F(PlanTest, DamagedCacheEntriesAreCompiledAgain) {
  ptx::Module module = moduleWith({"a"});
  ASSERT_TRUE(PlanCache(module).getPlan(0, {32, 1, 1}));
  for (auto& file : std::filesystem::directory_iterator(folder_)) {
    std::fstream stream(file.path(), std::ios::in | std::ios::out | std::ios::binary);
    stream.seekp(200);
    stream.put('\x55');
  }
  uint64_t before = compiled();
  auto plan = PlanCache(module).getPlan(0, {32, 1, 1});
  ASSERT_TRUE(plan);
  EXPECT_EQ(compiled(), before + 1);
}

TEST_F(PlanTest, FailuresAreRemembered) {
  ptx::Module module = moduleWith({"refused"});
  PlanCache plans(module);
  uint64_t before = planStatistics().failed;
  for (int i = 0; i < 2; ++i) {
    auto plan = plans.getPlan(0, {32, 1, 1});
    ASSERT_FALSE(plan);
    EXPECT_EQ(plan.error().kind, ErrorKind::Unsupported);
    EXPECT_EQ(plan.error().message, "refused: no such instruction");
  }
  EXPECT_EQ(planStatistics().failed, before + 1);
}

TEST_F(PlanTest, CodeMayNotCallWhatItLikes) {
  ptx::Module module = moduleWith({"needy"});
  auto plan = PlanCache(module).getPlan(0, {32, 1, 1});
  ASSERT_FALSE(plan);
  EXPECT_NE(plan.error().message.find("'system'"), std::string::npos);
}

TEST_F(PlanTest, ConcurrentCallersShareOneCompilation) {
  ptx::Module module = moduleWith({"slow"});
  PlanCache plans(module);
  uint64_t before = compiled();
  std::vector<const abi::CompiledKernel*> kernels(8);
  std::vector<std::thread> threads;
  for (auto& kernel : kernels)
    threads.emplace_back([&] {
      auto plan = plans.getPlan(0, {16, 1, 1});
      kernel = plan ? *plan : nullptr;
    });
  for (auto& thread : threads) thread.join();
  EXPECT_NE(kernels[0], nullptr);
  for (auto* kernel : kernels) EXPECT_EQ(kernel, kernels[0]);
  EXPECT_EQ(compiled(), before + 1);
}

TEST_F(PlanTest, OptionsOfTheCallersOwn) {
  ptx::Module module = moduleWith({"a"});
  PlanCache plans(module);
  PlanOptions options = defaultPlanOptions({32, 1, 1});
  EXPECT_FALSE(options.cpu.empty());
  EXPECT_NE(options.features.find("+"), std::string::npos);
  options.optLevel = 0;
  auto plan = plans.getPlanWith(0, options);
  ASSERT_TRUE(plan);
  EXPECT_EQ(*plans.getPlanWith(0, options), *plan);
  EXPECT_NE(*plans.getPlan(0, {32, 1, 1}), *plan);
}

TEST_F(PlanTest, FunctionOutsideTheModule) {
  ptx::Module module = moduleWith({"a"});
  auto plan = PlanCache(module).getPlan(9, {32, 1, 1});
  ASSERT_FALSE(plan);
  EXPECT_EQ(plan.error().kind, ErrorKind::NotFound);
}

TEST_F(PlanTest, LookUpIsFast) {
  ptx::Module module = moduleWith({"a"});
  PlanCache plans(module);
  ASSERT_TRUE(plans.getPlan(0, {32, 1, 1}));
  auto start = std::chrono::steady_clock::now();
  constexpr int rounds = 100000;
  for (int i = 0; i < rounds; ++i) ASSERT_TRUE(plans.getPlan(0, {32, 1, 1}));
  double each = std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start).count() / rounds;
  EXPECT_LT(each, 5000) << "nanoseconds";
  RecordProperty("nanoseconds", std::to_string(each));
}

TEST(PlanSerializeTest, RoundTrip) {
  CompiledObject object;
  object.object = {1, 2, 3};
  object.entrySymbol = "entry";
  object.mode = abi::PlanMode::Free;
  object.width = 16;
  object.usesSpin = 1;
  object.regions = {{1, 2, 0}, {3, 4, 1}};
  auto bytes = serialize(object);
  auto back = deserialize(bytes);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->object, object.object);
  EXPECT_EQ(back->entrySymbol, "entry");
  EXPECT_EQ(back->mode, abi::PlanMode::Free);
  EXPECT_EQ(back->width, 16u);
  EXPECT_EQ(back->regions[1].line, 4u);
  for (size_t size = 0; size < bytes.size(); ++size) EXPECT_FALSE(deserialize(std::span(bytes).first(size)));
}

TEST(PlanSerializeTest, AnyBytesAreSafe) {
  CompiledObject object;
  object.object.assign(64, 7);
  object.regions.resize(3);
  auto bytes = serialize(object);
  uint64_t random = 1;
  for (int i = 0; i < 20000; ++i) {
    auto changed = bytes;
    for (int j = 0; j < 3; ++j) {
      random = random * 6364136223846793005ull + 1442695040888963407ull;
      changed[(random >> 33) % changed.size()] = static_cast<uint8_t>(random >> 20);
    }
    (void)deserialize(changed);
  }
}

}  // namespace
}  // namespace anywarp::compiler
