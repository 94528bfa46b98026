// Driver API: Module Management, Library Management, function attributes. SPDX-License-Identifier: Apache-2.0
#include <cstring>
#include <set>
#include <string>

#include "abi/fatbin.h"
#include "driver_fixture.h"
#include "kernels.h"

namespace anywarp::test {
namespace {

using Module = Driver;

constexpr const char* brokenPtx = ".version 7.8\n.target sm_80\n.address_size 64\n.visible .entry k( {";

// A fat binary with one uncompressed image.
std::vector<unsigned char> fatbin(abi::FatbinKind kind, const std::string& payload) {
  size_t padded = (payload.size() + 8) / 8 * 8;
  abi::FatbinHeader header{abi::fatbinHeaderMagic, 1, sizeof(abi::FatbinHeader), sizeof(abi::FatbinEntry) + padded};
  abi::FatbinEntry entry{};
  entry.kind = static_cast<uint16_t>(kind), entry.version = 0x101, entry.headerSize = sizeof(entry), entry.payloadSize = padded, entry.arch = 80;
  entry.flags = abi::fatbin64Bit | abi::fatbinLinux;
  std::vector<unsigned char> bytes(sizeof(header) + sizeof(entry) + padded);
  std::memcpy(bytes.data(), &header, sizeof(header));
  std::memcpy(bytes.data() + sizeof(header), &entry, sizeof(entry));
  std::memcpy(bytes.data() + sizeof(header) + sizeof(entry), payload.data(), payload.size());
  return bytes;
}

TEST_F(Module, FunctionsAreFoundByName) {
  CUmodule module = load(kernelsPtx);
  CUfunction found = nullptr;
  EXPECT_OK(cuModuleGetFunction(&found, module, "add"));
  EXPECT_EQ(cuModuleGetFunction(&found, module, "nope"), CUDA_ERROR_NOT_FOUND);
  EXPECT_INVALID(cuModuleGetFunction(&found, module, nullptr));
  EXPECT_EQ(cuModuleGetFunction(&found, bogus<CUmodule>(), "add"), CUDA_ERROR_INVALID_HANDLE);
  const char* name = nullptr;
  EXPECT_OK(cuFuncGetName(&name, function(module, "bump")));
  EXPECT_STREQ(name, "bump");
  CUmodule owner = nullptr;
  EXPECT_OK(cuFuncGetModule(&owner, function(module, "bump")));
  EXPECT_EQ(owner, module);
  EXPECT_OK(cuModuleUnload(module));
  EXPECT_EQ(cuModuleUnload(module), CUDA_ERROR_INVALID_HANDLE);
}

TEST_F(Module, FunctionsAreEnumerated) {
  CUmodule module = load(kernelsPtx);
  unsigned count = 0;
  EXPECT_OK(cuModuleGetFunctionCount(&count, module));
  EXPECT_EQ(count, 9u);
  std::vector<CUfunction> all(count);
  EXPECT_OK(cuModuleEnumerateFunctions(all.data(), count, module));
  EXPECT_EQ(std::set<CUfunction>(all.begin(), all.end()).size(), 9u);
  EXPECT_EQ(all[0], function(module, "add"));
  EXPECT_OK(cuModuleUnload(module));
}

TEST_F(Module, GlobalsAreInitialised) {
  CUmodule module = load(kernelsPtx);
  CUdeviceptr counter = 0, table = 0, pointers = 0;
  size_t bytes = 0;
  EXPECT_OK(cuModuleGetGlobal_v2(&counter, &bytes, module, "counter"));
  EXPECT_EQ(bytes, 4u);
  EXPECT_EQ(download<unsigned>(counter, 1)[0], 41u);
  EXPECT_OK(cuModuleGetGlobal_v2(&table, &bytes, module, "table"));
  EXPECT_EQ(bytes, 16u);
  EXPECT_EQ(download<unsigned char>(table, 16), (std::vector<unsigned char>{1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}));
  EXPECT_OK(cuModuleGetGlobal_v2(&pointers, nullptr, module, "pointers"));
  EXPECT_EQ(download<CUdeviceptr>(pointers, 2), (std::vector<CUdeviceptr>{counter, table}));
  EXPECT_EQ(cuModuleGetGlobal_v2(&counter, &bytes, module, "nope"), CUDA_ERROR_NOT_FOUND);
  EXPECT_OK(cuModuleUnload(module));
}

TEST_F(Module, EachModuleHasItsOwnGlobals) {
  CUmodule first = load(kernelsPtx), second = load(kernelsPtx);
  CUdeviceptr a = 0, b = 0;
  EXPECT_OK(cuModuleGetGlobal_v2(&a, nullptr, first, "counter"));
  EXPECT_OK(cuModuleGetGlobal_v2(&b, nullptr, second, "counter"));
  EXPECT_NE(a, b);
  EXPECT_OK(cuModuleUnload(first));
  EXPECT_OK(cuModuleUnload(second));
}

TEST_F(Module, BrokenImagesAreErrors) {
  CUmodule module = nullptr;
  EXPECT_EQ(cuModuleLoadData(&module, brokenPtx), CUDA_ERROR_INVALID_PTX);
  EXPECT_EQ(cuModuleLoadData(&module, "hello"), CUDA_ERROR_INVALID_IMAGE);
  EXPECT_EQ(cuModuleLoadData(&module, ""), CUDA_ERROR_INVALID_IMAGE);
  EXPECT_INVALID(cuModuleLoadData(&module, nullptr));
  EXPECT_INVALID(cuModuleLoadData(nullptr, kernelsPtx));
  EXPECT_EQ(cuModuleLoad(&module, "/no/such/file.ptx"), CUDA_ERROR_FILE_NOT_FOUND);
  EXPECT_EQ(cuModuleLoadData(&module, reinterpret_cast<const void*>(0x10)), CUDA_ERROR_INVALID_IMAGE);
}

TEST_F(Module, VersionsAndTargetsThatDoNotExist) {
  char log[512] = "";
  CUjit_option options[] = {CU_JIT_ERROR_LOG_BUFFER, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES};
  void* values[] = {log, reinterpret_cast<void*>(sizeof(log))};
  CUmodule module = nullptr;
  EXPECT_EQ(cuModuleLoadDataEx(&module, ".version 99.9\n.target sm_80\n.visible .entry k() { ret; }", 2, options, values), CUDA_ERROR_UNSUPPORTED_PTX_VERSION);
  EXPECT_NE(std::string(log).find("Unsupported .version 99.9; current version is '9.1'"), std::string::npos) << log;
  EXPECT_EQ(cuModuleLoadData(&module, ".version 7.8\n.target sm_999\n.visible .entry k() { ret; }"), CUDA_ERROR_INVALID_PTX);
}

TEST_F(Module, BrokenBodiesFailAtLoad) {
  CUmodule module = nullptr;
  EXPECT_EQ(cuModuleLoadData(&module, ".version 7.8\n.target sm_80\n.visible .entry k() { mov.u32 %undeclared, 5; ret; }"), CUDA_ERROR_INVALID_PTX);
  EXPECT_EQ(cuModuleLoadData(&module, ".version 7.8\n.target sm_80\n.visible .entry k() { .reg .b64 %d<2>; add.s32 %d0, %d1, 5; ret; }"),
            CUDA_ERROR_INVALID_PTX);
}

TEST_F(Module, UnknownInstructionsFailTheirKernelAtLaunch) {
  CUmodule module = load(".version 7.8\n.target sm_80\n.address_size 64\n.visible .entry bad() { frobnicate.b32; ret; }\n.visible .entry good() { ret; }");
  EXPECT_EQ(cuLaunchKernel(function(module, "bad"), 1, 1, 1, 1, 1, 1, 0, nullptr, nullptr, nullptr), CUDA_ERROR_NOT_SUPPORTED);
  EXPECT_OK(cuLaunchKernel(function(module, "good"), 1, 1, 1, 1, 1, 1, 0, nullptr, nullptr, nullptr));
  EXPECT_OK(cuCtxSynchronize());
  EXPECT_OK(cuModuleUnload(module));
}

TEST_F(Module, ErrorLogHoldsTheReason) {
  char log[512];
  std::memset(log, 'x', sizeof(log));
  CUjit_option options[] = {CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES, CU_JIT_ERROR_LOG_BUFFER};
  void* values[] = {reinterpret_cast<void*>(sizeof(log)), log};
  CUmodule module = nullptr;
  EXPECT_EQ(cuModuleLoadDataEx(&module, brokenPtx, 2, options, values), CUDA_ERROR_INVALID_PTX);
  EXPECT_GT(std::strlen(log), 4u);
  EXPECT_EQ(reinterpret_cast<size_t>(values[0]), std::strlen(log));
  values[0] = reinterpret_cast<void*>(8);
  EXPECT_EQ(cuModuleLoadDataEx(&module, brokenPtx, 2, options, values), CUDA_ERROR_INVALID_PTX);
  EXPECT_EQ(std::strlen(log), 7u);
}

TEST_F(Module, FatBinaryWithPtxLoads) {
  std::vector<unsigned char> bytes = fatbin(abi::FatbinKind::Ptx, kernelsPtx);
  CUmodule module = nullptr;
  EXPECT_OK(cuModuleLoadFatBinary(&module, bytes.data()));
  EXPECT_OK(cuModuleUnload(module));
  abi::FatbinWrapper wrapper{abi::fatbinWrapperMagic, 1, bytes.data(), nullptr};
  EXPECT_OK(cuModuleLoadData(&module, &wrapper));
  EXPECT_OK(cuModuleUnload(module));
}

TEST_F(Module, FatBinaryWithoutPtxSaysWhatHelps) {
  std::vector<unsigned char> bytes = fatbin(abi::FatbinKind::Cubin, "\x7f" "ELF");
  char log[512] = "";
  CUjit_option options[] = {CU_JIT_ERROR_LOG_BUFFER, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES};
  void* values[] = {log, reinterpret_cast<void*>(sizeof(log))};
  CUmodule module = nullptr;
  EXPECT_EQ(cuModuleLoadDataEx(&module, bytes.data(), 2, options, values), CUDA_ERROR_NO_BINARY_FOR_GPU);
  EXPECT_NE(std::string(log).find("sm_80"), std::string::npos) << log;
  EXPECT_NE(std::string(log).find("-gencode arch=compute_"), std::string::npos) << log;
}

// Loads 80 values and adds them up.
std::string manyValues() {
  std::string text = ".version 8.0\n.target sm_80\n.address_size 64\n.visible .entry many(.param .u64 p)\n{\n.reg .b64 %d<2>;\n.reg .b32 %r<81>;\n"
                     "ld.param.u64 %d1, [p];\n";
  for (int i = 0; i < 80; ++i) text += "ld.global.u32 %r" + std::to_string(i) + ", [%d1+" + std::to_string(4 * i) + "];\n";
  for (int i = 1; i < 80; ++i) text += "add.u32 %r0, %r0, %r" + std::to_string(i) + ";\n";
  return text + "st.global.u32 [%d1], %r0;\nret;\n}\n";
}

TEST_F(Module, RegistersFollowTheKernelAndItsLimits) {
  std::string text = manyValues();
  auto registers = [&](CUmodule module) {
    int value = 0;
    EXPECT_OK(cuFuncGetAttribute(&value, CU_FUNC_ATTRIBUTE_NUM_REGS, function(module, "many")));
    return value;
  };
  CUmodule module = load(text.c_str());
  EXPECT_GT(registers(module), 70);
  int blocks = 0;
  EXPECT_OK(cuOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, function(module, "many"), 256, 0));
  EXPECT_EQ(blocks, 2);  // of 65536 registers
  EXPECT_OK(cuModuleUnload(module));

  CUjit_option option = CU_JIT_MAX_REGISTERS;
  void* limit = reinterpret_cast<void*>(uintptr_t(40));
  ASSERT_OK(cuModuleLoadDataEx(&module, text.c_str(), 1, &option, &limit));
  EXPECT_EQ(registers(module), 40);
  EXPECT_OK(cuModuleUnload(module));

  CUlinkState link = nullptr;
  void* image = nullptr;
  size_t size = 0;
  ASSERT_OK(cuLinkCreate_v2(1, &option, &limit, &link));
  ASSERT_OK(cuLinkAddData_v2(link, CU_JIT_INPUT_PTX, text.data(), text.size() + 1, "many", 0, nullptr, nullptr));
  ASSERT_OK(cuLinkComplete(link, &image, &size));
  ASSERT_OK(cuModuleLoadData(&module, image));
  EXPECT_EQ(registers(module), 40);
  EXPECT_OK(cuModuleUnload(module));
  EXPECT_OK(cuLinkDestroy(link));
}

TEST_F(Module, Attributes) {
  CUmodule module = load(kernelsPtx);
  CUfunction statics = function(module, "statics");
  auto get = [&](CUfunction f, CUfunction_attribute attribute) {
    int value = -99;
    EXPECT_OK(cuFuncGetAttribute(&value, attribute, f)) << attribute;
    return value;
  };
  for (unsigned a = 0; a <= CU_FUNC_ATTRIBUTE_CLUSTER_SCHEDULING_POLICY_PREFERENCE; ++a) get(statics, static_cast<CUfunction_attribute>(a));
  EXPECT_EQ(get(statics, CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES), 4096);
  EXPECT_EQ(get(statics, CU_FUNC_ATTRIBUTE_LOCAL_SIZE_BYTES), 256);
  EXPECT_EQ(get(statics, CU_FUNC_ATTRIBUTE_CONST_SIZE_BYTES), 16);
  EXPECT_EQ(get(statics, CU_FUNC_ATTRIBUTE_PTX_VERSION), 80);
  EXPECT_EQ(get(statics, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES), 49152 - 4096);
  EXPECT_EQ(get(statics, CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK), 1024);
  EXPECT_EQ(get(function(module, "bounded"), CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK), 64);
  EXPECT_OK(cuFuncSetAttribute(statics, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, 60000));
  EXPECT_EQ(get(statics, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES), 60000);
  EXPECT_INVALID(cuFuncSetAttribute(statics, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, 1 << 30));
  EXPECT_INVALID(cuFuncSetAttribute(statics, CU_FUNC_ATTRIBUTE_NUM_REGS, 3));
  int value;
  EXPECT_INVALID(cuFuncGetAttribute(&value, static_cast<CUfunction_attribute>(99), statics));
  EXPECT_EQ(cuFuncGetAttribute(&value, CU_FUNC_ATTRIBUTE_NUM_REGS, bogus<CUfunction>()), CUDA_ERROR_INVALID_HANDLE);
  EXPECT_OK(cuModuleUnload(module));
}

TEST_F(Module, ParameterLayout) {
  CUmodule module = load(kernelsPtx);
  size_t offset = 0, size = 0;
  const size_t offsets[] = {0, 2, 8, 16}, sizes[] = {1, 6, 2, 8};
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_OK(cuFuncGetParamInfo(function(module, "params"), i, &offset, &size));
    EXPECT_EQ(offset, offsets[i]);
    EXPECT_EQ(size, sizes[i]);
  }
  EXPECT_INVALID(cuFuncGetParamInfo(function(module, "params"), 4, &offset, &size));
  EXPECT_OK(cuModuleUnload(module));
}

TEST_F(Module, LibraryOutlivesContexts) {
  CUlibrary library = nullptr, owner = nullptr;
  CUkernel kernel = nullptr;
  CUdeviceptr first = 0, second = 0, managed = 0;
  ASSERT_OK(cuLibraryLoadData(&library, kernelsPtx, nullptr, nullptr, 0, nullptr, nullptr, 0));
  EXPECT_OK(cuLibraryGetKernel(&kernel, library, "add"));
  EXPECT_OK(cuKernelGetLibrary(&owner, kernel));
  EXPECT_EQ(owner, library);
  EXPECT_OK(cuLibraryGetGlobal(&first, nullptr, library, "counter"));
  EXPECT_OK(cuMemsetD32_v2(first, 1000, 1));
  EXPECT_OK(cuLibraryGetManaged(&managed, nullptr, library, "shared_counter"));
  EXPECT_EQ(*reinterpret_cast<unsigned*>(managed), 5u);
  EXPECT_EQ(cuLibraryGetManaged(&managed, nullptr, library, "counter"), CUDA_ERROR_NOT_FOUND);
  CUcontext other = nullptr;
  ASSERT_OK(cuCtxCreate_v2(&other, 0, 0));
  EXPECT_OK(cuLibraryGetGlobal(&second, nullptr, library, "counter"));
  EXPECT_NE(first, second);
  EXPECT_EQ(download<unsigned>(second, 1)[0], 41u);
  EXPECT_OK(cuCtxDestroy_v2(other));
  EXPECT_EQ(download<unsigned>(first, 1)[0], 1000u);
  CUmodule module = nullptr, same = nullptr;
  EXPECT_OK(cuLibraryGetModule(&module, library));
  EXPECT_OK(cuLibraryGetModule(&same, library));
  EXPECT_EQ(module, same);
  EXPECT_OK(cuLibraryUnload(library));
  EXPECT_EQ(cuLibraryGetKernel(&kernel, library, "add"), CUDA_ERROR_INVALID_HANDLE);
  EXPECT_EQ(cuKernelGetLibrary(&owner, kernel), CUDA_ERROR_INVALID_HANDLE);
}

TEST_F(Module, PreservedLibraryFailsAtFirstUse) {
  std::vector<unsigned char> bytes = fatbin(abi::FatbinKind::Cubin, "\x7f" "ELF");
  CUlibraryOption option = CU_LIBRARY_BINARY_IS_PRESERVED;
  void* yes = reinterpret_cast<void*>(1);
  CUlibrary library = nullptr;
  CUkernel kernel = nullptr;
  EXPECT_OK(cuLibraryLoadData(&library, bytes.data(), nullptr, nullptr, 0, &option, &yes, 1));
  EXPECT_EQ(cuLibraryGetKernel(&kernel, library, "k"), CUDA_ERROR_NO_BINARY_FOR_GPU);
  EXPECT_OK(cuLibraryUnload(library));
  EXPECT_EQ(cuLibraryLoadData(&library, bytes.data(), nullptr, nullptr, 0, nullptr, nullptr, 0), CUDA_ERROR_NO_BINARY_FOR_GPU);
}

TEST_F(Module, KernelsAndFunctionsAreTheSameCode) {
  CUlibrary library = nullptr;
  CUkernel kernel = nullptr;
  CUfunction function = nullptr;
  ASSERT_OK(cuLibraryLoadData(&library, kernelsPtx, nullptr, nullptr, 0, nullptr, nullptr, 0));
  ASSERT_OK(cuLibraryGetKernel(&kernel, library, "statics"));
  ASSERT_OK(cuKernelGetFunction(&function, kernel));
  int a = 0, b = 0;
  EXPECT_OK(cuKernelGetAttribute(&a, CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES, kernel, 0));
  EXPECT_OK(cuFuncGetAttribute(&b, CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES, function));
  EXPECT_EQ(a, 4096);
  EXPECT_EQ(b, 4096);
  EXPECT_OK(cuFuncGetAttribute(&b, CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES, reinterpret_cast<CUfunction>(kernel)));
  unsigned count = 0;
  EXPECT_OK(cuLibraryGetKernelCount(&count, library));
  EXPECT_EQ(count, 9u);
  EXPECT_OK(cuLibraryUnload(library));
}

TEST_F(Module, LinkedModulesBecomeOne) {
  const char* user = ".version 7.8\n.target sm_80\n.address_size 64\n.extern .global .align 4 .u32 value;\n"
                     ".visible .global .align 8 .u64 pointer = value;\n.visible .entry k() { ret; }\n";
  const char* definer = ".version 7.8\n.target sm_80\n.address_size 64\n.visible .global .align 4 .u32 value = 77;\n";
  CUlinkState link = nullptr;
  void* image = nullptr;
  size_t size = 0;
  ASSERT_OK(cuLinkCreate_v2(0, nullptr, nullptr, &link));
  EXPECT_OK(cuLinkAddData_v2(link, CU_JIT_INPUT_PTX, const_cast<char*>(user), std::strlen(user) + 1, "user", 0, nullptr, nullptr));
  EXPECT_OK(cuLinkAddData_v2(link, CU_JIT_INPUT_PTX, const_cast<char*>(definer), std::strlen(definer) + 1, "definer", 0, nullptr, nullptr));
  EXPECT_OK(cuLinkComplete(link, &image, &size));
  EXPECT_GT(size, 10u);
  CUmodule module = load(static_cast<const char*>(image));
  CUdeviceptr value = 0, pointer = 0;
  EXPECT_OK(cuModuleGetGlobal_v2(&value, nullptr, module, "value"));
  EXPECT_OK(cuModuleGetGlobal_v2(&pointer, nullptr, module, "pointer"));
  EXPECT_EQ(download<unsigned>(value, 1)[0], 77u);
  EXPECT_EQ(download<CUdeviceptr>(pointer, 1)[0], value);
  EXPECT_OK(cuModuleUnload(module));
  EXPECT_OK(cuLinkDestroy(link));
  EXPECT_EQ(cuLinkDestroy(link), CUDA_ERROR_INVALID_HANDLE);
  CUmodule alone = nullptr;
  EXPECT_EQ(cuModuleLoadData(&alone, user), CUDA_ERROR_INVALID_PTX);
}

}  // namespace
}  // namespace anywarp::test
