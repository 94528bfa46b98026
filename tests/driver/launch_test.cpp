// Driver API: Execution Control (launches), Occupancy, and what happens after a fault. SPDX-License-Identifier: Apache-2.0
#include <numeric>

#include "driver_fixture.h"
#include "kernels.h"

namespace anywarp::test {
namespace {

class Launch : public Driver {
 protected:
  void SetUp() override {
    Driver::SetUp();
    module = load(kernelsPtx);
  }
  CUresult launch(const char* name, unsigned grid, unsigned block, void** params = nullptr, unsigned shared = 0) {
    return cuLaunchKernel(function(module, name), grid, 1, 1, block, 1, 1, shared, nullptr, params, nullptr);
  }
  CUmodule module = nullptr;
};

class Add : public Launch {
 protected:
  static constexpr unsigned n = 1000;
  void SetUp() override {
    Launch::SetUp();
    std::vector<float> x(n), y(n);
    std::iota(x.begin(), x.end(), 0.0f);
    std::iota(y.begin(), y.end(), 0.5f);
    a = allocate(n * 4), b = allocate(n * 4), out = allocate(n * 4);
    EXPECT_OK(cuMemcpyHtoD_v2(a, x.data(), n * 4));
    EXPECT_OK(cuMemcpyHtoD_v2(b, y.data(), n * 4));
    EXPECT_OK(cuMemsetD32_v2(out, 0, n));
  }
  void check() {
    std::vector<float> sum = download<float>(out, n);
    for (unsigned i = 0; i < n; ++i) ASSERT_EQ(sum[i], 2.0f * static_cast<float>(i) + 0.5f) << i;
  }
  CUdeviceptr a = 0, b = 0, out = 0;
  unsigned count = n;
  void* params[4] = {&a, &b, &out, &count};
};

TEST_F(Add, KernelParams) {
  EXPECT_OK(launch("add", 8, 128, params));
  check();
}

TEST_F(Add, PackedBuffer) {
  struct {
    CUdeviceptr a, b, out;
    unsigned n;
  } image{a, b, out, n};
  size_t bytes = 28;
  void* extra[] = {CU_LAUNCH_PARAM_BUFFER_POINTER, &image, CU_LAUNCH_PARAM_BUFFER_SIZE, &bytes, CU_LAUNCH_PARAM_END};
  CUfunction add = function(module, "add");
  EXPECT_OK(cuLaunchKernel(add, 8, 1, 1, 128, 1, 1, 0, nullptr, nullptr, extra));
  check();
  EXPECT_INVALID(cuLaunchKernel(add, 8, 1, 1, 128, 1, 1, 0, nullptr, params, extra));
  bytes = 20;
  EXPECT_INVALID(cuLaunchKernel(add, 8, 1, 1, 128, 1, 1, 0, nullptr, nullptr, extra));
}

TEST_F(Add, LaunchConfig) {
  CUlaunchAttribute attributes[2] = {};
  attributes[0].id = CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_STREAM_SERIALIZATION;
  attributes[1].id = CU_LAUNCH_ATTRIBUTE_PRIORITY;
  CUlaunchConfig config{4, 1, 1, 256, 1, 1, 0, nullptr, attributes, 2};
  EXPECT_OK(cuLaunchKernelEx(&config, function(module, "add"), params, nullptr));
  check();
  attributes[0].id = static_cast<CUlaunchAttributeID>(99);
  EXPECT_INVALID(cuLaunchKernelEx(&config, function(module, "add"), params, nullptr));
  EXPECT_INVALID(cuLaunchKernelEx(nullptr, function(module, "add"), params, nullptr));
}

TEST_F(Add, Cooperative) {
  EXPECT_OK(cuLaunchCooperativeKernel(function(module, "add"), 4, 1, 1, 256, 1, 1, 0, nullptr, params));
  check();
  EXPECT_EQ(cuLaunchCooperativeKernel(function(module, "add"), 1 << 20, 1, 1, 1024, 1, 1, 0, nullptr, params), CUDA_ERROR_COOPERATIVE_LAUNCH_TOO_LARGE);
}

// As libcudadevrt's cudaCG functions do it: every thread of the grid sees what all others wrote before the barrier.
constexpr const char* gridSyncPtx = R"(
.version 7.8
.target sm_80
.address_size 64
.extern .func (.param .b64 r) __cuda_syscall_CGS_get_intrinsic_handle(.param .b32 scope);
.extern .func (.param .b32 r) __cuda_syscall_CGS_sync(.param .b64 handle, .param .b32 flags);
.extern .func (.param .b32 r) __cuda_syscall_CGS_get_size(.param .b64 threads, .param .b64 grids, .param .b64 handle);
.extern .func (.param .b32 r) __cuda_syscall_CGS_get_rank(.param .b64 thread, .param .b64 grid, .param .b64 handle);
.visible .entry turn(.param .u64 values)
{
  .local .align 4 .b32 place[2];
  .reg .b32 %r<9>;
  .reg .b64 %rd<12>;
  .reg .pred %p<2>;
  .param .b32 scope, flags, code;
  .param .b64 handle, first, second;
  ld.param.u64 %rd1, [values];
  st.param.b32 [scope], 1;
  call (handle), __cuda_syscall_CGS_get_intrinsic_handle, (scope);
  ld.param.u64 %rd2, [handle];
  mov.u64 %rd3, place;
  cvta.local.u64 %rd3, %rd3;
  add.u64 %rd4, %rd3, 4;
  st.param.b64 [first], %rd3;
  st.param.b64 [second], %rd4;
  st.param.b64 [handle], %rd2;
  call (code), __cuda_syscall_CGS_get_rank, (first, second, handle);
  ld.local.u32 %r1, [place];
  call (code), __cuda_syscall_CGS_get_size, (first, second, handle);
  ld.local.u32 %r2, [place];
  mov.u32 %r6, 0;
Again:
  mul.wide.u32 %rd5, %r1, 4;
  add.u64 %rd6, %rd1, %rd5;
  sub.u32 %r3, %r2, %r1;
  sub.u32 %r3, %r3, 1;
  mul.wide.u32 %rd7, %r3, 4;
  add.u64 %rd8, %rd1, %rd7;
  st.param.b64 [handle], %rd2;
  st.param.b32 [flags], 0;
  ld.volatile.global.u32 %r4, [%rd8];
  call (code), __cuda_syscall_CGS_sync, (handle, flags);
  add.u32 %r4, %r4, 1;
  st.volatile.global.u32 [%rd6], %r4;
  call (code), __cuda_syscall_CGS_sync, (handle, flags);
  add.u32 %r6, %r6, 1;
  setp.lt.u32 %p1, %r6, 3;
  @%p1 bra Again;
  ret;
}
)";

TEST_F(Launch, CooperativeGridsMeetAtABarrier) {
  constexpr unsigned threads = 3 * 96;
  std::vector<uint32_t> values(threads);
  std::iota(values.begin(), values.end(), 1000u);
  CUdeviceptr memory = allocate(threads * 4);
  EXPECT_OK(cuMemcpyHtoD_v2(memory, values.data(), threads * 4));
  void* arguments[] = {&memory};
  CUfunction turn = function(load(gridSyncPtx), "turn");
  ASSERT_OK(cuLaunchCooperativeKernel(turn, 1, 3, 1, 8, 4, 3, 0, nullptr, arguments));
  ASSERT_OK(cuCtxSynchronize());
  std::vector<uint32_t> result = download<uint32_t>(memory, threads);
  for (unsigned i = 0; i < threads; ++i) ASSERT_EQ(result[i], 1000 + (threads - 1 - i) + 3) << i;
}

TEST_F(Add, OldCalls) {
  CUfunction add = function(module, "add");
  EXPECT_OK(cuFuncSetBlockShape(add, 128, 1, 1));
  EXPECT_OK(cuParamSetv(add, 0, &a, 8));
  EXPECT_OK(cuParamSetv(add, 8, &b, 8));
  EXPECT_OK(cuParamSetv(add, 16, &out, 8));
  EXPECT_OK(cuParamSeti(add, 24, n));
  EXPECT_INVALID(cuParamSeti(add, 28, n));
  EXPECT_OK(cuParamSetSize(add, 28));
  EXPECT_OK(cuLaunchGrid(add, 8, 1));
  check();
}

TEST_F(Add, KernelOfALibrary) {
  CUlibrary library = nullptr;
  CUkernel kernel = nullptr;
  ASSERT_OK(cuLibraryLoadData(&library, kernelsPtx, nullptr, nullptr, 0, nullptr, nullptr, 0));
  ASSERT_OK(cuLibraryGetKernel(&kernel, library, "add"));
  EXPECT_OK(cuLaunchKernel(reinterpret_cast<CUfunction>(kernel), 8, 1, 1, 128, 1, 1, 0, CU_STREAM_PER_THREAD, params, nullptr));
  EXPECT_OK(cuCtxSynchronize());
  check();
  EXPECT_OK(cuLibraryUnload(library));
}

TEST_F(Launch, GlobalsKeepTheirValueBetweenLaunches) {
  for (int i = 0; i < 3; ++i) EXPECT_OK(launch("bump", 1, 1));
  CUdeviceptr counter = 0;
  EXPECT_OK(cuModuleGetGlobal_v2(&counter, nullptr, module, "counter"));
  EXPECT_EQ(download<unsigned>(counter, 1)[0], 44u);
}

TEST_F(Launch, LimitsAreChecked) {
  EXPECT_INVALID(launch("empty", 0, 32));
  EXPECT_INVALID(launch("empty", 1, 0));
  EXPECT_INVALID(launch("empty", 1, 1025));
  CUfunction empty = function(module, "empty");
  EXPECT_INVALID(cuLaunchKernel(empty, 1, 65536, 1, 32, 1, 1, 0, nullptr, nullptr, nullptr));
  EXPECT_INVALID(cuLaunchKernel(empty, 1, 1, 1, 1, 1, 65, 0, nullptr, nullptr, nullptr));
  EXPECT_INVALID(cuLaunchKernel(empty, 1, 1, 1, 32, 32, 2, 0, nullptr, nullptr, nullptr));
  EXPECT_INVALID(launch("bounded", 1, 65));
  EXPECT_INVALID(launch("exact", 1, 64));
  EXPECT_EQ(cuLaunchKernel(bogus<CUfunction>(), 1, 1, 1, 1, 1, 1, 0, nullptr, nullptr, nullptr), CUDA_ERROR_INVALID_HANDLE);
  EXPECT_EQ(cuLaunchKernel(nullptr, 1, 1, 1, 1, 1, 1, 0, nullptr, nullptr, nullptr), CUDA_ERROR_INVALID_HANDLE);
  EXPECT_EQ(cuLaunchKernel(empty, 1, 1, 1, 1, 1, 1, 0, bogus<CUstream>(), nullptr, nullptr), CUDA_ERROR_INVALID_HANDLE);
  EXPECT_INVALID(launch("poke", 1, 1));
}

TEST_F(Launch, DynamicSharedMemoryNeedsTheAttribute) {
  EXPECT_OK(launch("empty", 1, 32, nullptr, 48 << 10));
  EXPECT_INVALID(launch("empty", 1, 32, nullptr, (48 << 10) + 1));
  EXPECT_OK(cuFuncSetAttribute(function(module, "empty"), CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, 64 << 10));
  EXPECT_OK(launch("empty", 1, 32, nullptr, 64 << 10));
  EXPECT_OK(cuCtxSynchronize());
}

TEST_F(Launch, Occupancy) {
  int blocks = 0, grid = 0, size = 0;
  CUfunction empty = function(module, "empty");
  EXPECT_OK(cuOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, empty, 256, 0));
  EXPECT_GE(blocks, 1);
  int few = 0;
  EXPECT_OK(cuOccupancyMaxActiveBlocksPerMultiprocessor(&few, empty, 256, 40 << 10));
  EXPECT_LT(few, blocks);
  EXPECT_OK(cuOccupancyMaxPotentialBlockSize(&grid, &size, empty, nullptr, 0, 0));
  EXPECT_GT(grid, 0);
  EXPECT_EQ(size % 32, 0);
  EXPECT_OK(cuOccupancyMaxPotentialBlockSize(&grid, &size, function(module, "bounded"), nullptr, 0, 0));
  EXPECT_LE(size, 64);
  size_t bytes = 0;
  EXPECT_OK(cuOccupancyAvailableDynamicSMemPerBlock(&bytes, empty, 1, 128));
  EXPECT_EQ(bytes, size_t{48} << 10);  // as much as a launch may ask for, unless the kernel's attribute allows more
  EXPECT_OK(cuFuncSetAttribute(empty, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, 64 << 10));
  EXPECT_OK(cuOccupancyAvailableDynamicSMemPerBlock(&bytes, empty, 1, 128));
  EXPECT_EQ(bytes, size_t{64} << 10);
  EXPECT_INVALID(cuOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, empty, 0, 0));
}

// After a fault every call in the context gives the error, until the context is gone.
class Fault : public Launch {
 protected:
  void expectSticky(CUresult error) {
    CUdeviceptr pointer = 0;
    CUstream stream = nullptr;
    EXPECT_EQ(cuCtxSynchronize(), error);
    EXPECT_EQ(cuMemAlloc_v2(&pointer, 16), error);
    EXPECT_EQ(cuStreamCreate(&stream, 0), error);
    EXPECT_EQ(cuLaunchKernel(nullptr, 1, 1, 1, 1, 1, 1, 0, nullptr, nullptr, nullptr), error);
    CUcontext current = nullptr;
    EXPECT_OK(cuCtxGetCurrent(&current));
    CUcontext fresh = nullptr;
    EXPECT_OK(cuCtxCreate_v2(&fresh, 0, 0));
    EXPECT_OK(cuMemAlloc_v2(&pointer, 16));
    EXPECT_OK(cuCtxDestroy_v2(fresh));
  }
};

TEST_F(Fault, Trap) {
  EXPECT_OK(launch("stop", 1, 32));
  expectSticky(CUDA_ERROR_LAUNCH_FAILED);
}

TEST_F(Fault, IllegalAddress) {
  CUdeviceptr wild = 64;
  void* params[] = {&wild};
  EXPECT_OK(launch("poke", 1, 1, params));
  expectSticky(CUDA_ERROR_ILLEGAL_ADDRESS);
}

TEST_F(Fault, FreedMemory) {
  CUdeviceptr freed = allocate(1 << 20);
  EXPECT_OK(cuMemFree_v2(freed));
  void* params[] = {&freed};
  EXPECT_OK(launch("poke", 1, 1, params));
  expectSticky(CUDA_ERROR_ILLEGAL_ADDRESS);
}

TEST_F(Fault, PrimaryContextRecoversByReset) {
  CUcontext primary = nullptr;
  ASSERT_OK(cuDevicePrimaryCtxRetain(&primary, 0));
  ASSERT_OK(cuCtxPushCurrent_v2(primary));
  CUlibrary library = nullptr;
  CUkernel stop = nullptr, bump = nullptr;
  ASSERT_OK(cuLibraryLoadData(&library, kernelsPtx, nullptr, nullptr, 0, nullptr, nullptr, 0));
  ASSERT_OK(cuLibraryGetKernel(&stop, library, "stop"));
  ASSERT_OK(cuLibraryGetKernel(&bump, library, "bump"));
  EXPECT_OK(cuLaunchKernel(reinterpret_cast<CUfunction>(stop), 1, 1, 1, 1, 1, 1, 0, nullptr, nullptr, nullptr));
  EXPECT_EQ(cuCtxSynchronize(), CUDA_ERROR_LAUNCH_FAILED);
  EXPECT_OK(cuDevicePrimaryCtxReset_v2(0));
  EXPECT_OK(cuDevicePrimaryCtxRetain(&primary, 0));
  EXPECT_OK(cuLaunchKernel(reinterpret_cast<CUfunction>(bump), 1, 1, 1, 1, 1, 1, 0, nullptr, nullptr, nullptr));
  EXPECT_OK(cuCtxSynchronize());
  CUdeviceptr counter = 0;
  EXPECT_OK(cuLibraryGetGlobal(&counter, nullptr, library, "counter"));
  EXPECT_EQ(download<unsigned>(counter, 1)[0], 42u);
  EXPECT_OK(cuLibraryUnload(library));
  EXPECT_OK(cuDevicePrimaryCtxRelease_v2(0));
  EXPECT_OK(cuCtxPopCurrent_v2(&primary));
}

}  // namespace
}  // namespace anywarp::test
