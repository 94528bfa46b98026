// Driver API: Memory Management (allocation, memset), Unified Addressing. SPDX-License-Identifier: Apache-2.0
#include <cstring>

#include "abi/cuda_memory.h"
#include "driver_fixture.h"

namespace anywarp::test {
namespace {

using Memory = Driver;

TEST_F(Memory, AllocationIsFreedOnce) {
  CUdeviceptr pointer = allocate(1000);
  EXPECT_EQ(pointer % 256, 0u);
  EXPECT_OK(cuMemFree_v2(pointer));
  EXPECT_INVALID(cuMemFree_v2(pointer));
  EXPECT_OK(cuMemFree_v2(0));
}

TEST_F(Memory, WrongArgumentsAreErrors) {
  CUdeviceptr pointer = allocate(100);
  EXPECT_INVALID(cuMemAlloc_v2(&pointer, 0));
  EXPECT_INVALID(cuMemAlloc_v2(nullptr, 16));
  CUdeviceptr huge = 0;
  EXPECT_EQ(cuMemAlloc_v2(&huge, size_t{1} << 60), CUDA_ERROR_OUT_OF_MEMORY);
  EXPECT_INVALID(cuMemFree_v2(pointer + 4));
  int local;
  EXPECT_INVALID(cuMemFree_v2(reinterpret_cast<CUdeviceptr>(&local)));
  EXPECT_OK(cuMemFree_v2(pointer));
}

TEST_F(Memory, InfoFollowsAllocations) {
  size_t before = 0, after = 0, total = 0;
  EXPECT_OK(cuMemGetInfo_v2(&before, &total));
  CUdeviceptr pointer = allocate(64 << 20);
  EXPECT_OK(cuMemGetInfo_v2(&after, &total));
  EXPECT_LE(after + (64 << 20), before);
  EXPECT_LE(before, total);
  EXPECT_OK(cuMemFree_v2(pointer));
}

TEST_F(Memory, PitchHoldsTheRow) {
  CUdeviceptr pointer = 0;
  size_t pitch = 0;
  EXPECT_OK(cuMemAllocPitch_v2(&pointer, &pitch, 1000, 7, 4));
  EXPECT_GE(pitch, 1000u);
  EXPECT_EQ(pitch % 512, 0u);
  EXPECT_OK(cuMemFree_v2(pointer));
  EXPECT_INVALID(cuMemAllocPitch_v2(&pointer, &pitch, 1000, 7, 3));
  EXPECT_INVALID(cuMemAllocPitch_v2(&pointer, &pitch, 0, 7, 4));
}

TEST_F(Memory, AddressRangeIsThatOfTheAllocation) {
  CUdeviceptr pointer = allocate(5000), base = 0;
  size_t bytes = 0;
  EXPECT_OK(cuMemGetAddressRange_v2(&base, &bytes, pointer + 123));
  EXPECT_EQ(base, pointer);
  EXPECT_EQ(bytes, 5000u);
  EXPECT_OK(cuMemFree_v2(pointer));
  EXPECT_EQ(cuMemGetAddressRange_v2(&base, &bytes, pointer + 123), CUDA_ERROR_NOT_FOUND);
}

TEST_F(Memory, HostMemory) {
  void* host = nullptr;
  unsigned flags = 0;
  CUdeviceptr pointer = 0;
  EXPECT_OK(cuMemHostAlloc(&host, 4096, CU_MEMHOSTALLOC_PORTABLE | CU_MEMHOSTALLOC_DEVICEMAP));
  EXPECT_OK(cuMemHostGetFlags(&flags, host));
  EXPECT_EQ(flags, 3u);
  EXPECT_OK(cuMemHostGetDevicePointer_v2(&pointer, host, 0));
  EXPECT_EQ(pointer, reinterpret_cast<CUdeviceptr>(host));
  EXPECT_INVALID(cuMemFree_v2(pointer));
  EXPECT_OK(cuMemFreeHost(host));
  EXPECT_INVALID(cuMemFreeHost(host));
  EXPECT_INVALID(cuMemHostAlloc(&host, 4096, 0x80));
}

TEST_F(Memory, RegisteredMemory) {
  std::vector<char> own(10000);
  CUdeviceptr pointer = 0;
  EXPECT_INVALID(cuMemHostGetDevicePointer_v2(&pointer, own.data(), 0));
  EXPECT_OK(cuMemHostRegister_v2(own.data(), own.size(), 0));
  EXPECT_EQ(cuMemHostRegister_v2(own.data(), own.size(), 0), CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED);
  EXPECT_OK(cuMemHostGetDevicePointer_v2(&pointer, own.data() + 10, 0));
  EXPECT_OK(cuMemHostUnregister(own.data()));
  EXPECT_EQ(cuMemHostUnregister(own.data()), CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED);
}

TEST_F(Memory, ManagedMemoryIsHostMemoryToo) {
  CUdeviceptr pointer = 0;
  ASSERT_OK(cuMemAllocManaged(&pointer, 256, CU_MEM_ATTACH_GLOBAL));
  auto* words = reinterpret_cast<unsigned*>(pointer);
  EXPECT_OK(cuMemsetD32_v2(pointer, 0xabcd, 64));
  EXPECT_EQ(words[63], 0xabcdu);
  unsigned managed = 0;
  EXPECT_OK(cuPointerGetAttribute(&managed, CU_POINTER_ATTRIBUTE_IS_MANAGED, pointer));
  EXPECT_EQ(managed, 1u);
  EXPECT_OK(cuMemPrefetchAsync(pointer, 256, 0, nullptr));
  EXPECT_OK(cuMemAdvise(pointer, 256, CU_MEM_ADVISE_SET_PREFERRED_LOCATION, 0));
  int location = -5;
  EXPECT_OK(cuMemRangeGetAttribute(&location, 4, CU_MEM_RANGE_ATTRIBUTE_PREFERRED_LOCATION, pointer, 256));
  EXPECT_EQ(location, 0);
  EXPECT_OK(cuMemFree_v2(pointer));
  EXPECT_INVALID(cuMemAllocManaged(&pointer, 256, 0));
}

TEST_F(Memory, PointerAttributes) {
  CUdeviceptr pointer = allocate(512), device = 0;
  unsigned type = 0;
  int ordinal = -9;
  CUcontext owner = nullptr;
  EXPECT_OK(cuPointerGetAttribute(&type, CU_POINTER_ATTRIBUTE_MEMORY_TYPE, pointer));
  EXPECT_EQ(type, CU_MEMORYTYPE_DEVICE);
  EXPECT_OK(cuPointerGetAttribute(&device, CU_POINTER_ATTRIBUTE_DEVICE_POINTER, pointer + 8));
  EXPECT_EQ(device, pointer + 8);
  EXPECT_OK(cuPointerGetAttribute(&ordinal, CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL, pointer));
  EXPECT_EQ(ordinal, 0);
  EXPECT_OK(cuPointerGetAttribute(&owner, CU_POINTER_ATTRIBUTE_CONTEXT, pointer));
  EXPECT_EQ(owner, context);
  void* host;
  EXPECT_INVALID(cuPointerGetAttribute(&host, CU_POINTER_ATTRIBUTE_HOST_POINTER, pointer));
  EXPECT_INVALID(cuPointerGetAttribute(&type, CU_POINTER_ATTRIBUTE_MEMORY_TYPE, reinterpret_cast<CUdeviceptr>(&host)));
  EXPECT_OK(cuMemFree_v2(pointer));
}

TEST_F(Memory, AttributesOfForeignMemorySucceedWithNothing) {
  int own, ordinal = 7;
  unsigned type = 7;
  CUpointer_attribute attributes[] = {CU_POINTER_ATTRIBUTE_MEMORY_TYPE, CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL};
  void* data[] = {&type, &ordinal};
  EXPECT_OK(cuPointerGetAttributes(2, attributes, data, reinterpret_cast<CUdeviceptr>(&own)));
  EXPECT_EQ(type, 0u);
  EXPECT_EQ(ordinal, CU_DEVICE_INVALID);
}

TEST_F(Memory, MemsetWritesElements) {
  CUdeviceptr pointer = allocate(64);
  EXPECT_OK(cuMemsetD8_v2(pointer, 0x11, 64));
  EXPECT_OK(cuMemsetD16_v2(pointer + 8, 0x2233, 4));
  EXPECT_OK(cuMemsetD32Async(pointer + 16, 0x44556677, 2, nullptr));
  std::vector<unsigned char> bytes = download<unsigned char>(pointer, 64);
  EXPECT_EQ(bytes[7], 0x11);
  EXPECT_EQ(bytes[8], 0x33);
  EXPECT_EQ(bytes[15], 0x22);
  EXPECT_EQ(bytes[16], 0x77);
  EXPECT_EQ(bytes[23], 0x44);
  EXPECT_EQ(bytes[24], 0x11);
  EXPECT_INVALID(cuMemsetD32_v2(pointer + 2, 0, 1));
  EXPECT_INVALID(cuMemsetD8_v2(pointer, 0, 65));
  EXPECT_OK(cuMemFree_v2(pointer));
}

TEST_F(Memory, Memset2DLeavesThePadding) {
  CUdeviceptr pointer = allocate(3 * 16);
  EXPECT_OK(cuMemsetD8_v2(pointer, 0, 48));
  EXPECT_OK(cuMemsetD2D16_v2(pointer, 16, 0xffff, 4, 3));
  std::vector<unsigned char> bytes = download<unsigned char>(pointer, 48);
  for (int row = 0; row < 3; ++row)
    for (int x = 0; x < 16; ++x) EXPECT_EQ(bytes[row * 16 + x], x < 8 ? 0xff : 0) << row << " " << x;
  EXPECT_INVALID(cuMemsetD2D16_v2(pointer, 4, 0, 4, 3));
  EXPECT_OK(cuMemFree_v2(pointer));
}

TEST_F(Memory, StreamOrderedAllocation) {
  CUstream stream = nullptr;
  ASSERT_OK(cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING));
  CUdeviceptr pointer = 0;
  ASSERT_OK(cuMemAllocAsync(&pointer, 1 << 16, stream));
  EXPECT_OK(cuMemsetD8Async(pointer, 1, 1 << 16, stream));
  CUmemoryPool pool = nullptr, found = nullptr;
  EXPECT_OK(cuDeviceGetDefaultMemPool(&pool, 0));
  EXPECT_OK(cuPointerGetAttribute(&found, CU_POINTER_ATTRIBUTE_MEMPOOL_HANDLE, pointer));
  EXPECT_EQ(pool, found);
  uint64_t used = 0;
  EXPECT_OK(cuMemPoolGetAttribute(pool, CU_MEMPOOL_ATTR_USED_MEM_CURRENT, &used));
  EXPECT_GE(used, uint64_t{1} << 16);
  EXPECT_OK(cuMemFreeAsync(pointer, stream));
  EXPECT_OK(cuStreamSynchronize(stream));
  EXPECT_INVALID(cuMemFree_v2(pointer));
  EXPECT_OK(cuStreamDestroy_v2(stream));
}

TEST_F(Memory, PoolsKeepWhatIsFreedUpToTheirThreshold) {
  CUmemPoolProps props = devicePoolProps();
  CUmemoryPool pool = nullptr;
  ASSERT_OK(cuMemPoolCreate(&pool, &props));
  auto count = [&](CUmemPool_attribute attribute) {
    uint64_t number = ~uint64_t{0};
    EXPECT_OK(cuMemPoolGetAttribute(pool, attribute, &number));
    return number;
  };
  constexpr size_t bytes = 1 << 20;
  CUdeviceptr first = 0, second = 0;
  auto freeBoth = [&] {
    EXPECT_OK(cuMemFreeAsync(first, nullptr));
    EXPECT_OK(cuMemFreeAsync(second, nullptr));
    EXPECT_OK(cuStreamSynchronize(nullptr));
  };
  ASSERT_OK(cuMemAllocFromPoolAsync(&first, bytes, pool, nullptr));
  ASSERT_OK(cuMemAllocFromPoolAsync(&second, bytes, pool, nullptr));
  EXPECT_EQ(count(CU_MEMPOOL_ATTR_RESERVED_MEM_CURRENT), 2 * bytes);
  freeBoth();
  EXPECT_EQ(count(CU_MEMPOOL_ATTR_RESERVED_MEM_CURRENT), 0u);  // the threshold is 0

  uint64_t threshold = bytes + 4096;
  EXPECT_OK(cuMemPoolSetAttribute(pool, CU_MEMPOOL_ATTR_RELEASE_THRESHOLD, &threshold));
  EXPECT_EQ(count(CU_MEMPOOL_ATTR_RELEASE_THRESHOLD), threshold);
  ASSERT_OK(cuMemAllocFromPoolAsync(&first, bytes, pool, nullptr));
  ASSERT_OK(cuMemAllocFromPoolAsync(&second, bytes, pool, nullptr));
  EXPECT_OK(cuMemsetD8_v2(second, 42, bytes));
  freeBoth();
  EXPECT_EQ(count(CU_MEMPOOL_ATTR_USED_MEM_CURRENT), 0u);
  EXPECT_EQ(count(CU_MEMPOOL_ATTR_RESERVED_MEM_CURRENT), bytes);
  EXPECT_EQ(count(CU_MEMPOOL_ATTR_RESERVED_MEM_HIGH), 2 * bytes);
  for (CUdeviceptr gone : {first, second}) {
    EXPECT_INVALID(cuMemFreeAsync(gone, nullptr));
    EXPECT_INVALID(cuMemFree_v2(gone));
  }

  // Another of as many pages has it again, one of another size does not.
  CUdeviceptr third = 0, fourth = 0;
  ASSERT_OK(cuMemAllocFromPoolAsync(&third, bytes / 2, pool, nullptr));
  EXPECT_EQ(count(CU_MEMPOOL_ATTR_RESERVED_MEM_CURRENT), bytes + bytes / 2);
  ASSERT_OK(cuMemAllocFromPoolAsync(&fourth, bytes - 100, pool, nullptr));
  EXPECT_EQ(fourth, second);
  CUdeviceptr base = 0;
  size_t size = 0;
  EXPECT_OK(cuMemGetAddressRange_v2(&base, &size, fourth + 5));
  EXPECT_EQ(size, bytes - 100);
  EXPECT_EQ(count(CU_MEMPOOL_ATTR_RESERVED_MEM_CURRENT), bytes / 2 + bytes - 100);
  EXPECT_OK(cuMemFree_v2(third));
  EXPECT_OK(cuMemFree_v2(fourth));
  EXPECT_EQ(count(CU_MEMPOOL_ATTR_USED_MEM_CURRENT), 0u);

  EXPECT_OK(cuMemPoolTrimTo(pool, 0));
  EXPECT_EQ(count(CU_MEMPOOL_ATTR_RESERVED_MEM_CURRENT), 0u);
  uint64_t zero = 0;
  EXPECT_OK(cuMemPoolSetAttribute(pool, CU_MEMPOOL_ATTR_RESERVED_MEM_HIGH, &zero));
  EXPECT_EQ(count(CU_MEMPOOL_ATTR_RESERVED_MEM_HIGH), 0u);
  uint64_t one = 1;
  EXPECT_INVALID(cuMemPoolSetAttribute(pool, CU_MEMPOOL_ATTR_RESERVED_MEM_HIGH, &one));

  ASSERT_OK(cuMemAllocFromPoolAsync(&first, bytes, pool, nullptr));
  EXPECT_OK(cuMemFreeAsync(first, nullptr));
  EXPECT_OK(cuStreamSynchronize(nullptr));
  EXPECT_OK(cuMemPoolDestroy(pool));
}

// What a pool keeps is its context's, and goes with it.
TEST_F(Memory, KeptMemoryEndsWithItsContext) {
  CUmemPoolProps props = devicePoolProps();
  CUmemoryPool pool = nullptr;
  ASSERT_OK(cuMemPoolCreate(&pool, &props));
  uint64_t all = ~uint64_t{0};
  EXPECT_OK(cuMemPoolSetAttribute(pool, CU_MEMPOOL_ATTR_RELEASE_THRESHOLD, &all));
  CUcontext other = nullptr;
  CUdeviceptr pointer = 0;
  ASSERT_OK(cuCtxCreate_v2(&other, 0, 0));
  ASSERT_OK(cuMemAllocFromPoolAsync(&pointer, 1 << 16, pool, nullptr));
  EXPECT_OK(cuMemFreeAsync(pointer, nullptr));
  EXPECT_OK(cuCtxSynchronize());
  EXPECT_OK(cuCtxDestroy_v2(other));
  ASSERT_OK(cuMemAllocFromPoolAsync(&pointer, 1 << 16, pool, nullptr));
  EXPECT_OK(cuMemsetD8_v2(pointer, 1, 1 << 16));
  EXPECT_OK(cuMemFreeAsync(pointer, nullptr));
  EXPECT_OK(cuCtxSynchronize());
  EXPECT_OK(cuMemPoolDestroy(pool));
  EXPECT_INVALID(cuMemPoolTrimTo(pool, 0));
}

// Pools of the host's memory and of managed memory: each has a default, memory from it is of its kind and lies where the host can use it.
TEST_F(Memory, PoolsOfTheHostAndOfManagedMemory) {
  struct {
    CUmemAllocationType type;
    CUmemLocation location;
    unsigned managed;
  } places[] = {{CU_MEM_ALLOCATION_TYPE_PINNED, {CU_MEM_LOCATION_TYPE_HOST, 7}, 0},
                {CU_MEM_ALLOCATION_TYPE_PINNED, {CU_MEM_LOCATION_TYPE_HOST_NUMA, 0}, 0},
                {CU_MEM_ALLOCATION_TYPE_MANAGED, {CU_MEM_LOCATION_TYPE_NONE, 0}, 1},
                {CU_MEM_ALLOCATION_TYPE_MANAGED, {CU_MEM_LOCATION_TYPE_DEVICE, 0}, 1}};
  for (auto& place : places) {
    CUmemoryPool standard = nullptr, made = nullptr, current = nullptr;
    ASSERT_OK(cuMemGetDefaultMemPool(&standard, &place.location, place.type));
    EXPECT_INVALID(cuMemPoolDestroy(standard));
    CUmemPoolProps props{};
    props.allocType = place.type;
    props.location = place.location;
    ASSERT_OK(cuMemPoolCreate(&made, &props));
    ASSERT_OK(cuMemSetMemPool(&place.location, place.type, made));
    ASSERT_OK(cuMemGetMemPool(&current, &place.location, place.type));
    EXPECT_EQ(current, made);
    CUdeviceptr pointer = 0;
    ASSERT_OK(cuMemAllocFromPoolAsync(&pointer, 4096, made, nullptr));
    unsigned type = 0, managed = 2;
    EXPECT_OK(cuPointerGetAttribute(&type, CU_POINTER_ATTRIBUTE_MEMORY_TYPE, pointer));
    EXPECT_EQ(type, place.managed ? CU_MEMORYTYPE_DEVICE : CU_MEMORYTYPE_HOST);
    EXPECT_OK(cuPointerGetAttribute(&managed, CU_POINTER_ATTRIBUTE_IS_MANAGED, pointer));
    EXPECT_EQ(managed, place.managed);
    std::memset(reinterpret_cast<void*>(pointer), 1, 4096);
    uint64_t used = 0;
    EXPECT_OK(cuMemPoolGetAttribute(made, CU_MEMPOOL_ATTR_USED_MEM_CURRENT, &used));
    EXPECT_EQ(used, 4096u);
    EXPECT_OK(cuMemFreeAsync(pointer, nullptr));
    EXPECT_OK(cuStreamSynchronize(nullptr));
    EXPECT_OK(cuMemPoolGetAttribute(made, CU_MEMPOOL_ATTR_USED_MEM_CURRENT, &used));
    EXPECT_EQ(used, 0u);
    EXPECT_OK(cuMemPoolDestroy(made));
    ASSERT_OK(cuMemGetMemPool(&current, &place.location, place.type));
    EXPECT_EQ(current, standard);
  }
  CUmemLocation nowhere{CU_MEM_LOCATION_TYPE_NONE, 0}, noNode{CU_MEM_LOCATION_TYPE_HOST_NUMA, -1}, noDevice{CU_MEM_LOCATION_TYPE_DEVICE, 99};
  CUmemoryPool none = nullptr;
  EXPECT_INVALID(cuMemGetDefaultMemPool(&none, &nowhere, CU_MEM_ALLOCATION_TYPE_PINNED));
  EXPECT_INVALID(cuMemGetDefaultMemPool(&none, &noNode, CU_MEM_ALLOCATION_TYPE_PINNED));
  EXPECT_INVALID(cuMemGetDefaultMemPool(&none, nullptr, CU_MEM_ALLOCATION_TYPE_PINNED));
  EXPECT_EQ(cuMemGetDefaultMemPool(&none, &noDevice, CU_MEM_ALLOCATION_TYPE_MANAGED), CUDA_ERROR_INVALID_DEVICE);
}

// Nothing is asked for and nothing is given: a null pointer, which may be freed.
TEST_F(Memory, StreamOrderedAllocationOfNoBytes) {
  CUdeviceptr pointer = 1;
  EXPECT_OK(cuMemAllocAsync(&pointer, 0, nullptr));
  EXPECT_EQ(pointer, 0u);
  EXPECT_OK(cuMemFreeAsync(pointer, nullptr));
}

}  // namespace
}  // namespace anywarp::test
