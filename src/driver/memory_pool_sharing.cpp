// Driver API: Stream Ordered Memory Allocator, pools between processes. SPDX-License-Identifier: Apache-2.0
// A pool is passed on as a file that says which one it is, its pointers as tickets to their pages (objects/interprocess.h). Freeing an
// imported pointer unmaps it here; the memory goes when its own process frees it and nobody has it mapped.
#include "abi/cuda_memory.h"
#include "driver/entry.h"
#include "driver/memory.h"
#include "driver/objects/interprocess.h"
#include "driver/objects/memory_pool.h"

using namespace anywarp;
using namespace anywarp::driver;

namespace {

template <class Body>
CUresult withPool(const char* name, CUmemoryPool handle, Body&& body) {
  return call(name, [&]() -> CUresult {
    std::shared_ptr<MemoryPool> pool = memoryPools().find(handle);
    return pool ? body(*pool) : CUDA_ERROR_INVALID_VALUE;
  });
}

CUresult checkHandleType(CUmemAllocationHandleType type, unsigned long long flags) {
  if (flags || type == CU_MEM_HANDLE_TYPE_NONE) return CUDA_ERROR_INVALID_VALUE;
  return type == CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR ? CUDA_SUCCESS : CUDA_ERROR_NOT_SUPPORTED;
}

}  // namespace

CUresult cuMemPoolExportToShareableHandle(void* handle, CUmemoryPool poolHandle, CUmemAllocationHandleType type, unsigned long long flags) {
  return withPool(__func__, poolHandle, [&](MemoryPool& pool) -> CUresult {
    if (!handle || !pool.identity || pool.imported) return CUDA_ERROR_INVALID_VALUE;
    if (CUresult result = checkHandleType(type, flags); result != CUDA_SUCCESS) return result;
    Result<int> descriptor = pool.identity.duplicate();
    if (!descriptor) return toResult(descriptor.error());
    *static_cast<int*>(handle) = *descriptor;
    return CUDA_SUCCESS;
  });
}

CUresult cuMemPoolImportFromShareableHandle(CUmemoryPool* pool, void* handle, CUmemAllocationHandleType type, unsigned long long flags) {
  return call(__func__, [&]() -> CUresult {
    if (!pool) return CUDA_ERROR_INVALID_VALUE;
    if (CUresult result = checkHandleType(type, flags); result != CUDA_SUCCESS) return result;
    Result<device::SharedFile> identity = device::SharedFile::adopt(static_cast<int>(reinterpret_cast<intptr_t>(handle)));
    if (!identity) return toResult(identity.error());
    auto made = std::make_shared<MemoryPool>();
    std::shared_ptr<Context> context = currentContext();
    made->place = deviceMemory(context ? context->device.ordinal : 0);
    made->identity = std::move(*identity);
    made->imported = true;
    *pool = memoryPools().add(made);
    return CUDA_SUCCESS;
  });
}

CUresult cuMemPoolExportPointer(CUmemPoolPtrExportData* data, CUdeviceptr pointer) {
  return call(__func__, [&]() -> CUresult {
    std::shared_ptr<MemoryPool> pool = poolOf(pointerOf(pointer));
    if (!data || !pool || !pool->identity) return CUDA_ERROR_INVALID_VALUE;
    Result<device::SharedPages> pages = device::Memory::instance().share(pointerOf(pointer));
    if (!pages) return toResult(pages.error());
    writeTicket(makeTicket(TicketKind::PoolPointer, pages->file, pages->id, pages->offset, pages->allocation.bytes, pool->tag()), data);
    return CUDA_SUCCESS;
  });
}

CUresult cuMemPoolImportPointer(CUdeviceptr* pointer, CUmemoryPool poolHandle, CUmemPoolPtrExportData* data) {
  return withPool(__func__, poolHandle, [&](MemoryPool& pool) -> CUresult {
    if (!pointer || !data || !pool.imported) return CUDA_ERROR_INVALID_VALUE;
    Result<Ticket> ticket = readTicket(data, TicketKind::PoolPointer);
    if (!ticket || ticket->poolTag != pool.tag()) return CUDA_ERROR_INVALID_VALUE;
    auto memory = ForeignMemory::open(*ticket, visibleDevice(pool.place.location.id)->device->ordinal());
    if (!memory) {
      CUresult result = toResult(memory.error());
      return result == CUDA_ERROR_OUT_OF_MEMORY ? result : CUDA_ERROR_INVALID_VALUE;
    }
    *pointer = (*memory)->pointer();
    addImportedPointer(*pointer, std::move(*memory));
    return CUDA_SUCCESS;
  });
}

CUresult cuMemGetDefaultMemPool(CUmemoryPool* pool, CUmemLocation* location, CUmemAllocationType type) {
  return call(__func__, [&]() -> CUresult {
    PoolPlace place;
    if (!pool || !location) return CUDA_ERROR_INVALID_VALUE;
    if (CUresult result = makePoolPlace(type, *location, place); result != CUDA_SUCCESS) return result;
    *pool = defaultPool(place)->handle;
    return CUDA_SUCCESS;
  });
}

CUresult cuMemGetMemPool(CUmemoryPool* pool, CUmemLocation* location, CUmemAllocationType type) {
  return call(__func__, [&]() -> CUresult {
    PoolPlace place;
    if (!pool || !location) return CUDA_ERROR_INVALID_VALUE;
    if (CUresult result = makePoolPlace(type, *location, place); result != CUDA_SUCCESS) return result;
    *pool = currentPool(place)->handle;
    return CUDA_SUCCESS;
  });
}

CUresult cuMemSetMemPool(CUmemLocation* location, CUmemAllocationType type, CUmemoryPool handle) {
  return withPool(__func__, handle, [&](MemoryPool& pool) -> CUresult {
    PoolPlace place;
    if (!location) return CUDA_ERROR_INVALID_VALUE;
    if (CUresult result = makePoolPlace(type, *location, place); result != CUDA_SUCCESS) return result;
    if (place != pool.place || pool.imported) return CUDA_ERROR_INVALID_VALUE;
    setCurrentPool(memoryPools().find(handle));
    return CUDA_SUCCESS;
  });
}
