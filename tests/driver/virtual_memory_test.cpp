// Driver API: Virtual Memory Management. SPDX-License-Identifier: Apache-2.0
#include "driver_fixture.h"

namespace anywarp::test {
namespace {

class VirtualMemory : public Driver {
 protected:
  void SetUp() override {
    Driver::SetUp();
    prop.type = CU_MEM_ALLOCATION_TYPE_PINNED;
    prop.location = {CU_MEM_LOCATION_TYPE_DEVICE, 0};
    access = {{CU_MEM_LOCATION_TYPE_DEVICE, 0}, CU_MEM_ACCESS_FLAGS_PROT_READWRITE};
    ASSERT_OK(cuMemGetAllocationGranularity(&unit, &prop, CU_MEM_ALLOC_GRANULARITY_MINIMUM));
  }
  CUmemGenericAllocationHandle create(size_t bytes) {
    CUmemGenericAllocationHandle handle = 0;
    EXPECT_OK(cuMemCreate(&handle, bytes, &prop, 0));
    return handle;
  }
  CUmemAllocationProp prop{};
  CUmemAccessDesc access{};
  size_t unit = 0;
};

TEST_F(VirtualMemory, TwoMappingsSideBySideAreOneRange) {
  CUdeviceptr range = 0;
  ASSERT_OK(cuMemAddressReserve(&range, 2 * unit, 0, 0, 0));
  for (int i = 0; i < 2; ++i) {
    CUmemGenericAllocationHandle handle = create(unit);
    EXPECT_OK(cuMemMap(range + i * unit, unit, 0, handle, 0));
    EXPECT_OK(cuMemRelease(handle));
  }
  EXPECT_OK(cuMemSetAccess(range, 2 * unit, &access, 1));
  EXPECT_OK(cuMemsetD8_v2(range + unit - 8, 0x77, 16));
  EXPECT_EQ(download<unsigned char>(range + unit - 9, 18), (std::vector<unsigned char>{0, 0x77, 0x77, 0x77, 0x77, 0x77, 0x77, 0x77, 0x77, 0x77,
                                                                                       0x77, 0x77, 0x77, 0x77, 0x77, 0x77, 0x77, 0}));
  EXPECT_INVALID(cuMemsetD8_v2(range, 0, 2 * unit + 1));
  EXPECT_INVALID(cuMemAddressFree(range, 2 * unit));
  EXPECT_OK(cuMemUnmap(range, 2 * unit));
  EXPECT_INVALID(cuMemsetD8_v2(range, 0, 1));
  EXPECT_OK(cuMemAddressFree(range, 2 * unit));
}

TEST_F(VirtualMemory, OnePhysicalMemoryTwice) {
  CUdeviceptr range = 0;
  ASSERT_OK(cuMemAddressReserve(&range, 2 * unit, 0, 0, 0));
  CUmemGenericAllocationHandle handle = create(unit), again = 0;
  EXPECT_OK(cuMemMap(range, unit, 0, handle, 0));
  EXPECT_OK(cuMemMap(range + unit, unit, 0, handle, 0));
  EXPECT_OK(cuMemSetAccess(range, 2 * unit, &access, 1));
  EXPECT_OK(cuMemsetD32_v2(range, 1234, 1));
  EXPECT_EQ(download<unsigned>(range + unit, 1)[0], 1234u);
  EXPECT_OK(cuMemRetainAllocationHandle(&again, reinterpret_cast<void*>(range + 5)));
  EXPECT_EQ(again, handle);
  EXPECT_OK(cuMemRelease(handle));
  EXPECT_OK(cuMemRelease(handle));
  EXPECT_INVALID(cuMemRelease(handle));
  EXPECT_OK(cuMemUnmap(range, 2 * unit));
  EXPECT_OK(cuMemAddressFree(range, 2 * unit));
}

TEST_F(VirtualMemory, AccessIsRememberedAndChecked) {
  CUdeviceptr range = 0;
  unsigned long long flags = 9;
  ASSERT_OK(cuMemAddressReserve(&range, unit, 0, 0, 0));
  EXPECT_INVALID(cuMemSetAccess(range, unit, &access, 1));
  CUmemGenericAllocationHandle handle = create(unit);
  EXPECT_OK(cuMemMap(range, unit, 0, handle, 0));
  EXPECT_OK(cuMemGetAccess(&flags, &access.location, range));
  EXPECT_EQ(flags, unsigned{CU_MEM_ACCESS_FLAGS_PROT_NONE});
  EXPECT_OK(cuMemSetAccess(range, unit, &access, 1));
  EXPECT_OK(cuMemGetAccess(&flags, &access.location, range));
  EXPECT_EQ(flags, unsigned{CU_MEM_ACCESS_FLAGS_PROT_READWRITE});
  EXPECT_INVALID(cuMemMap(range, unit, 0, handle, 0));
  EXPECT_OK(cuMemUnmap(range, unit));
  EXPECT_OK(cuMemRelease(handle));
  EXPECT_OK(cuMemAddressFree(range, unit));
}

TEST_F(VirtualMemory, WrongArguments) {
  CUdeviceptr range = 0;
  CUmemGenericAllocationHandle handle = 0;
  EXPECT_INVALID(cuMemAddressReserve(&range, unit + 1, 0, 0, 0));
  EXPECT_INVALID(cuMemAddressReserve(&range, unit, 3, 0, 0));
  EXPECT_INVALID(cuMemCreate(&handle, unit / 2, &prop, 0));
  EXPECT_INVALID(cuMemMap(0x10000, unit, 0, 77, 0));
  EXPECT_INVALID(cuMemUnmap(0x200000, unit));
  EXPECT_INVALID(cuMemAddressFree(0x200000, unit));
  EXPECT_EQ(cuMemCreate(&handle, size_t{1} << 50, &prop, 0), CUDA_ERROR_OUT_OF_MEMORY);
}

}  // namespace
}  // namespace anywarp::test
