// The trace of driver calls: what a line holds, that a program can read it, that processes share a file. SPDX-License-Identifier: Apache-2.0
#include <dlfcn.h>

#include <cstdio>
#include <fstream>
#include <regex>
#include <string>
#include <vector>

#include "child.h"
#include "driver_fixture.h"
#include "kernels.h"

namespace anywarp::test {
namespace {

// docs/cli.md gives this expression.
const std::regex line(R"(anywarp trace (\d+) (\d+) (\d+\.\d{6}) (\w+)\((.*)\) = (\w+) (\d+\.\d)us)");

std::vector<std::smatch> readTrace(const std::string& path, std::vector<std::string>& lines) {
  std::ifstream file(path);
  for (std::string text; std::getline(file, text);) lines.push_back(text);
  std::vector<std::smatch> calls;
  for (const std::string& text : lines) {
    std::smatch match;
    EXPECT_TRUE(std::regex_match(text, match, line)) << text;
    if (!match.empty()) calls.push_back(match);
  }
  return calls;
}

const std::smatch* callOf(const std::vector<std::smatch>& calls, const std::string& name) {
  for (const std::smatch& call : calls)
    if (call[4] == name) return &call;
  return nullptr;
}

TEST(Trace, OneLinePerCall) {
  std::string path = testing::TempDir() + "anywarp_trace_test." + std::to_string(getpid());
  ASSERT_EQ(runChild("TracedCalls", {{"ANYWARP_TRACE", path.c_str()}}), 0);
  ASSERT_EQ(runChild("TracedCalls", {{"ANYWARP_TRACE", path.c_str()}}), 0);
  std::vector<std::string> lines;
  std::vector<std::smatch> calls = readTrace(path, lines);
  std::remove(path.c_str());
  ASSERT_EQ(calls.size(), 2 * 9u);

  const std::smatch* attribute = callOf(calls, "cuDeviceGetAttribute");
  ASSERT_TRUE(attribute);
  EXPECT_EQ((*attribute)[5], "[32], WARP_SIZE, 0");
  EXPECT_EQ((*attribute)[6], "CUDA_SUCCESS");
  const std::smatch* bad = callOf(calls, "cuMemAlloc_v2");
  ASSERT_TRUE(bad);
  EXPECT_EQ((*bad)[5], "null, 16");
  EXPECT_EQ((*bad)[6], "CUDA_ERROR_INVALID_VALUE");
  const std::smatch* find = callOf(calls, "cuModuleGetFunction");
  ASSERT_TRUE(find);
  EXPECT_TRUE(std::regex_match((*find)[5].str(), std::regex(R"re(\[0x[0-9a-f]+:bump\], 0x[0-9a-f]+, "bump")re"))) << (*find)[5];
  const std::smatch* launch = callOf(calls, "cuLaunchKernel");
  ASSERT_TRUE(launch);
  EXPECT_TRUE(std::regex_match((*launch)[5].str(), std::regex(R"(0x[0-9a-f]+:bump, 2, 1, 1, 32, 1, 1, 0, null, null, null)"))) << (*launch)[5];
  const std::smatch* missing = callOf(calls, "cuGLInit");
  ASSERT_TRUE(missing);
  EXPECT_EQ((*missing)[6], "CUDA_ERROR_NOT_SUPPORTED");
}

TEST(Child, DISABLED_TracedCalls) {
  ASSERT_OK(cuInit(0));
  CUcontext context = nullptr;
  ASSERT_OK(cuCtxCreate_v2(&context, 0, 0));
  int value = 0;
  EXPECT_OK(cuDeviceGetAttribute(&value, CU_DEVICE_ATTRIBUTE_WARP_SIZE, 0));
  EXPECT_INVALID(cuMemAlloc_v2(nullptr, 16));
  CUmodule module = nullptr;
  CUfunction bump = nullptr;
  EXPECT_OK(cuModuleLoadData(&module, kernelsPtx));
  EXPECT_OK(cuModuleGetFunction(&bump, module, "bump"));
  EXPECT_OK(cuLaunchKernel(bump, 2, 1, 1, 32, 1, 1, 0, nullptr, nullptr, nullptr));
  EXPECT_EQ(reinterpret_cast<CUresult (*)()>(dlsym(RTLD_DEFAULT, "cuGLInit"))(), CUDA_ERROR_NOT_SUPPORTED);
  EXPECT_OK(cuCtxDestroy_v2(context));
}

}  // namespace
}  // namespace anywarp::test
