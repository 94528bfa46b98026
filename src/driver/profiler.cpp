// Driver API: Profiler Control. No profiler is ever attached, so starting and stopping its collection changes nothing.
// SPDX-License-Identifier: Apache-2.0
#include "driver/entry.h"

using namespace anywarp::driver;

CUresult cuProfilerInitialize(const char*, const char*, CUoutput_mode) {
  return call(__func__, [] { return CUDA_ERROR_NOT_SUPPORTED; });  // as drivers since CUDA 12 answer
}

CUresult cuProfilerStart() {
  return callInContext(__func__, [](Current&) { return CUDA_SUCCESS; });
}

CUresult cuProfilerStop() {
  return callInContext(__func__, [](Current&) { return CUDA_SUCCESS; });
}
