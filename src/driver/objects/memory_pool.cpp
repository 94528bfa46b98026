// Pools by place and by allocation. SPDX-License-Identifier: Apache-2.0
#include "driver/objects/memory_pool.h"

#include <unistd.h>

#include <cstring>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <tuple>
#include <unordered_map>

#include "driver/process.h"

namespace anywarp::driver {
namespace {

struct Member {
  std::shared_ptr<MemoryPool> pool;
  uint64_t bytes = 0;
  uint64_t id = 0;  // the allocation's
  bool kept = false;
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

namespace {

void raise(std::atomic<uint64_t>& high, uint64_t now) {
  uint64_t before = high.load();
  while (before < now && !high.compare_exchange_weak(before, now)) {
  }
}

}  // namespace

void MemoryPool::taken(uint64_t bytes) {
  raise(usedHigh, used.fetch_add(bytes) + bytes);
  raise(reservedHigh, reserved());
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
  std::optional<device::Allocation> allocation = device::Memory::instance().find(base);
  std::lock_guard lock(pools().mutex);
  pools().members[base] = {pool, bytes, allocation ? allocation->id : 0, false};
}

namespace {

// With the lock held. Where a context has taken its memory along, what is there now is another allocation.
Member* memberAt(const void* base) {
  auto found = pools().members.find(base);
  if (found == pools().members.end()) return nullptr;
  std::optional<device::Allocation> now = device::Memory::instance().find(base);
  if (now && now->base == reinterpret_cast<uintptr_t>(base) && now->id == found->second.id) return &found->second;
  if (!found->second.kept) found->second.pool->returned(found->second.bytes);
  pools().members.erase(found);
  return nullptr;
}

}  // namespace

std::shared_ptr<MemoryPool> poolOf(const void* base) {
  std::lock_guard lock(pools().mutex);
  Member* member = memberAt(base);
  return member && !member->kept ? member->pool : nullptr;
}

bool isKeptByPool(const void* base) {
  std::lock_guard lock(pools().mutex);
  Member* member = memberAt(base);
  return member && member->kept;
}

// Others may have mapped memory of a pool for several processes.
bool MemoryPool::mayKeep(uint64_t bytes) const { return !identity && reserved() + bytes <= releaseThreshold; }

Status freeToPool(const device::Allocation& allocation) {
  void* base = reinterpret_cast<void*>(allocation.base);
  {
    std::lock_guard lock(pools().mutex);
    if (Member* member = memberAt(base)) {
      if (member->kept) return Error{ErrorKind::Invalid, "the memory was freed already"};
      MemoryPool& pool = *member->pool;
      pool.returned(member->bytes);
      if (pool.mayKeep(allocation.bytes)) {
        pool.kept_.emplace(device::Memory::roomFor(allocation.bytes), allocation);
        pool.held += allocation.bytes;
        member->kept = true;
        return {};
      }
      pools().members.erase(base);
    }
  }
  return device::Memory::instance().release(base);
}

void* MemoryPool::takeKept(uint64_t bytes, const void* owner) {
  std::lock_guard lock(pools().mutex);
  auto [it, end] = kept_.equal_range(device::Memory::roomFor(bytes));
  while (it != end) {
    const device::Allocation kept = it->second;
    if (kept.owner != owner) {
      ++it;
      continue;
    }
    it = kept_.erase(it);
    held -= kept.bytes;
    void* base = reinterpret_cast<void*>(kept.base);
    if (memberAt(base) && device::Memory::instance().renew(base, bytes)) return base;
  }
  return nullptr;
}

void MemoryPool::trimTo(uint64_t bytes) {
  std::lock_guard lock(pools().mutex);
  while (reserved() > bytes && !kept_.empty()) {
    const device::Allocation kept = kept_.begin()->second;
    kept_.erase(kept_.begin());
    held -= kept.bytes;
    void* base = reinterpret_cast<void*>(kept.base);
    if (!memberAt(base)) continue;
    pools().members.erase(base);
    (void)device::Memory::instance().release(base);
  }
}

}  // namespace anywarp::driver
