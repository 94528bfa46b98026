// The few driver calls that our examples and benchmarks make, opened from libcuda.so.1 at run time: the same program runs on
// anywarp and on a GPU's driver. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <dlfcn.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

using CUresult = int;
using CUdevice = int;
using CUdeviceptr = unsigned long long;
using CUcontext = struct CUctx_st*;
using CUmodule = struct CUmod_st*;
using CUfunction = struct CUfunc_st*;
using CUstream = struct CUstream_st*;
using CUevent = struct CUevent_st*;
using CUgraph = struct CUgraph_st*;
using CUgraphExec = struct CUgraphExec_st*;

// Name in our code, exported symbol, parameters.
#define DRIVER_CALLS(X)                                                                                                    \
  X(cuInit, "cuInit", (unsigned))                                                                                          \
  X(cuGetErrorString, "cuGetErrorString", (CUresult, const char**))                                                        \
  X(cuDeviceGet, "cuDeviceGet", (CUdevice*, int))                                                                          \
  X(cuDeviceGetName, "cuDeviceGetName", (char*, int, CUdevice))                                                            \
  X(cuDevicePrimaryCtxRetain, "cuDevicePrimaryCtxRetain", (CUcontext*, CUdevice))                                          \
  X(cuDevicePrimaryCtxRelease, "cuDevicePrimaryCtxRelease_v2", (CUdevice))                                                 \
  X(cuCtxSetCurrent, "cuCtxSetCurrent", (CUcontext))                                                                       \
  X(cuCtxSynchronize, "cuCtxSynchronize", ())                                                                              \
  X(cuModuleLoadData, "cuModuleLoadData", (CUmodule*, const void*))                                                        \
  X(cuModuleUnload, "cuModuleUnload", (CUmodule))                                                                          \
  X(cuModuleGetFunction, "cuModuleGetFunction", (CUfunction*, CUmodule, const char*))                                      \
  X(cuMemAlloc, "cuMemAlloc_v2", (CUdeviceptr*, size_t))                                                                   \
  X(cuMemFree, "cuMemFree_v2", (CUdeviceptr))                                                                              \
  X(cuMemcpyHtoD, "cuMemcpyHtoD_v2", (CUdeviceptr, const void*, size_t))                                                   \
  X(cuMemcpyDtoH, "cuMemcpyDtoH_v2", (void*, CUdeviceptr, size_t))                                                         \
  X(cuMemsetD8, "cuMemsetD8_v2", (CUdeviceptr, unsigned char, size_t))                                                     \
  X(cuEventCreate, "cuEventCreate", (CUevent*, unsigned))                                                                  \
  X(cuEventRecord, "cuEventRecord", (CUevent, CUstream))                                                                   \
  X(cuEventSynchronize, "cuEventSynchronize", (CUevent))                                                                   \
  X(cuEventElapsedTime, "cuEventElapsedTime", (float*, CUevent, CUevent))                                                  \
  X(cuEventDestroy, "cuEventDestroy_v2", (CUevent))                                                                        \
  X(cuStreamCreate, "cuStreamCreate", (CUstream*, unsigned))                                                               \
  X(cuStreamSynchronize, "cuStreamSynchronize", (CUstream))                                                                \
  X(cuStreamDestroy, "cuStreamDestroy_v2", (CUstream))                                                                     \
  X(cuStreamBeginCapture, "cuStreamBeginCapture_v2", (CUstream, unsigned))                                                 \
  X(cuStreamEndCapture, "cuStreamEndCapture", (CUstream, CUgraph*))                                                        \
  X(cuGraphInstantiate, "cuGraphInstantiateWithFlags", (CUgraphExec*, CUgraph, unsigned long long))                        \
  X(cuGraphLaunch, "cuGraphLaunch", (CUgraphExec, CUstream))                                                               \
  X(cuGraphExecDestroy, "cuGraphExecDestroy", (CUgraphExec))                                                               \
  X(cuGraphDestroy, "cuGraphDestroy", (CUgraph))                                                                           \
  X(cuLaunchKernel, "cuLaunchKernel",                                                                                      \
    (CUfunction, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, CUstream, void**, void**))

struct Driver {
#define DRIVER_MEMBER(name, symbol, parameters) CUresult(*name) parameters = nullptr;
  DRIVER_CALLS(DRIVER_MEMBER)
#undef DRIVER_MEMBER
};

// The driver, opened at the first use; ends the program with a message when there is none.
inline const Driver& driver() {
  static const Driver calls = [] {
    Driver d;
    void* library = dlopen("libcuda.so.1", RTLD_NOW);
    if (!library) {
      std::fprintf(stderr, "error: no CUDA driver: %s\nStart this program with `anywarp run`.\n", dlerror());
      std::exit(2);
    }
#define DRIVER_SYMBOL(name, symbol, parameters)                             \
  d.name = reinterpret_cast<CUresult(*) parameters>(dlsym(library, symbol)); \
  if (!d.name) {                                                            \
    std::fprintf(stderr, "error: the CUDA driver lacks %s\n", symbol);      \
    std::exit(2);                                                           \
  }
    DRIVER_CALLS(DRIVER_SYMBOL)
#undef DRIVER_SYMBOL
    return d;
  }();
  return calls;
}

inline void check(CUresult result, const char* what) {
  if (result == 0) return;
  const char* text = nullptr;
  driver().cuGetErrorString(result, &text);
  std::fprintf(stderr, "error: %s: %d (%s)\n", what, result, text ? text : "unknown");
  std::exit(1);
}
#define CU(call) check(driver().call, #call)

inline std::string readText(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) {
    std::fprintf(stderr, "error: cannot read %s\n", path.c_str());
    std::exit(1);
  }
  return {std::istreambuf_iterator<char>(in), {}};
}

// Device memory that is freed with its scope.
template <class T>
class Buffer {
 public:
  explicit Buffer(size_t count) : count_(count) { CU(cuMemAlloc(&address_, count * sizeof(T))); }
  ~Buffer() { driver().cuMemFree(address_); }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  CUdeviceptr* argument() { return &address_; }
  CUdeviceptr address() const { return address_; }
  void upload(const T* from) { CU(cuMemcpyHtoD(address_, from, count_ * sizeof(T))); }
  void download(T* to) const { CU(cuMemcpyDtoH(to, address_, count_ * sizeof(T))); }

 private:
  CUdeviceptr address_ = 0;
  size_t count_;
};
