// What needs a process of its own: several devices, CUDA_VISIBLE_DEVICES, calls after destructors. SPDX-License-Identifier: Apache-2.0
// Each test runs this program again with the environment it needs and a child's part as argument.
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "abi/fatbin.h"
#include "child.h"
#include "driver_fixture.h"
#include "kernels.h"

namespace anywarp::test {
namespace {

TEST(Process, TwoDevices) { EXPECT_EQ(runChild("TwoDevices", {{"ANYWARP_DEVICES", "2"}}), 0); }
TEST(Process, VisibleDevices) { EXPECT_EQ(runChild("OneDevice", {{"ANYWARP_DEVICES", "3"}, {"CUDA_VISIBLE_DEVICES", "2,7,1"}}), 0); }
TEST(Process, NoVisibleDevice) { EXPECT_EQ(runChild("NoDevice", {{"CUDA_VISIBLE_DEVICES", ""}}), 0); }
TEST(Process, VisibleDevicesByUuid) { EXPECT_EQ(runChild("DevicesByUuid", {{"ANYWARP_DEVICES", "3"}}), 0); }
TEST(Process, VisibleDevicesEndAtMinusOne) {
  EXPECT_EQ(runChild("OneDevice", {{"ANYWARP_DEVICES", "3"}, {"CUDA_VISIBLE_DEVICES", "1,-1,0"}}), 0);
  EXPECT_EQ(runChild("NoDevice", {{"ANYWARP_DEVICES", "3"}, {"CUDA_VISIBLE_DEVICES", "-1"}}), 0);
  EXPECT_EQ(runChild("NoDevice", {{"ANYWARP_DEVICES", "3"}, {"CUDA_VISIBLE_DEVICES", "1,1"}}), 0);
}
TEST(Process, NoDevicesAtAll) { EXPECT_EQ(runChild("NoDevice", {{"ANYWARP_DEVICES", "0"}}), 0); }
TEST(Process, Profiles) { EXPECT_EQ(runChild("Profiles", {{"ANYWARP_DEVICES", "1:h100,2:l4"}, {"CUDA_VISIBLE_DEVICES", "2,0"}}), 0); }
TEST(Process, UnknownProfile) { EXPECT_EQ(runChild("BadDevice", {{"ANYWARP_DEVICES", "2:h1000"}}), 0); }
TEST(Process, CodeForEachProfile) { EXPECT_EQ(runChild("CodeForEachProfile", {{"ANYWARP_DEVICES", "a100,h100,b200"}}), 0); }
TEST(Process, MemoryOfEachDevice) { EXPECT_EQ(runChild("MemoryOfEachDevice", {{"ANYWARP_DEVICES", "2"}, {"ANYWARP_DEVICE_MEMORY", "64M"}}), 0); }
TEST(Process, ManyThreadsOnManyDevices) { EXPECT_EQ(runChild("ManyThreadsOnManyDevices", {{"ANYWARP_DEVICES", "4"}}), 0); }
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

// "GPU-" and the digits of the UUID of device `ordinal`.
std::string uuidText(CUdevice ordinal) {
  CUuuid id{};
  EXPECT_OK(cuDeviceGetUuid(&id, ordinal));
  std::string text = "GPU-";
  for (int i = 0; i < 16; ++i) {
    char digits[4];
    snprintf(digits, sizeof(digits), "%02x", static_cast<unsigned char>(id.bytes[i]));
    text += digits;
    if (i == 3 || i == 5 || i == 7 || i == 9) text += '-';
  }
  return text;
}

TEST(Child, DISABLED_DevicesByUuid) {
  ASSERT_OK(cuInit(0));
  std::string list = uuidText(2).substr(0, 16) + "," + uuidText(0);
  EXPECT_EQ(runChild("TwoByUuid", {{"CUDA_VISIBLE_DEVICES", list.c_str()}, {"FIRST_UUID", uuidText(2).c_str()}}), 0);
  EXPECT_EQ(runChild("NoDevice", {{"CUDA_VISIBLE_DEVICES", "GPU-"}}), 0);  // all three begin like that
}

TEST(Child, DISABLED_TwoByUuid) {
  ASSERT_OK(cuInit(0));
  int count = 0;
  EXPECT_OK(cuDeviceGetCount(&count));
  EXPECT_EQ(count, 2);
  EXPECT_EQ(uuidText(0), std::getenv("FIRST_UUID"));
}

int attributeOf(CUdevice device, CUdevice_attribute attribute) {
  int value = -1;
  EXPECT_OK(cuDeviceGetAttribute(&value, attribute, device));
  return value;
}

TEST(Child, DISABLED_Profiles) {
  ASSERT_OK(cuInit(0));
  int count = 0;
  EXPECT_OK(cuDeviceGetCount(&count));
  ASSERT_EQ(count, 2);
  char name[64];
  EXPECT_OK(cuDeviceGetName(name, sizeof(name), 0));
  EXPECT_STREQ(name, "anywarp L4");
  EXPECT_EQ(attributeOf(0, CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT), 58);
  EXPECT_EQ(attributeOf(0, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR), 9);
  EXPECT_EQ(attributeOf(0, CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN), 99 << 10);
  EXPECT_EQ(attributeOf(0, CU_DEVICE_ATTRIBUTE_PCI_BUS_ID), 3);
  EXPECT_OK(cuDeviceGetName(name, sizeof(name), 1));
  EXPECT_STREQ(name, "anywarp H100 80GB HBM3");
  EXPECT_EQ(attributeOf(1, CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT), 132);
  EXPECT_EQ(attributeOf(1, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR), 9);
  EXPECT_EQ(attributeOf(1, CU_DEVICE_ATTRIBUTE_CLOCK_RATE), 1980000);
  EXPECT_EQ(attributeOf(1, CU_DEVICE_ATTRIBUTE_PCI_BUS_ID), 1);
}

// A fat binary with a kernel `which` for each of three architectures, whose result tells them apart.
std::vector<uint8_t> threeImages() {
  std::vector<uint8_t> bytes;
  auto put = [&](const auto& value) {
    auto* raw = reinterpret_cast<const uint8_t*>(&value);
    bytes.insert(bytes.end(), raw, raw + sizeof(value));
  };
  struct Sample {
    uint32_t arch;
    const char* target;
    uint64_t flags;
    int value;
  };
  std::vector<uint8_t> entries;
  for (const Sample& sample : {Sample{80, "sm_80", 0, 80}, Sample{90, "sm_90a", abi::fatbinArchSpecific, 901}, Sample{90, "sm_90", 0, 90}}) {
    std::string ptx = std::string(".version 8.3\n.target ") + sample.target + "\n.address_size 64\n" + (sample.value == 90 ? ".global .u32 extra;\n" : "") +
                      ".visible .entry which(.param .u64 p)\n{ .reg .b64 %a; ld.param.u64 %a, [p]; st.global.u32 [%a], " + std::to_string(sample.value) +
                      "; ret; }\n";
    ptx.resize((ptx.size() + 8) / 8 * 8);
    abi::FatbinEntry entry{};
    entry.kind = static_cast<uint16_t>(abi::FatbinKind::Ptx);
    entry.version = 0x101;
    entry.headerSize = sizeof(entry);
    entry.payloadSize = ptx.size();
    entry.codeVersionMinor = 3;
    entry.codeVersionMajor = 8;
    entry.arch = sample.arch;
    entry.flags = abi::fatbin64Bit | abi::fatbinLinux | sample.flags;
    auto* raw = reinterpret_cast<const uint8_t*>(&entry);
    entries.insert(entries.end(), raw, raw + sizeof(entry));
    entries.insert(entries.end(), ptx.begin(), ptx.end());
  }
  abi::FatbinHeader header{};
  header.magic = abi::fatbinHeaderMagic;
  header.version = 1;
  header.headerSize = sizeof(header);
  header.fatSize = entries.size();
  put(header);
  bytes.insert(bytes.end(), entries.begin(), entries.end());
  return bytes;
}

TEST(Child, DISABLED_CodeForEachProfile) {
  ASSERT_OK(cuInit(0));
  std::vector<uint8_t> image = threeImages();
  CUlibrary library = nullptr;
  CUkernel kernel = nullptr;
  ASSERT_OK(cuLibraryLoadData(&library, image.data(), nullptr, nullptr, 0, nullptr, nullptr, 0));
  ASSERT_OK(cuLibraryGetKernel(&kernel, library, "which"));
  image.clear();
  image.shrink_to_fit();
  const unsigned expected[] = {80, 901, 90};
  for (int d = 0; d < 3; ++d) {
    CUcontext context = nullptr;
    ASSERT_OK(cuDevicePrimaryCtxRetain(&context, d));
    ASSERT_OK(cuCtxSetCurrent(context));
    CUdeviceptr out = 0;
    ASSERT_OK(cuMemAlloc_v2(&out, 4));
    void* params[] = {&out};
    unsigned value = 0;
    EXPECT_OK(cuLaunchKernel(reinterpret_cast<CUfunction>(kernel), 1, 1, 1, 1, 1, 1, 0, nullptr, params, nullptr));
    EXPECT_OK(cuMemcpyDtoH_v2(&value, out, 4));
    EXPECT_EQ(value, expected[d]) << d;
    CUfunction function = nullptr;
    EXPECT_OK(cuKernelGetFunction(&function, kernel));
    EXPECT_OK(cuLaunchKernel(function, 1, 1, 1, 1, 1, 1, 0, nullptr, params, nullptr));
    EXPECT_OK(cuCtxSynchronize());
    CUdeviceptr extra = 0;
    EXPECT_EQ(cuLibraryGetGlobal(&extra, nullptr, library, "extra"), d == 2 ? CUDA_SUCCESS : CUDA_ERROR_NOT_FOUND);
  }
  EXPECT_OK(cuLibraryUnload(library));
}

TEST(Child, DISABLED_MemoryOfEachDevice) {
  ASSERT_OK(cuInit(0));
  CUcontext contexts[2];
  for (int d = 0; d < 2; ++d) ASSERT_OK(cuCtxCreate_v2(&contexts[d], 0, d));
  size_t free[2], total = 0;
  ASSERT_OK(cuCtxSetCurrent(contexts[0]));
  ASSERT_OK(cuMemGetInfo_v2(&free[0], &total));
  EXPECT_EQ(total, size_t{64} << 20);
  CUdeviceptr large = 0, other = 0, third = 0;
  EXPECT_OK(cuMemAlloc_v2(&large, 48 << 20));
  EXPECT_EQ(cuMemAlloc_v2(&third, 48 << 20), CUDA_ERROR_OUT_OF_MEMORY);
  ASSERT_OK(cuCtxSetCurrent(contexts[1]));
  ASSERT_OK(cuMemGetInfo_v2(&free[1], &total));
  EXPECT_EQ(free[1], free[0]);
  EXPECT_OK(cuMemAlloc_v2(&other, 48 << 20));
  int ordinal = -1;
  EXPECT_OK(cuPointerGetAttribute(&ordinal, CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL, large));
  EXPECT_EQ(ordinal, 0);
  EXPECT_OK(cuMemsetD32_v2(large, 7, 4));
  EXPECT_OK(cuMemcpyPeer(other, contexts[1], large, contexts[0], 16));
  unsigned values[4];
  EXPECT_OK(cuMemcpyDtoH_v2(values, other, 16));
  EXPECT_EQ(values[3], 7u);
  EXPECT_OK(cuMemFree_v2(large));  // of the other device's context
  for (CUcontext context : contexts) EXPECT_OK(cuCtxDestroy_v2(context));
}

TEST(Child, DISABLED_ManyThreadsOnManyDevices) {
  ASSERT_OK(cuInit(0));
  CUlibrary library = nullptr;
  CUkernel bump = nullptr;
  ASSERT_OK(cuLibraryLoadData(&library, kernelsPtx, nullptr, nullptr, 0, nullptr, nullptr, 0));
  ASSERT_OK(cuLibraryGetKernel(&bump, library, "bump"));
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      CUcontext context = nullptr;
      EXPECT_OK(cuDevicePrimaryCtxRetain(&context, t % 4));
      EXPECT_OK(cuCtxSetCurrent(context));
      for (int i = 0; i < 50; ++i) {
        CUdeviceptr memory = 0;
        unsigned value = 0;
        EXPECT_OK(cuMemAlloc_v2(&memory, 4096));
        EXPECT_OK(cuMemsetD32_v2(memory, static_cast<unsigned>(t), 1024));
        EXPECT_OK(cuLaunchKernel(reinterpret_cast<CUfunction>(bump), 1, 1, 1, 1, 1, 1, 0, CU_STREAM_PER_THREAD, nullptr, nullptr));
        EXPECT_OK(cuMemcpyDtoH_v2(&value, memory + 4092, 4));
        EXPECT_EQ(value, static_cast<unsigned>(t));
        EXPECT_OK(cuMemFree_v2(memory));
      }
      EXPECT_OK(cuCtxSynchronize());
    });
  }
  for (std::thread& thread : threads) thread.join();
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
