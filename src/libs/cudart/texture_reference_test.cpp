// The runtime of 11 as compiled code uses it: a texture reference, registered, bound and read. SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "abi/fatbin.h"
#include "libs/cudart/runtime_api.h"

namespace anywarp::cudart {

extern "C" {
void** __cudaRegisterFatBinary(void*);
void __cudaRegisterFatBinaryEnd(void**);
void __cudaRegisterFunction(void**, const char*, char*, const char*, int, void*, void*, dim3*, dim3*, int*);
void __cudaRegisterTexture(void**, const textureReference*, const void**, const char*, int, int, int);
cudaError_t cudaMalloc(void**, size_t);
cudaError_t cudaFree(void*);
cudaError_t cudaMemcpy(void*, const void*, size_t, cudaMemcpyKind);
cudaError_t cudaBindTexture(size_t*, const textureReference*, const void*, const cudaChannelFormatDesc*, size_t);
cudaError_t cudaUnbindTexture(const textureReference*);
cudaError_t cudaGetTextureReference(const textureReference**, const void*);
cudaError_t cudaLaunchKernel(const void*, dim3, dim3, void**, size_t, cudaStream_t);
}

namespace {

textureReference values{}, stranger{};
void readOnHost() {}

constexpr const char* text = R"(
.version 6.0
.target sm_50
.address_size 64
.global .texref values;
.visible .entry read(.param .u64 out)
{
  .reg .b64 %a, %o; .reg .b32 %t; .reg .f32 %f<5>;
  ld.param.u64 %a, [out];
  mov.u32 %t, %tid.x;
  tex.1d.v4.f32.s32 {%f1, %f2, %f3, %f4}, [values, {%t}];
  mul.wide.u32 %o, %t, 4;
  add.s64 %a, %a, %o;
  st.global.f32 [%a], %f1;
  ret;
})";

// As a constructor of compiled code does; the image stays for the life of the process.
void registerAll() {
  std::string ptx = text;
  ptx.resize((ptx.size() + 8) / 8 * 8);
  abi::FatbinEntry entry{};
  entry.kind = static_cast<uint16_t>(abi::FatbinKind::Ptx);
  entry.version = 0x101;
  entry.headerSize = sizeof(entry);
  entry.payloadSize = ptx.size();
  entry.codeVersionMajor = 6;
  entry.arch = 50;
  entry.flags = abi::fatbin64Bit | abi::fatbinLinux;
  abi::FatbinHeader header{abi::fatbinHeaderMagic, 1, sizeof(header), sizeof(entry) + ptx.size()};
  auto& image = *new std::vector<uint8_t>;
  auto put = [&](const void* data, size_t bytes) {
    auto* raw = static_cast<const uint8_t*>(data);
    image.insert(image.end(), raw, raw + bytes);
  };
  put(&header, sizeof(header));
  put(&entry, sizeof(entry));
  put(ptx.data(), ptx.size());
  auto* wrapper = new abi::FatbinWrapper{abi::fatbinWrapperMagic, 1, image.data(), nullptr};
  void** handle = __cudaRegisterFatBinary(wrapper);
  __cudaRegisterFunction(handle, reinterpret_cast<const char*>(&readOnHost), nullptr, "read", -1, nullptr, nullptr, nullptr, nullptr, nullptr);
  __cudaRegisterTexture(handle, &values, nullptr, "values", 1, 0, 0);
  __cudaRegisterFatBinaryEnd(handle);
}

TEST(TextureReference, BoundMemoryIsRead) {
  registerAll();
  std::vector<float> in(32), out(32);
  for (size_t i = 0; i < in.size(); ++i) in[i] = 1.5f * static_cast<float>(i);
  void *memory = nullptr, *target = nullptr;
  ASSERT_EQ(cudaMalloc(&memory, 128), cudaSuccess);
  ASSERT_EQ(cudaMalloc(&target, 128), cudaSuccess);
  ASSERT_EQ(cudaMemcpy(memory, in.data(), 128, cudaMemcpyHostToDevice), cudaSuccess);
  cudaChannelFormatDesc format{32, 0, 0, 0, cudaChannelFormatKindFloat};
  size_t offset = 9;
  EXPECT_EQ(cudaBindTexture(&offset, &values, memory, &format, 128), cudaSuccess);
  EXPECT_EQ(offset, 0u);
  void* arguments[] = {&target};
  EXPECT_EQ(cudaLaunchKernel(reinterpret_cast<const void*>(&readOnHost), {1, 1, 1}, {32, 1, 1}, arguments, 0, nullptr), cudaSuccess);
  EXPECT_EQ(cudaMemcpy(out.data(), target, 128, cudaMemcpyDeviceToHost), cudaSuccess);
  EXPECT_EQ(out, in);
  const textureReference* found = nullptr;
  EXPECT_EQ(cudaGetTextureReference(&found, &values), cudaSuccess);
  EXPECT_EQ(found, &values);
  EXPECT_EQ(cudaUnbindTexture(&values), cudaSuccess);
  EXPECT_EQ(cudaBindTexture(&offset, &stranger, memory, &format, 128), cudaErrorInvalidTexture);
  EXPECT_EQ(cudaBindTexture(&offset, nullptr, memory, &format, 128), cudaErrorInvalidValue);
  EXPECT_EQ(cudaBindTexture(&offset, &values, memory, nullptr, 128), cudaErrorInvalidValue);
  EXPECT_EQ(cudaUnbindTexture(&stranger), cudaErrorInvalidTexture);
  EXPECT_EQ(cudaFree(memory), cudaSuccess);
  EXPECT_NE(cudaBindTexture(&offset, &values, memory, &format, 128), cudaSuccess);
  EXPECT_EQ(cudaFree(target), cudaSuccess);
}

}  // namespace
}  // namespace anywarp::cudart
