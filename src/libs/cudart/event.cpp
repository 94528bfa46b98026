// Event Management. SPDX-License-Identifier: Apache-2.0
#include "libs/cudart/context.h"

namespace anywarp::cudart {

ANYWARP_RUNTIME cudaError_t cudaEventCreate(cudaEvent_t* event) {
  return inContext([&] { return driver().cuEventCreate(event, 0); });
}

ANYWARP_RUNTIME cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned flags) {
  return inContext([&] { return driver().cuEventCreate(event, flags); });
}

ANYWARP_RUNTIME cudaError_t cudaEventDestroy(cudaEvent_t event) {
  return inContext([&] { return driver().cuEventDestroy_v2(event); });
}

ANYWARP_RUNTIME cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  return inContext([&] { return driver().cuEventRecord(event, stream); });
}

ANYWARP_RUNTIME cudaError_t cudaEventRecord_ptsz(cudaEvent_t event, cudaStream_t stream) {
  return cudaEventRecord(event, perThread(stream));
}

ANYWARP_RUNTIME cudaError_t cudaEventRecordWithFlags(cudaEvent_t event, cudaStream_t stream, unsigned flags) {
  return inContext([&] { return driver().cuEventRecordWithFlags(event, stream, flags); });
}

ANYWARP_RUNTIME cudaError_t cudaEventRecordWithFlags_ptsz(cudaEvent_t event, cudaStream_t stream, unsigned flags) {
  return cudaEventRecordWithFlags(event, perThread(stream), flags);
}

ANYWARP_RUNTIME cudaError_t cudaEventQuery(cudaEvent_t event) {
  return inContext([&] { return driver().cuEventQuery(event); });
}

ANYWARP_RUNTIME cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  return inContext([&] { return driver().cuEventSynchronize(event); });
}

ANYWARP_RUNTIME cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t start, cudaEvent_t end) {
  return inContext([&] { return driver().cuEventElapsedTime(milliseconds, start, end); });
}

#if ANYWARP_CUDART_MAJOR == 12
ANYWARP_RUNTIME cudaError_t cudaEventElapsedTime_v2(float* milliseconds, cudaEvent_t start, cudaEvent_t end) {
  return cudaEventElapsedTime(milliseconds, start, end);
}
#endif

}  // namespace anywarp::cudart
