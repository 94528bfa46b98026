// Memory, events and pools between processes, external memory: the driver's, under their runtime names. SPDX-License-Identifier: Apache-2.0
#include "libs/cudart/context.h"

namespace anywarp::cudart {

ANYWARP_RUNTIME cudaError_t cudaIpcGetMemHandle(CUipcMemHandle* handle, void* pointer) {
  return inContext([&] { return driver().cuIpcGetMemHandle(handle, devicePtr(pointer)); });
}

ANYWARP_RUNTIME cudaError_t cudaIpcOpenMemHandle(void** pointer, CUipcMemHandle handle, unsigned flags) {
  return inContext([&] { return driver().cuIpcOpenMemHandle_v2(reinterpret_cast<CUdeviceptr*>(pointer), handle, flags); });
}

ANYWARP_RUNTIME cudaError_t cudaIpcCloseMemHandle(void* pointer) {
  return inContext([&] { return driver().cuIpcCloseMemHandle(devicePtr(pointer)); });
}

ANYWARP_RUNTIME cudaError_t cudaIpcGetEventHandle(CUipcEventHandle* handle, cudaEvent_t event) {
  return inContext([&] { return driver().cuIpcGetEventHandle(handle, event); });
}

ANYWARP_RUNTIME cudaError_t cudaIpcOpenEventHandle(cudaEvent_t* event, CUipcEventHandle handle) {
  return inContext([&] { return driver().cuIpcOpenEventHandle(event, handle); });
}

ANYWARP_RUNTIME cudaError_t cudaMemPoolExportToShareableHandle(void* handle, cudaMemPool_t pool, CUmemAllocationHandleType type, unsigned flags) {
  return inContext([&] { return driver().cuMemPoolExportToShareableHandle(handle, pool, type, flags); });
}

ANYWARP_RUNTIME cudaError_t cudaMemPoolImportFromShareableHandle(cudaMemPool_t* pool, void* handle, CUmemAllocationHandleType type, unsigned flags) {
  return inContext([&] { return driver().cuMemPoolImportFromShareableHandle(pool, handle, type, flags); });
}

ANYWARP_RUNTIME cudaError_t cudaMemPoolExportPointer(CUmemPoolPtrExportData* data, void* pointer) {
  return inContext([&] { return driver().cuMemPoolExportPointer(data, devicePtr(pointer)); });
}

ANYWARP_RUNTIME cudaError_t cudaMemPoolImportPointer(void** pointer, cudaMemPool_t pool, CUmemPoolPtrExportData* data) {
  return inContext([&] { return driver().cuMemPoolImportPointer(reinterpret_cast<CUdeviceptr*>(pointer), pool, data); });
}

ANYWARP_RUNTIME cudaError_t cudaImportExternalMemory(CUexternalMemory* memory, const CUDA_EXTERNAL_MEMORY_HANDLE_DESC* description) {
  return inContext([&] { return driver().cuImportExternalMemory(memory, description); });
}

ANYWARP_RUNTIME cudaError_t cudaExternalMemoryGetMappedBuffer(void** pointer, CUexternalMemory memory, const CUDA_EXTERNAL_MEMORY_BUFFER_DESC* description) {
  return inContext([&] { return driver().cuExternalMemoryGetMappedBuffer(reinterpret_cast<CUdeviceptr*>(pointer), memory, description); });
}

ANYWARP_RUNTIME cudaError_t cudaDestroyExternalMemory(CUexternalMemory memory) {
  return inContext([&] { return driver().cuDestroyExternalMemory(memory); });
}

#if ANYWARP_CUDART_MAJOR >= 13
ANYWARP_RUNTIME cudaError_t cudaMemGetDefaultMemPool(cudaMemPool_t* pool, CUmemLocation* location, CUmemAllocationType type) {
  return inContext([&] { return driver().cuMemGetDefaultMemPool(pool, location, type); });
}

ANYWARP_RUNTIME cudaError_t cudaMemGetMemPool(cudaMemPool_t* pool, CUmemLocation* location, CUmemAllocationType type) {
  return inContext([&] { return driver().cuMemGetMemPool(pool, location, type); });
}

ANYWARP_RUNTIME cudaError_t cudaMemSetMemPool(CUmemLocation* location, CUmemAllocationType type, cudaMemPool_t pool) {
  return inContext([&] { return driver().cuMemSetMemPool(location, type, pool); });
}
#endif

}  // namespace anywarp::cudart
