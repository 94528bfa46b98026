// Driver API: Primary Context Management, Context Management. SPDX-License-Identifier: Apache-2.0
#include <thread>

#include "driver_fixture.h"

namespace anywarp::test {
namespace {

using Context = Driver;

TEST_F(Context, CreateMakesItCurrent) {
  CUcontext current = nullptr;
  EXPECT_OK(cuCtxGetCurrent(&current));
  EXPECT_EQ(current, context);
  CUdevice device = -1;
  EXPECT_OK(cuCtxGetDevice(&device));
  EXPECT_EQ(device, 0);
}

TEST_F(Context, ThreadsHaveTheirOwnCurrentContext) {
  std::thread([] {
    CUcontext current = bogus<CUcontext>();
    EXPECT_OK(cuCtxGetCurrent(&current));
    EXPECT_EQ(current, nullptr);
    CUdeviceptr pointer;
    EXPECT_EQ(cuMemAlloc_v2(&pointer, 16), CUDA_ERROR_INVALID_CONTEXT);
    CUdevice device;
    EXPECT_EQ(cuCtxGetDevice(&device), CUDA_ERROR_INVALID_CONTEXT);
  }).join();
}

TEST_F(Context, PushAndPopAreAStack) {
  CUcontext second = nullptr, popped = nullptr;
  EXPECT_OK(cuCtxCreate_v2(&second, 0, 0));
  EXPECT_OK(cuCtxPushCurrent_v2(context));
  EXPECT_OK(cuCtxPopCurrent_v2(&popped));
  EXPECT_EQ(popped, context);
  EXPECT_OK(cuCtxPopCurrent_v2(&popped));
  EXPECT_EQ(popped, second);
  EXPECT_OK(cuCtxDestroy_v2(second));
  EXPECT_OK(cuCtxGetCurrent(&popped));
  EXPECT_EQ(popped, context);
}

TEST_F(Context, SetCurrentReplacesTheTop) {
  CUcontext popped = nullptr;
  EXPECT_OK(cuCtxSetCurrent(nullptr));
  EXPECT_OK(cuCtxGetCurrent(&popped));
  EXPECT_EQ(popped, nullptr);
  EXPECT_EQ(cuCtxPopCurrent_v2(&popped), CUDA_ERROR_INVALID_CONTEXT);
  EXPECT_OK(cuCtxSetCurrent(context));
}

TEST_F(Context, WrongHandlesAreErrors) {
  EXPECT_EQ(cuCtxSetCurrent(bogus<CUcontext>()), CUDA_ERROR_INVALID_CONTEXT);
  EXPECT_EQ(cuCtxDestroy_v2(bogus<CUcontext>()), CUDA_ERROR_INVALID_CONTEXT);
  EXPECT_EQ(cuCtxPushCurrent_v2(nullptr), CUDA_ERROR_INVALID_CONTEXT);
  EXPECT_EQ(cuCtxSynchronize_v2(bogus<CUcontext>()), CUDA_ERROR_INVALID_CONTEXT);
}

TEST_F(Context, DestroyedOneStaysAnErrorWhereItIsCurrent) {
  CUcontext other = nullptr, popped = nullptr;
  EXPECT_OK(cuCtxCreate_v2(&other, 0, 0));
  EXPECT_OK(cuCtxPushCurrent_v2(context));
  EXPECT_OK(cuCtxDestroy_v2(other));  // not on top: stays in the stack
  EXPECT_OK(cuCtxPopCurrent_v2(&popped));
  EXPECT_EQ(cuCtxSynchronize(), CUDA_ERROR_CONTEXT_IS_DESTROYED);
  EXPECT_OK(cuCtxPopCurrent_v2(&popped));
}

TEST_F(Context, FlagsAreChecked) {
  CUcontext other = nullptr;
  EXPECT_INVALID(cuCtxCreate_v2(&other, 0x1000, 0));
  EXPECT_INVALID(cuCtxCreate_v2(&other, CU_CTX_SCHED_SPIN | CU_CTX_SCHED_YIELD, 0));
  EXPECT_EQ(cuCtxCreate_v2(&other, 0, 99), CUDA_ERROR_INVALID_DEVICE);
  EXPECT_OK(cuCtxSetFlags(CU_CTX_SCHED_BLOCKING_SYNC));
  unsigned flags = 0;
  EXPECT_OK(cuCtxGetFlags(&flags));
  EXPECT_EQ(flags, unsigned{CU_CTX_SCHED_BLOCKING_SYNC});
}

TEST_F(Context, LimitsCanBeReadAndSet) {
  size_t value = 0;
  EXPECT_OK(cuCtxGetLimit(&value, CU_LIMIT_PRINTF_FIFO_SIZE));
  EXPECT_GT(value, 0u);
  EXPECT_OK(cuCtxSetLimit(CU_LIMIT_MALLOC_HEAP_SIZE, 16 << 20));
  EXPECT_OK(cuCtxGetLimit(&value, CU_LIMIT_MALLOC_HEAP_SIZE));
  EXPECT_GE(value, size_t{16} << 20);
  EXPECT_OK(cuCtxSetLimit(CU_LIMIT_DEV_RUNTIME_PENDING_LAUNCH_COUNT, 4096));
  EXPECT_OK(cuCtxGetLimit(&value, CU_LIMIT_DEV_RUNTIME_PENDING_LAUNCH_COUNT));
  EXPECT_EQ(value, 4096u);
  // Devices before 9.0 know a depth of waiting for children.
  int major = 0;
  EXPECT_OK(cuDeviceGetAttribute(&major, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, 0));
  EXPECT_EQ(cuCtxGetLimit(&value, CU_LIMIT_DEV_RUNTIME_SYNC_DEPTH), major < 9 ? CUDA_SUCCESS : CUDA_ERROR_UNSUPPORTED_LIMIT);
  EXPECT_EQ(cuCtxGetLimit(&value, CU_LIMIT_SHMEM_SIZE), CUDA_ERROR_UNSUPPORTED_LIMIT);
  EXPECT_INVALID(cuCtxGetLimit(&value, static_cast<CUlimit>(77)));
}

TEST_F(Context, Preferences) {
  EXPECT_OK(cuCtxSetCacheConfig(CU_FUNC_CACHE_PREFER_L1));
  CUfunc_cache config;
  EXPECT_OK(cuCtxGetCacheConfig(&config));
  EXPECT_EQ(config, CU_FUNC_CACHE_PREFER_L1);
  EXPECT_INVALID(cuCtxSetCacheConfig(static_cast<CUfunc_cache>(9)));
  int least = 9, greatest = 9;
  EXPECT_OK(cuCtxGetStreamPriorityRange(&least, &greatest));
  EXPECT_LT(greatest, least);
  unsigned version = 0;
  EXPECT_OK(cuCtxGetApiVersion(context, &version));
  EXPECT_EQ(version, 3020u);
}

TEST_F(Context, IdsDiffer) {
  unsigned long long first = 0, second = 0;
  CUcontext other = nullptr;
  EXPECT_OK(cuCtxGetId(nullptr, &first));
  EXPECT_OK(cuCtxCreate_v2(&other, 0, 0));
  EXPECT_OK(cuCtxGetId(other, &second));
  EXPECT_NE(first, second);
  EXPECT_OK(cuCtxDestroy_v2(other));
}

TEST_F(Context, PrimaryHandleIsStable) {
  CUcontext first = nullptr, second = nullptr;
  unsigned flags;
  int active = -1;
  EXPECT_OK(cuDevicePrimaryCtxGetState(0, &flags, &active));
  EXPECT_EQ(active, 0);
  EXPECT_OK(cuDevicePrimaryCtxRetain(&first, 0));
  EXPECT_OK(cuDevicePrimaryCtxGetState(0, &flags, &active));
  EXPECT_EQ(active, 1);
  EXPECT_OK(cuDevicePrimaryCtxReset_v2(0));
  EXPECT_OK(cuDevicePrimaryCtxGetState(0, &flags, &active));
  EXPECT_EQ(active, 0);
  EXPECT_OK(cuDevicePrimaryCtxRetain(&second, 0));
  EXPECT_EQ(first, second);
  EXPECT_OK(cuDevicePrimaryCtxRelease_v2(0));
  EXPECT_EQ(cuDevicePrimaryCtxRelease_v2(0), CUDA_ERROR_INVALID_CONTEXT);
  EXPECT_EQ(cuCtxDestroy_v2(first), CUDA_ERROR_INVALID_CONTEXT);
}

TEST_F(Context, PrimaryCanBeCurrentBeforeItIsRetained) {
  CUcontext primary = nullptr;
  EXPECT_OK(cuDevicePrimaryCtxRetain(&primary, 0));
  EXPECT_OK(cuDevicePrimaryCtxRelease_v2(0));
  EXPECT_OK(cuCtxPushCurrent_v2(primary));
  CUdeviceptr pointer = 0;
  EXPECT_EQ(cuMemAlloc_v2(&pointer, 64), CUDA_ERROR_CONTEXT_IS_DESTROYED);
  EXPECT_OK(cuDevicePrimaryCtxRetain(&primary, 0));
  EXPECT_OK(cuMemAlloc_v2(&pointer, 64));
  EXPECT_OK(cuMemFree_v2(pointer));
  EXPECT_OK(cuDevicePrimaryCtxRelease_v2(0));
  EXPECT_OK(cuCtxPopCurrent_v2(&primary));
}

}  // namespace
}  // namespace anywarp::test
