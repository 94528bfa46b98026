// The runtime API over our driver, entered as compiled host code enters it: by registration of a hand-made fat binary.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

#include "abi/fatbin.h"
#include "libs/cudart/runtime_api.h"

namespace anywarp::cudart {

extern "C" {
void** __cudaRegisterFatBinary(void*);
void __cudaRegisterFatBinaryEnd(void**);
void __cudaUnregisterFatBinary(void**);
void __cudaRegisterFunction(void**, const char*, char*, const char*, int, void*, void*, dim3*, dim3*, int*);
void __cudaRegisterVar(void**, char*, char*, const char*, int, size_t, int, int);
void __cudaRegisterManagedVar(void**, void**, char*, const char*, int, size_t, int, int);
char __cudaInitModule(void**);
unsigned __cudaPushCallConfiguration(dim3, dim3, size_t, cudaStream_t);
cudaError_t __cudaPopCallConfiguration(dim3*, dim3*, size_t*, cudaStream_t*);
cudaError_t __cudaGetKernel(cudaKernel_t*, const void*);
cudaError_t __cudaLaunchKernel(cudaKernel_t, dim3, dim3, void**, size_t, cudaStream_t);
cudaError_t cudaLaunchKernel(const void*, dim3, dim3, void**, size_t, cudaStream_t);
cudaError_t cudaMalloc(void**, size_t);
cudaError_t cudaMallocPitch(void**, size_t*, size_t, size_t);
cudaError_t cudaFree(void*);
cudaError_t cudaMemcpy(void*, const void*, size_t, cudaMemcpyKind);
cudaError_t cudaMemcpyAsync(void*, const void*, size_t, cudaMemcpyKind, cudaStream_t);
cudaError_t cudaMemcpy2D(void*, size_t, const void*, size_t, size_t, size_t, cudaMemcpyKind);
cudaError_t cudaMemcpyToSymbol(const void*, const void*, size_t, size_t, cudaMemcpyKind);
cudaError_t cudaMemcpyFromSymbol(void*, const void*, size_t, size_t, cudaMemcpyKind);
cudaError_t cudaGetSymbolSize(size_t*, const void*);
cudaError_t cudaMemset(void*, int, size_t);
cudaError_t cudaDeviceSynchronize();
cudaError_t cudaDeviceReset();
cudaError_t cudaGetLastError();
cudaError_t cudaPeekAtLastError();
const char* cudaGetErrorName(cudaError_t);
cudaError_t cudaGetDeviceCount(int*);
cudaError_t cudaGetDevice(int*);
cudaError_t cudaSetDevice(int);
cudaError_t cudaSetValidDevices(int*, int);
cudaError_t cudaGetDeviceProperties(cudaDeviceProp*, int);
cudaError_t cudaDeviceGetAttribute(int*, CUdevice_attribute, int);
cudaError_t cudaStreamCreate(cudaStream_t*);
cudaError_t cudaStreamDestroy(cudaStream_t);
cudaError_t cudaStreamSynchronize(cudaStream_t);
cudaError_t cudaEventCreate(cudaEvent_t*);
cudaError_t cudaEventRecord(cudaEvent_t, cudaStream_t);
cudaError_t cudaEventSynchronize(cudaEvent_t);
cudaError_t cudaEventElapsedTime(float*, cudaEvent_t, cudaEvent_t);
cudaError_t cudaFuncGetAttributes(cudaFuncAttributes*, const void*);
cudaError_t cudaPointerGetAttributes(cudaPointerAttributes*, const void*);
cudaError_t cudaDeviceGetNvSciSyncAttributes(void*, int, int);
}

namespace {

constexpr const char* text = R"(
.version 7.0
.target sm_50
.address_size 64
.global .align 4 .b8 table[16];
.global .attribute(.managed) .align 4 .u32 shared_counter = 5;

.visible .entry add(.param .u64 a, .param .u64 b, .param .u64 c, .param .u32 n) {
  .reg .pred %p<2>; .reg .b32 %r<6>; .reg .b64 %rd<8>; .reg .f32 %f<4>;
  ld.param.u64 %rd1, [a]; ld.param.u64 %rd2, [b]; ld.param.u64 %rd3, [c]; ld.param.u32 %r1, [n];
  mov.u32 %r2, %ctaid.x; mov.u32 %r3, %ntid.x; mov.u32 %r4, %tid.x;
  mad.lo.s32 %r5, %r2, %r3, %r4;
  setp.ge.u32 %p1, %r5, %r1;
  @%p1 bra done;
  mul.wide.u32 %rd4, %r5, 4;
  add.s64 %rd5, %rd1, %rd4; add.s64 %rd6, %rd2, %rd4; add.s64 %rd7, %rd3, %rd4;
  ld.global.f32 %f1, [%rd5]; ld.global.f32 %f2, [%rd6];
  add.f32 %f3, %f1, %f2;
  st.global.f32 [%rd7], %f3;
done:
  ret;
}

.visible .entry bump() {
  .reg .b32 %r<3>;
  ld.global.u32 %r1, [shared_counter];
  add.u32 %r2, %r1, 1;
  st.global.u32 [shared_counter], %r2;
  ret;
}

.visible .entry die() {
  trap;
  ret;
}
)";

// A fat binary with one uncompressed PTX image, as fatbinary lays it out.
class FatBinary {
 public:
  explicit FatBinary(const std::string& ptx) {
    size_t payload = (ptx.size() + 8) & ~size_t{7};
    bytes_.resize(sizeof(abi::FatbinHeader) + sizeof(abi::FatbinEntry) + payload);
    abi::FatbinHeader header{abi::fatbinHeaderMagic, 1, sizeof(abi::FatbinHeader), sizeof(abi::FatbinEntry) + payload};
    abi::FatbinEntry entry{};
    entry.kind = static_cast<uint16_t>(abi::FatbinKind::Ptx);
    entry.version = 0x0101;
    entry.headerSize = sizeof entry;
    entry.payloadSize = payload;
    entry.codeVersionMajor = 7;
    entry.arch = 50;
    entry.flags = abi::fatbin64Bit | abi::fatbinLinux;
    std::memcpy(bytes_.data(), &header, sizeof header);
    std::memcpy(bytes_.data() + sizeof header, &entry, sizeof entry);
    std::memcpy(bytes_.data() + sizeof header + sizeof entry, ptx.data(), ptx.size());
    wrapper_ = {abi::fatbinWrapperMagic, 1, bytes_.data(), nullptr};
  }

  void* wrapper() { return &wrapper_; }

 private:
  std::vector<char> bytes_;
  abi::FatbinWrapper wrapper_;
};

// What nvcc would have made: host stubs and shadows, named by their addresses only.
char addStub, bumpStub, dieStub, absentStub, strangerStub;
char tableShadow[16];
unsigned* managedShadow;
void** handle;

char* mutableName(const char* name) { return const_cast<char*>(name); }

void registerFunction(char& stub, const char* name) {
  __cudaRegisterFunction(handle, &stub, mutableName(name), name, -1, nullptr, nullptr, nullptr, nullptr, nullptr);
}

struct Registration {
  Registration() {
    static FatBinary& binary = *new FatBinary(text);
    handle = __cudaRegisterFatBinary(binary.wrapper());
    registerFunction(addStub, "add");
    registerFunction(bumpStub, "bump");
    registerFunction(dieStub, "die");
    registerFunction(absentStub, "absent");
    __cudaRegisterVar(handle, tableShadow, mutableName("table"), "table", 0, 16, 0, 0);
    __cudaRegisterManagedVar(handle, reinterpret_cast<void**>(&managedShadow), mutableName("shared_counter"), "shared_counter",
                             0, 4, 0, 0);
    __cudaRegisterFatBinaryEnd(handle);
    std::atexit([] { __cudaUnregisterFatBinary(handle); });
  }
} registration;  // before main, like compiled code

cudaError_t launch(char& stub, dim3 grid, dim3 block, void** arguments = nullptr, cudaStream_t stream = nullptr) {
  return cudaLaunchKernel(&stub, grid, block, arguments, 0, stream);
}

class Cudart : public testing::Test {
 protected:
  void SetUp() override { cudaGetLastError(); }
};

struct Vectors {
  static constexpr unsigned n = 1000;
  std::vector<float> host = std::vector<float>(n), result = std::vector<float>(n);
  void *a = nullptr, *b = nullptr, *c = nullptr;

  Vectors() {
    std::iota(host.begin(), host.end(), 0.f);
    for (void** p : {&a, &b, &c}) EXPECT_EQ(cudaMalloc(p, n * 4), cudaSuccess);
    EXPECT_EQ(cudaMemcpy(a, host.data(), n * 4, cudaMemcpyHostToDevice), cudaSuccess);
    EXPECT_EQ(cudaMemcpy(b, a, n * 4, cudaMemcpyDeviceToDevice), cudaSuccess);
  }
  ~Vectors() {
    for (void* p : {a, b, c}) cudaFree(p);
  }
  void expectSum() {
    EXPECT_EQ(cudaMemcpy(result.data(), c, n * 4, cudaMemcpyDefault), cudaSuccess);
    for (unsigned i = 0; i < n; ++i) ASSERT_EQ(result[i], 2.f * i) << i;
  }
};

TEST_F(Cudart, LaunchesARegisteredKernel) {
  Vectors v;
  unsigned n = Vectors::n;
  void* arguments[] = {&v.a, &v.b, &v.c, &n};
  ASSERT_EQ(launch(addStub, {8}, {128}, arguments), cudaSuccess);
  v.expectSum();
}

TEST_F(Cudart, LaunchesAsTheStubsOf13Do) {
  Vectors v;
  unsigned n = Vectors::n;
  void* arguments[] = {&v.a, &v.b, &v.c, &n};
  ASSERT_EQ(__cudaPushCallConfiguration({8}, {128}, 0, nullptr), 0u);
  cudaKernel_t kernel = nullptr;
  ASSERT_EQ(__cudaGetKernel(&kernel, &addStub), cudaSuccess);
  dim3 grid, block;
  size_t shared = 1;
  cudaStream_t stream = nullptr;
  ASSERT_EQ(__cudaPopCallConfiguration(&grid, &block, &shared, &stream), cudaSuccess);
  EXPECT_EQ(grid.x, 8u);
  EXPECT_EQ(block.x, 128u);
  EXPECT_EQ(shared, 0u);
  ASSERT_EQ(__cudaLaunchKernel(kernel, grid, block, arguments, shared, stream), cudaSuccess);
  v.expectSum();
}

TEST_F(Cudart, PopWithoutPushIsAnError) {
  dim3 grid, block;
  size_t shared;
  cudaStream_t stream;
  EXPECT_EQ(__cudaPopCallConfiguration(&grid, &block, &shared, &stream), cudaErrorMissingConfiguration);
}

TEST_F(Cudart, KeepsTheLastErrorUntilItIsRead) {
  EXPECT_EQ(launch(strangerStub, {1}, {1}), cudaErrorInvalidDeviceFunction);
  EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
  EXPECT_EQ(cudaPeekAtLastError(), cudaErrorInvalidDeviceFunction);
  EXPECT_EQ(cudaGetLastError(), cudaErrorInvalidDeviceFunction);
  EXPECT_EQ(cudaGetLastError(), cudaSuccess);
}

TEST_F(Cudart, NamesWhatIsWrongWithALaunch) {
  EXPECT_EQ(launch(absentStub, {1}, {1}), cudaErrorInvalidDeviceFunction);
  EXPECT_EQ(launch(bumpStub, {1}, {2048}), cudaErrorInvalidConfiguration);
  EXPECT_EQ(launch(bumpStub, {0}, {1}), cudaErrorInvalidConfiguration);
  EXPECT_STREQ(cudaGetErrorName(cudaErrorInvalidConfiguration), "cudaErrorInvalidConfiguration");
}

TEST_F(Cudart, TheLastErrorBelongsToItsThread) {
  EXPECT_EQ(launch(strangerStub, {1}, {1}), cudaErrorInvalidDeviceFunction);
  std::atomic<int> other{-1};
  std::thread([&] { other = cudaGetLastError(); }).join();
  EXPECT_EQ(other, cudaSuccess);
  EXPECT_EQ(cudaGetLastError(), cudaErrorInvalidDeviceFunction);
}

TEST_F(Cudart, CopiesToAndFromSymbols) {
  const char in[] = "0123456789abcde";
  char out[16] = "";
  size_t size = 0;
  ASSERT_EQ(cudaGetSymbolSize(&size, tableShadow), cudaSuccess);
  EXPECT_EQ(size, 16u);
  ASSERT_EQ(cudaMemcpyToSymbol(tableShadow, in, 16, 0, cudaMemcpyHostToDevice), cudaSuccess);
  ASSERT_EQ(cudaMemcpyFromSymbol(out, tableShadow, 6, 10, cudaMemcpyDeviceToHost), cudaSuccess);
  EXPECT_STREQ(out, "abcde");
  EXPECT_EQ(cudaMemcpyToSymbol(tableShadow, in, 8, 9, cudaMemcpyHostToDevice), cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemcpyToSymbol(&strangerStub, in, 1, 0, cudaMemcpyHostToDevice), cudaErrorInvalidSymbol);
}

TEST_F(Cudart, ManagedVariablesAreTheSameMemory) {
  ASSERT_TRUE(__cudaInitModule(handle));
  ASSERT_NE(managedShadow, nullptr);
  unsigned before = *managedShadow;
  ASSERT_EQ(launch(bumpStub, {1}, {1}), cudaSuccess);
  ASSERT_EQ(cudaDeviceSynchronize(), cudaSuccess);
  EXPECT_EQ(*managedShadow, before + 1);
}

TEST_F(Cudart, AllocatingNothingSucceeds) {
  void* p = &p;
  EXPECT_EQ(cudaMalloc(&p, 0), cudaSuccess);
  EXPECT_EQ(p, nullptr);
  EXPECT_EQ(cudaFree(nullptr), cudaSuccess);
  EXPECT_EQ(cudaMalloc(nullptr, 4), cudaErrorInvalidValue);
}

TEST_F(Cudart, CopiesPitchedRows) {
  void* p = nullptr;
  size_t pitch = 0;
  ASSERT_EQ(cudaMallocPitch(&p, &pitch, 10, 4), cudaSuccess);
  ASSERT_GE(pitch, 10u);
  char in[4][12], out[4][11] = {};
  for (int y = 0; y < 4; ++y) std::memset(in[y], 'a' + y, 12);
  ASSERT_EQ(cudaMemcpy2D(p, pitch, in, 12, 10, 4, cudaMemcpyHostToDevice), cudaSuccess);
  ASSERT_EQ(cudaMemcpy2D(out, 11, p, pitch, 10, 4, cudaMemcpyDeviceToHost), cudaSuccess);
  for (int y = 0; y < 4; ++y) EXPECT_EQ(std::string(out[y]), std::string(10, 'a' + y));
  EXPECT_EQ(cudaMemcpy2D(p, 8, in, 12, 10, 4, cudaMemcpyHostToDevice), cudaErrorInvalidPitchValue);
  EXPECT_EQ(cudaFree(p), cudaSuccess);
}

TEST_F(Cudart, StreamsAndEvents) {
  cudaStream_t stream = nullptr;
  cudaEvent_t start = nullptr, stop = nullptr;
  ASSERT_EQ(cudaStreamCreate(&stream), cudaSuccess);
  ASSERT_EQ(cudaEventCreate(&start), cudaSuccess);
  ASSERT_EQ(cudaEventCreate(&stop), cudaSuccess);
  Vectors v;
  unsigned n = Vectors::n;
  void* arguments[] = {&v.a, &v.b, &v.c, &n};
  ASSERT_EQ(cudaEventRecord(start, stream), cudaSuccess);
  ASSERT_EQ(launch(addStub, {8}, {128}, arguments, stream), cudaSuccess);
  ASSERT_EQ(cudaEventRecord(stop, stream), cudaSuccess);
  ASSERT_EQ(cudaEventSynchronize(stop), cudaSuccess);
  float ms = -1;
  ASSERT_EQ(cudaEventElapsedTime(&ms, start, stop), cudaSuccess);
  EXPECT_GE(ms, 0.f);
  v.expectSum();
  EXPECT_EQ(cudaStreamDestroy(stream), cudaSuccess);
}

TEST_F(Cudart, PropertiesAgreeWithAttributes) {
  cudaDeviceProp prop;
  int value = 0;
  ASSERT_EQ(cudaGetDeviceProperties(&prop, 0), cudaSuccess);
  ASSERT_EQ(cudaDeviceGetAttribute(&value, CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT, 0), cudaSuccess);
  EXPECT_EQ(prop.multiProcessorCount, value);
  EXPECT_EQ(prop.warpSize, 32);
  EXPECT_EQ(prop.maxThreadsPerBlock, 1024);
  EXPECT_NE(prop.name[0], 0);
  EXPECT_EQ(cudaGetDeviceProperties(&prop, 9999), cudaErrorInvalidDevice);
  EXPECT_EQ(cudaSetDevice(-1), cudaErrorInvalidDevice);
}

TEST_F(Cudart, ValidDevicesAreAListOfDevices) {
  int devices[] = {0, 9999};
  EXPECT_EQ(cudaSetValidDevices(devices, 1), cudaSuccess);
  EXPECT_EQ(cudaSetValidDevices(nullptr, 0), cudaSuccess);
  EXPECT_EQ(cudaSetValidDevices(nullptr, 1), cudaErrorInvalidValue);
  EXPECT_EQ(cudaSetValidDevices(devices, -1), cudaErrorInvalidValue);
  EXPECT_EQ(cudaSetValidDevices(devices + 1, 1), cudaErrorInvalidDevice);
}

TEST_F(Cudart, TellsWhatAPointerIs) {
  void* p = nullptr;
  int host = 0;
  cudaPointerAttributes a;
  ASSERT_EQ(cudaMalloc(&p, 64), cudaSuccess);
  ASSERT_EQ(cudaPointerGetAttributes(&a, p), cudaSuccess);
  EXPECT_EQ(a.type, cudaMemoryTypeDevice);
  EXPECT_EQ(a.device, 0);
  ASSERT_EQ(cudaPointerGetAttributes(&a, &host), cudaSuccess);
  EXPECT_EQ(a.type, cudaMemoryTypeUnregistered);
  cudaFree(p);
}

TEST_F(Cudart, FunctionAttributes) {
  cudaFuncAttributes a;
  ASSERT_EQ(cudaFuncGetAttributes(&a, &addStub), cudaSuccess);
  EXPECT_EQ(a.maxThreadsPerBlock, 1024);
  EXPECT_EQ(a.sharedSizeBytes, 0u);
  EXPECT_EQ(cudaFuncGetAttributes(&a, &strangerStub), cudaErrorInvalidDeviceFunction);
}

TEST_F(Cudart, WhatIsMissingSaysSo) {
  EXPECT_EQ(cudaDeviceGetNvSciSyncAttributes(nullptr, 0, 0), cudaErrorNotSupported);
  EXPECT_EQ(cudaGetLastError(), cudaErrorNotSupported);
}

// Last: they end contexts.
TEST_F(Cudart, ZGoesOnAfterReset) {
  ASSERT_EQ(cudaDeviceReset(), cudaSuccess);
  Vectors v;
  unsigned n = Vectors::n;
  void* arguments[] = {&v.a, &v.b, &v.c, &n};
  ASSERT_EQ(launch(addStub, {8}, {128}, arguments), cudaSuccess);
  v.expectSum();
}

TEST_F(Cudart, ZFaultsStickUntilReset) {
  ASSERT_EQ(launch(dieStub, {1}, {32}), cudaSuccess);
  cudaError_t fault = cudaDeviceSynchronize();
  EXPECT_EQ(fault, cudaErrorLaunchFailure);
  void* p = nullptr;
  EXPECT_EQ(cudaMalloc(&p, 4), fault);
  EXPECT_EQ(cudaGetLastError(), fault);
  EXPECT_EQ(cudaGetLastError(), fault);
  EXPECT_EQ(cudaDeviceReset(), cudaSuccess);
  EXPECT_EQ(cudaGetLastError(), cudaSuccess);
  EXPECT_EQ(cudaMalloc(&p, 4), cudaSuccess);
}

}  // namespace
}  // namespace anywarp::cudart
