// Every range of memory that a kernel may touch: device, managed, pinned and registered host memory. SPDX-License-Identifier: Apache-2.0
// A device pointer is a host pointer inside a range that we reserve per device. Ranges of at least a page are followed by an
// unmapped guard, and freed ones fault until they are used again. Thread-safe; find() takes no exclusive lock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "device/memory/shared_file.h"
#include "support/result.h"

namespace anywarp::device {

enum class MemoryKind : uint8_t {
  Device,
  Managed,
  HostPinned,      // allocated by us, visible to every device
  HostRegistered,  // the program's own pages
  Variable,        // a module's variables
  Heap,            // what kernels get from malloc
  Mapped,          // physical memory that the driver maps into a range of its own
};

struct Allocation {
  uintptr_t base = 0;
  size_t bytes = 0;             // as requested
  MemoryKind kind = MemoryKind::Device;
  int device = 0;               // ordinal; for host memory the one that was current
  uint64_t id = 0;              // unique in this process, never used again
  const void* owner = nullptr;  // the context; null: the process
  uint32_t flags = 0;           // the caller's own
};

struct AllocationRequest {
  size_t bytes = 0;
  size_t alignment = 512;
  MemoryKind kind = MemoryKind::Device;
  int device = 0;
  const void* owner = nullptr;
  uint32_t flags = 0;
  bool low = false;             // an address of 32 bits, for the oldest form of the API
};

// Pages that another process can map: the allocation begins `offset` bytes into them. The file stays open while it is allocated.
struct SharedPages {
  int file = -1;
  FileId id{};
  size_t bytes = 0;
  size_t offset = 0;
  Allocation allocation;
};

struct MemoryUsage {
  uint64_t total = 0;
  uint64_t free = 0;
};

class Memory {
 public:
  static Memory& instance();

  // What device `ordinal` presents as its memory. Device and Variable allocations beyond it fail with OutOfMemory.
  void setCapacity(int ordinal, uint64_t bytes);
  MemoryUsage usage(int ordinal) const;

  // Fresh pages read as zero. Zero bytes are Invalid.
  Result<void*> allocate(const AllocationRequest& request);
  // `base` must be what allocate() returned; Invalid otherwise. The caller has waited for the kernels that use it.
  Status release(void* base);
  // What an allocation of `bytes` occupies, at an alignment that all have.
  static size_t roomFor(size_t bytes);
  // Makes the allocation at `base` another one of `bytes` with what is in it, as if it had been released and come back. Invalid unless
  // both occupy as much.
  Result<Allocation> renew(void* base, size_t bytes);
  // Frees everything of `owner`.
  void releaseAll(const void* owner);

  // Invalid when it overlaps a registered range.
  Status registerHost(void* base, size_t bytes, int device, const void* owner, uint32_t flags);
  Status unregisterHost(void* base);

  // Memory that the caller has mapped and will unmap: known here for find() and for reports. Invalid when it overlaps what is known.
  Status adopt(void* base, size_t bytes, int device, uint32_t flags);
  Status disown(void* base);

  // Makes the pages under the Device allocation that holds `address` shareable; its neighbours in small ranges come along. Invalid where
  // there is none.
  Result<SharedPages> share(const void* address);

  // Counts memory of device `ordinal` that the caller holds elsewhere. OutOfMemory when there is not that much.
  Status charge(int ordinal, uint64_t bytes);
  void discharge(int ordinal, uint64_t bytes);

  // The allocation that holds `address` (base <= address < base + bytes).
  std::optional<Allocation> find(const void* address) const;
  // The lowest allocation that begins above `address`, and the highest that begins at or below it.
  std::optional<Allocation> above(const void* address) const;
  std::optional<Allocation> below(const void* address) const;
  // For people: "48 bytes past the end of the 4096-byte device allocation at 0x7f..."
  std::string describe(uintptr_t address) const;

 private:
  Memory();
  struct State;
  State& state_;
};

}  // namespace anywarp::device
