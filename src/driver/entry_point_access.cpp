// Driver API: Driver Entry Point Access; Version Management. SPDX-License-Identifier: Apache-2.0
#include <cstdio>

#include "abi/cuda.h"
#include "driver/api_table.h"
#include "driver/process.h"
#include "support/options.h"

using namespace anywarp;
using namespace anywarp::driver;

namespace {

constexpr uint64_t lookupFlags = CU_GET_PROC_ADDRESS_LEGACY_STREAM | CU_GET_PROC_ADDRESS_PER_THREAD_DEFAULT_STREAM;

// "13.4" -> 13040; programs that compare it with the toolkit they were built by decide so whether they hand over PTX.
int toldVersion() {
  static const int told = [] {
    int major = 0, minor = 0;
    bool good = std::sscanf(options::driverVersion().c_str(), "%d.%d", &major, &minor) >= 1;
    return good && major >= 11 && major < 100 && minor >= 0 && minor < 10 ? major * 1000 + minor * 10 : driverVersion;
  }();
  return told;
}

// The newest row that is not newer than `version`; per-thread rows only where the flags ask, and then before plain ones.
const ApiEntry* newestAtMost(std::span<const ApiEntry> rows, int version, uint64_t flags) {
  bool perThread = flags & CU_GET_PROC_ADDRESS_PER_THREAD_DEFAULT_STREAM;
  const ApiEntry* best = nullptr;
  const ApiEntry* plain = nullptr;
  for (const ApiEntry& row : rows) {
    if (row.version > version) continue;
    if (row.stream == DefaultStream::Plain) {
      if (!plain || row.version >= plain->version) best = plain = &row;
    } else if (perThread && plain) {
      best = &row;  // twins stand right after the plain row that they belong to
    }
  }
  return best;
}

}  // namespace

CUresult cuGetProcAddress_v2(const char* symbol, void** function, int version, uint64_t flags, CUdriverProcAddressQueryResult* status) {
  if (!symbol || !function || (flags & ~lookupFlags) || version > toldVersion()) return CUDA_ERROR_INVALID_VALUE;
  std::span<const ApiEntry> rows = apiVersions(symbol);
  const ApiEntry* row = newestAtMost(rows, version, flags);
  *function = row ? row->function : nullptr;
  if (status) {
    *status = row ? CU_GET_PROC_ADDRESS_SUCCESS
                  : rows.empty() ? CU_GET_PROC_ADDRESS_SYMBOL_NOT_FOUND : CU_GET_PROC_ADDRESS_VERSION_NOT_SUFFICIENT;
  }
  return CUDA_SUCCESS;
}

CUresult cuGetProcAddress(const char* symbol, void** function, int version, uint64_t flags) {
  CUresult result = cuGetProcAddress_v2(symbol, function, version, flags, nullptr);
  return result == CUDA_SUCCESS && !*function ? CUDA_ERROR_NOT_FOUND : result;
}

CUresult cuDriverGetVersion(int* version) {
  if (!version) return CUDA_ERROR_INVALID_VALUE;
  *version = toldVersion();
  return CUDA_SUCCESS;
}
