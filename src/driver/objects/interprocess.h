// Memory of other processes in this one: tickets that lead to shared files, and what has been opened. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <unistd.h>

#include <memory>

#include "device/memory/memory.h"
#include "device/memory/shared_file.h"
#include "driver/objects/context.h"

namespace anywarp::driver {

enum class TicketKind : uint32_t { Memory = 1, Event = 2, PoolPointer = 3 };

// The 64 bytes that programs pass between processes. Everything in one that comes in is checked.
struct Ticket {
  uint32_t magic;
  TicketKind kind;
  int32_t pid, file;
  device::FileId id;
  uint64_t offset, bytes;  // of what is shared, in the file
  uint32_t poolTag;        // of a pool's pointer: which pool
  uint32_t check;
};
static_assert(sizeof(Ticket) == 56);

Ticket makeTicket(TicketKind kind, int file, const device::FileId& id, uint64_t offset, uint64_t bytes, uint32_t poolTag = 0);
void writeTicket(const Ticket& ticket, void* bytes64);
// Invalid where the bytes are no ticket of that kind.
Result<Ticket> readTicket(const void* bytes64, TicketKind kind);
inline bool isOwn(const Ticket& ticket) { return ticket.pid == getpid(); }

// Pages of another process, mapped and known as memory of `device`; unmapped with the object.
class ForeignMemory {
 public:
  static Result<std::unique_ptr<ForeignMemory>> open(const Ticket& ticket, int device);
  ~ForeignMemory();
  ForeignMemory(const ForeignMemory&) = delete;
  ForeignMemory& operator=(const ForeignMemory&) = delete;
  CUdeviceptr pointer() const { return reinterpret_cast<uintptr_t>(mapping_) + offset_; }

 private:
  ForeignMemory(void* mapping, size_t bytes, size_t offset) : mapping_(mapping), bytes_(bytes), offset_(offset) {}
  void* const mapping_;
  const size_t bytes_, offset_;
};

// What a context has opened goes with it.
void closeForeign(const device::Context& impl);

// Memory that was mapped from elsewhere and is freed like the process's own: pointers of imported pools, buffers of external memory.
// The object unmaps it with its last reference.
void addImportedPointer(CUdeviceptr pointer, std::shared_ptr<void> memory);
bool isImportedPointer(CUdeviceptr pointer);
// Null where `pointer` is none; takes it out.
std::shared_ptr<void> takeImportedPointer(CUdeviceptr pointer);

}  // namespace anywarp::driver
