// Options, log, hash, dumps, build ids. SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>

#include "support/demangle.h"
#include "support/dump.h"
#include "support/hash.h"
#include "support/log.h"
#include "support/options.h"
#include "support/version.h"

namespace anywarp {
namespace {

class Environment : public testing::Test {
 protected:
  void set(const char* name, const char* value) {
    changed_.insert(name);
    setenv(name, value, 1);
    options::reload();
  }
  void TearDown() override {
    for (auto& name : changed_) unsetenv(name.c_str());
    options::reload();
  }
  std::set<std::string> changed_;
};

using OptionsTest = Environment;

TEST_F(OptionsTest, DefaultsAreTyped) {
  EXPECT_EQ(options::width(), 0);
  EXPECT_TRUE(options::cache());
  EXPECT_EQ(options::cacheMaxSize(), 1ull << 30);
  EXPECT_EQ(options::cudaModuleLoading(), "DEFAULT");
}

TEST_F(OptionsTest, EnvironmentReplacesDefaults) {
  set("ANYWARP_WIDTH", "16");
  set("ANYWARP_CACHE", "off");
  set("ANYWARP_CACHE_MAXSIZE", "64M");
  set("ANYWARP_DUMP", "ptx, asm,");
  EXPECT_EQ(options::width(), 16);
  EXPECT_FALSE(options::cache());
  EXPECT_EQ(options::cacheMaxSize(), 64ull << 20);
  EXPECT_EQ(options::dump(), (std::vector<std::string>{"ptx", "asm"}));
}

TEST_F(OptionsTest, BadValuesAreReportedAndIgnored) {
  testing::internal::CaptureStderr();
  set("ANYWARP_WIDTH", "wide");
  EXPECT_EQ(options::width(), 0);
  set("CUDA_MODULE_LOADING", "SOMETIMES");
  EXPECT_EQ(options::cudaModuleLoading(), "DEFAULT");
  std::string text = testing::internal::GetCapturedStderr();
  EXPECT_NE(text.find("ANYWARP_WIDTH: 'wide'"), std::string::npos);
  EXPECT_NE(text.find("CUDA_MODULE_LOADING: 'SOMETIMES'"), std::string::npos);
}

TEST_F(OptionsTest, Bytes) {
  EXPECT_EQ(options::parseBytes("4096"), 4096u);
  EXPECT_EQ(options::parseBytes("2G"), 2ull << 30);
  EXPECT_EQ(options::parseBytes("3 KiB"), 3072u);
  EXPECT_EQ(options::parseBytes("-1"), std::nullopt);
  EXPECT_EQ(options::parseBytes("1X"), std::nullopt);
  EXPECT_EQ(options::parseBytes("99999999999T"), std::nullopt);
}

TEST_F(OptionsTest, HelpNamesEveryOption) {
  std::string help = options::helpText();
  for (auto& row : options::all()) EXPECT_NE(help.find(row.name), std::string::npos) << row.name;
}

// docs/options.md is this table; ANYWARP_BLESS=1 writes it anew.
TEST(OptionsDocumentTest, IsUpToDate) {
  std::string path = ANYWARP_SOURCE_DIR "/docs/options.md";
  std::string wanted = "# Options\n\nGenerated from `src/support/options.def`. Flags take 0 or 1, sizes take K, M, G, T.\n\n" + options::markdown();
  if (std::getenv("ANYWARP_BLESS")) std::ofstream(path) << wanted;
  std::ifstream file(path);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), wanted);
}

TEST(LogTest, LinesHaveOneForm) {
  testing::internal::CaptureStderr();
  log::setLevel(log::Level::Info);
  log::info("{} of {}", 1, "two");
  log::debug("not {}", "shown");
  log::logOnce(log::Level::Warn, "log-test", "once");
  log::logOnce(log::Level::Warn, "log-test", "once");
  log::setLevel(log::Level::Warn);
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "anywarp: info: 1 of two\nanywarp: warn: once\n");
}

TEST(HashTest, DependsOnEveryBitAndOnFieldBounds) {
  std::set<Hash128> seen;
  std::string text(400, 'x');
  for (size_t size = 0; size <= text.size(); ++size) EXPECT_TRUE(seen.insert(hashBytes(text.data(), size)).second);
  for (size_t bit = 0; bit < 8 * text.size(); ++bit) {
    std::string changed = text;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << bit % 8));
    EXPECT_TRUE(seen.insert(hashBytes(changed.data(), changed.size())).second);
  }
  EXPECT_NE(Hasher().text("ab").text("c").finish(), Hasher().text("a").text("bc").finish());
}

// Names of cache entries: a change here means that every cache starts anew.
TEST(HashTest, IsStable) {
  EXPECT_EQ(Hasher().text("anywarp").number(7).finish().hex(), "a3a287ca60040ea568787340f274e48e");
}

TEST(HashTest, FlippedBitChangesHalfOfTheResult) {
  std::string text(64, 'a');
  Hash128 before = hashBytes(text.data(), text.size());
  int total = 0;
  for (size_t bit = 0; bit < 512; ++bit) {
    std::string changed = text;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << bit % 8));
    Hash128 after = hashBytes(changed.data(), changed.size());
    int flipped = __builtin_popcountll(before.low ^ after.low) + __builtin_popcountll(before.high ^ after.high);
    EXPECT_GT(flipped, 32);
    total += flipped;
  }
  EXPECT_NEAR(total / 512.0, 64, 2);
}

TEST(DemangleTest, OnlyMangledNamesChange) {
  EXPECT_EQ(demangled("_Z5writePii"), "write(int*, int)");
  EXPECT_EQ(demangled("_Znonsense"), "_Znonsense");
  EXPECT_EQ(demangled("matmul_kernel"), "matmul_kernel");
  EXPECT_EQ(demangled("i"), "i");  // not the type int
}

TEST(VersionTest, BuildIdIsStableAndNotEmpty) {
  EXPECT_FALSE(buildId().empty());
  EXPECT_EQ(buildId(), buildIdOfFile("/proc/self/exe"));
  EXPECT_EQ(buildIdOfFile("/nonexistent"), "");
  EXPECT_NE(std::string(version()), "0");
}

using DumpTest = Environment;

TEST_F(DumpTest, WritesWantedStagesWithNumbers) {
  std::string folder = testing::TempDir() + "anywarp-dump-test-" + std::to_string(getpid());
  set("ANYWARP_DUMP", "ptx");
  set("ANYWARP_DUMP_DIR", folder.c_str());
  for (int i = 1; i <= 2; ++i) {
    KernelDump dump("a/b");
    EXPECT_TRUE(dump.wants(DumpStage::Ptx));
    EXPECT_FALSE(dump.wants(DumpStage::Asm));
    dump.write(DumpStage::Ptx, "text");
    dump.write(DumpStage::Asm, "text");
    dump.replayCommand("again");
  }
  EXPECT_TRUE(std::filesystem::exists(folder + "/0002.a-b.1-ptx.ptx"));
  EXPECT_FALSE(std::filesystem::exists(folder + "/0002.a-b.5-asm.s"));
  std::ifstream replay(folder + "/0001.replay");
  std::string command;
  std::getline(replay, command);
  EXPECT_EQ(command, "again");
  std::filesystem::remove_all(folder);
}

TEST_F(DumpTest, FilterLeavesOthersAlone) {
  set("ANYWARP_DUMP", "all");
  set("ANYWARP_DUMP_KERNEL", "matrix");
  EXPECT_FALSE(KernelDump("vectorAdd").wantsAny());
  EXPECT_TRUE(KernelDump("matrixMul").wantsAny());
}

}  // namespace
}  // namespace anywarp
