// What every runtime call starts and ends with: a current context, and the error state of the thread.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libs/cudart/driver.h"

// Every exported function; the linker script exports what runtime_api.def lists.
#define ANYWARP_RUNTIME extern "C" __attribute__((visibility("default")))

namespace anywarp::cudart {

inline cudaError_t asError(CUresult result) { return static_cast<cudaError_t>(result); }
inline cudaError_t asError(cudaError_t error) { return error; }

// Keeps a failure for cudaGetLastError of this thread and returns it.
cudaError_t record(cudaError_t error);
cudaError_t lastError();
// Returns and clears, except errors that corrupt the context: these stay until the device is reset.
cudaError_t takeLastError();

// Makes sure that a context is current in this thread: the one the program chose, else its device's primary context.
cudaError_t enterContext();

// Retains the primary context of a device, once per device and reset.
cudaError_t primaryContext(int device, CUcontext* context);
cudaError_t setDevice(int device);
// Of threads that have not chosen one.
void setFirstDevice(int device);
cudaError_t currentDevice(int* device);
cudaError_t resetDevice();

// The forms of every API function: `body` returns a CUresult or a cudaError_t and runs with a current context...
template <class Body>
cudaError_t inContext(Body&& body) {
  if (cudaError_t error = enterContext(); error != cudaSuccess) return record(error);
  return record(asError(body()));
}

// ... or needs nothing but an initialised driver.
template <class Body>
cudaError_t inDriver(Body&& body) {
  if (cudaError_t error = initDriver(); error != cudaSuccess) return record(error);
  return record(asError(body()));
}

// Stream 0 of the twins (_ptsz, _ptds) is the calling thread's own default stream.
inline cudaStream_t perThread(cudaStream_t stream) { return stream ? stream : CU_STREAM_PER_THREAD; }

inline CUdeviceptr devicePtr(const void* pointer) { return reinterpret_cast<CUdeviceptr>(pointer); }

}  // namespace anywarp::cudart
