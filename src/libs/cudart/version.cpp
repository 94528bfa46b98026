// Version Management, Driver Entry Point Access, Profiler Control. SPDX-License-Identifier: Apache-2.0
#include "libs/cudart/context.h"

namespace anywarp::cudart {
namespace {

constexpr int runtimeVersion = ANYWARP_CUDART_MAJOR >= 13 ? 13000 : ANYWARP_CUDART_MAJOR == 12 ? 12090 : 11080;

cudaError_t entryPoint(const char* symbol, void** function, int version, unsigned long long flags, int* status) {
  return inDriver([&]() -> cudaError_t {
    auto found = CU_GET_PROC_ADDRESS_SUCCESS;
    CUresult result = driver().cuGetProcAddress_v2(symbol, function, version, flags, &found);
    if (status) *status = found;
    if (result == CUDA_ERROR_NOT_FOUND && status) return cudaSuccess;
    if (result == CUDA_SUCCESS && !*function && !status) return cudaErrorSymbolNotFound;
    return asError(result);
  });
}

// Flag 0 means: as this unit was compiled.
unsigned long long perThreadDefault(unsigned long long flags) {
  return flags ? flags : uint64_t{CU_GET_PROC_ADDRESS_PER_THREAD_DEFAULT_STREAM};
}

}  // namespace

// Zero without a driver, as documented.
ANYWARP_RUNTIME cudaError_t cudaDriverGetVersion(int* version) {
  if (!version) return record(cudaErrorInvalidValue);
  *version = 0;
  if (initDriver() == cudaErrorInsufficientDriver) return cudaSuccess;
  return inDriver([&] { return driver().cuDriverGetVersion(version); });
}

ANYWARP_RUNTIME cudaError_t cudaRuntimeGetVersion(int* version) {
  if (!version) return record(cudaErrorInvalidValue);
  *version = runtimeVersion;
  return cudaSuccess;
}

ANYWARP_RUNTIME cudaError_t cudaGetDriverEntryPoint(const char* symbol, void** function, unsigned long long flags,
                                                    int* status) {
  return entryPoint(symbol, function, runtimeVersion, flags, status);
}

ANYWARP_RUNTIME cudaError_t cudaGetDriverEntryPoint_ptsz(const char* symbol, void** function, unsigned long long flags,
                                                         int* status) {
  return entryPoint(symbol, function, runtimeVersion, perThreadDefault(flags), status);
}

#if ANYWARP_CUDART_MAJOR >= 12
ANYWARP_RUNTIME cudaError_t cudaGetDriverEntryPointByVersion(const char* symbol, void** function, unsigned version,
                                                             unsigned long long flags, int* status) {
  return entryPoint(symbol, function, static_cast<int>(version), flags, status);
}

ANYWARP_RUNTIME cudaError_t cudaGetDriverEntryPointByVersion_ptsz(const char* symbol, void** function, unsigned version,
                                                                  unsigned long long flags, int* status) {
  return entryPoint(symbol, function, static_cast<int>(version), perThreadDefault(flags), status);
}
#endif

ANYWARP_RUNTIME cudaError_t cudaProfilerStart() {
  return inContext([] { return driver().cuProfilerStart(); });
}

ANYWARP_RUNTIME cudaError_t cudaProfilerStop() {
  return inContext([] { return driver().cuProfilerStop(); });
}

}  // namespace anywarp::cudart
