// Every name of the table is exported and found by cuGetProcAddress as documented. SPDX-License-Identifier: Apache-2.0
#include <dlfcn.h>

#include <cstring>
#include <string>

#include "abi/driver_table.h"
#include "driver_fixture.h"

namespace anywarp::test {
namespace {

struct Row {
  const char* base;
  int version;
  const char* symbol;
  bool perThread;
  bool done;
};

constexpr bool Plain = false, PerThread = true, Missing = false, Done = true;
const Row rows[] = {
#define ANYWARP_API(base, version, symbol, stream, support) {#base, version, #symbol, stream, support},
#include "driver/api.def"
#undef ANYWARP_API
};

void* exported(const char* symbol) {
  static void* library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_NOLOAD);
  return dlsym(library, symbol);
}

void* find(const char* name, int version, uint64_t flags, CUdriverProcAddressQueryResult* status = nullptr) {
  void* function = nullptr;
  EXPECT_OK(cuGetProcAddress_v2(name, &function, version, flags, status));
  return function;
}

TEST(EntryPoints, EveryRowIsExported) {
  for (const Row& row : rows) EXPECT_NE(exported(row.symbol), nullptr) << row.symbol;
}

TEST(EntryPoints, EveryRowIsFoundByNameAndVersion) {
  for (const Row& row : rows) {
    uint64_t flags = row.perThread ? CU_GET_PROC_ADDRESS_PER_THREAD_DEFAULT_STREAM : CU_GET_PROC_ADDRESS_DEFAULT;
    EXPECT_EQ(find(row.base, row.version, flags), exported(row.symbol)) << row.base << " " << row.version;
  }
}

TEST(EntryPoints, NewestVersionNotAboveTheRequestedOne) {
  EXPECT_EQ(find("cuCtxCreate", 13000, 0), exported("cuCtxCreate_v4"));
  EXPECT_EQ(find("cuCtxCreate", 12049, 0), exported("cuCtxCreate_v3"));
  EXPECT_EQ(find("cuCtxCreate", 11039, 0), exported("cuCtxCreate_v2"));
  EXPECT_EQ(find("cuCtxCreate", 2000, 0), exported("cuCtxCreate"));
  EXPECT_EQ(find("cuEventElapsedTime", 12080, 0), exported("cuEventElapsedTime_v2"));
  EXPECT_EQ(find("cuStreamGetCaptureInfo", 11030, 0), exported("cuStreamGetCaptureInfo_v2"));
}

TEST(EntryPoints, PerThreadFlagPicksTheTwinWhereThereIsOne) {
  EXPECT_EQ(find("cuMemcpyHtoD", 7000, 2), exported("cuMemcpyHtoD_v2_ptds"));
  EXPECT_EQ(find("cuMemcpyHtoD", 7000, 0), exported("cuMemcpyHtoD_v2"));
  EXPECT_EQ(find("cuMemcpyHtoD", 7000, 1), exported("cuMemcpyHtoD_v2"));
  EXPECT_EQ(find("cuLaunchKernel", 13000, 2), exported("cuLaunchKernel_ptsz"));
  EXPECT_EQ(find("cuMemAlloc", 13000, 2), exported("cuMemAlloc_v2"));
}

TEST(EntryPoints, StatusSaysWhyNothingWasFound) {
  CUdriverProcAddressQueryResult status;
  EXPECT_EQ(find("cuNoSuchFunction", 13000, 0, &status), nullptr);
  EXPECT_EQ(status, CU_GET_PROC_ADDRESS_SYMBOL_NOT_FOUND);
  EXPECT_EQ(find("cuLaunchKernelEx", 11000, 0, &status), nullptr);
  EXPECT_EQ(status, CU_GET_PROC_ADDRESS_VERSION_NOT_SUFFICIENT);
  EXPECT_NE(find("cuInit", 13000, 0, &status), nullptr);
  EXPECT_EQ(status, CU_GET_PROC_ADDRESS_SUCCESS);
}

TEST(EntryPoints, ArgumentsAreChecked) {
  void* function;
  EXPECT_INVALID(cuGetProcAddress_v2(nullptr, &function, 13000, 0, nullptr));
  EXPECT_INVALID(cuGetProcAddress_v2("cuInit", nullptr, 13000, 0, nullptr));
  EXPECT_INVALID(cuGetProcAddress_v2("cuInit", &function, 13000, 8, nullptr));
  EXPECT_INVALID(cuGetProcAddress_v2("cuInit", &function, 99000, 0, nullptr));
}

TEST(EntryPoints, MissingFunctionsSayNotSupported) {
  for (const Row& row : rows) {
    if (row.done) continue;
    auto function = reinterpret_cast<CUresult (*)()>(exported(row.symbol));
    ASSERT_NE(function, nullptr) << row.symbol;
    EXPECT_EQ(function(), CUDA_ERROR_NOT_SUPPORTED) << row.symbol;
  }
}

TEST(EntryPoints, OwnExportTableListsTheApi) {
  const void* found = nullptr;
  ASSERT_OK(cuGetExportTable(&found, &abi::driverTableId));
  auto* table = static_cast<const abi::DriverTable*>(found);
  EXPECT_EQ(table->size, sizeof(abi::DriverTable));
  ASSERT_EQ(table->apiCount(), std::size(rows));
  abi::DriverApiRow row;
  table->apiRow(0, &row);
  EXPECT_STREQ(row.symbol, "cuInit");
  EXPECT_EQ(row.implemented, 1);
}

TEST(EntryPoints, ForeignExportTablesAreNotServed) {
  const void* table = &rows;
  CUuuid id{};
  std::memset(id.bytes, 0x5a, sizeof(id.bytes));
  EXPECT_INVALID(cuGetExportTable(&table, &id));
  EXPECT_EQ(table, nullptr);
}

TEST(EntryPoints, NothingElseIsExported) {
  EXPECT_EQ(exported("LLVMContextCreate"), nullptr);
  EXPECT_EQ(exported("_ZN7anywarp7versionEv"), nullptr);
}

}  // namespace
}  // namespace anywarp::test
