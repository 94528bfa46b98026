// Pools by place and by allocation. SPDX-License-Identifier: Apache-2.0
#include "driver/objects/memory_pool.h"

#include <unistd.h>

#include <cstring>
#include <map>
#include <mutex>
#include <string>
#include <tuple>

#include "driver/process.h"

namespace anywarp::driver {
namespace {

struct Member {
  std::shared_ptr<MemoryPool> pool;
  uint64_t bytes;
};

struct PoolsOfPlace {
  std::shared_ptr<MemoryPool> first, current;
};

using Key = std::tuple<CUmemAllocationType, CUmemLocationType, int>;

struct Pools {
  std::mutex mutex;
  std::map<Key, PoolsOfPlace> places;
  std::unordered_map<const void*, Member> members;
};

Pools& pools() {
  static Pools& pools = *new Pools;
  return pools;
}

// With the lock held.
PoolsOfPlace& poolsOf(const PoolPlace& place) {
  PoolsOfPlace& found = pools().places[{place.type, place.location.type, place.location.id}];
  if (!found.first) {
    found.first = std::make_shared<MemoryPool>();
    found.first->place = place;
    memoryPools().add(found.first);
    found.current = found.first;
  }
  return found;
}

bool isNode(int id) { return id >= 0 && (id == 0 || access(("/sys/devices/system/node/node" + std::to_string(id)).c_str(), F_OK) == 0); }

}  // namespace

MemoryPoolTable& memoryPools() {
  static MemoryPoolTable& table = *new MemoryPoolTable;
  return table;
}

device::MemoryKind PoolPlace::kind() const {
  if (type == CU_MEM_ALLOCATION_TYPE_MANAGED) return device::MemoryKind::Managed;
  return location.type == CU_MEM_LOCATION_TYPE_DEVICE ? device::MemoryKind::Device : device::MemoryKind::HostPinned;
}

CUresult makePoolPlace(CUmemAllocationType type, CUmemLocation location, PoolPlace& place) {
  if (type != CU_MEM_ALLOCATION_TYPE_PINNED && type != CU_MEM_ALLOCATION_TYPE_MANAGED) return CUDA_ERROR_INVALID_VALUE;
  switch (location.type) {
    case CU_MEM_LOCATION_TYPE_DEVICE:
      if (!visibleDevice(location.id)) return CUDA_ERROR_INVALID_DEVICE;
      break;
    case CU_MEM_LOCATION_TYPE_HOST_NUMA:
      if (!isNode(location.id)) return CUDA_ERROR_INVALID_VALUE;
      break;
    case CU_MEM_LOCATION_TYPE_HOST: location.id = 0; break;
    case CU_MEM_LOCATION_TYPE_NONE:
      if (type != CU_MEM_ALLOCATION_TYPE_MANAGED) return CUDA_ERROR_INVALID_VALUE;
      location.id = 0;
      break;
    default: return CUDA_ERROR_INVALID_VALUE;
  }
  place = {type, location};
  return CUDA_SUCCESS;
}

uint32_t MemoryPool::tag() const {
  uint32_t tag;
  std::memcpy(&tag, identity.id().data(), sizeof(tag));
  return tag | 1;
}

void MemoryPool::taken(uint64_t bytes) {
  uint64_t now = used.fetch_add(bytes) + bytes;
  uint64_t high = usedHigh.load();
  while (high < now && !usedHigh.compare_exchange_weak(high, now)) {
  }
}

void MemoryPool::returned(uint64_t bytes) { used.fetch_sub(bytes); }

std::shared_ptr<MemoryPool> defaultPool(const PoolPlace& place) {
  std::lock_guard lock(pools().mutex);
  return poolsOf(place).first;
}

std::shared_ptr<MemoryPool> currentPool(const PoolPlace& place) {
  std::lock_guard lock(pools().mutex);
  return poolsOf(place).current;
}

void setCurrentPool(const std::shared_ptr<MemoryPool>& pool) {
  std::lock_guard lock(pools().mutex);
  poolsOf(pool->place).current = pool;
}

void enterPool(void* base, uint64_t bytes, const std::shared_ptr<MemoryPool>& pool) {
  pool->taken(bytes);
  std::lock_guard lock(pools().mutex);
  pools().members[base] = {pool, bytes};
}

void leavePool(void* base) {
  std::lock_guard lock(pools().mutex);
  auto found = pools().members.find(base);
  if (found == pools().members.end()) return;
  found->second.pool->returned(found->second.bytes);
  pools().members.erase(found);
}

std::shared_ptr<MemoryPool> poolOf(const void* base) {
  std::lock_guard lock(pools().mutex);
  auto found = pools().members.find(base);
  return found == pools().members.end() ? nullptr : found->second.pool;
}

}  // namespace anywarp::driver
