// Tickets, and memory of other processes. SPDX-License-Identifier: Apache-2.0
#include "driver/objects/interprocess.h"

#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <mutex>
#include <unordered_map>

#include "device/memory/arena.h"
#include "support/hash.h"

namespace anywarp::driver {
namespace {

constexpr uint32_t magic = 0x43505741;  // "AWPC"

uint32_t checkOf(Ticket ticket) {
  ticket.check = 0;
  return static_cast<uint32_t>(hashBytes(&ticket, sizeof(ticket)).low);
}

struct Imported {
  std::mutex mutex;
  std::atomic<size_t> count{0};  // nobody looks further while there are none
  std::unordered_map<CUdeviceptr, std::shared_ptr<void>> pointers;
};

Imported& imported() {
  static Imported& imported = *new Imported;
  return imported;
}

}  // namespace

void addImportedPointer(CUdeviceptr pointer, std::shared_ptr<void> memory) {
  std::lock_guard lock(imported().mutex);
  imported().pointers.emplace(pointer, std::move(memory));
  imported().count.fetch_add(1);
}

bool isImportedPointer(CUdeviceptr pointer) {
  if (imported().count.load(std::memory_order_acquire) == 0) return false;
  std::lock_guard lock(imported().mutex);
  return imported().pointers.contains(pointer);
}

std::shared_ptr<void> takeImportedPointer(CUdeviceptr pointer) {
  std::lock_guard lock(imported().mutex);
  auto found = imported().pointers.find(pointer);
  if (found == imported().pointers.end()) return nullptr;
  std::shared_ptr<void> memory = std::move(found->second);
  imported().pointers.erase(found);
  imported().count.fetch_sub(1);
  return memory;
}

Ticket makeTicket(TicketKind kind, int file, const device::FileId& id, uint64_t offset, uint64_t bytes, uint32_t poolTag) {
  Ticket ticket{magic, kind, getpid(), file, id, offset, bytes, poolTag, 0};
  ticket.check = checkOf(ticket);
  return ticket;
}

void writeTicket(const Ticket& ticket, void* bytes64) {
  std::memset(bytes64, 0, 64);
  std::memcpy(bytes64, &ticket, sizeof(ticket));
}

Result<Ticket> readTicket(const void* bytes64, TicketKind kind) {
  Ticket ticket;
  std::memcpy(&ticket, bytes64, sizeof(ticket));
  bool valid = ticket.magic == magic && ticket.kind == kind && ticket.check == checkOf(ticket) && ticket.bytes > 0 && ticket.offset < uint64_t{1} << 46 &&
               ticket.bytes < uint64_t{1} << 46;
  if (!valid) return Error{ErrorKind::Invalid, "the bytes are no handle from another process"};
  return ticket;
}

Result<std::unique_ptr<ForeignMemory>> ForeignMemory::open(const Ticket& ticket, int device) {
  auto file = device::SharedFile::open(ticket.pid, ticket.file, ticket.id, ticket.offset + ticket.bytes);
  if (!file) return file.error();
  size_t bytes = device::roundUp(file->bytes(), device::pageSize());
  auto mapping = file->map(file->bytes());
  if (!mapping) return mapping.error();
  std::unique_ptr<ForeignMemory> memory(new ForeignMemory(*mapping, bytes, ticket.offset));
  if (Status status = device::Memory::instance().adopt(reinterpret_cast<void*>(memory->pointer()), ticket.bytes, device, 0); !status) return status.error();
  return memory;
}

ForeignMemory::~ForeignMemory() {
  (void)device::Memory::instance().disown(reinterpret_cast<void*>(pointer()));
  munmap(mapping_, bytes_);
}

}  // namespace anywarp::driver
