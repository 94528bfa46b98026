// Driver API: Unified Addressing; managed memory's advice and prefetching. SPDX-License-Identifier: Apache-2.0
#include <cstring>
#include <mutex>
#include <unordered_map>

#include "driver/entry.h"
#include "driver/memory.h"
#include "driver/objects/memory_pool.h"

using namespace anywarp;
using namespace anywarp::driver;

namespace {

using device::MemoryKind;

bool isHost(MemoryKind kind) { return kind == MemoryKind::HostPinned || kind == MemoryKind::HostRegistered; }

CUdevice ordinalOf(int deviceOrdinal) {
  for (const VisibleDevice& device : visibleDevices())
    if (device.device->ordinal() == deviceOrdinal) return device.ordinal;
  return CU_DEVICE_INVALID;
}

CUcontext contextOf(const device::Allocation& allocation) {
  std::shared_ptr<Context> owner = contexts().findIf([&](const Context& context) { return allocation.owner && context.active().get() == allocation.owner; });
  return owner ? owner->handle : nullptr;
}

template <class Value>
CUresult give(void* data, Value value) {
  std::memcpy(data, &value, sizeof(value));
  return CUDA_SUCCESS;
}

// Attributes of memory that we know. The size written is the one that the manual gives for the attribute.
CUresult attributeOf(const device::Allocation& a, CUdeviceptr pointer, CUpointer_attribute attribute, void* data) {
  switch (attribute) {
    case CU_POINTER_ATTRIBUTE_CONTEXT: return give(data, contextOf(a));
    case CU_POINTER_ATTRIBUTE_MEMORY_TYPE: return give(data, isHost(a.kind) ? CU_MEMORYTYPE_HOST : CU_MEMORYTYPE_DEVICE);
    case CU_POINTER_ATTRIBUTE_DEVICE_POINTER: return give(data, pointer);
    case CU_POINTER_ATTRIBUTE_HOST_POINTER:
      if (!isHost(a.kind) && a.kind != MemoryKind::Managed) return CUDA_ERROR_INVALID_VALUE;
      return give(data, pointerOf(pointer));
    case CU_POINTER_ATTRIBUTE_P2P_TOKENS: return CUDA_ERROR_NOT_SUPPORTED;
    case CU_POINTER_ATTRIBUTE_SYNC_MEMOPS: return give(data, 0u);
    case CU_POINTER_ATTRIBUTE_BUFFER_ID: return give(data, static_cast<unsigned long long>(a.id));
    case CU_POINTER_ATTRIBUTE_IS_MANAGED: return give(data, static_cast<unsigned>(a.kind == MemoryKind::Managed));
    case CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL: return give(data, ordinalOf(a.device));
    case CU_POINTER_ATTRIBUTE_IS_LEGACY_CUDA_IPC_CAPABLE: return give(data, 0u);
    case CU_POINTER_ATTRIBUTE_RANGE_START_ADDR: return give(data, static_cast<CUdeviceptr>(a.base));
    case CU_POINTER_ATTRIBUTE_RANGE_SIZE: return give(data, a.bytes);
    case CU_POINTER_ATTRIBUTE_MAPPED: return give(data, 1u);
    case CU_POINTER_ATTRIBUTE_ALLOWED_HANDLE_TYPES: return give(data, uint64_t{0});
    case CU_POINTER_ATTRIBUTE_IS_GPU_DIRECT_RDMA_CAPABLE: return give(data, 0u);
    case CU_POINTER_ATTRIBUTE_ACCESS_FLAGS: return give(data, CU_MEM_ACCESS_FLAGS_PROT_READWRITE);
    case CU_POINTER_ATTRIBUTE_MEMPOOL_HANDLE: {
      std::shared_ptr<MemoryPool> pool = poolOf(reinterpret_cast<void*>(a.base));
      return give(data, pool ? pool->handle : nullptr);
    }
    case CU_POINTER_ATTRIBUTE_MAPPING_SIZE: return give(data, a.bytes);
    case CU_POINTER_ATTRIBUTE_MAPPING_BASE_ADDR: return give(data, static_cast<CUdeviceptr>(a.base));
    case CU_POINTER_ATTRIBUTE_MEMORY_BLOCK_ID: return give(data, static_cast<unsigned long long>(a.id));
    case CU_POINTER_ATTRIBUTE_IS_HW_DECOMPRESS_CAPABLE: return give(data, 0u);
  }
  return CUDA_ERROR_INVALID_VALUE;
}

// What cuPointerGetAttributes gives for memory that is not ours: it succeeds, and says that there is nothing.
CUresult attributeOfUnknown(CUpointer_attribute attribute, void* data) {
  switch (attribute) {
    case CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL: return give(data, CU_DEVICE_INVALID);
    case CU_POINTER_ATTRIBUTE_MEMORY_TYPE:
    case CU_POINTER_ATTRIBUTE_SYNC_MEMOPS:
    case CU_POINTER_ATTRIBUTE_IS_MANAGED:
    case CU_POINTER_ATTRIBUTE_IS_LEGACY_CUDA_IPC_CAPABLE:
    case CU_POINTER_ATTRIBUTE_MAPPED:
    case CU_POINTER_ATTRIBUTE_IS_GPU_DIRECT_RDMA_CAPABLE:
    case CU_POINTER_ATTRIBUTE_ACCESS_FLAGS:
    case CU_POINTER_ATTRIBUTE_IS_HW_DECOMPRESS_CAPABLE: return give(data, 0u);
    case CU_POINTER_ATTRIBUTE_P2P_TOKENS: return CUDA_SUCCESS;
    default: return attribute <= CU_POINTER_ATTRIBUTE_IS_HW_DECOMPRESS_CAPABLE && attribute > 0 ? give(data, uint64_t{0}) : CUDA_ERROR_INVALID_VALUE;
  }
}

// What programs were told about managed ranges, to be told back. Nothing here changes where the memory is.
struct Advice {
  bool readMostly = false;
  CUmemLocation preferred{CU_MEM_LOCATION_TYPE_INVALID, CU_DEVICE_INVALID};
  CUmemLocation prefetched{CU_MEM_LOCATION_TYPE_INVALID, CU_DEVICE_INVALID};
  std::vector<int> accessedBy;
};

struct AdviceBook {
  std::mutex mutex;
  std::unordered_map<uint64_t, Advice> byAllocation;
};

AdviceBook& adviceBook() {
  static AdviceBook& book = *new AdviceBook;
  return book;
}

std::optional<device::Allocation> managedRange(CUdeviceptr pointer, size_t bytes) {
  std::optional<device::Allocation> allocation = device::Memory::instance().find(pointerOf(pointer));
  if (!allocation || allocation->kind != MemoryKind::Managed || bytes == 0) return std::nullopt;
  return validRange(pointerOf(pointer), bytes, Side::Device) ? allocation : std::nullopt;
}

bool validLocation(const CUmemLocation& location) {
  switch (location.type) {
    case CU_MEM_LOCATION_TYPE_DEVICE: return visibleDevice(location.id) != nullptr;
    case CU_MEM_LOCATION_TYPE_HOST:
    case CU_MEM_LOCATION_TYPE_HOST_NUMA_CURRENT: return true;
    case CU_MEM_LOCATION_TYPE_HOST_NUMA: return location.id >= 0;
    default: return false;
  }
}

CUmemLocation locationOf(CUdevice device) {
  return device == CU_DEVICE_CPU ? CUmemLocation{CU_MEM_LOCATION_TYPE_HOST, 0} : CUmemLocation{CU_MEM_LOCATION_TYPE_DEVICE, device};
}

CUdevice deviceOf(const CUmemLocation& location) {
  if (location.type == CU_MEM_LOCATION_TYPE_DEVICE) return location.id;
  return location.type == CU_MEM_LOCATION_TYPE_INVALID ? CU_DEVICE_INVALID : CU_DEVICE_CPU;
}

void apply(Advice& advice, CUmem_advise what, const CUmemLocation& location) {
  switch (what) {
    case CU_MEM_ADVISE_SET_READ_MOSTLY: advice.readMostly = true; break;
    case CU_MEM_ADVISE_UNSET_READ_MOSTLY: advice.readMostly = false; break;
    case CU_MEM_ADVISE_SET_PREFERRED_LOCATION: advice.preferred = location; break;
    case CU_MEM_ADVISE_UNSET_PREFERRED_LOCATION: advice.preferred = Advice().preferred; break;
    case CU_MEM_ADVISE_SET_ACCESSED_BY:
      std::erase(advice.accessedBy, deviceOf(location));
      advice.accessedBy.push_back(deviceOf(location));
      break;
    case CU_MEM_ADVISE_UNSET_ACCESSED_BY: std::erase(advice.accessedBy, deviceOf(location)); break;
  }
}

CUresult advise(const char* name, CUdeviceptr pointer, size_t bytes, CUmem_advise what, CUmemLocation location) {
  return callInContext(name, [&](Current&) -> CUresult {
    std::optional<device::Allocation> range = managedRange(pointer, bytes);
    bool needsLocation = what == CU_MEM_ADVISE_SET_PREFERRED_LOCATION || what == CU_MEM_ADVISE_SET_ACCESSED_BY || what == CU_MEM_ADVISE_UNSET_ACCESSED_BY;
    if (!range || what < CU_MEM_ADVISE_SET_READ_MOSTLY || what > CU_MEM_ADVISE_UNSET_ACCESSED_BY) return CUDA_ERROR_INVALID_VALUE;
    if (needsLocation && !validLocation(location)) return location.type == CU_MEM_LOCATION_TYPE_DEVICE ? CUDA_ERROR_INVALID_DEVICE : CUDA_ERROR_INVALID_VALUE;
    std::lock_guard lock(adviceBook().mutex);
    apply(adviceBook().byAllocation[range->id], what, location);
    return CUDA_SUCCESS;
  });
}

CUresult prefetch(const char* name, CUdeviceptr pointer, size_t bytes, CUmemLocation location, CUstream handle) {
  return callInContext(name, [&](Current& current) -> CUresult {
    if (!enterStream(current, handle)) return CUDA_ERROR_INVALID_HANDLE;
    std::optional<device::Allocation> range = managedRange(pointer, bytes);
    if (!range) return CUDA_ERROR_INVALID_VALUE;
    if (!validLocation(location)) return location.type == CU_MEM_LOCATION_TYPE_DEVICE ? CUDA_ERROR_INVALID_DEVICE : CUDA_ERROR_INVALID_VALUE;
    std::lock_guard lock(adviceBook().mutex);
    adviceBook().byAllocation[range->id].prefetched = location;  // the memory is everywhere already
    return CUDA_SUCCESS;
  });
}

CUresult rangeAttribute(const Advice& advice, CUmem_range_attribute attribute, void* data, size_t bytes) {
  auto number = [&](int value) -> CUresult { return bytes == sizeof(int) ? give(data, value) : CUDA_ERROR_INVALID_VALUE; };
  switch (attribute) {
    case CU_MEM_RANGE_ATTRIBUTE_READ_MOSTLY: return number(advice.readMostly);
    case CU_MEM_RANGE_ATTRIBUTE_PREFERRED_LOCATION: return number(deviceOf(advice.preferred));
    case CU_MEM_RANGE_ATTRIBUTE_LAST_PREFETCH_LOCATION: return number(deviceOf(advice.prefetched));
    case CU_MEM_RANGE_ATTRIBUTE_PREFERRED_LOCATION_TYPE: return number(static_cast<int>(advice.preferred.type));
    case CU_MEM_RANGE_ATTRIBUTE_PREFERRED_LOCATION_ID: return number(advice.preferred.id);
    case CU_MEM_RANGE_ATTRIBUTE_LAST_PREFETCH_LOCATION_TYPE: return number(static_cast<int>(advice.prefetched.type));
    case CU_MEM_RANGE_ATTRIBUTE_LAST_PREFETCH_LOCATION_ID: return number(advice.prefetched.id);
    case CU_MEM_RANGE_ATTRIBUTE_ACCESSED_BY:
      if (bytes == 0 || bytes % sizeof(int)) return CUDA_ERROR_INVALID_VALUE;
      for (size_t i = 0; i < bytes / sizeof(int); ++i)
        give(static_cast<int*>(data) + i, i < advice.accessedBy.size() ? advice.accessedBy[i] : CU_DEVICE_INVALID);
      return CUDA_SUCCESS;
  }
  return CUDA_ERROR_INVALID_VALUE;
}

}  // namespace

CUresult cuPointerGetAttribute(void* data, CUpointer_attribute attribute, CUdeviceptr pointer) {
  return callInContext(__func__, [&](Current&) -> CUresult {
    if (!data) return CUDA_ERROR_INVALID_VALUE;
    std::optional<device::Allocation> allocation = device::Memory::instance().find(pointerOf(pointer));
    return allocation ? attributeOf(*allocation, pointer, attribute, data) : CUDA_ERROR_INVALID_VALUE;
  });
}

CUresult cuPointerGetAttributes(unsigned count, CUpointer_attribute* attributes, void** data, CUdeviceptr pointer) {
  return callInContext(__func__, [&](Current&) -> CUresult {
    if (count == 0 || !attributes || !data) return CUDA_ERROR_INVALID_VALUE;
    std::optional<device::Allocation> allocation = device::Memory::instance().find(pointerOf(pointer));
    for (unsigned i = 0; i < count; ++i) {
      if (!data[i]) return CUDA_ERROR_INVALID_VALUE;
      CUresult result = allocation ? attributeOf(*allocation, pointer, attributes[i], data[i]) : attributeOfUnknown(attributes[i], data[i]);
      // What this memory does not have reads as nothing, unlike in cuPointerGetAttribute.
      if (result == CUDA_ERROR_INVALID_VALUE && allocation) result = attributeOfUnknown(attributes[i], data[i]);
      if (result != CUDA_SUCCESS) return result;
    }
    return CUDA_SUCCESS;
  });
}

CUresult cuPointerSetAttribute(const void* value, CUpointer_attribute attribute, CUdeviceptr pointer) {
  return callInContext(__func__, [&](Current&) -> CUresult {
    std::optional<device::Allocation> allocation = device::Memory::instance().find(pointerOf(pointer));
    if (!value || !allocation || attribute != CU_POINTER_ATTRIBUTE_SYNC_MEMOPS) return CUDA_ERROR_INVALID_VALUE;
    return CUDA_SUCCESS;  // blocking operations on memory are always synchronous here
  });
}

CUresult cuMemAdvise(CUdeviceptr pointer, size_t bytes, CUmem_advise advice, CUdevice device) {
  return advise(__func__, pointer, bytes, advice, locationOf(device));
}

CUresult cuMemAdvise_v2(CUdeviceptr pointer, size_t bytes, CUmem_advise advice, CUmemLocation location) {
  return advise(__func__, pointer, bytes, advice, location);
}

CUresult cuMemPrefetchAsync(CUdeviceptr pointer, size_t bytes, CUdevice device, CUstream stream) {
  return prefetch(__func__, pointer, bytes, locationOf(device), stream);
}

CUresult cuMemPrefetchAsync_v2(CUdeviceptr pointer, size_t bytes, CUmemLocation location, unsigned flags, CUstream stream) {
  if (flags) return CUDA_ERROR_INVALID_VALUE;
  return prefetch(__func__, pointer, bytes, location, stream);
}

CUresult cuMemRangeGetAttributes(void** data, size_t* sizes, CUmem_range_attribute* attributes, size_t count, CUdeviceptr pointer, size_t bytes) {
  return callInContext(__func__, [&](Current&) -> CUresult {
    std::optional<device::Allocation> range = managedRange(pointer, bytes);
    if (!data || !sizes || !attributes || count == 0 || !range) return CUDA_ERROR_INVALID_VALUE;
    std::lock_guard lock(adviceBook().mutex);
    const Advice& advice = adviceBook().byAllocation[range->id];
    for (size_t i = 0; i < count; ++i) {
      if (!data[i]) return CUDA_ERROR_INVALID_VALUE;
      if (CUresult result = rangeAttribute(advice, attributes[i], data[i], sizes[i]); result != CUDA_SUCCESS) return result;
    }
    return CUDA_SUCCESS;
  });
}

CUresult cuMemRangeGetAttribute(void* data, size_t size, CUmem_range_attribute attribute, CUdeviceptr pointer, size_t bytes) {
  return cuMemRangeGetAttributes(&data, &size, &attribute, 1, pointer, bytes);
}
