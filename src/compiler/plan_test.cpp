// Launch plans: look-up, sharing, failures, the way through the cache. SPDX-License-Identifier: Apache-2.0
#include "compiler/plan.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
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

// Slow code as the quick tier makes it: returns 1 where compiled code returns the number of threads.
struct QuickKernel : abi::CompiledKernel {
  QuickKernel() {
    entry = [](abi::BlockContext*, uint32_t, uint32_t, uint32_t) -> uint32_t { return 1; };
    mode = abi::PlanMode::Free;
    ++alive;
  }
  ~QuickKernel() { --alive; }
  static inline std::atomic<int> alive{0};
};

std::shared_ptr<abi::CompiledKernel> makeQuick(const ptx::Module& module, uint32_t function, const PlanOptions&) {
  if (module.functions[function].name == "difficult") return nullptr;
  return std::make_shared<QuickKernel>();
}

template <class Condition>
bool comesTrue(Condition&& condition) {
  for (int waited = 0; waited < 20000 && !condition(); ++waited) usleep(1000);
  return condition();
}

class QuickTest : public PlanTest {
 protected:
  void SetUp() override {
    PlanTest::SetUp();
    setQuickTier(makeQuick);
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override {
    setQuickTier(nullptr);
    unsetenv("ANYWARP_QUICK");
    unsetenv("ANYWARP_VERIFY");
    unsetenv("ANYWARP_DEBUG_INFO");
    options::reload();
    EXPECT_EQ(QuickKernel::alive, 0);
    PlanTest::TearDown();
  }
  // The compiler waits inside the functions of this module called "gated".
  ptx::Module gatedModule(std::initializer_list<const char*> names) const {
    ptx::Module module = moduleWith(names);
    module.name = folder_ + "/gate";
    return module;
  }
  bool hasBegun() const {
    return comesTrue([&] { return std::filesystem::exists(folder_ + "/gate.begun"); });
  }
  void openGate() const { std::ofstream(folder_ + "/gate.go"); }

  static const abi::CompiledKernel* get(PlanCache& plans, uint32_t function = 0) {
    auto plan = plans.getPlan(function, {32, 1, 1});
    EXPECT_TRUE(plan);
    return plan ? *plan : nullptr;
  }
};

TEST_F(QuickTest, FirstQuickThenCompiled) {
  ptx::Module module = moduleWith({"a"});
  PlanCache plans(module);
  uint64_t compiledBefore = compiled(), quickBefore = planStatistics().quick;
  const abi::CompiledKernel* quick = get(plans);
  EXPECT_EQ(run(quick), 1u);
  EXPECT_EQ(get(plans), quick);
  EXPECT_EQ(abi::loadReplacement(*quick), nullptr);
  EXPECT_EQ(planStatistics().quick, quickBefore + 1);
  EXPECT_EQ(compiled(), compiledBefore);
  for (int i = 0; i < 3; ++i) quick->becameHot(quick);
  ASSERT_TRUE(comesTrue([&] { return get(plans) != quick; }));
  EXPECT_EQ(run(get(plans)), 32u);
  EXPECT_EQ(abi::loadReplacement(*quick), get(plans));
  EXPECT_EQ(run(quick), 1u);
  quick->becameHot(quick);
  EXPECT_EQ(compiled(), compiledBefore + 1);
  PlanCache again(module);
  EXPECT_EQ(run(get(again)), 32u) << "from disk";
  EXPECT_EQ(planStatistics().quick, quickBefore + 1);
}

TEST_F(QuickTest, WhatItCannotDoIsCompiled) {
  ptx::Module module = moduleWith({"difficult", "a"});
  PlanCache plans(module);
  EXPECT_EQ(run(get(plans, 0)), 32u);
  auto own = plans.getPlanWith(1, defaultPlanOptions({32, 1, 1}));
  ASSERT_TRUE(own);
  EXPECT_EQ(run(*own), 32u);
}

TEST_F(QuickTest, OptionsTurnItOff) {
  for (auto [name, value] : {std::pair("ANYWARP_QUICK", "0"), {"ANYWARP_VERIFY", "1"}, {"ANYWARP_DEBUG_INFO", "1"}}) {
    setenv(name, value, 1);
    options::reload();
    ptx::Module module = moduleWith({"a", name});
    PlanCache plans(module);
    EXPECT_EQ(run(get(plans)), 32u) << name;
    unsetenv(name);
  }
}

TEST_F(QuickTest, NobodyWaitsForTheCompiler) {
  ptx::Module module = gatedModule({"gated", "a"});
  PlanCache plans(module);
  const abi::CompiledKernel *gated = get(plans, 0), *queued = get(plans, 1);
  gated->becameHot(gated);
  ASSERT_TRUE(hasBegun());
  queued->becameHot(queued);
  std::atomic<int> wrong{0};
  auto look = [&](auto&& expected) {
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i)
      threads.emplace_back([&] {
        for (int round = 0; round < 1000; ++round) wrong += !expected(get(plans, 0));
      });
    return threads;
  };
  for (auto& thread : look([&](auto* found) { return found == gated; })) thread.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(get(plans, 1), queued);
  auto threads = look([&](auto* found) { return run(found) == (found == gated ? 1u : 32u); });
  openGate();
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  ASSERT_TRUE(comesTrue([&] { return get(plans, 1) != queued; }));
  EXPECT_NE(get(plans, 0), gated) << "in the order of the requests";
}

TEST_F(QuickTest, EndOfTheModuleWhileItsKernelIsCompiled) {
  ptx::Module module = gatedModule({"gated", "a", "b"});
  uint64_t before = compiled();
  auto plans = std::make_unique<PlanCache>(module);
  for (uint32_t function : {0u, 1u, 2u}) {
    const abi::CompiledKernel* quick = get(*plans, function);
    quick->becameHot(quick);
  }
  ASSERT_TRUE(hasBegun());
  std::thread other([&] {
    usleep(20000);
    EXPECT_EQ(QuickKernel::alive, 3);
    openGate();
  });
  plans.reset();
  EXPECT_EQ(QuickKernel::alive, 0);
  other.join();
  EXPECT_EQ(compiled(), before + 1) << "those that had not begun never do";
}

TEST_F(QuickTest, NobodyWaitsAtTheEndOfAModuleThatIsKept) {
  auto plans = std::make_unique<PlanCache>(std::make_shared<ptx::Module>(gatedModule({"gated"})));
  uint64_t before = compiled();
  const abi::CompiledKernel* quick = get(*plans);
  quick->becameHot(quick);
  ASSERT_TRUE(hasBegun());
  plans.reset();
  EXPECT_EQ(compiled(), before);
  EXPECT_EQ(QuickKernel::alive, 1);
  openGate();
  EXPECT_TRUE(comesTrue([] { return QuickKernel::alive == 0; }));
  EXPECT_EQ(compiled(), before + 1);
}

TEST_F(QuickTest, StaysWhereTheCompilerFails) {
  ptx::Module module = moduleWith({"refused", "a"});
  PlanCache plans(module);
  uint64_t before = planStatistics().failed;
  const abi::CompiledKernel *quick = get(plans, 0), *next = get(plans, 1);
  for (int i = 0; i < 3; ++i) quick->becameHot(quick);
  next->becameHot(next);
  ASSERT_TRUE(comesTrue([&] { return get(plans, 1) != next; }));
  EXPECT_EQ(get(plans, 0), quick);
  EXPECT_EQ(planStatistics().failed, before + 1);
}

TEST_F(QuickTest, ForkedChildHasAThreadOfItsOwn) {
  ptx::Module module = moduleWith({"a", "b", "c"});
  PlanCache plans(module);
  const abi::CompiledKernel *first = get(plans, 0), *second = get(plans, 1);
  first->becameHot(first);
  ASSERT_TRUE(comesTrue([&] { return get(plans, 0) != first; }));
  pid_t child = fork();
  if (child == 0) {
    const abi::CompiledKernel* own = get(plans, 2);
    for (auto* quick : {own, second}) quick->becameHot(quick);
    bool done = comesTrue([&] { return get(plans, 1) != second && get(plans, 2) != own; });
    _exit(done && run(get(plans, 2)) == 32 ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(get(plans, 1), second);
}

// A kernel that takes LLVM half a second.
std::string longKernel() {
  std::string text = ".version 8.3\n.target sm_80\n.address_size 64\n.visible .entry a(.param .u64 p)\n{\n.reg .b64 %a; .reg .f32 %f<9>; .reg .pred %q;\n"
                     "ld.param.u64 %a, [p];\n";
  for (int i = 0; i < 200; ++i) {
    std::string n = std::to_string(i);
    text += "ld.global.f32 %f1, [%a+" + std::to_string(4 * i) + "];\nsetp.lt.f32 %q, %f1, 0f00000000;\n@%q bra L" + n +
            ";\nex2.approx.f32 %f2, %f1;\nst.global.f32 [%a+" + std::to_string(4 * i) + "], %f2;\nL" + n + ":\n";
  }
  return text + "ret;\n}\n";
}

[[noreturn]] void exitWhileCompiling(unsigned microseconds) {
  setenv("ANYWARP_COMPILER", ANYWARP_PLAN_TEST_COMPILER, 1);
  options::reload();
  std::atexit([] { usleep(80000); });  // runs after all that the compiler may have registered, while it still compiles
  auto module = ptx::parseModule(longKernel(), "long");
  if (!module) std::_Exit(1);
  auto& plans = *new PlanCache(**module);
  auto quick = plans.getPlan(0, {32, 1, 1});
  if (!quick) std::_Exit(2);
  (*quick)->becameHot(*quick);
  usleep(microseconds);
  std::exit(7);
}

using QuickDeathTest = QuickTest;
TEST_F(QuickDeathTest, ProcessMayEndWhileItCompiles) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  for (unsigned milliseconds : {0u, 60u}) EXPECT_EXIT(exitWhileCompiling(milliseconds * 1000), testing::ExitedWithCode(7), "");
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
