// Driver API: batches of copies, the error log, core dump attributes, green contexts, tensor maps, external memory, and what was before
// CUDA 3.2. SPDX-License-Identifier: Apache-2.0
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <string>
#include <thread>

#include "abi/cuda_execution.h"
#include "abi/cuda_graph.h"
#include "abi/cuda_memory.h"
#include "abi/tensor_map.h"
#include "driver_fixture.h"
#include "kernels.h"

namespace anywarp::test {
namespace {

class Chapters : public Driver {
 protected:
  void SetUp() override {
    Driver::SetUp();
    EXPECT_OK(cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING));
  }
  void TearDown() override {
    EXPECT_OK(cuStreamDestroy_v2(stream));
    Driver::TearDown();
  }
  CUstream stream = nullptr;
};

CUmemcpyAttributes streamOrder() {
  CUmemcpyAttributes attributes{};
  attributes.srcAccessOrder = CU_MEMCPY_SRC_ACCESS_ORDER_STREAM;
  return attributes;
}

TEST_F(Chapters, BatchOfCopies) {
  CUdeviceptr a = allocate(64), b = allocate(64);
  unsigned host[2] = {1, 2}, back[2] = {};
  CUdeviceptr to[] = {a, b, reinterpret_cast<uintptr_t>(&back[0])}, from[] = {reinterpret_cast<uintptr_t>(&host[0]), reinterpret_cast<uintptr_t>(&host[1]), a};
  size_t sizes[] = {4, 4, 4}, starts[] = {0, 2}, failed = 99;
  CUmemcpyAttributes attributes[] = {streamOrder(), streamOrder()};
  attributes[0].srcAccessOrder = CU_MEMCPY_SRC_ACCESS_ORDER_DURING_API_CALL;
  EXPECT_OK(cuMemcpyBatchAsync_v2(to, from, sizes, 2, attributes, starts, 1, stream));
  host[0] = host[1] = 0;
  EXPECT_OK(cuStreamSynchronize(stream));
  EXPECT_OK(cuMemcpyDtoH_v2(&back[0], a, 4));
  EXPECT_OK(cuMemcpyDtoH_v2(&back[1], b, 4));
  EXPECT_EQ(back[0] * 10 + back[1], 12u);
  EXPECT_OK(cuMemcpyBatchAsync(to, from, sizes, 3, attributes, starts, 2, &failed, stream));
  EXPECT_OK(cuStreamSynchronize(stream));
  // Its errors.
  EXPECT_INVALID(cuMemcpyBatchAsync_v2(nullptr, from, sizes, 2, attributes, starts, 1, stream));
  EXPECT_INVALID(cuMemcpyBatchAsync_v2(to, from, sizes, 0, attributes, starts, 1, stream));
  EXPECT_INVALID(cuMemcpyBatchAsync_v2(to, from, sizes, 2, attributes, starts, 0, stream));
  EXPECT_INVALID(cuMemcpyBatchAsync_v2(to, from, sizes, 2, attributes, starts, 1, nullptr));  // not in the legacy stream
  EXPECT_EQ(cuMemcpyBatchAsync_v2(to, from, sizes, 2, attributes, starts, 1, bogus<CUstream>()), CUDA_ERROR_INVALID_HANDLE);
  EXPECT_INVALID(cuMemcpyBatchAsync_v2(to, from, sizes, 2, attributes, starts, 2, stream));  // the second begins behind the end
  to[1] = 8;
  EXPECT_INVALID(cuMemcpyBatchAsync(to, from, sizes, 3, attributes, starts, 2, &failed, stream));
  EXPECT_EQ(failed, 1u);
  attributes[0].srcAccessOrder = CU_MEMCPY_SRC_ACCESS_ORDER_INVALID;
  EXPECT_INVALID(cuMemcpyBatchAsync(to, from, sizes, 3, attributes, starts, 2, &failed, stream));
  EXPECT_EQ(failed, SIZE_MAX);
}

TEST_F(Chapters, BatchOf3DCopies) {
  constexpr unsigned width = 4, height = 3;
  CUDA_ARRAY3D_DESCRIPTOR description{width, height, 0, CU_AD_FORMAT_UNSIGNED_INT32, 1, 0};
  CUarray array = nullptr;
  ASSERT_OK(cuArray3DCreate_v2(&array, &description));
  unsigned host[width * height], back[width * height] = {};
  for (unsigned i = 0; i < width * height; ++i) host[i] = i;
  CUDA_MEMCPY3D_BATCH_OP operations[2]{};
  auto linear = [](unsigned* pointer) {
    CUmemcpy3DOperand operand{};
    operand.type = CU_MEMCPY_OPERAND_TYPE_POINTER;
    operand.op.ptr.ptr = reinterpret_cast<uintptr_t>(pointer);
    return operand;
  };
  CUmemcpy3DOperand inArray{};
  inArray.type = CU_MEMCPY_OPERAND_TYPE_ARRAY;
  inArray.op.array = {array, {0, 0, 0}};
  operations[0].src = linear(host);
  operations[0].dst = inArray;
  operations[1].src = inArray;
  operations[1].dst = linear(back);
  for (auto& operation : operations) {
    operation.extent = {width, height, 1};
    operation.srcAccessOrder = CU_MEMCPY_SRC_ACCESS_ORDER_STREAM;
  }
  EXPECT_OK(cuMemcpy3DBatchAsync_v2(2, operations, 0, stream));
  EXPECT_OK(cuStreamSynchronize(stream));
  EXPECT_EQ(std::memcmp(host, back, sizeof(host)), 0);
  size_t failed = 0;
  EXPECT_INVALID(cuMemcpy3DBatchAsync_v2(0, operations, 0, stream));
  EXPECT_INVALID(cuMemcpy3DBatchAsync_v2(2, nullptr, 0, stream));
  EXPECT_INVALID(cuMemcpy3DBatchAsync_v2(2, operations, 1, stream));
  operations[1].extent.width = width + 1;
  EXPECT_INVALID(cuMemcpy3DBatchAsync(2, operations, &failed, 0, stream));
  EXPECT_EQ(failed, 1u);
  CUDA_ARRAY_SPARSE_PROPERTIES sparse;
  CUDA_ARRAY_MEMORY_REQUIREMENTS requirements;
  CUarray plane = nullptr;
  EXPECT_INVALID(cuArrayGetSparseProperties(&sparse, array));
  EXPECT_INVALID(cuArrayGetMemoryRequirements(&requirements, array, 0));
  EXPECT_EQ(cuArrayGetMemoryRequirements(&requirements, array, 99), CUDA_ERROR_INVALID_DEVICE);
  EXPECT_INVALID(cuArrayGetPlane(&plane, array, 0));
  EXPECT_OK(cuArrayDestroy(array));
  EXPECT_EQ(cuArrayGetPlane(&plane, array, 0), CUDA_ERROR_INVALID_HANDLE);
  EXPECT_NE(cuMemcpy3DBatchAsync_v2(1, operations, 0, stream), CUDA_SUCCESS);
}

TEST_F(Chapters, BatchesOfManagedMemory) {
  CUdeviceptr pointers[2] = {};
  size_t sizes[] = {4096, 4096}, starts[] = {0, 1};
  for (CUdeviceptr& pointer : pointers) ASSERT_OK(cuMemAllocManaged(&pointer, 4096, CU_MEM_ATTACH_GLOBAL));
  CUmemLocation places[] = {{CU_MEM_LOCATION_TYPE_DEVICE, 0}, {CU_MEM_LOCATION_TYPE_HOST, 0}};
  EXPECT_OK(cuMemPrefetchBatchAsync(pointers, sizes, 2, places, starts, 2, 0, stream));
  int type = -1;
  EXPECT_OK(cuMemRangeGetAttribute(&type, sizeof(type), CU_MEM_RANGE_ATTRIBUTE_LAST_PREFETCH_LOCATION_TYPE, pointers[1], 4096));
  EXPECT_EQ(type, static_cast<int>(CU_MEM_LOCATION_TYPE_HOST));
  EXPECT_OK(cuMemDiscardBatchAsync(pointers, sizes, 2, 0, stream));
  EXPECT_OK(cuMemDiscardAndPrefetchBatchAsync(pointers, sizes, 2, places, starts, 2, 0, stream));
  EXPECT_INVALID(cuMemPrefetchBatchAsync(pointers, sizes, 2, places, starts, 0, 0, stream));
  EXPECT_INVALID(cuMemPrefetchBatchAsync(pointers, sizes, 2, nullptr, starts, 1, 0, stream));
  EXPECT_INVALID(cuMemDiscardBatchAsync(pointers, sizes, 2, 1, stream));
  EXPECT_INVALID(cuMemDiscardBatchAsync(pointers, sizes, 2, 0, nullptr));
  sizes[1] = 8192;
  EXPECT_INVALID(cuMemDiscardBatchAsync(pointers, sizes, 2, 0, stream));
  sizes[1] = 4096;
  for (CUdeviceptr pointer : pointers) EXPECT_OK(cuMemFree_v2(pointer));
  EXPECT_INVALID(cuMemDiscardBatchAsync(pointers, sizes, 2, 0, stream));
}

struct Heard {
  int count = 0;
  std::string last;
};

void hear(void* user, CUlogLevel level, char* message, size_t length) {
  auto& heard = *static_cast<Heard*>(user);
  if (level == CU_LOG_LEVEL_ERROR) ++heard.count;
  heard.last.assign(message, length);
}

TEST_F(Chapters, ErrorsAreLogged) {
  Heard heard;
  CUlogsCallbackHandle handle = nullptr;
  CUlogIterator begin = 0, end = 0;
  ASSERT_OK(cuLogsRegisterCallback(hear, &heard, &handle));
  EXPECT_INVALID(cuLogsRegisterCallback(nullptr, nullptr, nullptr));
  EXPECT_OK(cuLogsCurrent(&begin, 0));
  CUdeviceptr none = 0;
  EXPECT_EQ(cuMemAlloc_v2(&none, size_t{1} << 50), CUDA_ERROR_OUT_OF_MEMORY);
  EXPECT_EQ(heard.count, 1);
  EXPECT_NE(heard.last.find("CUDA_ERROR_OUT_OF_MEMORY"), std::string::npos);
  char text[1000];
  size_t size = sizeof(text);
  end = begin;
  EXPECT_OK(cuLogsDumpToMemory(&end, text, &size, 0));
  EXPECT_EQ(size, std::strlen(text) + 1);
  EXPECT_NE(std::string(text).find("[CUDA][E]"), std::string::npos);
  EXPECT_EQ(std::string(text).find('\n'), size - 2);  // one message
  size = sizeof(text);
  EXPECT_OK(cuLogsDumpToMemory(&end, text, &size, 0));
  EXPECT_EQ(size, 1u);  // nothing since
  size = 10;
  EXPECT_OK(cuLogsDumpToMemory(&begin, text, &size, 0));
  EXPECT_LE(size, 10u);
  std::string path = testing::TempDir() + "anywarp_error_log_" + std::to_string(getpid());
  EXPECT_OK(cuLogsDumpToFile(nullptr, path.c_str(), 0));
  EXPECT_EQ(unlink(path.c_str()), 0);
  EXPECT_INVALID(cuLogsDumpToFile(nullptr, "/nonexistent/folder/log", 0));
  EXPECT_INVALID(cuLogsDumpToFile(nullptr, nullptr, 0));
  EXPECT_INVALID(cuLogsDumpToMemory(nullptr, nullptr, &size, 0));
  EXPECT_INVALID(cuLogsCurrent(nullptr, 0));
  EXPECT_INVALID(cuLogsCurrent(&end, 1));
  EXPECT_OK(cuLogsUnregisterCallback(handle));
  EXPECT_INVALID(cuLogsUnregisterCallback(handle));
  EXPECT_EQ(cuMemAlloc_v2(&none, size_t{1} << 50), CUDA_ERROR_OUT_OF_MEMORY);
  EXPECT_EQ(heard.count, 1);
}

// What a launch met is told with the kernel's name: programs often look at its error late, or never.
TEST_F(Chapters, RefusedLaunchesAreLogged) {
  Heard heard;
  CUlogsCallbackHandle handle = nullptr;
  ASSERT_OK(cuLogsRegisterCallback(hear, &heard, &handle));
  CUfunction kernel = function(load(R"(
.version 8.0
.target sm_80
.address_size 64
.visible .entry _Z5writePii(.param .u64 p, .param .u32 n) .maxntid 128 { ret; }
)"), "_Z5writePii");
  CUdeviceptr p = 0;
  int n = 0;
  void* params[] = {&p, &n};
  auto launch = [&](unsigned grid, unsigned block, unsigned shared) { return cuLaunchKernel(kernel, grid, 1, 1, block, 1, 1, shared, nullptr, params, nullptr); };
  EXPECT_INVALID(launch(1, 2048, 0));
  EXPECT_NE(heard.last.find("write(int*, int): launch refused: block (2048,1,1)"), std::string::npos) << heard.last;
  EXPECT_INVALID(launch(0, 32, 0));
  EXPECT_NE(heard.last.find("grid (0,1,1)"), std::string::npos) << heard.last;
  EXPECT_INVALID(launch(1, 256, 0));
  EXPECT_NE(heard.last.find("256 threads in a block, the kernel is made for at most 128"), std::string::npos) << heard.last;
  EXPECT_INVALID(launch(1, 32, 50000));
  EXPECT_NE(heard.last.find("50000 bytes of dynamic shared memory"), std::string::npos) << heard.last;
  heard.last.clear();
  EXPECT_OK(launch(1, 32, 0));
  EXPECT_EQ(heard.last, "");
  EXPECT_OK(cuLogsUnregisterCallback(handle));
}

TEST_F(Chapters, CoredumpAttributes) {
  bool flag = true;
  size_t size = sizeof(flag);
  EXPECT_OK(cuCoredumpGetAttribute(CU_COREDUMP_ENABLE_ON_EXCEPTION, &flag, &size));
  EXPECT_FALSE(flag);
  flag = true;
  EXPECT_EQ(cuCoredumpSetAttribute(CU_COREDUMP_ENABLE_ON_EXCEPTION, &flag, &size), CUDA_ERROR_NOT_SUPPORTED);
  char name[64] = "dump.%p";
  size = sizeof(name);
  EXPECT_OK(cuCoredumpSetAttributeGlobal(CU_COREDUMP_FILE, name, &size));
  char back[1024] = "";
  size = sizeof(back);
  EXPECT_OK(cuCoredumpGetAttributeGlobal(CU_COREDUMP_FILE, back, &size));
  EXPECT_STREQ(back, "dump.%p");
  EXPECT_EQ(size, 8u);
  EXPECT_OK(cuCoredumpGetAttributeGlobal(CU_COREDUMP_FILE, nullptr, &size));
  size = 2;
  EXPECT_INVALID(cuCoredumpGetAttributeGlobal(CU_COREDUMP_FILE, back, &size));
  unsigned flags = 0x100;
  size = sizeof(flags);
  EXPECT_INVALID(cuCoredumpSetAttribute(CU_COREDUMP_GENERATION_FLAGS, &flags, &size));
  flags = CU_COREDUMP_LIGHTWEIGHT_FLAGS;
  EXPECT_OK(cuCoredumpSetAttribute(CU_COREDUMP_GENERATION_FLAGS, &flags, &size));
  EXPECT_INVALID(cuCoredumpGetAttribute(static_cast<CUcoredumpSettings>(99), &flags, &size));
  EXPECT_INVALID(cuCoredumpGetAttribute(CU_COREDUMP_FILE, back, nullptr));
}

TEST_F(Chapters, GreenContextsShareThePrimaryContext) {
  CUdevResource whole{}, group{}, rest{};
  ASSERT_OK(cuDeviceGetDevResource(0, &whole, CU_DEV_RESOURCE_TYPE_SM));
  int sms = 0;
  EXPECT_OK(cuDeviceGetAttribute(&sms, CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT, 0));
  EXPECT_EQ(whole.sm.smCount, static_cast<unsigned>(sms));
  EXPECT_EQ(cuDeviceGetDevResource(0, &whole, CU_DEV_RESOURCE_TYPE_INVALID), CUDA_ERROR_INVALID_RESOURCE_TYPE);
  unsigned groups = 0;
  EXPECT_OK(cuDevSmResourceSplitByCount(nullptr, &groups, &whole, nullptr, 0, 1));
  EXPECT_GE(groups, 1u);
  groups = 1;
  EXPECT_OK(cuDevSmResourceSplitByCount(&group, &groups, &whole, &rest, 0, 1));
  EXPECT_EQ(groups, 1u);
  EXPECT_GE(group.sm.smCount, 1u);
  EXPECT_EQ(group.sm.smCount + (rest.type == CU_DEV_RESOURCE_TYPE_SM ? rest.sm.smCount : 0), whole.sm.smCount);
  EXPECT_EQ(cuDevSmResourceSplitByCount(&group, &groups, &whole, &rest, 0, 1 << 20), CUDA_ERROR_INVALID_RESOURCE_CONFIGURATION);
  CUdevResource forged{};
  EXPECT_EQ(cuDevSmResourceSplitByCount(&rest, &groups, &forged, nullptr, 0, 1), CUDA_ERROR_INVALID_RESOURCE_TYPE);
  CUdevResourceDesc description = nullptr;
  EXPECT_EQ(cuDevResourceGenerateDesc(&description, &forged, 1), CUDA_ERROR_INVALID_RESOURCE_TYPE);
  EXPECT_INVALID(cuDevResourceGenerateDesc(&description, nullptr, 1));
  ASSERT_OK(cuDevResourceGenerateDesc(&description, &group, 1));
  CUgreenCtx green = nullptr;
  EXPECT_INVALID(cuGreenCtxCreate(&green, description, 0, 0));
  EXPECT_INVALID(cuGreenCtxCreate(&green, bogus<CUdevResourceDesc>(), 0, CU_GREEN_CTX_DEFAULT_STREAM));
  EXPECT_EQ(cuGreenCtxCreate(&green, description, 99, CU_GREEN_CTX_DEFAULT_STREAM), CUDA_ERROR_INVALID_DEVICE);
  ASSERT_OK(cuGreenCtxCreate(&green, description, 0, CU_GREEN_CTX_DEFAULT_STREAM));
  CUcontext asContext = nullptr, primary = nullptr;
  ASSERT_OK(cuCtxFromGreenCtx(&asContext, green));
  ASSERT_OK(cuDevicePrimaryCtxRetain(&primary, 0));
  // Memory and modules are the primary context's.
  ASSERT_OK(cuCtxSetCurrent(asContext));
  CUmodule module = load(kernelsPtx);
  CUstream own = nullptr;
  EXPECT_INVALID(cuGreenCtxStreamCreate(&own, green, 0, 0));
  ASSERT_OK(cuGreenCtxStreamCreate(&own, green, CU_STREAM_NON_BLOCKING, 0));
  CUgreenCtx found = nullptr;
  EXPECT_OK(cuStreamGetGreenCtx(own, &found));
  EXPECT_EQ(found, green);
  ASSERT_OK(cuCtxSetCurrent(primary));
  EXPECT_OK(cuLaunchKernel(function(module, "bump"), 1, 1, 1, 1, 1, 1, 0, own, nullptr, nullptr));
  CUevent event = nullptr;
  EXPECT_OK(cuEventCreate(&event, 0));
  EXPECT_OK(cuGreenCtxRecordEvent(green, event));
  EXPECT_OK(cuGreenCtxWaitEvent(green, event));
  EXPECT_OK(cuEventSynchronize(event));
  EXPECT_OK(cuStreamSynchronize(own));
  CUdevResource again{};
  EXPECT_OK(cuGreenCtxGetDevResource(green, &again, CU_DEV_RESOURCE_TYPE_SM));
  EXPECT_EQ(again.sm.smCount, group.sm.smCount);
  EXPECT_OK(cuCtxGetDevResource(asContext, &again, CU_DEV_RESOURCE_TYPE_SM));
  EXPECT_EQ(again.sm.smCount, group.sm.smCount);
  unsigned long long id = 0;
  EXPECT_OK(cuGreenCtxGetId(green, &id));
  EXPECT_NE(id, 0u);
  EXPECT_OK(cuEventDestroy_v2(event));
  EXPECT_OK(cuModuleUnload(module));
  EXPECT_OK(cuGreenCtxDestroy(green));
  EXPECT_EQ(cuGreenCtxDestroy(green), CUDA_ERROR_INVALID_CONTEXT);
  EXPECT_EQ(cuStreamGetGreenCtx(own, &found), CUDA_ERROR_INVALID_HANDLE);
  EXPECT_EQ(cuStreamSynchronize(own), CUDA_ERROR_INVALID_HANDLE);
  EXPECT_OK(cuDevicePrimaryCtxRelease_v2(0));
  ASSERT_OK(cuCtxSetCurrent(context));
}

struct Tiled {
  alignas(64) CUtensorMap map;
  CUtensorMapDataType type = CU_TENSOR_MAP_DATA_TYPE_FLOAT16;
  uint32_t rank = 2;
  void* address = nullptr;
  uint64_t sizes[5] = {256, 128, 1, 1, 1}, strides[4] = {512, 65536, 65536, 65536};
  uint32_t box[5] = {64, 32, 1, 1, 1}, elementStrides[5] = {1, 1, 1, 1, 1};
  CUtensorMapInterleave interleave = CU_TENSOR_MAP_INTERLEAVE_NONE;
  CUtensorMapSwizzle swizzle = CU_TENSOR_MAP_SWIZZLE_128B;
  CUtensorMapL2promotion promotion = CU_TENSOR_MAP_L2_PROMOTION_NONE;
  CUtensorMapFloatOOBfill fill = CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE;
  CUresult encode() {
    return cuTensorMapEncodeTiled(&map, type, rank, address, sizes, strides, box, elementStrides, interleave, swizzle, promotion, fill);
  }
};

TEST_F(Chapters, TensorMaps) {
  Tiled good;
  good.address = reinterpret_cast<void*>(allocate(1 << 16));
  ASSERT_OK(good.encode());
  abi::TensorMap map;
  std::memcpy(&map, good.map.opaque, sizeof(map));
  EXPECT_EQ(map.rank, 2);
  EXPECT_EQ(map.size[0], 255u);
  EXPECT_EQ(map.stride[0], 512u);
  EXPECT_EQ(map.box[1], 32);
  auto refused = [&](auto change) {
    Tiled bad = good;
    change(bad);
    return bad.encode();
  };
  EXPECT_INVALID(refused([](Tiled& t) { t.rank = 0; }));
  EXPECT_INVALID(refused([](Tiled& t) { t.rank = 6; }));
  EXPECT_INVALID(refused([](Tiled& t) { t.address = static_cast<char*>(t.address) + 8; }));
  EXPECT_INVALID(refused([](Tiled& t) { t.sizes[1] = 0; }));
  EXPECT_INVALID(refused([](Tiled& t) { t.sizes[1] = (uint64_t{1} << 32) + 1; }));
  EXPECT_INVALID(refused([](Tiled& t) { t.strides[0] = 520; }));
  EXPECT_INVALID(refused([](Tiled& t) { t.strides[0] = uint64_t{1} << 40; }));
  EXPECT_INVALID(refused([](Tiled& t) { t.box[1] = 257; }));
  EXPECT_INVALID(refused([](Tiled& t) { t.box[0] = 128; }));  // wider than the swizzle
  EXPECT_INVALID(refused([](Tiled& t) { t.box[0] = 4; }));    // 8 bytes
  EXPECT_INVALID(refused([](Tiled& t) { t.elementStrides[1] = 9; }));
  EXPECT_INVALID(refused([](Tiled& t) { t.type = static_cast<CUtensorMapDataType>(16); }));
  EXPECT_INVALID(refused([](Tiled& t) { t.interleave = CU_TENSOR_MAP_INTERLEAVE_16B; }));  // needs rank 3
  EXPECT_INVALID(refused([](Tiled& t) { t.type = CU_TENSOR_MAP_DATA_TYPE_UINT16, t.fill = CU_TENSOR_MAP_FLOAT_OOB_FILL_NAN_REQUEST_ZERO_FMA; }));
  EXPECT_OK(cuTensorMapReplaceAddress(&good.map, static_cast<char*>(good.address) + 64));
  EXPECT_INVALID(cuTensorMapReplaceAddress(&good.map, static_cast<char*>(good.address) + 8));
  EXPECT_INVALID(cuTensorMapReplaceAddress(nullptr, good.address));
  CUtensorMap empty{};
  EXPECT_INVALID(cuTensorMapReplaceAddress(&empty, good.address));
  int lower[] = {-1, -1}, upper[] = {1, 1};
  uint64_t sizes[] = {64, 16, 16, 4}, strides[] = {128, 2048, 32768};
  uint32_t ones[] = {1, 1, 1, 1};
  auto im2col = [&](uint32_t rank, uint32_t channels, uint32_t pixels) {
    return cuTensorMapEncodeIm2col(&good.map, CU_TENSOR_MAP_DATA_TYPE_FLOAT16, rank, good.address, sizes, strides, lower, upper, channels, pixels, ones,
                                   CU_TENSOR_MAP_INTERLEAVE_NONE, CU_TENSOR_MAP_SWIZZLE_128B, CU_TENSOR_MAP_L2_PROMOTION_NONE,
                                   CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
  };
  EXPECT_OK(im2col(4, 64, 128));
  EXPECT_INVALID(im2col(2, 64, 128));
  EXPECT_INVALID(im2col(4, 257, 128));
  EXPECT_INVALID(im2col(4, 64, 1025));
  lower[0] = -129;
  EXPECT_INVALID(im2col(4, 64, 128));
}

TEST_F(Chapters, ExternalMemoryIsMapped) {
  int file = memfd_create("external", MFD_CLOEXEC);
  ASSERT_EQ(ftruncate(file, 8192), 0);
  auto* own = static_cast<unsigned*>(mmap(nullptr, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0));
  own[1025] = 7;
  CUDA_EXTERNAL_MEMORY_HANDLE_DESC description{};
  description.type = CU_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_FD;
  description.handle.fd = file;
  description.size = 8192;
  CUexternalMemory memory = nullptr;
  ASSERT_OK(cuImportExternalMemory(&memory, &description));
  CUDA_EXTERNAL_MEMORY_BUFFER_DESC buffer{};
  buffer.offset = 4100;
  buffer.size = 64;
  CUdeviceptr pointer = 0, none = 0;
  ASSERT_OK(cuExternalMemoryGetMappedBuffer(&pointer, memory, &buffer));
  EXPECT_EQ(download<unsigned>(pointer, 1)[0], 7u);
  EXPECT_OK(cuMemsetD32_v2(pointer, 9, 16));
  EXPECT_EQ(own[1040], 9u);
  buffer.size = 8192;
  EXPECT_INVALID(cuExternalMemoryGetMappedBuffer(&none, memory, &buffer));
  EXPECT_INVALID(cuExternalMemoryGetMappedBuffer(nullptr, memory, &buffer));
  EXPECT_OK(cuDestroyExternalMemory(memory));
  EXPECT_EQ(cuDestroyExternalMemory(memory), CUDA_ERROR_INVALID_HANDLE);
  EXPECT_EQ(cuExternalMemoryGetMappedBuffer(&none, memory, &buffer), CUDA_ERROR_INVALID_HANDLE);
  EXPECT_OK(cuMemFree_v2(pointer));
  EXPECT_INVALID(cuMemFree_v2(pointer));
  description.handle.fd = -1;
  EXPECT_EQ(cuImportExternalMemory(&memory, &description), CUDA_ERROR_INVALID_HANDLE);
  description.type = static_cast<CUexternalMemoryHandleType>(2);
  EXPECT_EQ(cuImportExternalMemory(&memory, &description), CUDA_ERROR_NOT_SUPPORTED);
  EXPECT_INVALID(cuImportExternalMemory(&memory, nullptr));
  munmap(own, 8192);
}

TEST_F(Chapters, EventsOfAWholeContext) {
  CUmodule module = load(kernelsPtx);
  CUfunction poke = function(module, "poke");
  CUdeviceptr flag = allocate(4), target = allocate(4);
  EXPECT_OK(cuMemsetD32_v2(flag, 0, 1));
  CUevent all = nullptr, gate = nullptr;
  CUstream blocked = nullptr;
  EXPECT_OK(cuEventCreate(&all, CU_EVENT_DISABLE_TIMING));
  EXPECT_OK(cuEventCreate(&gate, CU_EVENT_DISABLE_TIMING));
  EXPECT_OK(cuStreamCreate(&blocked, CU_STREAM_NON_BLOCKING));
  EXPECT_OK(cuStreamWaitValue32_v2(blocked, flag, 1, CU_STREAM_WAIT_VALUE_EQ));
  EXPECT_OK(cuCtxRecordEvent(context, all));
  EXPECT_EQ(cuEventQuery(all), CUDA_ERROR_NOT_READY);  // one stream has not ended
  EXPECT_OK(cuEventRecord(gate, blocked));
  EXPECT_OK(cuCtxWaitEvent(context, gate));
  void* params[] = {&target};
  EXPECT_OK(cuLaunchKernel(poke, 1, 1, 1, 1, 1, 1, 0, stream, params, nullptr));
  EXPECT_EQ(cuStreamQuery(stream), CUDA_ERROR_NOT_READY);
  CUstream later = nullptr;
  EXPECT_OK(cuStreamCreate(&later, CU_STREAM_NON_BLOCKING));
  EXPECT_OK(cuLaunchKernel(poke, 1, 1, 1, 1, 1, 1, 0, later, params, nullptr));
  EXPECT_EQ(cuStreamQuery(later), CUDA_ERROR_NOT_READY);
  __atomic_store_n(reinterpret_cast<unsigned*>(flag), 1u, __ATOMIC_RELEASE);
  EXPECT_OK(cuEventSynchronize(all));
  EXPECT_OK(cuStreamSynchronize(stream));
  EXPECT_OK(cuStreamSynchronize(later));
  EXPECT_EQ(cuCtxRecordEvent(context, bogus<CUevent>()), CUDA_ERROR_INVALID_HANDLE);
  EXPECT_EQ(cuCtxRecordEvent(bogus<CUcontext>(), all), CUDA_ERROR_INVALID_CONTEXT);
  EXPECT_EQ(cuCtxWaitEvent(bogus<CUcontext>(), all), CUDA_ERROR_INVALID_CONTEXT);
  EXPECT_OK(cuStreamDestroy_v2(blocked));
  EXPECT_OK(cuStreamDestroy_v2(later));
  EXPECT_OK(cuEventDestroy_v2(all));
  EXPECT_EQ(cuCtxWaitEvent(context, all), CUDA_ERROR_INVALID_HANDLE);
  EXPECT_OK(cuEventDestroy_v2(gate));
}

TEST_F(Chapters, AttachedContextsGoWithTheLastUse) {
  CUcontext other = nullptr, same = nullptr, current = nullptr;
  ASSERT_OK(cuCtxCreate_v2(&other, 0, 0));
  EXPECT_OK(cuCtxAttach(&same, 0));
  EXPECT_EQ(same, other);
  EXPECT_INVALID(cuCtxAttach(&same, 1));
  EXPECT_OK(cuCtxDetach(other));
  EXPECT_OK(cuCtxGetCurrent(&current));
  EXPECT_EQ(current, other);
  EXPECT_OK(cuCtxDetach(other));
  EXPECT_EQ(cuCtxDetach(other), CUDA_ERROR_INVALID_CONTEXT);
  EXPECT_OK(cuCtxGetCurrent(&current));
  EXPECT_EQ(current, context);
}

TEST_F(Chapters, AtomicCapabilitiesAndNotifications) {
  CUatomicOperation operations[] = {CU_ATOMIC_OPERATION_INTEGER_ADD, CU_ATOMIC_OPERATION_FLOAT_ADD, CU_ATOMIC_OPERATION_CAS};
  unsigned capabilities[3] = {};
  EXPECT_OK(cuDeviceGetHostAtomicCapabilities(capabilities, operations, 3, 0));
  EXPECT_TRUE(capabilities[0] & CU_ATOMIC_CAPABILITY_SCALAR_64);
  EXPECT_TRUE(capabilities[1] & CU_ATOMIC_CAPABILITY_SCALAR_32);
  EXPECT_INVALID(cuDeviceGetHostAtomicCapabilities(nullptr, operations, 3, 0));
  EXPECT_INVALID(cuDeviceGetHostAtomicCapabilities(capabilities, operations, 0, 0));
  EXPECT_EQ(cuDeviceGetHostAtomicCapabilities(capabilities, operations, 3, 99), CUDA_ERROR_INVALID_DEVICE);
  EXPECT_EQ(cuDeviceGetP2PAtomicCapabilities(capabilities, operations, 3, 0, 0), CUDA_ERROR_INVALID_DEVICE);
  operations[0] = static_cast<CUatomicOperation>(77);
  EXPECT_INVALID(cuDeviceGetHostAtomicCapabilities(capabilities, operations, 3, 0));
  CUasyncCallbackHandle handle = nullptr;
  auto callback = [](CUasyncNotificationInfo*, void*, CUasyncCallbackHandle) {};
  EXPECT_OK(cuDeviceRegisterAsyncNotification(0, callback, nullptr, &handle));
  EXPECT_OK(cuDeviceUnregisterAsyncNotification(0, handle));
  EXPECT_INVALID(cuDeviceUnregisterAsyncNotification(0, handle));
  EXPECT_INVALID(cuDeviceRegisterAsyncNotification(0, nullptr, nullptr, &handle));
}

TEST_F(Chapters, AddressesOf32Bits) {
  CUdeviceptr_v1 pointer = 0, pitched = 0, base = 0;
  unsigned total = 0, free = 0, bytes = 0, pitch = 0;
  EXPECT_OK(cuDeviceTotalMem(&total, 0));
  EXPECT_OK(cuMemGetInfo(&free, &total));
  ASSERT_OK(cuMemAlloc(&pointer, 4096));
  ASSERT_OK(cuMemAllocPitch(&pitched, &pitch, 100, 4, 4));
  EXPECT_EQ(pitch, 512u);
  EXPECT_OK(cuMemGetAddressRange(&base, &bytes, pointer + 100));
  EXPECT_EQ(base, pointer);
  EXPECT_EQ(bytes, 4096u);
  unsigned values[4] = {1, 2, 3, 4}, back[4] = {};
  EXPECT_OK(cuMemcpyHtoD(pointer, values, sizeof(values)));
  EXPECT_OK(cuMemcpyDtoD(pointer + 1024, pointer, sizeof(values)));
  EXPECT_OK(cuMemcpyDtoH(back, pointer + 1024, sizeof(back)));
  EXPECT_EQ(std::memcmp(values, back, sizeof(values)), 0);
  EXPECT_OK(cuMemsetD32(pointer, 9, 4));
  CUDA_MEMCPY2D_v1 copy{};
  copy.srcMemoryType = CU_MEMORYTYPE_DEVICE;
  copy.srcDevice = pointer;
  copy.srcPitch = 8;
  copy.dstMemoryType = CU_MEMORYTYPE_HOST;
  copy.dstHost = back;
  copy.dstPitch = 8;
  copy.WidthInBytes = 8;
  copy.Height = 2;
  EXPECT_OK(cuMemcpy2D(&copy));
  EXPECT_EQ(back[3], 9u);
  EXPECT_INVALID(cuMemcpy2D(nullptr));
  EXPECT_INVALID(cuMemAlloc(nullptr, 4));
  EXPECT_INVALID(cuMemAlloc(&pointer, 0));
  EXPECT_OK(cuMemFree(pitched));
  EXPECT_OK(cuMemFree(pointer));
  EXPECT_INVALID(cuMemFree(pointer));
}

TEST_F(Chapters, SharedFunctionsAreNotFound) {
  CUlibrary library = nullptr;
  void* function = nullptr;
  ASSERT_OK(cuLibraryLoadData(&library, kernelsPtx, nullptr, nullptr, 0, nullptr, nullptr, 0));
  EXPECT_EQ(cuLibraryGetUnifiedFunction(&function, library, "nothing"), CUDA_ERROR_NOT_FOUND);
  EXPECT_INVALID(cuLibraryGetUnifiedFunction(nullptr, library, "nothing"));
  EXPECT_OK(cuLibraryUnload(library));
  EXPECT_EQ(cuLibraryGetUnifiedFunction(&function, library, "nothing"), CUDA_ERROR_INVALID_HANDLE);
}

TEST_F(Chapters, CooperativeLaunchOnOneDeviceOfSeveral) {
  CUmodule module = load(kernelsPtx);
  CUdeviceptr target = allocate(4);
  void* params[] = {&target};
  CUDA_LAUNCH_PARAMS launch{function(module, "poke"), 1, 1, 1, 1, 1, 1, 0, stream, params};
  EXPECT_OK(cuLaunchCooperativeKernelMultiDevice(&launch, 1, 0));
  EXPECT_OK(cuStreamSynchronize(stream));
  EXPECT_INVALID(cuLaunchCooperativeKernelMultiDevice(&launch, 0, 0));
  EXPECT_INVALID(cuLaunchCooperativeKernelMultiDevice(&launch, 1, 8));
  EXPECT_INVALID(cuLaunchCooperativeKernelMultiDevice(&launch, 99, 0));
  launch.hStream = nullptr;
  EXPECT_EQ(cuLaunchCooperativeKernelMultiDevice(&launch, 1, 0), CUDA_ERROR_INVALID_HANDLE);
}

// Many threads at once, each with what is its own, all against the same tables.
TEST_F(Chapters, ManyThreads) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 6; ++t) {
    threads.emplace_back([&, t] {
      EXPECT_OK(cuCtxSetCurrent(context));
      for (int i = 0; i < 30; ++i) {
        CUdeviceptr pointer = 0;
        CUipcMemHandle handle;
        CUlogIterator iterator = 0;
        CUevent event = nullptr;
        EXPECT_OK(cuMemAlloc_v2(&pointer, 100 + static_cast<size_t>(t) * 5000));
        EXPECT_OK(cuIpcGetMemHandle(&handle, pointer));
        EXPECT_EQ(cuIpcOpenMemHandle_v2(&pointer, handle, 1), CUDA_ERROR_INVALID_CONTEXT);
        EXPECT_OK(cuMemsetD8_v2(pointer, static_cast<unsigned char>(t), 100));
        EXPECT_OK(cuEventCreate(&event, CU_EVENT_INTERPROCESS | CU_EVENT_DISABLE_TIMING));
        EXPECT_OK(cuEventRecord(event, CU_STREAM_PER_THREAD));
        EXPECT_EQ(cuCtxRecordEvent(context, bogus<CUevent>()), CUDA_ERROR_INVALID_HANDLE);
        EXPECT_OK(cuEventSynchronize(event));
        EXPECT_OK(cuEventDestroy_v2(event));
        EXPECT_OK(cuLogsCurrent(&iterator, 0));
        EXPECT_OK(cuMemFree_v2(pointer));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace anywarp::test
