// The cache on disk: bounds, damage, races, kills. SPDX-License-Identifier: Apache-2.0
#include "compiler/object/cache.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>

#include "support/log.h"
#include "support/options.h"

namespace anywarp::object {
namespace {

namespace fs = std::filesystem;

class CacheTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "anywarp-cache-test-" + std::to_string(getpid()) + "-" + testing::UnitTest::GetInstance()->current_test_info()->name();
    set("ANYWARP_CACHE_DIR", folder_);
    log::setLevel(log::Level::Off);
  }
  void TearDown() override {
    for (auto& name : changed_) unsetenv(name.c_str());
    options::reload();
    fs::remove_all(folder_);
    log::setLevel(log::Level::Warn);
  }
  void set(const char* name, const std::string& value) {
    changed_.insert(name);
    setenv(name, value.c_str(), 1);
    options::reload();
  }
  void unset(const char* name) {
    unsetenv(name);
    options::reload();
  }
  static Hash128 key(uint64_t number) { return Hasher().number(number).finish(); }
  // Content that can be told from the key alone.
  static std::vector<uint8_t> blob(uint64_t number, size_t size) {
    std::vector<uint8_t> bytes(size);
    for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<uint8_t>(number * 31 + i);
    return bytes;
  }
  fs::path onlyFile() { return fs::directory_iterator(folder_)->path(); }

  std::string folder_;
  std::set<std::string> changed_;
};

TEST_F(CacheTest, WhatIsStoredIsFound) {
  EXPECT_FALSE(cacheFind(key(1)));
  cacheStore(key(1), blob(1, 1000));
  cacheStore(key(2), blob(2, 0));
  EXPECT_EQ(cacheFind(key(1)), blob(1, 1000));
  EXPECT_EQ(cacheFind(key(2)), blob(2, 0));
  EXPECT_EQ(cacheStats().entries, 2u);
  EXPECT_GT(cacheStats().bytes, 1000u);
  EXPECT_EQ(cacheClear(), 2u);
  EXPECT_FALSE(cacheFind(key(1)));
}

TEST_F(CacheTest, DirectoryFollowsTheEnvironment) {
  set("XDG_CACHE_HOME", "/x");
  EXPECT_EQ(cacheDirectory(), folder_);
  unset("ANYWARP_CACHE_DIR");
  EXPECT_EQ(cacheDirectory(), "/x/anywarp");
  set("CUDA_CACHE_PATH", "/c");
  EXPECT_EQ(cacheDirectory(), "/c/anywarp");
  set("CUDA_CACHE_DISABLE", "1");
  EXPECT_EQ(cacheDirectory(), "");
  set("ANYWARP_CACHE_DIR", folder_);
  EXPECT_EQ(cacheDirectory(), folder_);
  set("ANYWARP_CACHE", "0");
  EXPECT_EQ(cacheDirectory(), "");
}

TEST_F(CacheTest, EveryDamagedByteIsAMiss) {
  cacheStore(key(1), blob(1, 60));
  std::ifstream in(onlyFile(), std::ios::binary);
  std::string whole((std::istreambuf_iterator<char>(in)), {});
  fs::path file = onlyFile();
  for (size_t i = 0; i < whole.size(); ++i) {
    std::string damaged = whole;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x10);
    std::ofstream(file, std::ios::binary) << damaged;
    fs::permissions(file, fs::perms::owner_read | fs::perms::owner_write);
    EXPECT_FALSE(cacheFind(key(1))) << i;
    EXPECT_FALSE(fs::exists(file)) << "damaged entries go";
  }
  for (size_t size = 0; size < whole.size(); ++size) {
    std::ofstream(file, std::ios::binary) << whole.substr(0, size);
    fs::permissions(file, fs::perms::owner_read | fs::perms::owner_write);
    EXPECT_FALSE(cacheFind(key(1))) << size;
  }
}

TEST_F(CacheTest, FilesOthersMayWriteAreNotUsed) {
  cacheStore(key(1), blob(1, 60));
  fs::permissions(onlyFile(), fs::perms::others_write, fs::perm_options::add);
  EXPECT_FALSE(cacheFind(key(1)));
}

TEST_F(CacheTest, LeastRecentlyUsedGoFirst) {
  set("ANYWARP_CACHE_MAXSIZE", "10000");
  for (uint64_t i = 0; i < 8; ++i) {
    cacheStore(key(i), blob(i, 1000));
    timespec old[2] = {{time_t(1000 + i), 0}, {time_t(1000 + i), 0}};
    utimensat(AT_FDCWD, (folder_ + "/" + key(i).hex() + ".kernel").c_str(), old, 0);
  }
  EXPECT_TRUE(cacheFind(key(0)));  // now the most recently used
  for (uint64_t i = 8; i < 12; ++i) cacheStore(key(i), blob(i, 1000));
  EXPECT_LE(cacheStats().bytes, 10000u);
  EXPECT_TRUE(cacheFind(key(0)));
  EXPECT_FALSE(cacheFind(key(1)));
  EXPECT_TRUE(cacheFind(key(11)));
}

TEST_F(CacheTest, AbandonedFilesAreRemoved) {
  fs::create_directories(folder_);
  std::string left = folder_ + "/" + key(1).hex() + ".kernel.1.0.tmp", other = folder_ + "/notes.txt";
  std::ofstream(left) << "half";
  std::ofstream(other) << "not ours";
  timespec old[2] = {{1000, 0}, {1000, 0}};
  utimensat(AT_FDCWD, left.c_str(), old, 0);
  cacheStore(key(2), blob(2, 10));
  EXPECT_FALSE(fs::exists(left));
  EXPECT_TRUE(fs::exists(other));
  EXPECT_FALSE(cacheFind(key(1)));
}

TEST_F(CacheTest, UnwritableDirectoryIsNoError) {
  std::ofstream(folder_) << "a file where the directory should be";
  cacheStore(key(1), blob(1, 10));
  EXPECT_FALSE(cacheFind(key(1)));
  EXPECT_EQ(cacheStats().entries, 0u);
}

TEST_F(CacheTest, KilledWritersAndRacingReaders) {
  constexpr uint64_t keys = 16;
  constexpr size_t size = 200000;
  for (int round = 0; round < 10; ++round) {
    std::vector<pid_t> writers;
    for (int w = 0; w < 2; ++w) {
      pid_t child = fork();
      if (child == 0) {
        for (uint64_t i = 0;; ++i) cacheStore(key(i % keys), blob(i % keys, size));
      }
      writers.push_back(child);
    }
    usleep(static_cast<useconds_t>(3000 + 1700 * round));
    for (uint64_t i = 0; i < keys; ++i)
      EXPECT_EQ(cacheFind(key(i)).value_or(blob(i, size)), blob(i, size));
    for (pid_t child : writers) {
      kill(child, SIGKILL);
      waitpid(child, nullptr, 0);
    }
  }
  for (uint64_t i = 0; i < keys; ++i)
    EXPECT_EQ(cacheFind(key(i)).value_or(blob(i, size)), blob(i, size));
  cacheStore(key(1), blob(1, size));
  EXPECT_EQ(cacheFind(key(1)), blob(1, size));
}

}  // namespace
}  // namespace anywarp::object
