// Driver API: Memory Management, allocation. SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "driver/entry.h"
#include "driver/memory.h"
#include "driver/objects/capture.h"
#include "driver/objects/interprocess.h"
#include "driver/objects/memory_pool.h"
#include "support/log.h"

using namespace anywarp;
using namespace anywarp::driver;

namespace {

constexpr size_t pitchAlignment = 512;
constexpr unsigned hostAllocFlags = CU_MEMHOSTALLOC_PORTABLE | CU_MEMHOSTALLOC_DEVICEMAP | CU_MEMHOSTALLOC_WRITECOMBINED;
constexpr unsigned hostRegisterFlags =
    CU_MEMHOSTREGISTER_PORTABLE | CU_MEMHOSTREGISTER_DEVICEMAP | CU_MEMHOSTREGISTER_IOMEMORY | CU_MEMHOSTREGISTER_READ_ONLY;

CUresult allocate(Current& current, CUdeviceptr* pointer, size_t bytes, device::MemoryKind kind, unsigned flags) {
  if (!pointer || bytes == 0) return CUDA_ERROR_INVALID_VALUE;
  if (CUresult result = checkUnsafeCall(); result != CUDA_SUCCESS) return result;
  Result<void*> memory = current.impl->allocate(bytes, kind, flags);
  if (!memory) return toResult(memory.error());
  *pointer = addressOf(*memory);
  return CUDA_SUCCESS;
}

CUresult allocateHost(const char* name, void** pointer, size_t bytes, unsigned flags) {
  return callInContext(name, [&](Current& current) -> CUresult {
    if (!pointer || flags & ~hostAllocFlags) return CUDA_ERROR_INVALID_VALUE;
    CUdeviceptr address = 0;
    CUresult result = allocate(current, &address, bytes, device::MemoryKind::HostPinned, flags);
    if (result == CUDA_SUCCESS) *pointer = pointerOf(address);
    return result;
  });
}

// Kernels may still use what is about to be freed.
void waitForUsers(Current& current, const device::Allocation& allocation) {
  current.impl->synchronize();
  if (!allocation.owner || allocation.owner == current.impl.get()) return;
  auto owns = [&](const Context& context) { return context.active().get() == allocation.owner; };
  if (std::shared_ptr<Context> owner = contexts().findIf(owns))
    if (std::shared_ptr<device::Context> impl = owner->active()) impl->synchronize();
}

template <class Kinds>
CUresult release(Current& current, const void* pointer, Kinds freeable) {
  std::optional<device::Allocation> allocation = device::Memory::instance().find(pointer);
  if (!allocation || allocation->base != reinterpret_cast<uintptr_t>(pointer) || !freeable(allocation->kind) || isKeptByPool(pointer)) {
    log::info("{} cannot be freed so: {} (CUDA_ERROR_INVALID_VALUE)", pointer, device::Memory::instance().describe(addressOf(pointer)));
    return CUDA_ERROR_INVALID_VALUE;
  }
  if (CUresult result = checkUnsafeCall(); result != CUDA_SUCCESS) return result;
  if (std::shared_ptr<GraphMemory> memory = graphMemoryAt(pointer)) {
    if (!memory->live) return CUDA_ERROR_INVALID_VALUE;
    current.impl->synchronize();
    setLive(memory, false);
    return current.fault();
  }
  waitForUsers(current, *allocation);
  if (CUresult fault = current.fault(); fault != CUDA_SUCCESS) return fault;
  Status freed = freeToPool(*allocation);
  return freed ? CUDA_SUCCESS : toResult(freed.error());
}

bool isHost(device::MemoryKind kind) { return kind == device::MemoryKind::HostPinned || kind == device::MemoryKind::HostRegistered; }

}  // namespace

CUresult cuMemGetInfo_v2(size_t* free, size_t* total) {
  return callInContext(__func__, [&](Current& current) -> CUresult {
    if (!free && !total) return CUDA_ERROR_INVALID_VALUE;
    device::MemoryUsage usage = current.device().device->memoryUsage();
    if (free) *free = usage.free;
    if (total) *total = usage.total;
    return CUDA_SUCCESS;
  });
}

CUresult cuMemAlloc_v2(CUdeviceptr* pointer, size_t bytes) {
  return callInContext(__func__, [&](Current& current) { return allocate(current, pointer, bytes, device::MemoryKind::Device, 0); });
}

CUresult cuMemAllocPitch_v2(CUdeviceptr* pointer, size_t* pitch, size_t width, size_t height, unsigned elementBytes) {
  return callInContext(__func__, [&](Current& current) -> CUresult {
    bool elementOk = elementBytes == 4 || elementBytes == 8 || elementBytes == 16;
    if (!pointer || !pitch || width == 0 || height == 0 || !elementOk) return CUDA_ERROR_INVALID_VALUE;
    if (width > SIZE_MAX - pitchAlignment) return CUDA_ERROR_OUT_OF_MEMORY;
    size_t row = (width + pitchAlignment - 1) / pitchAlignment * pitchAlignment;
    if (height > SIZE_MAX / row) return CUDA_ERROR_OUT_OF_MEMORY;
    CUresult result = allocate(current, pointer, row * height, device::MemoryKind::Device, 0);
    if (result == CUDA_SUCCESS) *pitch = row;
    return result;
  });
}

CUresult cuMemAllocManaged(CUdeviceptr* pointer, size_t bytes, unsigned flags) {
  return callInContext(__func__, [&](Current& current) -> CUresult {
    if (flags != CU_MEM_ATTACH_GLOBAL && flags != CU_MEM_ATTACH_HOST) return CUDA_ERROR_INVALID_VALUE;
    return allocate(current, pointer, bytes, device::MemoryKind::Managed, flags);
  });
}

CUresult cuMemFree_v2(CUdeviceptr pointer) {
  return callInContext(__func__, pointer, [&](Current& current) -> CUresult {
    if (!pointer) return checkUnsafeCall();
    if (isImportedPointer(pointer)) {
      current.impl->synchronize();
      (void)takeImportedPointer(pointer);
      return current.fault();
    }
    return release(current, pointerOf(pointer), [&](device::MemoryKind kind) {
      return kind == device::MemoryKind::Device || kind == device::MemoryKind::Managed || poolOf(pointerOf(pointer));
    });
  });
}

CUresult cuMemGetAddressRange_v2(CUdeviceptr* base, size_t* bytes, CUdeviceptr pointer) {
  return callInContext(__func__, [&](Current&) -> CUresult {
    std::optional<device::Allocation> allocation = device::Memory::instance().find(pointerOf(pointer));
    if (!allocation) return CUDA_ERROR_NOT_FOUND;
    if (base) *base = allocation->base;
    if (bytes) *bytes = allocation->bytes;
    return CUDA_SUCCESS;
  });
}

CUresult cuMemAllocHost(void** pointer, unsigned bytes) { return allocateHost(__func__, pointer, bytes, 0); }
CUresult cuMemAllocHost_v2(void** pointer, size_t bytes) { return allocateHost(__func__, pointer, bytes, 0); }
CUresult cuMemHostAlloc(void** pointer, size_t bytes, unsigned flags) { return allocateHost(__func__, pointer, bytes, flags); }

CUresult cuMemFreeHost(void* pointer) {
  return callInContext(__func__, addressOf(pointer), [&](Current& current) -> CUresult {
    if (!pointer) return CUDA_SUCCESS;
    return release(current, pointer, [](device::MemoryKind kind) { return kind == device::MemoryKind::HostPinned; });
  });
}

CUresult cuMemHostGetDevicePointer_v2(CUdeviceptr* pointer, void* host, unsigned flags) {
  return callInContext(__func__, [&](Current&) -> CUresult {
    if (!pointer || !host || flags) return CUDA_ERROR_INVALID_VALUE;
    std::optional<device::Allocation> allocation = device::Memory::instance().find(host);
    if (!allocation || !isHost(allocation->kind)) return CUDA_ERROR_INVALID_VALUE;
    *pointer = addressOf(host);
    return CUDA_SUCCESS;
  });
}

CUresult cuMemHostGetFlags(unsigned* flags, void* host) {
  return callInContext(__func__, [&](Current&) -> CUresult {
    if (!flags || !host) return CUDA_ERROR_INVALID_VALUE;
    std::optional<device::Allocation> allocation = device::Memory::instance().find(host);
    if (!allocation || !isHost(allocation->kind)) return CUDA_ERROR_INVALID_VALUE;
    *flags = allocation->flags;
    return CUDA_SUCCESS;
  });
}

CUresult cuMemHostRegister_v2(void* host, size_t bytes, unsigned flags) {
  return callInContext(__func__, [&](Current& current) -> CUresult {
    if (!host || bytes == 0 || flags & ~hostRegisterFlags || bytes > UINTPTR_MAX - reinterpret_cast<uintptr_t>(host)) return CUDA_ERROR_INVALID_VALUE;
    Status status = device::Memory::instance().registerHost(host, bytes, current.device().device->ordinal(), current.impl.get(), flags);
    if (!status && status.error().kind == ErrorKind::Invalid) return CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED;
    return toResult(status);
  });
}

CUresult cuMemHostRegister(void* host, size_t bytes, unsigned flags) { return cuMemHostRegister_v2(host, bytes, flags); }

CUresult cuMemHostUnregister(void* host) {
  return callInContext(__func__, addressOf(host), [&](Current& current) -> CUresult {
    if (!host) return CUDA_ERROR_INVALID_VALUE;
    current.impl->synchronize();
    if (CUresult fault = current.fault(); fault != CUDA_SUCCESS) return fault;
    return device::Memory::instance().unregisterHost(host) ? CUDA_SUCCESS : CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED;
  });
}
