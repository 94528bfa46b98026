// Driver API: Stream Management, Event Management. SPDX-License-Identifier: Apache-2.0
#include <atomic>
#include <chrono>
#include <thread>

#include "driver_fixture.h"

namespace anywarp::test {
namespace {

class Stream : public Driver {
 protected:
  void SetUp() override {
    Driver::SetUp();
    ASSERT_OK(cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING));
  }
  void TearDown() override {
    EXPECT_OK(cuStreamDestroy_v2(stream));
    Driver::TearDown();
  }
  CUevent event(unsigned flags = 0) {
    CUevent made = nullptr;
    EXPECT_OK(cuEventCreate(&made, flags));
    return made;
  }
  CUstream stream = nullptr;
};

TEST_F(Stream, PropertiesAreThoseGiven) {
  CUstream other = nullptr;
  ASSERT_OK(cuStreamCreateWithPriority(&other, CU_STREAM_DEFAULT, -3));
  unsigned flags = 9;
  int priority = 9;
  CUcontext owner = nullptr;
  CUdevice device = -1;
  EXPECT_OK(cuStreamGetFlags(other, &flags));
  EXPECT_EQ(flags, 0u);
  EXPECT_OK(cuStreamGetFlags(stream, &flags));
  EXPECT_EQ(flags, unsigned{CU_STREAM_NON_BLOCKING});
  EXPECT_OK(cuStreamGetPriority(other, &priority));
  EXPECT_EQ(priority, -3);
  EXPECT_OK(cuStreamGetCtx(other, &owner));
  EXPECT_EQ(owner, context);
  EXPECT_OK(cuStreamGetDevice(other, &device));
  EXPECT_EQ(device, 0);
  unsigned long long first = 0, second = 0;
  EXPECT_OK(cuStreamGetId(stream, &first));
  EXPECT_OK(cuStreamGetId(other, &second));
  EXPECT_NE(first, second);
  EXPECT_OK(cuStreamDestroy_v2(other));
}

TEST_F(Stream, WrongHandlesAreErrors) {
  EXPECT_EQ(cuStreamSynchronize(bogus<CUstream>()), CUDA_ERROR_INVALID_HANDLE);
  EXPECT_EQ(cuStreamDestroy_v2(nullptr), CUDA_ERROR_INVALID_HANDLE);
  CUstream gone = nullptr;
  ASSERT_OK(cuStreamCreate(&gone, 0));
  EXPECT_OK(cuStreamDestroy_v2(gone));
  EXPECT_EQ(cuStreamQuery(gone), CUDA_ERROR_INVALID_HANDLE);
  EXPECT_EQ(cuStreamDestroy_v2(gone), CUDA_ERROR_INVALID_HANDLE);
  EXPECT_INVALID(cuStreamCreate(&gone, 0x80));
  EXPECT_INVALID(cuStreamCreate(nullptr, 0));
  EXPECT_EQ(cuStreamSynchronize(reinterpret_cast<CUstream>(event())), CUDA_ERROR_INVALID_HANDLE);
}

TEST_F(Stream, AnotherContextsStreamWorksInItsContext) {
  CUcontext own = nullptr, other = nullptr, found = nullptr;
  ASSERT_OK(cuCtxGetCurrent(&own));
  ASSERT_OK(cuCtxCreate_v2(&other, 0, 0));
  CUevent theirs = nullptr;
  CUdeviceptr memory = 0;
  CUstreamCaptureStatus status = CU_STREAM_CAPTURE_STATUS_ACTIVE;
  EXPECT_OK(cuStreamGetCtx(stream, &found));
  EXPECT_EQ(found, own);
  EXPECT_OK(cuEventCreate(&theirs, 0));
  EXPECT_EQ(cuEventRecord(theirs, stream), CUDA_ERROR_INVALID_HANDLE) << "stream and event are of two contexts";
  EXPECT_OK(cuEventRecord(theirs, nullptr));
  EXPECT_OK(cuStreamWaitEvent(stream, theirs, 0));
  EXPECT_OK(cuStreamIsCapturing(stream, &status));
  EXPECT_EQ(status, CU_STREAM_CAPTURE_STATUS_NONE);
  EXPECT_OK(cuMemAllocAsync(&memory, 64, stream));
  EXPECT_OK(cuMemsetD8Async(memory, 7, 64, stream));
  uint8_t bytes[64] = {};
  EXPECT_OK(cuMemcpyDtoHAsync_v2(bytes, memory, 64, stream));
  EXPECT_OK(cuMemFreeAsync(memory, stream));
  EXPECT_OK(cuStreamSynchronize(stream));
  EXPECT_OK(cuStreamQuery(stream));
  EXPECT_EQ(bytes[63], 7);
  CUstream gone = nullptr;
  EXPECT_OK(cuStreamCreate(&gone, 0));
  EXPECT_OK(cuCtxDestroy_v2(other));
  EXPECT_EQ(cuStreamSynchronize(gone), CUDA_ERROR_INVALID_HANDLE);
  EXPECT_OK(cuStreamSynchronize(stream));
}

TEST_F(Stream, KernelsWantAStreamOfTheirContext) {
  CUcontext other = nullptr;
  ASSERT_OK(cuCtxCreate_v2(&other, 0, 0));
  CUmodule module = nullptr;
  CUfunction kernel = nullptr;
  ASSERT_OK(cuModuleLoadData(&module, ".version 7.0\n.target sm_50\n.address_size 64\n.visible .entry nothing() { ret; }\n"));
  ASSERT_OK(cuModuleGetFunction(&kernel, module, "nothing"));
  EXPECT_EQ(cuLaunchKernel(kernel, 1, 1, 1, 1, 1, 1, 0, stream, nullptr, nullptr), CUDA_ERROR_INVALID_HANDLE);
  EXPECT_OK(cuLaunchKernel(kernel, 1, 1, 1, 1, 1, 1, 0, nullptr, nullptr, nullptr));
  EXPECT_OK(cuCtxDestroy_v2(other));
}

TEST_F(Stream, DefaultStreamHandles) {
  EXPECT_OK(cuStreamSynchronize(nullptr));
  EXPECT_OK(cuStreamSynchronize(CU_STREAM_LEGACY));
  EXPECT_OK(cuStreamSynchronize(CU_STREAM_PER_THREAD));
  EXPECT_OK(cuStreamQuery(nullptr));
}

TEST_F(Stream, HostFunctionsRunInOrder) {
  std::vector<int> order;
  auto note = [](void* user) { static_cast<std::vector<int>*>(user)->push_back(static_cast<int>(static_cast<std::vector<int>*>(user)->size())); };
  for (int i = 0; i < 5; ++i) EXPECT_OK(cuLaunchHostFunc(stream, note, &order));
  EXPECT_OK(cuStreamSynchronize(stream));
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3, 4}));
  EXPECT_INVALID(cuLaunchHostFunc(stream, nullptr, nullptr));
}

TEST_F(Stream, CallbacksGetTheStatusAndMayNotCallUs) {
  struct Seen {
    CUresult status = CUDA_ERROR_UNKNOWN, inside = CUDA_SUCCESS;
  } seen;
  auto callback = [](CUstream, CUresult status, void* user) {
    CUdeviceptr pointer;
    static_cast<Seen*>(user)->status = status;
    static_cast<Seen*>(user)->inside = cuMemAlloc_v2(&pointer, 16);
  };
  EXPECT_OK(cuStreamAddCallback(stream, callback, &seen, 0));
  EXPECT_OK(cuStreamSynchronize(stream));
  EXPECT_EQ(seen.status, CUDA_SUCCESS);
  EXPECT_EQ(seen.inside, CUDA_ERROR_NOT_PERMITTED);
}

TEST_F(Stream, QueryTellsBusyFromIdle) {
  std::atomic<bool> go{false};
  auto wait = [](void* user) {
    while (!static_cast<std::atomic<bool>*>(user)->load()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  };
  CUevent done = event();
  EXPECT_OK(cuLaunchHostFunc(stream, wait, &go));
  EXPECT_OK(cuEventRecord(done, stream));
  EXPECT_EQ(cuStreamQuery(stream), CUDA_ERROR_NOT_READY);
  EXPECT_EQ(cuEventQuery(done), CUDA_ERROR_NOT_READY);
  go = true;
  EXPECT_OK(cuEventSynchronize(done));
  EXPECT_OK(cuStreamSynchronize(stream));
  EXPECT_OK(cuStreamQuery(stream));
  EXPECT_OK(cuEventQuery(done));
  EXPECT_OK(cuEventDestroy_v2(done));
}

TEST_F(Stream, WaitEventOrdersStreams) {
  CUstream other = nullptr;
  ASSERT_OK(cuStreamCreate(&other, CU_STREAM_NON_BLOCKING));
  std::atomic<int> value{0};
  CUevent first = event(CU_EVENT_DISABLE_TIMING);
  EXPECT_OK(cuLaunchHostFunc(stream, [](void* user) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    static_cast<std::atomic<int>*>(user)->store(1);
  }, &value));
  EXPECT_OK(cuEventRecord(first, stream));
  EXPECT_OK(cuStreamWaitEvent(other, first, 0));
  EXPECT_OK(cuLaunchHostFunc(other, [](void* user) {
    auto* v = static_cast<std::atomic<int>*>(user);
    v->store(v->load() == 1 ? 2 : -1);
  }, &value));
  EXPECT_OK(cuStreamSynchronize(other));
  EXPECT_EQ(value, 2);
  EXPECT_EQ(cuStreamWaitEvent(other, bogus<CUevent>(), 0), CUDA_ERROR_INVALID_HANDLE);
  EXPECT_OK(cuEventDestroy_v2(first));
  EXPECT_OK(cuStreamDestroy_v2(other));
}

TEST_F(Stream, EventsAreRecordedWithoutAContextOnStreamsThatHaveOne) {
  CUevent e = event();
  CUcontext before = nullptr;
  ASSERT_OK(cuCtxGetCurrent(&before));
  ASSERT_OK(cuCtxSetCurrent(nullptr));
  EXPECT_OK(cuEventRecord(e, stream));
  EXPECT_EQ(cuEventRecord(e, nullptr), CUDA_ERROR_INVALID_CONTEXT);
  EXPECT_EQ(cuEventRecord(e, CU_STREAM_PER_THREAD), CUDA_ERROR_INVALID_CONTEXT);
  EXPECT_EQ(cuEventRecord(nullptr, stream), CUDA_ERROR_INVALID_HANDLE);
  EXPECT_EQ(cuEventRecord(e, reinterpret_cast<CUstream>(e)), CUDA_ERROR_INVALID_CONTEXT);
  ASSERT_OK(cuCtxSetCurrent(before));
  EXPECT_OK(cuEventSynchronize(e));
  EXPECT_OK(cuEventDestroy_v2(e));
}

TEST_F(Stream, EventsMeasureTime) {
  CUevent start = event(), end = event(), untimed = event(CU_EVENT_DISABLE_TIMING);
  float milliseconds = -1;
  EXPECT_EQ(cuEventElapsedTime(&milliseconds, start, end), CUDA_ERROR_INVALID_HANDLE);  // not recorded
  EXPECT_OK(cuEventRecord(start, stream));
  EXPECT_OK(cuLaunchHostFunc(stream, [](void*) { std::this_thread::sleep_for(std::chrono::milliseconds(15)); }, nullptr));
  EXPECT_OK(cuEventRecord(end, stream));
  EXPECT_OK(cuEventRecord(untimed, stream));
  EXPECT_OK(cuStreamSynchronize(stream));
  EXPECT_OK(cuEventElapsedTime_v2(&milliseconds, start, end));
  EXPECT_GE(milliseconds, 14.0f);
  EXPECT_LT(milliseconds, 10000.0f);
  EXPECT_EQ(cuEventElapsedTime(&milliseconds, start, untimed), CUDA_ERROR_INVALID_HANDLE);
  EXPECT_INVALID(cuEventElapsedTime(nullptr, start, end));
  for (CUevent e : {start, end, untimed}) EXPECT_OK(cuEventDestroy_v2(e));
  EXPECT_EQ(cuEventDestroy_v2(start), CUDA_ERROR_INVALID_HANDLE);
  CUevent bad = nullptr;
  EXPECT_INVALID(cuEventCreate(&bad, 0x100));
}

TEST_F(Stream, NoCaptureIsEverActive) {
  CUstreamCaptureStatus status = CU_STREAM_CAPTURE_STATUS_ACTIVE;
  EXPECT_OK(cuStreamIsCapturing(stream, &status));
  EXPECT_EQ(status, CU_STREAM_CAPTURE_STATUS_NONE);
}

}  // namespace
}  // namespace anywarp::test
