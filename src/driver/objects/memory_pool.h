// Memory pools of the stream-ordered allocator. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <memory>
#include <unordered_map>

#include "abi/cuda_types.h"
#include "device/memory/shared_file.h"
#include "driver/objects/handles.h"

namespace anywarp::driver {

// Counts what is taken from it; the memory itself comes from the device's allocator, which reuses freed ranges.
struct MemoryPool {
  CUmemoryPool handle = nullptr;
  int device = 0;
  uint64_t maxBytes = 0;  // 0: no limit
  // Of a pool for several processes: names it, and is what they pass on. An imported one gives no memory of its own.
  device::SharedFile identity;
  bool imported = false;
  std::atomic<int> reuseFlags[3] = {1, 1, 1};
  std::atomic<uint64_t> releaseThreshold{0};
  std::atomic<uint64_t> used{0}, usedHigh{0};

  // What pointers of a pool for several processes carry, to be imported into the same pool only.
  uint32_t tag() const;
  void taken(uint64_t bytes);
  void returned(uint64_t bytes);
};

using MemoryPoolTable = HandleTable<MemoryPool, CUmemoryPool, HandleKind::MemoryPool>;
MemoryPoolTable& memoryPools();

std::shared_ptr<MemoryPool> defaultPool(CUdevice device);
std::shared_ptr<MemoryPool> currentPool(CUdevice device);
void setCurrentPool(CUdevice device, const std::shared_ptr<MemoryPool>& pool);

// Remembers and forgets which pool an allocation came from.
void enterPool(void* base, uint64_t bytes, const std::shared_ptr<MemoryPool>& pool);
void leavePool(void* base);
// nullptr where it came from none.
std::shared_ptr<MemoryPool> poolOf(const void* base);

}  // namespace anywarp::driver
