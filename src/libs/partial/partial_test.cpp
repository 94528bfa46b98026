// The partial libraries: what is there works, the rest has its name and an error. SPDX-License-Identifier: Apache-2.0
#include <dlfcn.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>

namespace {

void* open(const char* soname) { return dlopen((std::string(PARTIAL_FOLDER) + "/" + soname).c_str(), RTLD_NOW | RTLD_LOCAL); }

template <class Function>
Function find(void* library, const char* name) {
  return reinterpret_cast<Function>(dlsym(library, name));
}

constexpr const char* cudnnNames[] = {
#define PARTIAL_CALL(name, state) #name,
#include "libs/partial/cudnn_api.def"
#undef PARTIAL_CALL
};

constexpr const char* cuptiNames[] = {
#define PARTIAL_CALL(name, state) #name,
#include "libs/partial/cupti_api.def"
#undef PARTIAL_CALL
};

TEST(Partial, EveryNameIsExported) {
  void* cudnn = open("libcudnn.so.9");
  ASSERT_TRUE(cudnn) << dlerror();
  for (const char* name : cudnnNames) EXPECT_TRUE(dlsym(cudnn, name)) << name;
  for (const char* soname : {"libcupti.so.12", "libcupti.so.13"}) {
    void* cupti = open(soname);
    ASSERT_TRUE(cupti) << dlerror();
    for (const char* name : cuptiNames) EXPECT_TRUE(dlsym(cupti, name)) << name;
  }
}

TEST(Partial, CudnnHandlesKeepTheirStream) {
  void* cudnn = open("libcudnn.so.9");
  void *handle = nullptr, *stream = nullptr;
  int one = 1;
  EXPECT_EQ(find<int (*)(void**)>(cudnn, "cudnnCreate")(&handle), 0);
  EXPECT_EQ(find<int (*)(void*, void*)>(cudnn, "cudnnSetStream")(handle, &one), 0);
  EXPECT_EQ(find<int (*)(void*, void**)>(cudnn, "cudnnGetStream")(handle, &stream), 0);
  EXPECT_EQ(stream, &one);
  EXPECT_EQ(find<int (*)(void*)>(cudnn, "cudnnDestroy")(handle), 0);
  EXPECT_EQ(find<int (*)(void**)>(cudnn, "cudnnCreate")(nullptr), 2000);
  EXPECT_EQ(find<int (*)(void*, void*)>(cudnn, "cudnnSetStream")(nullptr, nullptr), 2000);
  EXPECT_EQ(find<int (*)(void*, void**)>(cudnn, "cudnnGetStream")(nullptr, &stream), 2000);
  int part = 0;
  EXPECT_EQ(find<int (*)(int, int*)>(cudnn, "cudnnGetProperty")(0, &part), 0);
  EXPECT_EQ(part, static_cast<int>(find<size_t (*)()>(cudnn, "cudnnGetVersion")() / 10000));
  EXPECT_EQ(find<int (*)(int, int*)>(cudnn, "cudnnGetProperty")(3, &part), 2000);
}

TEST(Partial, WhatIsMissingSaysSo) {
  EXPECT_EQ(find<int (*)()>(open("libcudnn.so.9"), "cudnnBackendExecute")(), 3000);
  EXPECT_NE(std::string(find<const char* (*)(int)>(open("libcudnn.so.9"), "cudnnGetErrorString")(3000)).find("NOT_SUPPORTED"), std::string::npos);
  EXPECT_EQ(find<int (*)()>(open("libcupti.so.13"), "cuptiActivityFlushAll")(), 27);
}

TEST(Partial, CuptiTellsItsVersion) {
  uint32_t version = 0;
  EXPECT_EQ(find<int (*)(uint32_t*)>(open("libcupti.so.13"), "cuptiGetVersion")(&version), 0);
  EXPECT_EQ(version, 130000u);
  EXPECT_EQ(find<int (*)(uint32_t*)>(open("libcupti.so.12"), "cuptiGetVersion")(&version), 0);
  EXPECT_EQ(version, 26u);
  EXPECT_EQ(find<int (*)(uint32_t*)>(open("libcupti.so.12"), "cuptiGetVersion")(nullptr), 1);
  const char* text = nullptr;
  EXPECT_EQ(find<int (*)(int, const char**)>(open("libcupti.so.13"), "cuptiGetResultString")(27, &text), 0);
  EXPECT_STREQ(text, "CUPTI_ERROR_NOT_SUPPORTED");
  EXPECT_EQ(find<int (*)(int, const char**)>(open("libcupti.so.13"), "cuptiGetResultString")(4711, &text), 1);
}

}  // namespace
