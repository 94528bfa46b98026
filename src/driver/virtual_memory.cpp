// Driver API: Virtual Memory Management. SPDX-License-Identifier: Apache-2.0
// Physical memory is an anonymous file, an address range is reserved pages, and mapping is mapping: two ranges that map the same
// physical memory see the same bytes.
#include <sys/mman.h>
#include <unistd.h>

#include <map>
#include <mutex>

#include "abi/cuda_memory.h"
#include "device/memory/shared_file.h"
#include "driver/entry.h"
#include "driver/memory.h"

using namespace anywarp;
using namespace anywarp::driver;

namespace {

constexpr size_t granularity = size_t{2} << 20;

struct Physical {
  // `charged`: bytes counted as the device's; 0 for memory of another process.
  Physical(device::SharedFile file, size_t bytes, size_t charged, const CUmemAllocationProp& prop)
      : file(std::move(file)), bytes(bytes), charged(charged), prop(prop) {}
  ~Physical() {
    if (charged) device::Memory::instance().discharge(visibleDevice(prop.location.id)->device->ordinal(), charged);
  }
  Physical(const Physical&) = delete;
  Physical& operator=(const Physical&) = delete;

  CUmemGenericAllocationHandle handle = 0;
  const device::SharedFile file;
  const size_t bytes, charged;
  const CUmemAllocationProp prop;
  unsigned references = 1;  // of the handle; guarded by Spaces::mutex
};

struct Mapping {
  size_t bytes = 0;
  std::shared_ptr<Physical> physical;
  CUmemAccess_flags access = CU_MEM_ACCESS_FLAGS_PROT_NONE;
};

struct Spaces {
  std::mutex mutex;
  std::map<CUdeviceptr, size_t> reservations;
  std::map<CUdeviceptr, Mapping> mappings;
};

Spaces& spaces() {
  static Spaces& spaces = *new Spaces;
  return spaces;
}

using PhysicalTable = HandleTable<Physical, CUmemGenericAllocationHandle, HandleKind::Allocation>;
PhysicalTable& physicals() {
  static PhysicalTable& table = *new PhysicalTable;
  return table;
}

bool isMultiple(size_t bytes) { return bytes > 0 && bytes % granularity == 0; }

bool validProp(const CUmemAllocationProp* prop) {
  return prop && prop->type == CU_MEM_ALLOCATION_TYPE_PINNED && prop->location.type == CU_MEM_LOCATION_TYPE_DEVICE && visibleDevice(prop->location.id);
}

// Ends with the lock held, calls `body` with the state. No current context is needed.
template <class Body>
CUresult withSpaces(const char* name, Body&& body) {
  return call(name, [&]() -> CUresult {
    std::lock_guard lock(spaces().mutex);
    return body(spaces());
  });
}

// Reserved addresses, `alignment` a power of two.
void* reserve(size_t bytes, size_t alignment) {
  size_t extra = bytes + alignment;
  void* memory = mmap(nullptr, extra, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) return nullptr;
  uintptr_t begin = reinterpret_cast<uintptr_t>(memory);
  uintptr_t aligned = (begin + alignment - 1) & ~(uintptr_t{alignment} - 1);
  if (aligned > begin) munmap(memory, aligned - begin);
  if (begin + extra > aligned + bytes) munmap(reinterpret_cast<void*>(aligned + bytes), begin + extra - aligned - bytes);
  return reinterpret_cast<void*>(aligned);
}

bool isReserved(const Spaces& s, CUdeviceptr pointer, size_t bytes) {
  auto next = s.reservations.upper_bound(pointer);
  if (next == s.reservations.begin()) return false;
  auto [base, size] = *std::prev(next);
  return pointer - base <= size && bytes <= size - (pointer - base);
}

bool isFree(const Spaces& s, CUdeviceptr pointer, size_t bytes) {
  auto next = s.mappings.lower_bound(pointer + bytes);
  if (next == s.mappings.begin()) return true;
  auto& [base, mapping] = *std::prev(next);
  return base + mapping.bytes <= pointer;
}

// The mappings that fill [pointer, pointer + bytes) exactly; empty where they do not.
std::vector<std::map<CUdeviceptr, Mapping>::iterator> mappingsOf(Spaces& s, CUdeviceptr pointer, size_t bytes) {
  std::vector<std::map<CUdeviceptr, Mapping>::iterator> found;
  for (CUdeviceptr at = pointer; at < pointer + bytes;) {
    auto mapping = s.mappings.find(at);
    if (mapping == s.mappings.end() || mapping->second.bytes > pointer + bytes - at) return {};
    found.push_back(mapping);
    at += mapping->second.bytes;
  }
  return found;
}

// What all devices together may do: the host's page protection knows one answer.
CUresult unitedAccess(const CUmemAccessDesc* descriptors, size_t count, CUmemAccess_flags& access) {
  unsigned united = CU_MEM_ACCESS_FLAGS_PROT_NONE;
  for (size_t i = 0; i < count; ++i) {
    const CUmemAccessDesc& d = descriptors[i];
    if (d.flags == CU_MEM_ACCESS_FLAGS_PROT_READ) return CUDA_ERROR_NOT_SUPPORTED;
    if (d.flags != CU_MEM_ACCESS_FLAGS_PROT_NONE && d.flags != CU_MEM_ACCESS_FLAGS_PROT_READWRITE) return CUDA_ERROR_INVALID_VALUE;
    if (d.location.type != CU_MEM_LOCATION_TYPE_DEVICE) return CUDA_ERROR_NOT_SUPPORTED;
    if (!visibleDevice(d.location.id)) return CUDA_ERROR_INVALID_DEVICE;
    united |= d.flags;
  }
  access = static_cast<CUmemAccess_flags>(united);
  return CUDA_SUCCESS;
}

// Changes what may be done with a mapping. Only one that can be used is known as memory, to copies and to reports.
CUresult setAccess(CUdeviceptr base, Mapping& mapping, CUmemAccess_flags access) {
  if (access == mapping.access) return CUDA_SUCCESS;
  device::Memory& memory = device::Memory::instance();
  bool usable = access != CU_MEM_ACCESS_FLAGS_PROT_NONE;
  if (!usable) (void)memory.disown(pointerOf(base));
  if (mprotect(pointerOf(base), mapping.bytes, usable ? PROT_READ | PROT_WRITE : PROT_NONE) != 0) return CUDA_ERROR_OPERATING_SYSTEM;
  mapping.access = access;
  int device = visibleDevice(mapping.physical->prop.location.id)->device->ordinal();
  return usable ? toResult(memory.adopt(pointerOf(base), mapping.bytes, device, 0)) : CUDA_SUCCESS;
}

// Kernels of any context may use the range.
void waitForKernels() {
  contexts().forEach([](Context& context) {
    if (std::shared_ptr<device::Context> impl = context.active()) impl->synchronize();
  });
}

}  // namespace

CUresult cuMemGetAllocationGranularity(size_t* bytes, const CUmemAllocationProp* prop, CUmemAllocationGranularity_flags option) {
  return call(__func__, [&]() -> CUresult {
    if (!bytes || !validProp(prop) || option > CU_MEM_ALLOC_GRANULARITY_RECOMMENDED) return CUDA_ERROR_INVALID_VALUE;
    *bytes = granularity;
    return CUDA_SUCCESS;
  });
}

CUresult cuMemAddressReserve(CUdeviceptr* pointer, size_t bytes, size_t alignment, CUdeviceptr, unsigned long long flags) {
  return withSpaces(__func__, [&](Spaces& s) -> CUresult {
    if (!pointer || !isMultiple(bytes) || flags || (alignment & (alignment - 1)) || bytes > size_t{1} << 46) return CUDA_ERROR_INVALID_VALUE;
    void* memory = reserve(bytes, std::max(alignment, granularity));
    if (!memory) return CUDA_ERROR_OUT_OF_MEMORY;
    *pointer = addressOf(memory);
    s.reservations.emplace(*pointer, bytes);
    return CUDA_SUCCESS;
  });
}

CUresult cuMemAddressFree(CUdeviceptr pointer, size_t bytes) {
  return withSpaces(__func__, [&](Spaces& s) -> CUresult {
    auto found = s.reservations.find(pointer);
    if (found == s.reservations.end() || found->second != bytes || !isFree(s, pointer, bytes)) return CUDA_ERROR_INVALID_VALUE;
    s.reservations.erase(found);
    munmap(pointerOf(pointer), bytes);
    return CUDA_SUCCESS;
  });
}

CUresult cuMemCreate(CUmemGenericAllocationHandle* handle, size_t bytes, const CUmemAllocationProp* prop, unsigned long long flags) {
  return call(__func__, [&]() -> CUresult {
    if (!handle || !isMultiple(bytes) || flags || !validProp(prop)) return CUDA_ERROR_INVALID_VALUE;
    if (prop->requestedHandleTypes & ~CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR) return CUDA_ERROR_NOT_SUPPORTED;
    Result<device::SharedFile> file = device::SharedFile::make(bytes);
    if (!file) return toResult(file.error());
    if (Status status = device::Memory::instance().charge(visibleDevice(prop->location.id)->device->ordinal(), bytes); !status) return toResult(status);
    auto physical = std::make_shared<Physical>(std::move(*file), bytes, bytes, *prop);
    *handle = physicals().add(physical);
    return CUDA_SUCCESS;
  });
}

CUresult cuMemRelease(CUmemGenericAllocationHandle handle) {
  return withSpaces(__func__, [&](Spaces&) -> CUresult {
    std::shared_ptr<Physical> physical = physicals().find(handle);
    if (!physical) return CUDA_ERROR_INVALID_VALUE;
    if (--physical->references == 0) physicals().take(handle);  // mappings keep the memory
    return CUDA_SUCCESS;
  });
}

CUresult cuMemMap(CUdeviceptr pointer, size_t bytes, size_t offset, CUmemGenericAllocationHandle handle, unsigned long long flags) {
  return withSpaces(__func__, [&](Spaces& s) -> CUresult {
    std::shared_ptr<Physical> physical = physicals().find(handle);
    if (!physical || flags || offset || pointer % granularity || !isMultiple(bytes) || bytes > physical->bytes) return CUDA_ERROR_INVALID_VALUE;
    if (!isReserved(s, pointer, bytes) || !isFree(s, pointer, bytes)) return CUDA_ERROR_INVALID_VALUE;
    void* memory = mmap(pointerOf(pointer), bytes, PROT_NONE, MAP_SHARED | MAP_FIXED, physical->file.number(), 0);
    if (memory == MAP_FAILED) return CUDA_ERROR_MAP_FAILED;
    s.mappings.emplace(pointer, Mapping{bytes, std::move(physical)});
    return CUDA_SUCCESS;
  });
}

CUresult cuMemUnmap(CUdeviceptr pointer, size_t bytes) {
  if (initialised()) waitForKernels();
  return withSpaces(__func__, [&](Spaces& s) -> CUresult {
    auto found = mappingsOf(s, pointer, bytes);
    if (found.empty()) return CUDA_ERROR_INVALID_VALUE;
    for (auto mapping : found) {
      (void)setAccess(mapping->first, mapping->second, CU_MEM_ACCESS_FLAGS_PROT_NONE);
      s.mappings.erase(mapping);
    }
    void* memory = mmap(pointerOf(pointer), bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
    return memory == MAP_FAILED ? CUDA_ERROR_UNMAP_FAILED : CUDA_SUCCESS;
  });
}

CUresult cuMemSetAccess(CUdeviceptr pointer, size_t bytes, const CUmemAccessDesc* descriptors, size_t count) {
  return withSpaces(__func__, [&](Spaces& s) -> CUresult {
    auto found = mappingsOf(s, pointer, bytes);
    if (!descriptors || count == 0 || found.empty()) return CUDA_ERROR_INVALID_VALUE;
    CUmemAccess_flags access = CU_MEM_ACCESS_FLAGS_PROT_NONE;
    if (CUresult result = unitedAccess(descriptors, count, access); result != CUDA_SUCCESS) return result;
    for (auto mapping : found)
      if (CUresult result = setAccess(mapping->first, mapping->second, access); result != CUDA_SUCCESS) return result;
    return CUDA_SUCCESS;
  });
}

CUresult cuMemGetAccess(unsigned long long* flags, const CUmemLocation* location, CUdeviceptr pointer) {
  return withSpaces(__func__, [&](Spaces& s) -> CUresult {
    if (!flags || !location || location->type != CU_MEM_LOCATION_TYPE_DEVICE) return CUDA_ERROR_INVALID_VALUE;
    if (!visibleDevice(location->id)) return CUDA_ERROR_INVALID_DEVICE;
    auto next = s.mappings.upper_bound(pointer);
    if (next == s.mappings.begin() || pointer - std::prev(next)->first >= std::prev(next)->second.bytes) return CUDA_ERROR_INVALID_VALUE;
    *flags = std::prev(next)->second.access;
    return CUDA_SUCCESS;
  });
}

CUresult cuMemGetAllocationPropertiesFromHandle(CUmemAllocationProp* prop, CUmemGenericAllocationHandle handle) {
  return call(__func__, [&]() -> CUresult {
    std::shared_ptr<Physical> physical = physicals().find(handle);
    if (!prop || !physical) return CUDA_ERROR_INVALID_VALUE;
    *prop = physical->prop;
    return CUDA_SUCCESS;
  });
}

CUresult cuMemRetainAllocationHandle(CUmemGenericAllocationHandle* handle, void* address) {
  return withSpaces(__func__, [&](Spaces& s) -> CUresult {
    CUdeviceptr pointer = addressOf(address);
    auto next = s.mappings.upper_bound(pointer);
    if (!handle || next == s.mappings.begin() || pointer - std::prev(next)->first >= std::prev(next)->second.bytes) return CUDA_ERROR_INVALID_VALUE;
    const std::shared_ptr<Physical>& physical = std::prev(next)->second.physical;
    if (physical->references++ == 0) physicals().add(physical);  // it lived on in its mappings only
    *handle = physical->handle;
    return CUDA_SUCCESS;
  });
}

CUresult cuMemExportToShareableHandle(void* shareable, CUmemGenericAllocationHandle handle, CUmemAllocationHandleType type, unsigned long long flags) {
  return call(__func__, [&]() -> CUresult {
    std::shared_ptr<Physical> physical = physicals().find(handle);
    if (!shareable || !physical || flags || !type || (type & (type - 1)) || !(physical->prop.requestedHandleTypes & type)) return CUDA_ERROR_INVALID_VALUE;
    Result<int> descriptor = physical->file.duplicate();
    if (!descriptor) return toResult(descriptor.error());
    *static_cast<int*>(shareable) = *descriptor;
    return CUDA_SUCCESS;
  });
}

// What another process exported: memory of the current device, counted where it was made.
CUresult cuMemImportFromShareableHandle(CUmemGenericAllocationHandle* handle, void* shareable, CUmemAllocationHandleType type) {
  return call(__func__, [&]() -> CUresult {
    if (!handle || type & (type - 1) || !type || type > CU_MEM_HANDLE_TYPE_FABRIC) return CUDA_ERROR_INVALID_VALUE;
    if (type != CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR) return CUDA_ERROR_NOT_SUPPORTED;
    Result<device::SharedFile> file = device::SharedFile::adopt(static_cast<int>(reinterpret_cast<intptr_t>(shareable)));
    if (!file) return toResult(file.error());
    size_t bytes = file->bytes();
    if (!isMultiple(bytes)) return CUDA_ERROR_INVALID_VALUE;
    std::shared_ptr<Context> context = currentContext();
    CUmemAllocationProp prop{};
    prop.type = CU_MEM_ALLOCATION_TYPE_PINNED;
    prop.requestedHandleTypes = CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR;
    prop.location = {CU_MEM_LOCATION_TYPE_DEVICE, context ? context->device.ordinal : 0};
    *handle = physicals().add(std::make_shared<Physical>(std::move(*file), bytes, 0, prop));
    return CUDA_SUCCESS;
  });
}

// There is no bus that another device could reach the memory through.
CUresult cuMemGetHandleForAddressRange(void* handle, CUdeviceptr pointer, size_t bytes, CUmemRangeHandleType type, unsigned long long flags) {
  return callInContext(__func__, [&](Current&) -> CUresult {
    bool known = type == CU_MEM_RANGE_HANDLE_TYPE_DMA_BUF_FD && flags <= 1;
    if (!handle || !known || bytes == 0 || !validRange(pointerOf(pointer), bytes, Side::Device)) return CUDA_ERROR_INVALID_VALUE;
    return CUDA_ERROR_NOT_SUPPORTED;
  });
}
