// Memory pools of the stream-ordered allocator. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <map>
#include <memory>

#include "abi/cuda_types.h"
#include "device/memory/memory.h"
#include "device/memory/shared_file.h"
#include "driver/objects/handles.h"

namespace anywarp::driver {

// Where a pool's memory is and of what kind: a device's own, the host's, or managed memory with or without a preferred place.
struct PoolPlace {
  CUmemAllocationType type = CU_MEM_ALLOCATION_TYPE_PINNED;
  CUmemLocation location{CU_MEM_LOCATION_TYPE_DEVICE, 0};

  bool ofDevice() const { return type == CU_MEM_ALLOCATION_TYPE_PINNED && location.type == CU_MEM_LOCATION_TYPE_DEVICE; }
  device::MemoryKind kind() const;
  bool operator==(const PoolPlace& other) const {
    return type == other.type && location.type == other.location.type && location.id == other.location.id;
  }
};
// As programs name it. CUDA_ERROR_INVALID_VALUE and CUDA_ERROR_INVALID_DEVICE where there are no such pools.
CUresult makePoolPlace(CUmemAllocationType type, CUmemLocation location, PoolPlace& place);

// Counts what is taken from it; the memory itself comes from the device's allocator. What is freed stays with the pool as long as all
// that it has is within its release threshold.
struct MemoryPool {
  CUmemoryPool handle = nullptr;
  PoolPlace place;
  uint64_t maxBytes = 0;  // 0: no limit
  // Of a pool for several processes: names it, and is what they pass on. An imported one gives no memory of its own.
  device::SharedFile identity;
  bool imported = false;
  std::atomic<int> reuseFlags[3] = {1, 1, 1};
  std::atomic<uint64_t> releaseThreshold{0};
  std::atomic<uint64_t> used{0}, usedHigh{0}, reservedHigh{0};
  std::atomic<uint64_t> held{0};  // bytes that are freed and kept

  // What pointers of a pool for several processes carry, to be imported into the same pool only.
  uint32_t tag() const;
  void taken(uint64_t bytes);
  void returned(uint64_t bytes);
  uint64_t reserved() const { return used + held; }

  // Memory of `bytes` for `owner` out of what is kept, its content undefined; nullptr where there is none.
  void* takeKept(uint64_t bytes, const void* owner);
  // Releases what is kept until no more than `bytes` are reserved.
  void trimTo(uint64_t bytes);

 private:
  friend Status freeToPool(const device::Allocation&);
  bool mayKeep(uint64_t bytes) const;
  std::multimap<size_t, device::Allocation> kept_;  // by what they occupy
};

using MemoryPoolTable = HandleTable<MemoryPool, CUmemoryPool, HandleKind::MemoryPool>;
MemoryPoolTable& memoryPools();

// Pools of one place; the default one exists from its first mention on.
std::shared_ptr<MemoryPool> defaultPool(const PoolPlace& place);
std::shared_ptr<MemoryPool> currentPool(const PoolPlace& place);
void setCurrentPool(const std::shared_ptr<MemoryPool>& pool);
inline PoolPlace deviceMemory(CUdevice device) { return {CU_MEM_ALLOCATION_TYPE_PINNED, {CU_MEM_LOCATION_TYPE_DEVICE, device}}; }

// Remembers which pool an allocation came from.
void enterPool(void* base, uint64_t bytes, const std::shared_ptr<MemoryPool>& pool);
// Ends an allocation that is a pool's or none's: the pool keeps it, or it is released. Invalid where it has ended already.
Status freeToPool(const device::Allocation& allocation);
// nullptr where it came from none.
std::shared_ptr<MemoryPool> poolOf(const void* base);
// Freed memory that its pool keeps: no allocation of the program's.
bool isKeptByPool(const void* base);

}  // namespace anywarp::driver
