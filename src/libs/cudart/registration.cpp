// The functions that constructors and launch stubs of compiled host code call. SPDX-License-Identifier: Apache-2.0
#include <vector>

#include "libs/cudart/context.h"
#include "libs/cudart/launch.h"
#include "libs/cudart/registry.h"

namespace anywarp::cudart {
namespace {

FatBinary* fromHandle(void** handle) { return reinterpret_cast<FatBinary*>(handle); }

struct CallConfiguration {
  dim3 grid, block;
  size_t shared = 0;
  cudaStream_t stream = nullptr;
};

// What <<< >>> pushes and the stub pops; nested when an argument's evaluation launches. Leaked with its thread.
std::vector<CallConfiguration>& pending() {
  static thread_local auto* stack = new std::vector<CallConfiguration>;
  return *stack;
}

}  // namespace

ANYWARP_RUNTIME void** __cudaRegisterFatBinary(void* wrapper) { return reinterpret_cast<void**>(addFatBinary(wrapper)); }

ANYWARP_RUNTIME void __cudaRegisterFatBinaryEnd(void**) {}

ANYWARP_RUNTIME void __cudaUnregisterFatBinary(void** handle) { removeFatBinary(fromHandle(handle)); }

ANYWARP_RUNTIME void __cudaRegisterFunction(void** handle, const char* hostFun, char*, const char* deviceName, int, void*,
                                            void*, dim3*, dim3*, int*) {
  addKernel(fromHandle(handle), hostFun, deviceName);
}

ANYWARP_RUNTIME void __cudaRegisterVar(void** handle, char* hostVar, char*, const char* deviceName, int, size_t size, int,
                                       int) {
  addVariable(fromHandle(handle), hostVar, deviceName, size);
}

ANYWARP_RUNTIME void __cudaRegisterManagedVar(void** handle, void** hostVarPtrAddress, char*, const char* deviceName, int,
                                              size_t size, int, int) {
  addManagedVariable(fromHandle(handle), hostVarPtrAddress, deviceName, size);
}

ANYWARP_RUNTIME char __cudaInitModule(void** handle) {
  return inContext([&] { return load(fromHandle(handle)); }) == cudaSuccess;
}

ANYWARP_RUNTIME unsigned __cudaPushCallConfiguration(dim3 grid, dim3 block, size_t shared, cudaStream_t stream) {
  pending().push_back({grid, block, shared, stream});
  return 0;
}

ANYWARP_RUNTIME cudaError_t __cudaPopCallConfiguration(dim3* grid, dim3* block, size_t* shared, cudaStream_t* stream) {
  if (pending().empty()) return record(cudaErrorMissingConfiguration);
  CallConfiguration& top = pending().back();
  *grid = top.grid;
  *block = top.block;
  *shared = top.shared;
  *stream = top.stream;
  pending().pop_back();
  return cudaSuccess;
}

#if ANYWARP_CUDART_MAJOR >= 12
// The handle between these two is our own record, so that a kernel that cannot be loaded says why at every launch.
ANYWARP_RUNTIME cudaError_t __cudaGetKernel(cudaKernel_t* handle, const void* hostFun) {
  *handle = reinterpret_cast<cudaKernel_t>(findKernel(hostFun));
  return *handle ? cudaSuccess : record(cudaErrorInvalidDeviceFunction);
}

ANYWARP_RUNTIME cudaError_t __cudaLaunchKernel(cudaKernel_t handle, dim3 grid, dim3 block, void** args, size_t shared,
                                               cudaStream_t stream) {
  return launch(reinterpret_cast<Kernel*>(handle), {grid, block, shared, stream}, args);
}

ANYWARP_RUNTIME cudaError_t __cudaLaunchKernel_ptsz(cudaKernel_t handle, dim3 grid, dim3 block, void** args,
                                                    size_t shared, cudaStream_t stream) {
  return launch(reinterpret_cast<Kernel*>(handle), {grid, block, shared, perThread(stream)}, args);
}
#endif

}  // namespace anywarp::cudart
