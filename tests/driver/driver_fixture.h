// What the driver's tests share: an initialised driver with a fresh context, and short checks. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <vector>

#include "abi/cuda.h"

#define EXPECT_OK(call) EXPECT_EQ(call, CUDA_SUCCESS)
#define ASSERT_OK(call) ASSERT_EQ(call, CUDA_SUCCESS)
#define EXPECT_INVALID(call) EXPECT_EQ(call, CUDA_ERROR_INVALID_VALUE)

namespace anywarp::test {

// A context of its own for every test, current in the test's thread.
class Driver : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK(cuInit(0));
    ASSERT_OK(cuCtxCreate_v2(&context, 0, 0));
  }
  void TearDown() override { EXPECT_OK(cuCtxDestroy_v2(context)); }

  CUdeviceptr allocate(size_t bytes) {
    CUdeviceptr pointer = 0;
    EXPECT_OK(cuMemAlloc_v2(&pointer, bytes));
    return pointer;
  }

  CUmodule load(const char* ptx) {
    CUmodule module = nullptr;
    EXPECT_OK(cuModuleLoadData(&module, ptx));
    return module;
  }

  CUfunction function(CUmodule module, const char* name) {
    CUfunction function = nullptr;
    EXPECT_OK(cuModuleGetFunction(&function, module, name));
    return function;
  }

  template <class T>
  std::vector<T> download(CUdeviceptr pointer, size_t count) {
    std::vector<T> values(count);
    EXPECT_OK(cuMemcpyDtoH_v2(values.data(), pointer, count * sizeof(T)));
    return values;
  }

  CUcontext context = nullptr;
};

// What makes a pool of the first device's memory.
inline CUmemPoolProps devicePoolProps(CUmemAllocationHandleType shared = CU_MEM_HANDLE_TYPE_NONE) {
  CUmemPoolProps props{};
  props.allocType = CU_MEM_ALLOCATION_TYPE_PINNED;
  props.handleTypes = shared;
  props.location = {CU_MEM_LOCATION_TYPE_DEVICE, 0};
  return props;
}

// A handle of the right form that never existed.
template <class Handle>
Handle bogus() {
  return reinterpret_cast<Handle>(0x400000123450ull);
}

}  // namespace anywarp::test
