// Opening libcuda.so.1 and finding its functions. SPDX-License-Identifier: Apache-2.0
#include "libs/cudart/driver.h"

#include <dlfcn.h>

#include <mutex>

namespace anywarp::cudart {
namespace {

struct State {
  std::once_flag once;
  cudaError_t error = cudaErrorInsufficientDriver;
  Driver calls;
};

// Leaked: runtime calls arrive after C++ destructors ran.
State& state() {
  static State& s = *new State;
  return s;
}

CUresult missingCall() { return static_cast<CUresult>(cudaErrorCallRequiresNewerDriver); }

void find(void* library, const char* name, void* slot) {
  void* address = dlsym(library, name);
  *static_cast<void**>(slot) = address ? address : reinterpret_cast<void*>(&missingCall);
}

cudaError_t open(Driver& calls) {
  // The run path of this library names its own folder; LD_LIBRARY_PATH goes before it.
  void* library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  if (!library) return cudaErrorInsufficientDriver;
#define DRIVER_CALL(name) find(library, #name, &calls.name);
#include "libs/cudart/driver_calls.def"
#undef DRIVER_CALL
  int version = 0;
  if (calls.cuDriverGetVersion(&version) != CUDA_SUCCESS || version < ANYWARP_CUDART_MAJOR * 1000)
    return cudaErrorInsufficientDriver;
  return static_cast<cudaError_t>(calls.cuInit(0));
}

}  // namespace

cudaError_t initDriver() {
  State& s = state();
  std::call_once(s.once, [&] { s.error = open(s.calls); });
  return s.error;
}

const Driver& driver() { return state().calls; }

}  // namespace anywarp::cudart
