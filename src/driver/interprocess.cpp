// Driver API: Memory Management, memory and events between processes (cuIpc*). SPDX-License-Identifier: Apache-2.0
// A handle names a file of shared pages in the process that made it (objects/interprocess.h). The other process maps the same pages,
// which live as long as anybody has them mapped: neither side's end harms the other.
#include "driver/objects/interprocess.h"

#include <mutex>
#include <vector>

#include "abi/cuda_memory.h"
#include "driver/entry.h"
#include "driver/memory.h"
#include "driver/objects/memory_pool.h"

using namespace anywarp;
using namespace anywarp::driver;

namespace {

struct Opened {
  const device::Context* impl;
  device::FileId id;
  uint64_t offset;
  unsigned count;
  std::unique_ptr<ForeignMemory> memory;
};

struct OpenedList {
  std::mutex mutex;
  std::vector<Opened> all;
};

OpenedList& opened() {
  static OpenedList& list = *new OpenedList;
  return list;
}

// What is wrong with another process's handle.
CUresult openFailure(const Error& error) {
  (void)toResult(error);
  return error.kind == ErrorKind::OutOfMemory ? CUDA_ERROR_OUT_OF_MEMORY : error.kind == ErrorKind::System ? CUDA_ERROR_MAP_FAILED : CUDA_ERROR_INVALID_VALUE;
}

CUresult openMemory(Current& current, CUdeviceptr* pointer, const CUipcMemHandle& handle) {
  Result<Ticket> ticket = readTicket(&handle, TicketKind::Memory);
  if (!ticket) return openFailure(ticket.error());
  if (isOwn(*ticket)) return CUDA_ERROR_INVALID_CONTEXT;  // its own memory is there already
  std::lock_guard lock(opened().mutex);
  for (Opened& known : opened().all) {
    if (known.impl != current.impl.get() || known.id != ticket->id || known.offset != ticket->offset) continue;
    ++known.count;
    *pointer = known.memory->pointer();
    return CUDA_SUCCESS;
  }
  auto memory = ForeignMemory::open(*ticket, current.device().device->ordinal());
  if (!memory) return openFailure(memory.error());
  *pointer = (*memory)->pointer();
  opened().all.push_back({current.impl.get(), ticket->id, ticket->offset, 1, std::move(*memory)});
  return CUDA_SUCCESS;
}

}  // namespace

void anywarp::driver::closeForeign(const device::Context& impl) {
  std::lock_guard lock(opened().mutex);
  std::erase_if(opened().all, [&](const Opened& known) { return known.impl == &impl; });
}

CUresult cuIpcGetMemHandle(CUipcMemHandle* handle, CUdeviceptr pointer) {
  return callInContext(__func__, [&](Current&) -> CUresult {
    if (!handle) return CUDA_ERROR_INVALID_VALUE;
    std::optional<device::Allocation> allocation = device::Memory::instance().find(pointerOf(pointer));
    // Memory of pools has a way of its own.
    if (!allocation || allocation->kind != device::MemoryKind::Device || poolOf(pointerOf(allocation->base))) return CUDA_ERROR_INVALID_VALUE;
    Result<device::SharedPages> pages = device::Memory::instance().share(pointerOf(pointer));
    if (!pages) return toResult(pages.error());
    writeTicket(makeTicket(TicketKind::Memory, pages->file, pages->id, pages->offset, pages->allocation.bytes), handle);
    return CUDA_SUCCESS;
  });
}

CUresult cuIpcOpenMemHandle_v2(CUdeviceptr* pointer, CUipcMemHandle handle, unsigned flags) {
  return callInContext(__func__, [&](Current& current) -> CUresult {
    if (!pointer || flags != CU_IPC_MEM_LAZY_ENABLE_PEER_ACCESS) return CUDA_ERROR_INVALID_VALUE;
    return openMemory(current, pointer, handle);
  });
}

CUresult cuIpcOpenMemHandle(CUdeviceptr* pointer, CUipcMemHandle handle, unsigned flags) { return cuIpcOpenMemHandle_v2(pointer, handle, flags); }

CUresult cuIpcCloseMemHandle(CUdeviceptr pointer) {
  return callInContext(__func__, [&](Current& current) -> CUresult {
    current.impl->synchronize();
    std::lock_guard lock(opened().mutex);
    auto& all = opened().all;
    for (auto known = all.begin(); known != all.end(); ++known) {
      if (known->impl != current.impl.get() || known->memory->pointer() != pointer) continue;
      if (--known->count == 0) all.erase(known);
      return CUDA_SUCCESS;
    }
    return CUDA_ERROR_INVALID_VALUE;
  });
}

CUresult cuIpcGetEventHandle(CUipcEventHandle* handle, CUevent eventHandle) {
  return callInContext(__func__, [&](Current&) -> CUresult {
    if (!handle) return CUDA_ERROR_INVALID_VALUE;
    *handle = {};  // programs tell an event that cannot be shared by it
    std::shared_ptr<EventObject> event = events().find(eventHandle);
    if (!event || !event->shared) return CUDA_ERROR_INVALID_HANDLE;
    const device::SharedFile& file = event->shared->file();
    writeTicket(makeTicket(TicketKind::Event, file.number(), file.id(), 0, device::SharedEvent::fileBytes), handle);
    return CUDA_SUCCESS;
  });
}

CUresult cuIpcOpenEventHandle(CUevent* event, CUipcEventHandle handle) {
  return callInContext(__func__, [&](Current& current) -> CUresult {
    if (!event) return CUDA_ERROR_INVALID_VALUE;
    Result<Ticket> ticket = readTicket(&handle, TicketKind::Event);
    if (!ticket || ticket->bytes != device::SharedEvent::fileBytes || ticket->offset) return CUDA_ERROR_INVALID_VALUE;
    auto file = device::SharedFile::open(ticket->pid, ticket->file, ticket->id, device::SharedEvent::fileBytes);
    if (!file) return openFailure(file.error());
    auto shared = device::SharedEvent::open(std::move(*file));
    if (!shared) return openFailure(shared.error());
    auto object = std::make_shared<EventObject>();
    object->impl = current.impl;
    object->event = std::make_shared<device::Event>(device::EventTiming::Off);
    object->shared = std::move(*shared);
    object->context = current.context;
    object->flags = CU_EVENT_INTERPROCESS | CU_EVENT_DISABLE_TIMING;
    *event = events().add(object);
    return CUDA_SUCCESS;
  });
}
