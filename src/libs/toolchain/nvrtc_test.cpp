// What our NVRTC asks of the toolkit's, and what it gives for machine code. SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "libs/toolchain/replaced.h"

extern "C" {
int nvrtcVersion(int* major, int* minor);
const char* nvrtcGetErrorString(int result);
int nvrtcCreateProgram(void** program, const char* source, const char* name, int headerCount, const char* const* headers, const char* const* names);
int nvrtcDestroyProgram(void** program);
int nvrtcCompileProgram(void* program, int count, const char* const* options);
int nvrtcGetPTXSize(void* program, size_t* size);
int nvrtcGetPTX(void* program, char* to);
int nvrtcGetCUBINSize(void* program, size_t* size);
int nvrtcGetCUBIN(void* program, char* to);
int nvrtcGetLTOIRSize(void* program, size_t* size);
}

namespace {

class Nvrtc : public testing::Test {
 protected:
  static void SetUpTestSuite() { std::strcpy(anywarpReplacedLibrary, RECORDING_NVRTC); }

  void SetUp() override { ASSERT_EQ(nvrtcCreateProgram(&program_, "", "", 0, nullptr, nullptr), 0); }
  void TearDown() override { EXPECT_EQ(nvrtcDestroyProgram(&program_), 0); }

  int compile(const std::vector<const char*>& options) { return nvrtcCompileProgram(program_, int(options.size()), options.data()); }

  template <class Size, class Get>
  std::string read(Size size, Get get) {
    size_t n = 0;
    EXPECT_EQ(size(program_, &n), 0);
    std::string text(n, 'x');
    EXPECT_EQ(get(program_, text.data()), 0);
    EXPECT_EQ(text.back(), 0);
    text.pop_back();
    return text;
  }
  std::string cubin() { return read(nvrtcGetCUBINSize, nvrtcGetCUBIN); }
  std::string ptx() { return read(nvrtcGetPTXSize, nvrtcGetPTX); }

  void* program_ = nullptr;
};

TEST_F(Nvrtc, PassesCallsOn) {
  int major = 0, minor = 0;
  EXPECT_EQ(nvrtcVersion(&major, &minor), 0);
  EXPECT_EQ(major, 13);
  EXPECT_EQ(minor, 7);
  EXPECT_STREQ(nvrtcGetErrorString(5), "five");
  EXPECT_EQ(compile({"-wrong"}), 5);
}

TEST_F(Nvrtc, GivesPtxForTheMachineCodeOfARealArchitecture) {
  for (const char* option : {"-arch=sm_80", "--gpu-architecture=sm_80"}) {
    EXPECT_EQ(compile({"-lineinfo", option}), 0);
    std::string name(option, std::strchr(option, '=') + 1);
    EXPECT_EQ(cubin(), "ptx: -lineinfo " + name + "compute_80");
  }
  EXPECT_EQ(compile({"-arch", "sm_90a"}), 0);
  EXPECT_EQ(cubin(), "ptx: -arch compute_90a");
  EXPECT_EQ(compile({"--gpu-architecture", "sm_100f"}), 0);
  EXPECT_EQ(cubin(), "ptx: --gpu-architecture compute_100f");
}

TEST_F(Nvrtc, LeavesAVirtualArchitectureAlone) {
  EXPECT_EQ(compile({"-arch=compute_80", "-DX=sm_80"}), 0);
  EXPECT_EQ(ptx(), "ptx: -arch=compute_80 -DX=sm_80");
  EXPECT_EQ(cubin(), "machine code: -arch=compute_80 -DX=sm_80");
}

TEST_F(Nvrtc, LeavesLtoAlone) {
  EXPECT_EQ(compile({"-arch=sm_80", "-dlto"}), 0);
  EXPECT_EQ(cubin(), "machine code: -arch=sm_80 -dlto");
}

TEST_F(Nvrtc, ForgetsTheArchitectureOfAnEarlierCompilation) {
  EXPECT_EQ(compile({"-arch=sm_80"}), 0);
  EXPECT_EQ(compile({"-arch=compute_75"}), 0);
  EXPECT_EQ(cubin(), "machine code: -arch=compute_75");
}

TEST_F(Nvrtc, RefusesWrongOptions) {
  EXPECT_EQ(nvrtcCompileProgram(program_, 1, nullptr), 3);
  EXPECT_EQ(nvrtcCompileProgram(program_, -1, nullptr), 3);
}

TEST_F(Nvrtc, FailsWhereTheToolkitsHasNoSuchCall) {
  size_t size = 0;
  EXPECT_EQ(nvrtcGetLTOIRSize(program_, &size), 11);  // the recording library has none
}

}  // namespace
