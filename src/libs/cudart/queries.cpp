// Array properties, atomic capabilities, notifications, the error log: the driver's, under their runtime names.
// SPDX-License-Identifier: Apache-2.0
#include "libs/cudart/context.h"

namespace anywarp::cudart {

ANYWARP_RUNTIME cudaError_t cudaArrayGetSparseProperties(CUDA_ARRAY_SPARSE_PROPERTIES* out, cudaArray_t array) {
  return inContext([&] { return driver().cuArrayGetSparseProperties(out, array); });
}

ANYWARP_RUNTIME cudaError_t cudaMipmappedArrayGetSparseProperties(CUDA_ARRAY_SPARSE_PROPERTIES* out, cudaMipmappedArray_t array) {
  return inContext([&] { return driver().cuMipmappedArrayGetSparseProperties(out, array); });
}

ANYWARP_RUNTIME cudaError_t cudaArrayGetMemoryRequirements(CUDA_ARRAY_MEMORY_REQUIREMENTS* out, cudaArray_t array, int device) {
  return inContext([&] { return driver().cuArrayGetMemoryRequirements(out, array, device); });
}

ANYWARP_RUNTIME cudaError_t cudaMipmappedArrayGetMemoryRequirements(CUDA_ARRAY_MEMORY_REQUIREMENTS* out, cudaMipmappedArray_t array, int device) {
  return inContext([&] { return driver().cuMipmappedArrayGetMemoryRequirements(out, array, device); });
}

ANYWARP_RUNTIME cudaError_t cudaArrayGetPlane(cudaArray_t* plane, cudaArray_t array, unsigned index) {
  return inContext([&] { return driver().cuArrayGetPlane(plane, array, index); });
}

#if ANYWARP_CUDART_MAJOR >= 12
ANYWARP_RUNTIME cudaError_t cudaDeviceRegisterAsyncNotification(int device, CUasyncCallback callback, void* user, CUasyncCallbackHandle* handle) {
  return inDriver([&] { return driver().cuDeviceRegisterAsyncNotification(device, callback, user, handle); });
}

ANYWARP_RUNTIME cudaError_t cudaDeviceUnregisterAsyncNotification(int device, CUasyncCallbackHandle handle) {
  return inDriver([&] { return driver().cuDeviceUnregisterAsyncNotification(device, handle); });
}
#endif

#if ANYWARP_CUDART_MAJOR < 13
// The doubles of kernels are the host's.
ANYWARP_RUNTIME cudaError_t cudaSetDoubleForDevice(double*) { return cudaSuccess; }
ANYWARP_RUNTIME cudaError_t cudaSetDoubleForHost(double*) { return cudaSuccess; }
#endif

#if ANYWARP_CUDART_MAJOR >= 13
ANYWARP_RUNTIME cudaError_t cudaDeviceGetHostAtomicCapabilities(unsigned* out, const CUatomicOperation* operations, unsigned count, int device) {
  return inDriver([&] { return driver().cuDeviceGetHostAtomicCapabilities(out, operations, count, device); });
}

ANYWARP_RUNTIME cudaError_t cudaDeviceGetP2PAtomicCapabilities(unsigned* out, const CUatomicOperation* operations, unsigned count, int source, int target) {
  return inDriver([&] { return driver().cuDeviceGetP2PAtomicCapabilities(out, operations, count, source, target); });
}

ANYWARP_RUNTIME cudaError_t cudaLogsRegisterCallback(CUlogsCallback callback, void* user, CUlogsCallbackHandle* handle) {
  return inDriver([&] { return driver().cuLogsRegisterCallback(callback, user, handle); });
}

ANYWARP_RUNTIME cudaError_t cudaLogsUnregisterCallback(CUlogsCallbackHandle handle) {
  return inDriver([&] { return driver().cuLogsUnregisterCallback(handle); });
}

ANYWARP_RUNTIME cudaError_t cudaLogsCurrent(CUlogIterator* iterator, unsigned flags) {
  return inDriver([&] { return driver().cuLogsCurrent(iterator, flags); });
}

ANYWARP_RUNTIME cudaError_t cudaLogsDumpToFile(CUlogIterator* iterator, const char* path, unsigned flags) {
  return inDriver([&] { return driver().cuLogsDumpToFile(iterator, path, flags); });
}

ANYWARP_RUNTIME cudaError_t cudaLogsDumpToMemory(CUlogIterator* iterator, char* buffer, size_t* size, unsigned flags) {
  return inDriver([&] { return driver().cuLogsDumpToMemory(iterator, buffer, size, flags); });
}
#endif

}  // namespace anywarp::cudart
