// Driver API: Initialization, Version, Error Handling, Device Management. SPDX-License-Identifier: Apache-2.0
#include <cstring>
#include <string>

#include "driver_fixture.h"

namespace anywarp::test {
namespace {

class Device : public testing::Test {
 protected:
  void SetUp() override { ASSERT_OK(cuInit(0)); }
};

TEST_F(Device, InitTakesNoFlags) { EXPECT_INVALID(cuInit(1)); }

TEST_F(Device, VersionIsThatOfCuda13) {
  int version = 0;
  EXPECT_OK(cuDriverGetVersion(&version));
  EXPECT_EQ(version, 13000);
  EXPECT_INVALID(cuDriverGetVersion(nullptr));
}

TEST_F(Device, ErrorsHaveNamesAndTexts) {
  const char* text = nullptr;
  EXPECT_OK(cuGetErrorName(CUDA_ERROR_ILLEGAL_ADDRESS, &text));
  EXPECT_STREQ(text, "CUDA_ERROR_ILLEGAL_ADDRESS");
  EXPECT_OK(cuGetErrorString(CUDA_SUCCESS, &text));
  EXPECT_STREQ(text, "no error");
  EXPECT_INVALID(cuGetErrorName(static_cast<CUresult>(12345), &text));
  EXPECT_EQ(text, nullptr);
}

TEST_F(Device, OrdinalsAreChecked) {
  int count = 0;
  EXPECT_OK(cuDeviceGetCount(&count));
  EXPECT_GE(count, 1);
  CUdevice device;
  EXPECT_OK(cuDeviceGet(&device, 0));
  EXPECT_EQ(cuDeviceGet(&device, count), CUDA_ERROR_INVALID_DEVICE);
  EXPECT_EQ(cuDeviceGet(&device, -1), CUDA_ERROR_INVALID_DEVICE);
  int value;
  EXPECT_EQ(cuDeviceGetAttribute(&value, CU_DEVICE_ATTRIBUTE_WARP_SIZE, count), CUDA_ERROR_INVALID_DEVICE);
}

TEST_F(Device, EveryAttributeSucceeds) {
  int value;
#define ANYWARP_DEVICE_ATTRIBUTE(name, number) EXPECT_OK(cuDeviceGetAttribute(&value, CU_DEVICE_ATTRIBUTE_##name, 0)) << #name;
#include "abi/cuda_device_attributes.def"
#undef ANYWARP_DEVICE_ATTRIBUTE
  EXPECT_INVALID(cuDeviceGetAttribute(&value, static_cast<CUdevice_attribute>(0), 0));
  EXPECT_INVALID(cuDeviceGetAttribute(&value, static_cast<CUdevice_attribute>(9999), 0));
  EXPECT_INVALID(cuDeviceGetAttribute(nullptr, CU_DEVICE_ATTRIBUTE_WARP_SIZE, 0));
}

TEST_F(Device, LimitsAreThoseOfAGpu) {
  auto get = [](CUdevice_attribute attribute) {
    int value = 0;
    EXPECT_OK(cuDeviceGetAttribute(&value, attribute, 0));
    return value;
  };
  EXPECT_EQ(get(CU_DEVICE_ATTRIBUTE_WARP_SIZE), 32);
  EXPECT_EQ(get(CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK), 1024);
  EXPECT_EQ(get(CU_DEVICE_ATTRIBUTE_UNIFIED_ADDRESSING), 1);
  EXPECT_GE(get(CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT), 1);
  int major = 0, minor = 0;
  EXPECT_OK(cuDeviceComputeCapability(&major, &minor, 0));
  EXPECT_EQ(major, get(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR));
  EXPECT_EQ(minor, get(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR));
}

TEST_F(Device, NamesAreCutToTheBuffer) {
  char name[256], small[4];
  EXPECT_OK(cuDeviceGetName(name, sizeof(name), 0));
  EXPECT_GT(std::strlen(name), 4u);
  EXPECT_OK(cuDeviceGetName(small, sizeof(small), 0));
  EXPECT_EQ(std::string(small), std::string(name).substr(0, 3));
  EXPECT_INVALID(cuDeviceGetName(name, 0, 0));
}

TEST_F(Device, BusIdLeadsBack) {
  char id[64];
  ASSERT_OK(cuDeviceGetPCIBusId(id, sizeof(id), 0));
  CUdevice device = -1;
  EXPECT_OK(cuDeviceGetByPCIBusId(&device, id));
  EXPECT_EQ(device, 0);
  EXPECT_EQ(cuDeviceGetByPCIBusId(&device, "ffff:ff:1f.7"), CUDA_ERROR_INVALID_DEVICE);
}

TEST_F(Device, BusIdsAreNumbers) {
  int bus = 0, slot = 0;
  ASSERT_OK(cuDeviceGetAttribute(&bus, CU_DEVICE_ATTRIBUTE_PCI_BUS_ID, 0));
  ASSERT_OK(cuDeviceGetAttribute(&slot, CU_DEVICE_ATTRIBUTE_PCI_DEVICE_ID, 0));
  for (const char* form : {"0:%x:%x.0", "0000:%02x:%02x.0", "0:%x:%x", "%x:%x.0", "%02X:%02X.0"}) {
    char id[64];
    std::snprintf(id, sizeof(id), form, bus, slot);
    CUdevice device = -1;
    EXPECT_OK(cuDeviceGetByPCIBusId(&device, id)) << id;
    EXPECT_EQ(device, 0) << id;
  }
  CUdevice device = -1;
  for (const char* wrong : {"", "1", "0:1:", "0:1:0.0.0", "0:1:0.0 ", "somewhere"}) EXPECT_INVALID(cuDeviceGetByPCIBusId(&device, wrong)) << wrong;
}

TEST_F(Device, MemoryAndUuid) {
  size_t bytes = 0;
  EXPECT_OK(cuDeviceTotalMem_v2(&bytes, 0));
  EXPECT_GT(bytes, size_t{1} << 20);
  CUuuid id{}, zero{};
  EXPECT_OK(cuDeviceGetUuid(&id, 0));
  EXPECT_NE(std::memcmp(&id, &zero, sizeof(id)), 0);
}

}  // namespace
}  // namespace anywarp::test
