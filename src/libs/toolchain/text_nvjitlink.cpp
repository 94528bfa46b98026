// Plays the toolkit's nvJitLink for the test of ours: its LTO-IR is the text of a source. It has a function `thrice`, which it drops
// unless a kernel takes its address, as the real one does. SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

#include "libs/toolchain/nvjitlink_api.h"

using anywarp::toolchain::JitLinkInput;
using anywarp::toolchain::JitLinkResult;

namespace {

constexpr char header[] = ".version 8.0\n.target sm_80\n.address_size 64\n";
constexpr char thrice[] =
    ".func (.param .b32 r) thrice(.param .b32 x) {\n"
    "  .reg .b32 %r<3>;\n  ld.param.b32 %r1, [x];\n  mul.lo.u32 %r2, %r1, 3;\n  st.param.b32 [r], %r2;\n  ret;\n}\n";

std::string kernelOf(const std::string& source) {
  size_t name = source.find("__global__ void ") + 16;
  return ".visible .entry " + source.substr(name, source.find('(', name) - name) + "(.param .u64 to) {\n  ret;\n}\n";
}

}  // namespace

#pragma GCC visibility push(default)
extern "C" {

JitLinkResult nvJitLinkCreate(std::string** handle, uint32_t, const char**) {
  *handle = new std::string(header);
  return JitLinkResult::Success;
}
JitLinkResult nvJitLinkDestroy(std::string** handle) {
  delete *handle;
  return JitLinkResult::Success;
}
JitLinkResult nvJitLinkAddData(std::string* handle, JitLinkInput type, const void* data, size_t size, const char*) {
  if (type != JitLinkInput::LtoIr) return JitLinkResult::IncorrectInputType;  // -ptx is for LTO-IR alone
  const std::string source(static_cast<const char*>(data), size);
  const size_t taken = source.find("(void*)");
  if (taken != std::string::npos && source.compare(taken + 7, 6, "thrice") != 0) return JitLinkResult::Finalize;  // undefined
  if (taken != std::string::npos) *handle += thrice;
  if (source.find("__global__") != std::string::npos) *handle += kernelOf(source);
  return JitLinkResult::Success;
}
JitLinkResult nvJitLinkComplete(std::string*) { return JitLinkResult::Success; }
JitLinkResult nvJitLinkGetLinkedPtxSize(const std::string* handle, size_t* size) {
  *size = handle->size() + 1;
  return JitLinkResult::Success;
}
JitLinkResult nvJitLinkGetLinkedPtx(const std::string* handle, char* to) {
  std::memcpy(to, handle->c_str(), handle->size() + 1);
  return JitLinkResult::Success;
}
JitLinkResult nvJitLinkGetErrorLogSize(const std::string*, size_t* size) {
  *size = 0;
  return JitLinkResult::Success;
}
JitLinkResult nvJitLinkGetErrorLog(const std::string*, char*) { return JitLinkResult::Success; }
}
#pragma GCC visibility pop
