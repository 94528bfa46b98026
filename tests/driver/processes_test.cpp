// What needs a process of its own: several devices, CUDA_VISIBLE_DEVICES, calls after destructors. SPDX-License-Identifier: Apache-2.0
// Each test runs this program again with the environment it needs and a child's part as argument.
#include <cstdlib>
#include <cstring>
#include <string>

#include "child.h"
#include "driver_fixture.h"
#include "kernels.h"

namespace anywarp::test {
namespace {

TEST(Process, TwoDevices) { EXPECT_EQ(runChild("TwoDevices", {{"ANYWARP_DEVICES", "2"}}), 0); }
TEST(Process, VisibleDevices) { EXPECT_EQ(runChild("OneDevice", {{"ANYWARP_DEVICES", "3"}, {"CUDA_VISIBLE_DEVICES", "2,7,1"}}), 0); }
TEST(Process, NoVisibleDevice) { EXPECT_EQ(runChild("NoDevice", {{"CUDA_VISIBLE_DEVICES", ""}}), 0); }
TEST(Process, UnknownDevice) { EXPECT_EQ(runChild("BadDevice", {{"ANYWARP_DEVICE", "sm_12345"}}), 0); }
TEST(Process, CallsAfterDestructors) { EXPECT_EQ(runChild("CallsAfterDestructors", {}), 0); }
TEST(Process, CallsBeforeInit) { EXPECT_EQ(runChild("CallsBeforeInit", {}), 0); }
TEST(Process, LaunchBlocking) { EXPECT_EQ(runChild("LaunchBlocking", {{"CUDA_LAUNCH_BLOCKING", "1"}}), 0); }

TEST(Child, DISABLED_TwoDevices) {
  ASSERT_OK(cuInit(0));
  int count = 0, can = 0, managed = -1;
  EXPECT_OK(cuDeviceGetCount(&count));
  ASSERT_EQ(count, 2);
  CUuuid first, second;
  EXPECT_OK(cuDeviceGetUuid(&first, 0));
  EXPECT_OK(cuDeviceGetUuid(&second, 1));
  EXPECT_NE(std::memcmp(&first, &second, sizeof(first)), 0);
  EXPECT_OK(cuDeviceCanAccessPeer(&can, 0, 1));
  EXPECT_EQ(can, 1);
  CUcontext zero = nullptr, one = nullptr;
  ASSERT_OK(cuDevicePrimaryCtxRetain(&zero, 0));
  ASSERT_OK(cuDevicePrimaryCtxRetain(&one, 1));
  CUlibrary library = nullptr;
  CUkernel bump = nullptr;
  ASSERT_OK(cuLibraryLoadData(&library, kernelsPtx, nullptr, nullptr, 0, nullptr, nullptr, 0));
  ASSERT_OK(cuLibraryGetKernel(&bump, library, "bump"));
  CUdeviceptr counters[2] = {};
  for (int d = 0; d < 2; ++d) {
    ASSERT_OK(cuCtxSetCurrent(d ? one : zero));
    for (int i = 0; i <= d; ++i) EXPECT_OK(cuLaunchKernel(reinterpret_cast<CUfunction>(bump), 1, 1, 1, 1, 1, 1, 0, nullptr, nullptr, nullptr));
    EXPECT_OK(cuCtxSynchronize());
    EXPECT_OK(cuLibraryGetGlobal(&counters[d], nullptr, library, "counter"));
    unsigned value = 0;
    EXPECT_OK(cuMemcpyDtoH_v2(&value, counters[d], 4));
    EXPECT_EQ(value, 42u + static_cast<unsigned>(d));
    EXPECT_OK(cuPointerGetAttribute(&managed, CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL, counters[d]));
    EXPECT_EQ(managed, d);
  }
  EXPECT_OK(cuCtxEnablePeerAccess(zero, 0));
  EXPECT_EQ(cuCtxEnablePeerAccess(zero, 0), CUDA_ERROR_PEER_ACCESS_ALREADY_ENABLED);
  EXPECT_OK(cuMemcpyPeer(counters[1], one, counters[0], zero, 4));
  EXPECT_OK(cuCtxDisablePeerAccess(zero));
}

TEST(Child, DISABLED_OneDevice) {
  ASSERT_OK(cuInit(0));
  int count = 0;
  EXPECT_OK(cuDeviceGetCount(&count));
  EXPECT_EQ(count, 1);  // the list ends at 7, which is none
}

TEST(Child, DISABLED_NoDevice) {
  EXPECT_EQ(cuInit(0), CUDA_ERROR_NO_DEVICE);
  int count = -1;
  EXPECT_EQ(cuDeviceGetCount(&count), CUDA_ERROR_NOT_INITIALIZED);
}

TEST(Child, DISABLED_BadDevice) { EXPECT_NE(cuInit(0), CUDA_SUCCESS); }

TEST(Child, DISABLED_CallsBeforeInit) {
  int value = 0;
  CUdevice device;
  CUcontext context;
  EXPECT_EQ(cuDeviceGet(&device, 0), CUDA_ERROR_NOT_INITIALIZED);
  EXPECT_EQ(cuDeviceGetCount(&value), CUDA_ERROR_NOT_INITIALIZED);
  EXPECT_EQ(cuCtxCreate_v2(&context, 0, 0), CUDA_ERROR_NOT_INITIALIZED);
  EXPECT_EQ(cuCtxSynchronize(), CUDA_ERROR_NOT_INITIALIZED);
  EXPECT_EQ(cuLaunchKernel(nullptr, 1, 1, 1, 1, 1, 1, 0, nullptr, nullptr, nullptr), CUDA_ERROR_NOT_INITIALIZED);
  EXPECT_OK(cuDriverGetVersion(&value));
}

CUlibrary lateLibrary = nullptr;

// Registered before the driver was first used: runs after whatever it registered itself.
void lateCalls() {
  CUcontext current = nullptr;
  CUdeviceptr pointer = 0;
  bool ok = cuCtxGetCurrent(&current) == CUDA_SUCCESS && current && cuMemAlloc_v2(&pointer, 64) == CUDA_SUCCESS && cuMemFree_v2(pointer) == CUDA_SUCCESS &&
            cuLibraryUnload(lateLibrary) == CUDA_SUCCESS && cuDevicePrimaryCtxRelease_v2(0) == CUDA_SUCCESS;
  if (!ok) _exit(55);
}

TEST(Child, DISABLED_CallsAfterDestructors) {
  std::atexit(lateCalls);
  ASSERT_OK(cuInit(0));
  CUcontext primary = nullptr;
  CUkernel bump = nullptr;
  ASSERT_OK(cuDevicePrimaryCtxRetain(&primary, 0));
  ASSERT_OK(cuCtxSetCurrent(primary));
  ASSERT_OK(cuLibraryLoadData(&lateLibrary, kernelsPtx, nullptr, nullptr, 0, nullptr, nullptr, 0));
  ASSERT_OK(cuLibraryGetKernel(&bump, lateLibrary, "bump"));
  EXPECT_OK(cuLaunchKernel(reinterpret_cast<CUfunction>(bump), 1, 1, 1, 1, 1, 1, 0, nullptr, nullptr, nullptr));
}

TEST(Child, DISABLED_LaunchBlocking) {
  ASSERT_OK(cuInit(0));
  CUcontext context = nullptr;
  CUmodule module = nullptr;
  CUfunction stop = nullptr;
  ASSERT_OK(cuCtxCreate_v2(&context, 0, 0));
  ASSERT_OK(cuModuleLoadData(&module, kernelsPtx));
  ASSERT_OK(cuModuleGetFunction(&stop, module, "stop"));
  EXPECT_EQ(cuLaunchKernel(stop, 1, 1, 1, 1, 1, 1, 0, nullptr, nullptr, nullptr), CUDA_ERROR_LAUNCH_FAILED);
  EXPECT_OK(cuCtxDestroy_v2(context));
}

}  // namespace
}  // namespace anywarp::test
