// Driver API: Stream Ordered Memory Allocator. SPDX-License-Identifier: Apache-2.0
// An allocation is there at once, which is earlier than promised; a free happens in stream order.
#include <cstring>

#include "driver/entry.h"
#include "driver/memory.h"
#include "driver/objects/capture.h"
#include "driver/objects/interprocess.h"
#include "driver/objects/memory_pool.h"

using namespace anywarp;
using namespace anywarp::driver;

namespace {

Result<void*> allocateFresh(Current& current, size_t bytes, MemoryPool& pool) {
  device::MemoryKind kind = pool.place.kind();
  uint32_t flags = kind == device::MemoryKind::Managed ? uint32_t{CU_MEM_ATTACH_GLOBAL} : 0;
  Result<void*> memory = current.impl->allocate(bytes, kind, flags);
  if (memory || memory.error().kind != ErrorKind::OutOfMemory) return memory;
  // What queued frees and the pool hold comes back first.
  current.impl->synchronize();
  pool.trimTo(0);
  return current.impl->allocate(bytes, kind, flags);
}

// Without a pool: from that of the stream's device.
CUresult allocate(Current& current, CUdeviceptr* pointer, size_t bytes, std::shared_ptr<MemoryPool> pool, CUstream handle) {
  if (!pointer) return CUDA_ERROR_INVALID_VALUE;
  StreamRef stream = enterStream(current, handle);
  if (!stream) return CUDA_ERROR_INVALID_HANDLE;
  if (!pool) pool = currentPool(deviceMemory(current.device().ordinal));
  if (pool->imported) return CUDA_ERROR_INVALID_VALUE;  // its memory is the other process's
  if (bytes == 0) {
    *pointer = 0;  // as a pointer that may be freed
    return CUDA_SUCCESS;
  }
  if (stream.capture) return captureAllocation(stream, pool->place, bytes, pointer);
  if (pool->maxBytes && pool->used + bytes > pool->maxBytes) return CUDA_ERROR_OUT_OF_MEMORY;
  void* memory = pool->takeKept(bytes, current.impl.get());
  if (!memory) {
    Result<void*> fresh = allocateFresh(current, bytes, *pool);
    if (!fresh) return toResult(fresh.error());
    memory = *fresh;
  }
  enterPool(memory, bytes, pool);
  *pointer = addressOf(memory);
  return CUDA_SUCCESS;
}

// Attributes 1 to 3 are ints, the others 64-bit counts.
bool isFlag(CUmemPool_attribute attribute) { return attribute <= CU_MEMPOOL_ATTR_REUSE_ALLOW_INTERNAL_DEPENDENCIES; }

uint64_t countOf(const MemoryPool& pool, CUmemPool_attribute attribute) {
  switch (attribute) {
    case CU_MEMPOOL_ATTR_RELEASE_THRESHOLD: return pool.releaseThreshold;
    case CU_MEMPOOL_ATTR_RESERVED_MEM_CURRENT: return pool.reserved();
    case CU_MEMPOOL_ATTR_RESERVED_MEM_HIGH: return pool.reservedHigh;
    case CU_MEMPOOL_ATTR_USED_MEM_HIGH: return pool.usedHigh;
    default: return pool.used;
  }
}

// Whose access to the pool's memory can be asked for: that of devices, and the host's where the memory is not a device's own.
bool mayReach(const MemoryPool& pool, const CUmemLocation& location) {
  if (location.type == CU_MEM_LOCATION_TYPE_DEVICE) return visibleDevice(location.id);
  bool host = location.type == CU_MEM_LOCATION_TYPE_HOST || location.type == CU_MEM_LOCATION_TYPE_HOST_NUMA;
  return host && !pool.place.ofDevice();
}

template <class Body>
CUresult withPool(const char* name, CUmemoryPool handle, Body&& body) {
  return call(name, [&]() -> CUresult {
    std::shared_ptr<MemoryPool> pool = memoryPools().find(handle);
    return pool ? body(pool) : CUDA_ERROR_INVALID_VALUE;
  });
}

}  // namespace

CUresult cuMemAllocAsync(CUdeviceptr* pointer, size_t bytes, CUstream stream) {
  return callInContext(__func__, stream, [&](Current& current) { return allocate(current, pointer, bytes, nullptr, stream); });
}

CUresult cuMemAllocFromPoolAsync(CUdeviceptr* pointer, size_t bytes, CUmemoryPool handle, CUstream stream) {
  return callInContext(__func__, stream, [&](Current& current) -> CUresult {
    std::shared_ptr<MemoryPool> pool = memoryPools().find(handle);
    return pool ? allocate(current, pointer, bytes, pool, stream) : CUDA_ERROR_INVALID_VALUE;
  });
}

CUresult cuMemFreeAsync(CUdeviceptr pointer, CUstream handle) {
  return callInContext(__func__, handle, [&](Current& current) -> CUresult {
    StreamRef stream = enterStream(current, handle);
    if (!stream) return CUDA_ERROR_INVALID_HANDLE;
    if (!pointer) return CUDA_SUCCESS;
    if (stream.capture) return captureFree(stream, pointer);
    void* base = pointerOf(pointer);
    if (std::shared_ptr<GraphMemory> memory = graphMemoryAt(base)) {
      if (!memory->live) return CUDA_ERROR_INVALID_VALUE;
      stream->call([memory] { setLive(memory, false); }, device::OnFault::Always);
      return CUDA_SUCCESS;
    }
    if (isImportedPointer(pointer)) {
      stream->call([pointer] { (void)takeImportedPointer(pointer); }, device::OnFault::Always);
      return CUDA_SUCCESS;
    }
    std::optional<device::Allocation> allocation = device::Memory::instance().find(base);
    if (!allocation || allocation->base != pointer || isKeptByPool(base) ||
        (allocation->kind != device::MemoryKind::Device && !poolOf(base))) return CUDA_ERROR_INVALID_VALUE;
    stream->call(
        [base, id = allocation->id] {
          std::optional<device::Allocation> still = device::Memory::instance().find(base);
          if (!still || still->id != id) return;  // freed meanwhile
          (void)freeToPool(*still);
        },
        device::OnFault::Always);
    return CUDA_SUCCESS;
  });
}

CUresult cuMemPoolCreate(CUmemoryPool* handle, const CUmemPoolProps* props) {
  return call(__func__, [&]() -> CUresult {
    if (!handle || !props) return CUDA_ERROR_INVALID_VALUE;
    auto pool = std::make_shared<MemoryPool>();
    if (CUresult result = makePoolPlace(props->allocType, props->location, pool->place); result != CUDA_SUCCESS) return result;
    if (props->handleTypes & ~CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR || (props->handleTypes && !pool->place.ofDevice())) return CUDA_ERROR_NOT_SUPPORTED;
    if (props->handleTypes == CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR) {
      Result<device::SharedFile> identity = device::SharedFile::make(4096);
      if (!identity) return toResult(identity.error());
      pool->identity = std::move(*identity);
    }
    pool->maxBytes = props->maxSize;
    *handle = memoryPools().add(pool);
    return CUDA_SUCCESS;
  });
}

CUresult cuMemPoolDestroy(CUmemoryPool handle) {
  return withPool(__func__, handle, [&](const std::shared_ptr<MemoryPool>& pool) -> CUresult {
    if (pool == defaultPool(pool->place)) return CUDA_ERROR_INVALID_VALUE;
    if (pool == currentPool(pool->place)) setCurrentPool(defaultPool(pool->place));
    memoryPools().take(handle);
    pool->releaseThreshold = 0;
    pool->trimTo(0);
    return CUDA_SUCCESS;
  });
}

CUresult cuMemPoolTrimTo(CUmemoryPool handle, size_t bytes) {
  return withPool(__func__, handle, [&](const std::shared_ptr<MemoryPool>& pool) {
    pool->trimTo(bytes);
    return CUDA_SUCCESS;
  });
}

CUresult cuMemPoolSetAttribute(CUmemoryPool handle, CUmemPool_attribute attribute, void* value) {
  return withPool(__func__, handle, [&](const std::shared_ptr<MemoryPool>& pool) -> CUresult {
    if (!value || attribute < 1 || attribute > CU_MEMPOOL_ATTR_USED_MEM_HIGH) return CUDA_ERROR_INVALID_VALUE;
    if (isFlag(attribute)) {
      int flag;
      std::memcpy(&flag, value, sizeof(flag));
      pool->reuseFlags[attribute - 1] = flag;
      return CUDA_SUCCESS;
    }
    uint64_t number;
    std::memcpy(&number, value, sizeof(number));
    if (attribute == CU_MEMPOOL_ATTR_RELEASE_THRESHOLD) {
      pool->releaseThreshold = number;
      pool->trimTo(number);
    } else if (number == 0 && attribute == CU_MEMPOOL_ATTR_USED_MEM_HIGH) {
      pool->usedHigh = pool->used.load();
    } else if (number == 0 && attribute == CU_MEMPOOL_ATTR_RESERVED_MEM_HIGH) {
      pool->reservedHigh = pool->reserved();
    } else {
      return CUDA_ERROR_INVALID_VALUE;
    }
    return CUDA_SUCCESS;
  });
}

CUresult cuMemPoolGetAttribute(CUmemoryPool handle, CUmemPool_attribute attribute, void* value) {
  return withPool(__func__, handle, [&](const std::shared_ptr<MemoryPool>& pool) -> CUresult {
    if (!value || attribute < 1 || attribute > CU_MEMPOOL_ATTR_USED_MEM_HIGH) return CUDA_ERROR_INVALID_VALUE;
    if (isFlag(attribute)) {
      int flag = pool->reuseFlags[attribute - 1];
      std::memcpy(value, &flag, sizeof(flag));
      return CUDA_SUCCESS;
    }
    uint64_t number = countOf(*pool, attribute);
    std::memcpy(value, &number, sizeof(number));
    return CUDA_SUCCESS;
  });
}

CUresult cuMemPoolSetAccess(CUmemoryPool handle, const CUmemAccessDesc* descriptors, size_t count) {
  return withPool(__func__, handle, [&](const std::shared_ptr<MemoryPool>& pool) -> CUresult {
    if (count && !descriptors) return CUDA_ERROR_INVALID_VALUE;
    for (size_t i = 0; i < count; ++i) {
      const CUmemLocation& location = descriptors[i].location;
      if (!mayReach(*pool, location)) return CUDA_ERROR_INVALID_VALUE;
      bool own = location.type == pool->place.location.type && (location.type == CU_MEM_LOCATION_TYPE_HOST || location.id == pool->place.location.id);
      if (descriptors[i].flags == CU_MEM_ACCESS_FLAGS_PROT_NONE && own) return CUDA_ERROR_INVALID_DEVICE;
    }
    return CUDA_SUCCESS;  // every device reaches all memory
  });
}

CUresult cuMemPoolGetAccess(CUmemAccess_flags* flags, CUmemoryPool handle, CUmemLocation* location) {
  return withPool(__func__, handle, [&](const std::shared_ptr<MemoryPool>& pool) -> CUresult {
    if (!flags || !location || !mayReach(*pool, *location)) return CUDA_ERROR_INVALID_VALUE;
    *flags = CU_MEM_ACCESS_FLAGS_PROT_READWRITE;
    return CUDA_SUCCESS;
  });
}
