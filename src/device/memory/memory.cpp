// Every range of memory that a kernel may touch: the address map, accounting, and words about addresses. SPDX-License-Identifier: Apache-2.0
#include "device/memory/memory.h"

#include <array>
#include <iterator>
#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <vector>

#include "device/memory/arena.h"
#include "device/memory/slab.h"
#include "device/usage/usage.h"

namespace anywarp::device {

namespace {

constexpr size_t hostArenaBytes = size_t{256} << 30;
constexpr size_t smallestDeviceArena = size_t{1} << 30;
constexpr size_t rememberedFrees = 256;

const char* words(MemoryKind kind) {
  constexpr std::array<const char*, 7> table = {"device",    "managed",         "pinned host", "registered host",
                                                "module variable", "device heap",     "mapped"};
  return table[static_cast<size_t>(kind)];
}

bool counts(MemoryKind kind) { return kind == MemoryKind::Device || kind == MemoryKind::Variable || kind == MemoryKind::Heap; }
// Pages that others have mapped.
bool isForeign(MemoryKind kind) { return kind == MemoryKind::HostRegistered || kind == MemoryKind::Mapped; }
bool onDevice(MemoryKind kind) { return counts(kind); }

std::string hex(uintptr_t value) {
  char text[2 + 16 + 1];
  snprintf(text, sizeof text, "0x%lx", static_cast<unsigned long>(value));
  return text;
}

// Where ranges come from: one per device, one for host and managed memory.
struct ArenaPool {
  explicit ArenaPool(size_t wanted) : arena(wanted), slabs(arena) {}
  Arena arena;
  Slabs slabs;
  std::unique_ptr<Arena> low;  // made when first asked for
  uint64_t capacity = ~uint64_t{0};
  uint64_t used = 0;
};

// What an allocation takes from its pool.
size_t placeFor(size_t bytes, bool small) { return roundUp(bytes, small ? Slabs::unit : pageSize()); }

struct Record {
  Allocation allocation;
  size_t charged = 0;  // bytes counted as used
  bool small = false;
  bool low = false;
};

}  // namespace

struct Memory::State {
  mutable std::shared_mutex mutex;
  std::map<uintptr_t, Record> records;  // by base; disjoint
  std::map<int, std::unique_ptr<ArenaPool>> pools;  // -1: the host's
  std::array<Allocation, rememberedFrees> freed{};
  size_t freedCount = 0;
  uint64_t lastId = 0;

  ArenaPool& pool(int ordinal) {
    auto& p = pools[ordinal];
    if (!p) p = std::make_unique<ArenaPool>(ordinal < 0 ? hostArenaBytes : smallestDeviceArena);
    return *p;
  }
  ArenaPool& poolOf(const Allocation& a) { return pool(onDevice(a.kind) ? a.device : -1); }

  std::map<uintptr_t, Record>::const_iterator holding(uintptr_t address) const {
    auto it = records.upper_bound(address);
    if (it == records.begin()) return records.end();
    --it;
    return address - it->first < it->second.allocation.bytes ? it : records.end();
  }

  // The youngest freed allocation that held `address`.
  std::optional<Allocation> freedAt(uintptr_t address) const {
    std::shared_lock lock(mutex);
    size_t known = std::min(freedCount, rememberedFrees);
    for (size_t i = 1; i <= known; ++i) {
      const Allocation& a = freed[(freedCount - i) % rememberedFrees];
      if (address - a.base < a.bytes) return a;
    }
    return std::nullopt;
  }

  // Ranges that are not taken from a pool.
  Status enter(const Allocation& allocation);
  Status leave(const void* base, MemoryKind kind);

  void drop(std::map<uintptr_t, Record>::iterator it) {
    Record record = it->second;
    records.erase(it);
    freed[freedCount++ % rememberedFrees] = record.allocation;
    if (isForeign(record.allocation.kind)) return;
    ArenaPool& from = poolOf(record.allocation);
    from.used -= record.charged;
    if (record.charged) tellUsage(record.allocation.device, from.used);
    if (record.low) {
      from.low->give(record.allocation.base);
    } else if (record.small) {
      from.slabs.give(record.allocation.base);
    } else {
      from.arena.give(record.allocation.base);
    }
  }
};

Memory& Memory::instance() {
  static Memory& memory = *new Memory;
  return memory;
}

Memory::Memory() : state_(*new State) {}

void Memory::setCapacity(int ordinal, uint64_t bytes) {
  std::unique_lock lock(state_.mutex);
  auto& pool = state_.pools[ordinal];
  // Several times the presented memory, so that freed ranges can stay unmapped for a while.
  if (!pool) pool = std::make_unique<ArenaPool>(roundUp(bytes, pageSize()) * 4 + smallestDeviceArena);
  pool->capacity = bytes;
}

MemoryUsage Memory::usage(int ordinal) const {
  std::shared_lock lock(state_.mutex);
  auto it = state_.pools.find(ordinal);
  if (it == state_.pools.end()) return {};
  const ArenaPool& pool = *it->second;
  return {pool.capacity, pool.used < pool.capacity ? pool.capacity - pool.used : 0};
}

Result<void*> Memory::allocate(const AllocationRequest& request) {
  if (request.bytes == 0) return Error{ErrorKind::Invalid, "an allocation of 0 bytes"};
  if (request.alignment & (request.alignment - 1)) return Error{ErrorKind::Invalid, "alignment is no power of two"};
  std::unique_lock lock(state_.mutex);
  ArenaPool& pool = state_.pool(onDevice(request.kind) ? request.device : -1);
  bool small = !request.low && request.bytes <= Slabs::largest && request.alignment <= Slabs::unit;
  if (request.low && !pool.low) pool.low = std::make_unique<Arena>(smallestDeviceArena / 4, Arena::Place::Low);
  size_t charged = 0;
  if (counts(request.kind)) {
    uint64_t free = pool.used < pool.capacity ? pool.capacity - pool.used : 0;
    if (request.bytes <= free) charged = placeFor(request.bytes, small);
    if (charged == 0 || charged > free) {
      return Error{ErrorKind::OutOfMemory, std::to_string(request.bytes) + " bytes asked for, " + std::to_string(free) + " of " +
                                               std::to_string(pool.capacity) + " free on device " + std::to_string(request.device)};
    }
  }
  auto base = small ? pool.slabs.take(request.bytes) : (request.low ? *pool.low : pool.arena).take(request.bytes, request.alignment);
  if (!base) return base.error();
  pool.used += charged;
  if (charged) tellUsage(request.device, pool.used);
  Allocation allocation{*base,          request.bytes, request.kind, request.device, ++state_.lastId,
                        request.owner, request.flags};
  state_.records.emplace(*base, Record{allocation, charged, small, request.low});
  return reinterpret_cast<void*>(*base);
}

Status Memory::release(void* base) {
  std::unique_lock lock(state_.mutex);
  auto it = state_.records.find(reinterpret_cast<uintptr_t>(base));
  if (it == state_.records.end() || isForeign(it->second.allocation.kind)) {
    return Error{ErrorKind::Invalid, hex(reinterpret_cast<uintptr_t>(base)) + " is not the start of an allocation"};
  }
  state_.drop(it);
  return {};
}

size_t Memory::roomFor(size_t bytes) { return placeFor(bytes, bytes <= Slabs::largest); }

Result<Allocation> Memory::renew(void* base, size_t bytes) {
  std::unique_lock lock(state_.mutex);
  auto it = state_.records.find(reinterpret_cast<uintptr_t>(base));
  if (it == state_.records.end() || isForeign(it->second.allocation.kind) || bytes == 0 ||
      placeFor(bytes, it->second.small) != placeFor(it->second.allocation.bytes, it->second.small)) {
    return Error{ErrorKind::Invalid, hex(reinterpret_cast<uintptr_t>(base)) + " is no allocation that " + std::to_string(bytes) + " bytes fill"};
  }
  Allocation& allocation = it->second.allocation;
  state_.freed[state_.freedCount++ % rememberedFrees] = allocation;
  allocation.bytes = bytes;
  allocation.id = ++state_.lastId;
  return allocation;
}

void Memory::releaseAll(const void* owner) {
  std::unique_lock lock(state_.mutex);
  for (auto it = state_.records.begin(); it != state_.records.end();) {
    auto next = std::next(it);
    if (it->second.allocation.owner == owner) state_.drop(it);
    it = next;
  }
}

Status Memory::State::enter(const Allocation& allocation) {
  if (!allocation.base || allocation.bytes == 0 || allocation.base + allocation.bytes < allocation.base) return Error{ErrorKind::Invalid, "an empty range"};
  std::unique_lock lock(mutex);
  auto next = records.lower_bound(allocation.base + allocation.bytes);
  if (next != records.begin()) {
    const Allocation& before = std::prev(next)->second.allocation;
    if (before.base + before.bytes > allocation.base) {
      return Error{ErrorKind::Invalid, hex(allocation.base) + " overlaps the " + words(before.kind) + " range at " + hex(before.base)};
    }
  }
  Record record{allocation, 0, false, false};
  record.allocation.id = ++lastId;
  records.emplace(allocation.base, record);
  return {};
}

Status Memory::State::leave(const void* base, MemoryKind kind) {
  std::unique_lock lock(mutex);
  auto it = records.find(reinterpret_cast<uintptr_t>(base));
  if (it == records.end() || it->second.allocation.kind != kind) {
    return Error{ErrorKind::NotFound, hex(reinterpret_cast<uintptr_t>(base)) + " is not a " + words(kind) + " range"};
  }
  drop(it);
  return {};
}

Status Memory::registerHost(void* base, size_t bytes, int device, const void* owner, uint32_t flags) {
  return state_.enter({reinterpret_cast<uintptr_t>(base), bytes, MemoryKind::HostRegistered, device, 0, owner, flags});
}

Status Memory::unregisterHost(void* base) { return state_.leave(base, MemoryKind::HostRegistered); }

Status Memory::adopt(void* base, size_t bytes, int device, uint32_t flags) {
  return state_.enter({reinterpret_cast<uintptr_t>(base), bytes, MemoryKind::Mapped, device, 0, nullptr, flags});
}

Status Memory::disown(void* base) { return state_.leave(base, MemoryKind::Mapped); }

Result<SharedPages> Memory::share(const void* address) {
  std::unique_lock lock(state_.mutex);
  auto it = state_.holding(reinterpret_cast<uintptr_t>(address));
  if (it == state_.records.end() || it->second.allocation.kind != MemoryKind::Device) {
    return Error{ErrorKind::Invalid, hex(reinterpret_cast<uintptr_t>(address)) + " is no device allocation"};
  }
  const Record& record = it->second;
  ArenaPool& pool = state_.poolOf(record.allocation);
  uintptr_t range = record.small ? pool.slabs.slabOf(record.allocation.base) : record.allocation.base;
  size_t bytes = record.small ? Slabs::slabBytes : record.allocation.bytes;
  auto file = (record.low ? *pool.low : pool.arena).share(range, bytes);
  if (!file) return file.error();
  return SharedPages{(*file)->number(), (*file)->id(), (*file)->bytes(), record.allocation.base - range, record.allocation};
}

Status Memory::charge(int ordinal, uint64_t bytes) {
  std::unique_lock lock(state_.mutex);
  ArenaPool& pool = state_.pool(ordinal);
  uint64_t free = pool.used < pool.capacity ? pool.capacity - pool.used : 0;
  if (bytes > free) {
    return Error{ErrorKind::OutOfMemory, std::to_string(bytes) + " bytes asked for, " + std::to_string(free) + " free on device " + std::to_string(ordinal)};
  }
  pool.used += bytes;
  tellUsage(ordinal, pool.used);
  return {};
}

void Memory::discharge(int ordinal, uint64_t bytes) {
  std::unique_lock lock(state_.mutex);
  ArenaPool& pool = state_.pool(ordinal);
  pool.used -= bytes;
  tellUsage(ordinal, pool.used);
}

std::optional<Allocation> Memory::find(const void* address) const {
  std::shared_lock lock(state_.mutex);
  auto it = state_.holding(reinterpret_cast<uintptr_t>(address));
  if (it == state_.records.end()) return std::nullopt;
  return it->second.allocation;
}

std::optional<Allocation> Memory::above(const void* address) const {
  std::shared_lock lock(state_.mutex);
  auto it = state_.records.upper_bound(reinterpret_cast<uintptr_t>(address));
  if (it == state_.records.end()) return std::nullopt;
  return it->second.allocation;
}

std::optional<Allocation> Memory::below(const void* address) const {
  std::shared_lock lock(state_.mutex);
  auto it = state_.records.upper_bound(reinterpret_cast<uintptr_t>(address));
  if (it == state_.records.begin()) return std::nullopt;
  return std::prev(it)->second.allocation;
}

std::string Memory::describe(uintptr_t address) const {
  constexpr uintptr_t near = 1 << 20;
  auto pointer = reinterpret_cast<const void*>(address);
  auto the = [](const Allocation& a) {
    return "the " + std::to_string(a.bytes) + "-byte " + words(a.kind) + " allocation at " + hex(a.base);
  };
  if (address < pageSize()) return "a null pointer";
  if (auto a = find(pointer)) return std::to_string(address - a->base) + " bytes into " + the(*a);
  auto freed = state_.freedAt(address);
  auto before = below(pointer);
  uintptr_t past = before ? address - (before->base + before->bytes) : 0;
  // Of a freed range and a neighbour the younger is meant.
  if (before && past < near && (!freed || freed->id < before->id)) {
    return std::to_string(past) + " bytes past the end of " + the(*before) + " (GPUs let accesses within 2 MiB pass, and so does ANYWARP_PAGE=2M)";
  }
  if (freed) return std::to_string(address - freed->base) + " bytes into memory that was freed: " + the(*freed);
  if (auto a = above(pointer); a && a->base - address < near) {
    return std::to_string(a->base - address) + " bytes before " + the(*a);
  }
  return "near no allocation";
}

}  // namespace anywarp::device
