// Driver API: memory, events and pools between processes. SPDX-License-Identifier: Apache-2.0
// The other process is this program again (child.h); what it opens stands in its environment.
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>

#include "abi/cuda_graph.h"
#include "abi/cuda_memory.h"
#include "child.h"
#include "driver_fixture.h"
#include "kernels.h"

namespace anywarp::test {
namespace {

template <class Handle>
std::string toHex(const Handle& handle) {
  std::string text;
  for (size_t i = 0; i < sizeof(handle); ++i) {
    char digits[3];
    snprintf(digits, sizeof(digits), "%02x", reinterpret_cast<const unsigned char*>(&handle)[i]);
    text += digits;
  }
  return text;
}

template <class Handle>
Handle fromEnvironment(const char* name) {
  Handle handle{};
  const char* text = std::getenv(name);
  for (size_t i = 0; text && i < sizeof(handle) && text[2 * i]; ++i)
    reinterpret_cast<unsigned char*>(&handle)[i] = static_cast<unsigned char>(std::stoi(std::string(text + 2 * i, 2), nullptr, 16));
  return handle;
}

// A context in the other process.
struct Other {
  Other() {
    EXPECT_EQ(cuInit(0), CUDA_SUCCESS);
    EXPECT_EQ(cuCtxCreate_v2(&context, 0, 0), CUDA_SUCCESS);
  }
  CUcontext context = nullptr;
};

constexpr unsigned lazy = CU_IPC_MEM_LAZY_ENABLE_PEER_ACCESS;

class Interprocess : public Driver {
 protected:
  CUipcMemHandle share(CUdeviceptr pointer) {
    CUipcMemHandle handle{};
    EXPECT_OK(cuIpcGetMemHandle(&handle, pointer));
    return handle;
  }
  // What the other process does with what `handle` leads to.
  template <class Handle>
  int other(const char* part, const Handle& handle) {
    std::string text = toHex(handle);
    return runChild(part, {{"SHARED", text.c_str()}});
  }
};

TEST_F(Interprocess, MemoryIsOneForBoth) {
  for (size_t bytes : {size_t{1000}, size_t{3} << 20}) {
    CUdeviceptr neighbour = allocate(bytes), pointer = allocate(bytes);
    EXPECT_OK(cuMemsetD32_v2(neighbour, 1, bytes / 4));
    EXPECT_OK(cuMemsetD32_v2(pointer, 7, bytes / 4));
    CUipcMemHandle handle = share(pointer);
    EXPECT_EQ(other("AddsThree", handle), 0);
    EXPECT_EQ(download<unsigned>(pointer, bytes / 4), std::vector<unsigned>(bytes / 4, 10));
    EXPECT_EQ(download<unsigned>(neighbour, bytes / 4), std::vector<unsigned>(bytes / 4, 1));
    EXPECT_OK(cuMemFree_v2(pointer));
    EXPECT_OK(cuMemFree_v2(neighbour));
  }
}

TEST(Child, DISABLED_AddsThree) {
  Other other;
  auto handle = fromEnvironment<CUipcMemHandle>("SHARED");
  CUdeviceptr pointer = 0, again = 0, base = 0;
  size_t bytes = 0;
  ASSERT_OK(cuIpcOpenMemHandle_v2(&pointer, handle, lazy));
  EXPECT_OK(cuIpcOpenMemHandle_v2(&again, handle, lazy));
  EXPECT_EQ(again, pointer);
  EXPECT_OK(cuMemGetAddressRange_v2(&base, &bytes, pointer));
  EXPECT_EQ(base, pointer);
  std::vector<unsigned> values(bytes / 4);
  EXPECT_OK(cuMemcpyDtoH_v2(values.data(), pointer, bytes / 4 * 4));
  for (unsigned& value : values) value += 3;
  EXPECT_OK(cuMemcpyHtoD_v2(pointer, values.data(), bytes / 4 * 4));
  EXPECT_INVALID(cuMemFree_v2(pointer));
  EXPECT_INVALID(cuIpcCloseMemHandle(pointer + 4));
  EXPECT_OK(cuIpcCloseMemHandle(pointer));
  EXPECT_OK(cuMemcpyDtoH_v2(values.data(), pointer, 4));  // still open once
  EXPECT_OK(cuIpcCloseMemHandle(pointer));
  EXPECT_INVALID(cuIpcCloseMemHandle(pointer));
  EXPECT_INVALID(cuMemcpyDtoH_v2(values.data(), pointer, 4));
}

TEST_F(Interprocess, ACrashOfTheOtherHarmsNobody) {
  CUdeviceptr pointer = allocate(1 << 20);
  EXPECT_OK(cuMemsetD32_v2(pointer, 7, 1 << 18));
  EXPECT_EQ(other("WritesAndCrashes", share(pointer)), 1000 + SIGKILL);
  EXPECT_EQ(download<unsigned>(pointer, 1)[0], 9u);
  EXPECT_OK(cuMemsetD32_v2(pointer, 5, 1 << 18));
  EXPECT_OK(cuMemFree_v2(pointer));
}

TEST(Child, DISABLED_WritesAndCrashes) {
  Other other;
  CUdeviceptr pointer = 0;
  ASSERT_OK(cuIpcOpenMemHandle_v2(&pointer, fromEnvironment<CUipcMemHandle>("SHARED"), lazy));
  EXPECT_OK(cuMemsetD32_v2(pointer, 9, 1 << 18));
  kill(getpid(), SIGKILL);
}

// Freed by its owner while the other has it open: the other's mapping lives on.
TEST_F(Interprocess, MemoryOutlivesItsOwnersFree) {
  CUdeviceptr pointer = allocate(1 << 20);
  EXPECT_OK(cuMemsetD32_v2(pointer, 7, 1 << 18));
  CUipcMemHandle handle = share(pointer);
  int done[2], opened[2];
  ASSERT_EQ(pipe(done), 0);
  ASSERT_EQ(pipe(opened), 0);
  std::string text = toHex(handle), wait = std::to_string(done[0]), tell = std::to_string(opened[1]);
  std::thread child([&] { EXPECT_EQ(runChild("ReadsAfterFree", {{"SHARED", text.c_str()}, {"WAIT", wait.c_str()}, {"TELL", tell.c_str()}}), 0); });
  char byte = 0;
  EXPECT_EQ(read(opened[0], &byte, 1), 1);
  EXPECT_OK(cuMemFree_v2(pointer));
  EXPECT_EQ(write(done[1], &byte, 1), 1);
  child.join();
  EXPECT_EQ(other("OpenFails", handle), 0);  // and it can no longer be opened
  for (int file : {done[0], done[1], opened[0], opened[1]}) close(file);
}

TEST(Child, DISABLED_ReadsAfterFree) {
  Other other;
  CUdeviceptr pointer = 0;
  char byte = 0;
  EXPECT_OK(cuIpcOpenMemHandle_v2(&pointer, fromEnvironment<CUipcMemHandle>("SHARED"), lazy));
  EXPECT_EQ(write(std::atoi(std::getenv("TELL")), &byte, 1), 1);
  EXPECT_EQ(read(std::atoi(std::getenv("WAIT")), &byte, 1), 1);
  unsigned value = 0;
  EXPECT_OK(cuMemcpyDtoH_v2(&value, pointer, 4));
  EXPECT_EQ(value, 7u);
}

TEST(Child, DISABLED_OpenFails) {
  Other other;
  CUdeviceptr pointer = 0;
  EXPECT_INVALID(cuIpcOpenMemHandle_v2(&pointer, fromEnvironment<CUipcMemHandle>("SHARED"), lazy));
}

TEST_F(Interprocess, HandlesAreChecked) {
  CUdeviceptr pointer = allocate(64), managed = 0, pooled = 0, opened = 0;
  CUipcMemHandle handle = share(pointer), garbage{};
  EXPECT_INVALID(cuIpcGetMemHandle(nullptr, pointer));
  EXPECT_INVALID(cuIpcGetMemHandle(&handle, 0));
  EXPECT_INVALID(cuIpcGetMemHandle(&handle, 12345));
  EXPECT_OK(cuMemAllocManaged(&managed, 64, CU_MEM_ATTACH_GLOBAL));
  EXPECT_INVALID(cuIpcGetMemHandle(&garbage, managed));
  EXPECT_OK(cuMemAllocAsync(&pooled, 64, nullptr));
  EXPECT_INVALID(cuIpcGetMemHandle(&garbage, pooled));
  EXPECT_EQ(cuIpcOpenMemHandle_v2(&opened, handle, lazy), CUDA_ERROR_INVALID_CONTEXT);
  EXPECT_INVALID(cuIpcOpenMemHandle_v2(nullptr, handle, lazy));
  EXPECT_INVALID(cuIpcOpenMemHandle_v2(&opened, handle, 0));
  EXPECT_INVALID(cuIpcOpenMemHandle_v2(&opened, CUipcMemHandle{}, lazy));
  for (size_t i = 0; i < 56; ++i) {
    garbage = handle;
    garbage.reserved[i] = static_cast<char>(garbage.reserved[i] ^ 0x55);
    EXPECT_INVALID(cuIpcOpenMemHandle_v2(&opened, garbage, lazy)) << i;
  }
  EXPECT_INVALID(cuIpcCloseMemHandle(pointer));
  EXPECT_OK(cuMemFree_v2(pointer));
  EXPECT_INVALID(cuIpcGetMemHandle(&handle, pointer));
  EXPECT_OK(cuMemFree_v2(managed));
  EXPECT_OK(cuMemFreeAsync(pooled, nullptr));
}

// Kernels write while the pages become shared ones: nothing is lost.
TEST_F(Interprocess, SharingLosesNoWrites) {
  constexpr unsigned words = 1 << 20, rounds = 60;
  CUmodule module = load(R"(
.version 7.0
.target sm_50
.address_size 64
.visible .entry addOne(.param .u64 p)
{
  .reg .b32 %r<5>; .reg .b64 %a, %o;
  ld.param.u64 %a, [p];
  mov.u32 %r1, %ctaid.x; mov.u32 %r2, %ntid.x; mov.u32 %r3, %tid.x;
  mad.lo.s32 %r1, %r1, %r2, %r3;
  mul.wide.u32 %o, %r1, 4;
  add.s64 %a, %a, %o;
  ld.global.u32 %r4, [%a]; add.u32 %r4, %r4, 1; st.global.u32 [%a], %r4;
  ret;
})");
  CUfunction addOne = function(module, "addOne");
  CUdeviceptr pointer = allocate(words * 4);
  EXPECT_OK(cuMemsetD32_v2(pointer, 0, words));
  void* params[] = {&pointer};
  for (unsigned i = 0; i < rounds; ++i) {
    EXPECT_OK(cuLaunchKernel(addOne, words / 256, 1, 1, 256, 1, 1, 0, nullptr, params, nullptr));
    if (i == rounds / 2) share(pointer);
  }
  EXPECT_EQ(download<unsigned>(pointer, words), std::vector<unsigned>(words, rounds));
  EXPECT_OK(cuMemFree_v2(pointer));
}

TEST_F(Interprocess, EventsAreOneForBoth) {
  CUevent event = nullptr;
  CUipcEventHandle handle{};
  EXPECT_INVALID(cuEventCreate(&event, CU_EVENT_INTERPROCESS));  // timing has to be off
  ASSERT_OK(cuEventCreate(&event, CU_EVENT_INTERPROCESS | CU_EVENT_DISABLE_TIMING));
  EXPECT_OK(cuEventQuery(event));
  EXPECT_OK(cuIpcGetEventHandle(&handle, event));
  EXPECT_INVALID(cuIpcGetEventHandle(nullptr, event));
  EXPECT_OK(cuEventRecord(event, nullptr));
  EXPECT_OK(cuEventSynchronize(event));
  EXPECT_EQ(other("RecordsTheEvent", handle), 0);
  EXPECT_OK(cuEventSynchronize(event));
  CUstream stream = nullptr;
  EXPECT_OK(cuStreamCreate(&stream, 0));
  EXPECT_OK(cuStreamWaitEvent(stream, event, 0));
  EXPECT_OK(cuStreamSynchronize(stream));
  EXPECT_OK(cuEventDestroy_v2(event));
  CUevent ordinary = nullptr;
  EXPECT_OK(cuEventCreate(&ordinary, CU_EVENT_DISABLE_TIMING));
  EXPECT_EQ(cuIpcGetEventHandle(&handle, ordinary), CUDA_ERROR_INVALID_HANDLE);
  const CUipcEventHandle none = {};
  EXPECT_EQ(memcmp(&handle, &none, sizeof handle), 0);
  EXPECT_EQ(cuIpcGetEventHandle(&handle, event), CUDA_ERROR_INVALID_HANDLE);
  EXPECT_INVALID(cuIpcOpenEventHandle(&event, CUipcEventHandle{}));
  EXPECT_OK(cuEventDestroy_v2(ordinary));
  EXPECT_OK(cuStreamDestroy_v2(stream));
}

TEST(Child, DISABLED_RecordsTheEvent) {
  Other other;
  CUevent event = nullptr;
  ASSERT_OK(cuIpcOpenEventHandle(&event, fromEnvironment<CUipcEventHandle>("SHARED")));
  EXPECT_OK(cuEventQuery(event));
  EXPECT_OK(cuEventRecord(event, nullptr));
  EXPECT_OK(cuEventSynchronize(event));
  EXPECT_OK(cuEventDestroy_v2(event));
}

// The other records behind work that never ends, and dies: who waits for the event goes on.
TEST_F(Interprocess, NobodyWaitsForTheDead) {
  CUevent event = nullptr;
  CUipcEventHandle handle{};
  ASSERT_OK(cuEventCreate(&event, CU_EVENT_INTERPROCESS | CU_EVENT_DISABLE_TIMING));
  EXPECT_OK(cuIpcGetEventHandle(&handle, event));
  EXPECT_EQ(other("RecordsAndCrashes", handle), 1000 + SIGKILL);
  EXPECT_OK(cuEventSynchronize(event));
  EXPECT_OK(cuEventQuery(event));
  EXPECT_EQ(other("RecordsAndCrashes", handle), 1000 + SIGKILL);
  CUstream stream = nullptr;
  EXPECT_OK(cuStreamCreate(&stream, 0));
  EXPECT_OK(cuStreamWaitEvent(stream, event, 0));
  EXPECT_OK(cuStreamSynchronize(stream));
  EXPECT_OK(cuStreamDestroy_v2(stream));
  EXPECT_OK(cuEventDestroy_v2(event));
}

TEST(Child, DISABLED_RecordsAndCrashes) {
  Other other;
  CUevent event = nullptr;
  CUdeviceptr flag = 0;
  ASSERT_OK(cuIpcOpenEventHandle(&event, fromEnvironment<CUipcEventHandle>("SHARED")));
  EXPECT_OK(cuMemAlloc_v2(&flag, 4));
  EXPECT_OK(cuMemsetD32_v2(flag, 0, 1));
  EXPECT_OK(cuStreamWaitValue32_v2(nullptr, flag, 1, CU_STREAM_WAIT_VALUE_EQ));
  EXPECT_OK(cuEventRecord(event, nullptr));
  EXPECT_EQ(cuEventQuery(event), CUDA_ERROR_NOT_READY);
  kill(getpid(), SIGKILL);
}

void* asHandle(int file) { return reinterpret_cast<void*>(static_cast<intptr_t>(file)); }

// The other process keeps descriptors that are not closed by exec.
std::string inheritable(int file) {
  fcntl(file, F_SETFD, 0);
  return std::to_string(file);
}

TEST_F(Interprocess, PoolsAreOneForBoth) {
  CUmemPoolProps props = devicePoolProps(CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR);
  CUmemoryPool pool = nullptr, plain = nullptr;
  ASSERT_OK(cuMemPoolCreate(&pool, &props));
  CUdeviceptr pointer = 0;
  ASSERT_OK(cuMemAllocFromPoolAsync(&pointer, 4000, pool, nullptr));
  EXPECT_OK(cuMemsetD32_v2(pointer, 7, 1000));
  int file = -1;
  CUmemPoolPtrExportData data{};
  EXPECT_INVALID(cuMemPoolExportToShareableHandle(nullptr, pool, CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR, 0));
  EXPECT_INVALID(cuMemPoolExportToShareableHandle(&file, pool, CU_MEM_HANDLE_TYPE_NONE, 0));
  ASSERT_OK(cuMemPoolExportToShareableHandle(&file, pool, CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR, 0));
  ASSERT_OK(cuMemPoolExportPointer(&data, pointer));
  std::string text = toHex(data), number = inheritable(file);
  EXPECT_EQ(runChild("UsesThePool", {{"SHARED", text.c_str()}, {"POOL", number.c_str()}}), 0);
  EXPECT_EQ(download<unsigned>(pointer, 1000), std::vector<unsigned>(1000, 8));
  close(file);
  props.handleTypes = CU_MEM_HANDLE_TYPE_NONE;
  ASSERT_OK(cuMemPoolCreate(&plain, &props));
  CUdeviceptr other = 0;
  ASSERT_OK(cuMemAllocFromPoolAsync(&other, 64, plain, nullptr));
  EXPECT_INVALID(cuMemPoolExportToShareableHandle(&file, plain, CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR, 0));
  EXPECT_INVALID(cuMemPoolExportPointer(&data, other));
  EXPECT_OK(cuMemFreeAsync(other, nullptr));
  EXPECT_OK(cuMemFreeAsync(pointer, nullptr));
  EXPECT_OK(cuMemPoolDestroy(plain));
  EXPECT_OK(cuMemPoolDestroy(pool));
}

TEST(Child, DISABLED_UsesThePool) {
  Other other;
  auto data = fromEnvironment<CUmemPoolPtrExportData>("SHARED");
  int file = std::atoi(std::getenv("POOL"));
  CUmemoryPool pool = nullptr, wrong = nullptr;
  ASSERT_OK(cuMemPoolImportFromShareableHandle(&pool, asHandle(file), CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR, 0));
  EXPECT_INVALID(cuMemPoolImportFromShareableHandle(&wrong, asHandle(0), CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR, 0));
  EXPECT_INVALID(cuMemPoolImportFromShareableHandle(&wrong, asHandle(-1), CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR, 0));
  CUdeviceptr pointer = 0, none = 0;
  ASSERT_OK(cuMemPoolImportPointer(&pointer, pool, &data));
  EXPECT_INVALID(cuMemPoolImportPointer(&pointer, pool, nullptr));
  CUmemPoolPtrExportData garbage{};
  EXPECT_INVALID(cuMemPoolImportPointer(&none, pool, &garbage));
  EXPECT_INVALID(cuMemAllocFromPoolAsync(&none, 64, pool, nullptr));  // an imported pool has no memory of its own
  unsigned value = 0;
  EXPECT_OK(cuMemcpyDtoH_v2(&value, pointer + 3996, 4));
  EXPECT_EQ(value, 7u);
  EXPECT_OK(cuMemsetD32_v2(pointer, 8, 1000));
  EXPECT_OK(cuMemFreeAsync(pointer, nullptr));
  EXPECT_OK(cuCtxSynchronize());
  EXPECT_INVALID(cuMemcpyDtoH_v2(&value, pointer, 4));
  EXPECT_OK(cuMemPoolDestroy(pool));
}

constexpr size_t granularity = size_t{2} << 20;

CUmemAllocationProp allocationProp(CUmemAllocationHandleType type) {
  CUmemAllocationProp prop{};
  prop.type = CU_MEM_ALLOCATION_TYPE_PINNED;
  prop.requestedHandleTypes = type;
  prop.location = {CU_MEM_LOCATION_TYPE_DEVICE, 0};
  return prop;
}

// The whole of `handle`, mapped and accessible.
CUdeviceptr mapped(CUmemGenericAllocationHandle handle) {
  CUdeviceptr pointer = 0;
  CUmemAccessDesc access{{CU_MEM_LOCATION_TYPE_DEVICE, 0}, CU_MEM_ACCESS_FLAGS_PROT_READWRITE};
  EXPECT_OK(cuMemAddressReserve(&pointer, granularity, 0, 0, 0));
  EXPECT_OK(cuMemMap(pointer, granularity, 0, handle, 0));
  EXPECT_OK(cuMemSetAccess(pointer, granularity, &access, 1));
  return pointer;
}

TEST_F(Interprocess, PhysicalMemoryIsOneForBoth) {
  CUmemAllocationProp prop = allocationProp(CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR);
  CUmemGenericAllocationHandle handle = 0;
  size_t before = 0, after = 0, total = 0;
  EXPECT_OK(cuMemGetInfo_v2(&before, &total));
  ASSERT_OK(cuMemCreate(&handle, granularity, &prop, 0));
  EXPECT_OK(cuMemGetInfo_v2(&after, &total));
  EXPECT_EQ(before - after, granularity);
  CUdeviceptr pointer = mapped(handle);
  EXPECT_OK(cuMemsetD32_v2(pointer, 7, 1));
  int file = -1;
  ASSERT_OK(cuMemExportToShareableHandle(&file, handle, CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR, 0));
  EXPECT_INVALID(cuMemExportToShareableHandle(nullptr, handle, CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR, 0));
  EXPECT_INVALID(cuMemExportToShareableHandle(&file, handle + 16, CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR, 0));
  EXPECT_INVALID(cuMemExportToShareableHandle(&file, handle, CU_MEM_HANDLE_TYPE_FABRIC, 0));
  std::string number = inheritable(file);
  EXPECT_EQ(runChild("MapsPhysicalMemory", {{"FILE", number.c_str()}}), 0);
  EXPECT_EQ(download<unsigned>(pointer, 1)[0], 8u);
  close(file);
  EXPECT_OK(cuMemUnmap(pointer, granularity));
  EXPECT_OK(cuMemAddressFree(pointer, granularity));
  EXPECT_OK(cuMemRelease(handle));
  EXPECT_OK(cuMemGetInfo_v2(&after, &total));
  EXPECT_EQ(before, after);
  prop = allocationProp(CU_MEM_HANDLE_TYPE_NONE);
  ASSERT_OK(cuMemCreate(&handle, granularity, &prop, 0));
  EXPECT_INVALID(cuMemExportToShareableHandle(&file, handle, CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR, 0));
  EXPECT_OK(cuMemRelease(handle));
}

TEST(Child, DISABLED_MapsPhysicalMemory) {
  Other other;
  CUmemGenericAllocationHandle handle = 0, wrong = 0;
  int file = std::atoi(std::getenv("FILE"));
  ASSERT_OK(cuMemImportFromShareableHandle(&handle, asHandle(file), CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR));
  close(file);  // the import has its own
  EXPECT_INVALID(cuMemImportFromShareableHandle(&wrong, asHandle(1), CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR));
  EXPECT_EQ(cuMemImportFromShareableHandle(&wrong, asHandle(1), CU_MEM_HANDLE_TYPE_FABRIC), CUDA_ERROR_NOT_SUPPORTED);
  CUdeviceptr pointer = mapped(handle);
  EXPECT_OK(cuMemRelease(handle));
  unsigned value = 0;
  EXPECT_OK(cuMemcpyDtoH_v2(&value, pointer, 4));
  EXPECT_EQ(value, 7u);
  EXPECT_OK(cuMemsetD32_v2(pointer, 8, 1));
}

}  // namespace
}  // namespace anywarp::test
