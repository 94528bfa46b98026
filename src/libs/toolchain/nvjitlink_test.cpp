// The documented results of nvJitLink's calls, and what our stand-in gives as machine code. SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cstring>
#include <string>

#include "libs/toolchain/nvjitlink_api.h"
#include "libs/toolchain/replaced.h"

using anywarp::toolchain::JitLinkInput;
using anywarp::toolchain::JitLinkResult;

extern "C" {
JitLinkResult nvJitLinkVersion(unsigned* major, unsigned* minor);
JitLinkResult nvJitLinkCreate(void** handle, uint32_t count, const char** options);
JitLinkResult __nvJitLinkCreate_13_0(void** handle, uint32_t count, const char** options);
JitLinkResult nvJitLinkDestroy(void** handle);
JitLinkResult nvJitLinkAddData(void* handle, JitLinkInput type, const void* data, size_t size, const char* name);
JitLinkResult nvJitLinkAddFile(void* handle, JitLinkInput type, const char* path);
JitLinkResult nvJitLinkComplete(void* handle);
JitLinkResult nvJitLinkGetLinkedCubinSize(void* handle, size_t* size);
JitLinkResult nvJitLinkGetLinkedCubin(void* handle, char* to);
JitLinkResult nvJitLinkGetLinkedPtxSize(void* handle, size_t* size);
JitLinkResult nvJitLinkGetErrorLogSize(void* handle, size_t* size);
JitLinkResult nvJitLinkGetErrorLog(void* handle, char* to);
JitLinkResult nvJitLinkGetInfoLogSize(void* handle, size_t* size);
}

namespace {

constexpr char caller[] = R"(.version 8.0
.target sm_80
.address_size 64
.extern .func (.param .b32 r) twice (.param .b32 x);
.visible .entry kernel(.param .u64 p) {
  .reg .b32 %r<3>;
  .reg .b64 %rd<2>;
  .param .b32 a;
  .param .b32 b;
  ld.param.u64 %rd1, [p];
  ld.global.u32 %r1, [%rd1];
  st.param.b32 [a], %r1;
  call (b), twice, (a);
  ld.param.b32 %r2, [b];
  st.global.u32 [%rd1], %r2;
  ret;
}
)";
constexpr char callee[] = R"(.version 8.0
.target sm_80
.address_size 64
.visible .func (.param .b32 r) twice (.param .b32 x) {
  .reg .b32 %r<3>;
  ld.param.b32 %r1, [x];
  add.u32 %r2, %r1, %r1;
  st.param.b32 [r], %r2;
  ret;
}
)";

constexpr char callerOfThrice[] = R"(.version 8.0
.target sm_80
.address_size 64
.extern .func (.param .b32 r) thrice (.param .b32 x);
.extern .func (.param .b32 r) vprintf (.param .b64 format, .param .b64 values);
.extern .func (.param .b32 r) __cuda_syscall_cnpv2GetLastError ();
.visible .func (.param .b32 r) sixfold (.param .b32 x) {
  .reg .b32 %r<3>;
  .param .b32 a;
  .param .b32 b;
  ld.param.b32 %r1, [x];
  shl.b32 %r1, %r1, 1;
  st.param.b32 [a], %r1;
  call (b), thrice, (a);
  ld.param.b32 %r2, [b];
  st.param.b32 [r], %r2;
  ret;
}
)";

struct Linker {
  explicit Linker(std::vector<const char*> options = {"-arch=sm_80"}) { result = nvJitLinkCreate(&handle, uint32_t(options.size()), options.data()); }
  ~Linker() { nvJitLinkDestroy(&handle); }
  JitLinkResult add(const char* text, JitLinkInput type = JitLinkInput::Ptx) { return nvJitLinkAddData(handle, type, text, std::strlen(text) + 1, "input"); }
  std::string linked() {
    size_t size = 0;
    EXPECT_EQ(nvJitLinkComplete(handle), JitLinkResult::Success) << log();
    EXPECT_EQ(nvJitLinkGetLinkedCubinSize(handle, &size), JitLinkResult::Success);
    std::string text(size, 0);
    EXPECT_EQ(nvJitLinkGetLinkedCubin(handle, text.data()), JitLinkResult::Success);
    return text;
  }
  std::string log() {
    size_t size = 0;
    nvJitLinkGetErrorLogSize(handle, &size);
    std::string text(size, 0);
    nvJitLinkGetErrorLog(handle, text.data());
    return text;
  }
  void* handle = nullptr;
  JitLinkResult result;
};

TEST(NvJitLink, LinksPtxWithPtx) {
  Linker link({"-arch=sm_80", "-lineinfo", "-O3"});
  ASSERT_EQ(link.result, JitLinkResult::Success) << link.log();
  EXPECT_EQ(link.add(caller), JitLinkResult::Success);
  EXPECT_EQ(link.add(callee), JitLinkResult::Success);
  size_t size = 0;
  EXPECT_EQ(nvJitLinkGetLinkedCubinSize(link.handle, &size), JitLinkResult::Internal) << "before it is complete";
  ASSERT_EQ(nvJitLinkComplete(link.handle), JitLinkResult::Success) << link.log();
  ASSERT_EQ(nvJitLinkGetLinkedCubinSize(link.handle, &size), JitLinkResult::Success);
  std::string text(size, 0);
  ASSERT_EQ(nvJitLinkGetLinkedCubin(link.handle, text.data()), JitLinkResult::Success);
  EXPECT_EQ(text.find(".version"), 0u);
  EXPECT_NE(text.find(".entry kernel"), std::string::npos);
  EXPECT_NE(text.find("twice"), std::string::npos);
  EXPECT_EQ(text.back(), 0);
  EXPECT_EQ(nvJitLinkGetLinkedPtxSize(link.handle, &size), JitLinkResult::Internal) << "only with -lto -ptx";
  EXPECT_EQ(nvJitLinkGetInfoLogSize(link.handle, &size), JitLinkResult::Success);
}

TEST(NvJitLink, LimitsRegisters) {
  Linker link({"-arch=sm_80", "-maxrregcount=40"});
  ASSERT_EQ(link.add(caller), JitLinkResult::Success);
  ASSERT_EQ(link.add(callee), JitLinkResult::Success);
  ASSERT_EQ(nvJitLinkComplete(link.handle), JitLinkResult::Success) << link.log();
  size_t size = 0;
  ASSERT_EQ(nvJitLinkGetLinkedCubinSize(link.handle, &size), JitLinkResult::Success);
  std::string text(size, 0);
  ASSERT_EQ(nvJitLinkGetLinkedCubin(link.handle, text.data()), JitLinkResult::Success);
  EXPECT_NE(text.find(".maxnreg 40"), std::string::npos) << text;
}

struct Replaced {
  explicit Replaced(const char* library) { std::strcpy(anywarpReplacedLibrary, library); }
  ~Replaced() { *anywarpReplacedLibrary = 0; }
};

std::string linkedWithLtoIr(const char* source, std::initializer_list<const char*> modules) {
  Replaced toolkit(TEXT_NVJITLINK);
  Linker link({"-arch=sm_80", "-lto"});
  EXPECT_EQ(link.add(source, JitLinkInput::LtoIr), JitLinkResult::Success);
  for (const char* module : modules) EXPECT_EQ(link.add(module), JitLinkResult::Success);
  return link.linked();
}

TEST(NvJitLink, KeepsWhatOnlyPtxCallsOfLtoIr) {
  std::string text = linkedWithLtoIr("__global__ void first(int*)", {callerOfThrice, caller, callee});
  EXPECT_NE(text.find(".visible .func (.param .b32 r) thrice(.param .b32 x) {"), std::string::npos) << text;
  EXPECT_EQ(text.find("keep"), std::string::npos) << text;
}

TEST(NvJitLink, LeavesLtoIrAsItIsWherePtxCallsNothingOfIt) {
  std::string text = linkedWithLtoIr("__global__ void other(int*)", {caller, callee});
  EXPECT_NE(text.find(".entry other"), std::string::npos) << text;
  EXPECT_EQ(text.find("thrice"), std::string::npos) << text;
}

TEST(NvJitLink, Options) {
  EXPECT_EQ(Linker(std::vector<const char*>{}).result, JitLinkResult::MissingArch);
  EXPECT_EQ(Linker({"-arch=sm_80", "-frobnicate"}).result, JitLinkResult::UnrecognizedOption);
  EXPECT_EQ(Linker({"-arch=80"}).result, JitLinkResult::UnrecognizedOption);
  EXPECT_EQ(Linker({"-arch=sm_80", "-ptx"}).result, JitLinkResult::IncompatibleOptions);
  Linker named({"-arch=sm_80", "-frobnicate"});
  EXPECT_NE(named.log().find("-frobnicate"), std::string::npos);
  const char* options[] = {"-arch=sm_90a"};
  void* handle = nullptr;
  EXPECT_EQ(__nvJitLinkCreate_13_0(&handle, 1, options), JitLinkResult::Success);
  EXPECT_EQ(nvJitLinkDestroy(&handle), JitLinkResult::Success);
  EXPECT_EQ(handle, nullptr);
}

TEST(NvJitLink, BadInput) {
  Linker link;
  EXPECT_EQ(link.add("this is not PTX"), JitLinkResult::InvalidInput);
  EXPECT_EQ(link.add(".version 8.0\n.target sm_80\n.address_size 64\n.entry {"), JitLinkResult::PtxCompile);
  EXPECT_EQ(link.add(caller, JitLinkInput::LtoIr), JitLinkResult::IncorrectInputType) << "without -lto";
  EXPECT_NE(link.log().find("LTO-IR"), std::string::npos);
  Linker lto({"-arch=sm_80", "-lto"});
  EXPECT_EQ(lto.add("not LTO-IR either", JitLinkInput::LtoIr), JitLinkResult::Success);
  EXPECT_NE(nvJitLinkComplete(lto.handle), JitLinkResult::Success);
  EXPECT_NE(lto.log().find("LTO-IR input"), std::string::npos) << lto.log();
  EXPECT_EQ(nvJitLinkAddData(link.handle, JitLinkInput::Ptx, nullptr, 4, "x"), JitLinkResult::NullInput);
  EXPECT_EQ(nvJitLinkAddFile(link.handle, JitLinkInput::Ptx, "/nowhere/x.ptx"), JitLinkResult::InvalidInput);
  EXPECT_EQ(nvJitLinkComplete(link.handle), JitLinkResult::InvalidInput) << "nothing was added";
}

TEST(NvJitLink, Handles) {
  void* foreign = reinterpret_cast<void*>(0x1234);
  EXPECT_EQ(nvJitLinkComplete(foreign), JitLinkResult::InvalidInput);
  EXPECT_EQ(nvJitLinkDestroy(&foreign), JitLinkResult::InvalidInput);
  EXPECT_EQ(nvJitLinkDestroy(nullptr), JitLinkResult::NullInput);
  EXPECT_EQ(nvJitLinkCreate(nullptr, 0, nullptr), JitLinkResult::NullInput);
  const char* options[] = {"-arch=sm_80"};
  void* handle = nullptr;
  ASSERT_EQ(nvJitLinkCreate(&handle, 1, options), JitLinkResult::Success);
  void* stale = handle;
  ASSERT_EQ(nvJitLinkDestroy(&handle), JitLinkResult::Success);
  EXPECT_EQ(nvJitLinkComplete(stale), JitLinkResult::InvalidInput);
  unsigned major = 0, minor = 0;
  EXPECT_EQ(nvJitLinkVersion(&major, &minor), JitLinkResult::Success);
  EXPECT_EQ(major, 13u);
  EXPECT_EQ(nvJitLinkVersion(nullptr, &minor), JitLinkResult::NullInput);
}

}  // namespace
