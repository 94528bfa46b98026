// Our nvFatbin: what it makes is what our reader takes. SPDX-License-Identifier: Apache-2.0
#include "libs/toolchain/nvfatbin_api.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "compiler/fatbin/fatbin.h"

using anywarp::toolchain::FatbinResult;
namespace fatbin = anywarp::fatbin;

extern "C" {
FatbinResult nvFatbinCreate(void** handle, const char** options, size_t count);
FatbinResult nvFatbinDestroy(void** handle);
FatbinResult nvFatbinAddPTX(void* handle, const char* code, size_t size, const char* arch, const char* name, const char* options);
FatbinResult nvFatbinAddCubin(void* handle, const void* code, size_t size, const char* arch, const char* name);
FatbinResult nvFatbinAddLTOIR(void* handle, const void* code, size_t size, const char* arch, const char* name, const char* options);
FatbinResult nvFatbinAddReloc(void* handle, const void* code, size_t size);
FatbinResult nvFatbinSize(void* handle, size_t* size);
FatbinResult nvFatbinGet(void* handle, void* buffer);
const char* nvFatbinGetErrorString(FatbinResult result);
}

namespace {

std::string ptxFor(const std::string& target) { return ".version 8.0\n.target " + target + "\n.address_size 64\n.entry k() { ret; }\n"; }

struct Builder {
  explicit Builder(std::vector<const char*> options = {"-64", "-host=linux"}) { result = nvFatbinCreate(&handle, options.data(), options.size()); }
  ~Builder() { nvFatbinDestroy(&handle); }
  FatbinResult add(const std::string& text, const char* arch, const char* options = "") {
    return nvFatbinAddPTX(handle, text.data(), text.size(), arch, "input", options);
  }
  std::vector<uint8_t> bytes() {
    size_t size = 0;
    EXPECT_EQ(nvFatbinSize(handle, &size), FatbinResult::Success);
    std::vector<uint8_t> out(size);
    EXPECT_EQ(nvFatbinGet(handle, out.data()), FatbinResult::Success);
    return out;
  }
  void* handle = nullptr;
  FatbinResult result;
};

TEST(NvFatbin, TheBestPtxIsFoundAgain) {
  Builder builder;
  ASSERT_EQ(builder.result, FatbinResult::Success);
  EXPECT_EQ(builder.add(ptxFor("sm_70"), "70"), FatbinResult::Success);
  EXPECT_EQ(builder.add(ptxFor("sm_80"), "sm_80", "-maxrregcount=32"), FatbinResult::Success);
  auto images = fatbin::readImages(builder.bytes());
  ASSERT_TRUE(images) << images.error().message;
  ASSERT_EQ(images->size(), 2u);
  EXPECT_EQ((*images)[1].name, "input");
  EXPECT_EQ((*images)[1].options, "-maxrregcount=32");
  auto program = fatbin::readProgram(builder.bytes(), 89);
  ASSERT_TRUE(program) << program.error().message;
  ASSERT_EQ(program->modules.size(), 1u);
  EXPECT_EQ(program->modules[0].text, ptxFor("sm_80"));
}

TEST(NvFatbin, ACubinOfOursIsPtx) {
  Builder builder;
  std::string text = ptxFor("sm_80") + '\0';
  EXPECT_EQ(nvFatbinAddCubin(builder.handle, text.data(), text.size(), "89", "input"), FatbinResult::Success);
  auto program = fatbin::readProgram(builder.bytes(), 89);
  ASSERT_TRUE(program) << program.error().message;
  EXPECT_EQ(program->modules[0].text, ptxFor("sm_80"));
  EXPECT_EQ(nvFatbinAddCubin(builder.handle, "no code", 7, "89", "input"), FatbinResult::ElfArchMismatch);
}

TEST(NvFatbin, BadInputIsAnError) {
  Builder builder;
  EXPECT_EQ(builder.add(".target sm_80\n", "80"), FatbinResult::MissingPtxVersion);
  EXPECT_EQ(builder.add(".version 8.0\n", "80"), FatbinResult::MissingPtxArch);
  EXPECT_EQ(builder.add(ptxFor("sm_80"), "70"), FatbinResult::PtxArchMismatch);
  EXPECT_EQ(builder.add(ptxFor("sm_90a"), "100"), FatbinResult::PtxArchMismatch);
  EXPECT_EQ(builder.add(ptxFor("sm_80"), "eighty"), FatbinResult::InvalidArch);
  EXPECT_EQ(builder.add("", "80"), FatbinResult::EmptyInput);
  EXPECT_EQ(nvFatbinAddPTX(builder.handle, nullptr, 3, "80", "x", ""), FatbinResult::NullPointer);
  EXPECT_EQ(nvFatbinAddReloc(builder.handle, "x", 1), FatbinResult::Internal);
  size_t size = 0;
  EXPECT_EQ(nvFatbinSize(&size, &size), FatbinResult::NullPointer);
  EXPECT_EQ(nvFatbinSize(builder.handle, nullptr), FatbinResult::NullPointer);
  EXPECT_EQ(Builder({"-frobnicate"}).result, FatbinResult::UnrecognizedOption);
  for (int i = -1; i < 20; ++i) EXPECT_NE(std::strlen(nvFatbinGetErrorString(FatbinResult(i))), 0u);
}

}  // namespace
