// Pools by device and by allocation. SPDX-License-Identifier: Apache-2.0
#include "driver/objects/memory_pool.h"

#include <cstring>
#include <mutex>
#include <vector>

#include "driver/process.h"

namespace anywarp::driver {
namespace {

struct Member {
  std::shared_ptr<MemoryPool> pool;
  uint64_t bytes;
};

struct Pools {
  std::mutex mutex;
  std::vector<std::shared_ptr<MemoryPool>> defaults, current;  // by device
  std::unordered_map<const void*, Member> members;
};

Pools& makePools() {
  Pools& pools = *new Pools;
  for (const VisibleDevice& device : visibleDevices()) {
    auto pool = std::make_shared<MemoryPool>();
    pool->device = device.ordinal;
    memoryPools().add(pool);
    pools.defaults.push_back(pool);
  }
  pools.current = pools.defaults;
  return pools;
}

Pools& pools() {
  static Pools& pools = makePools();
  return pools;
}

}  // namespace

MemoryPoolTable& memoryPools() {
  static MemoryPoolTable& table = *new MemoryPoolTable;
  return table;
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

std::shared_ptr<MemoryPool> defaultPool(CUdevice device) { return pools().defaults[static_cast<size_t>(device)]; }

std::shared_ptr<MemoryPool> currentPool(CUdevice device) {
  std::lock_guard lock(pools().mutex);
  return pools().current[static_cast<size_t>(device)];
}

void setCurrentPool(CUdevice device, const std::shared_ptr<MemoryPool>& pool) {
  std::lock_guard lock(pools().mutex);
  pools().current[static_cast<size_t>(device)] = pool;
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
