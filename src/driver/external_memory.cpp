// Driver API: External Resource Interoperability, memory behind a file descriptor. SPDX-License-Identifier: Apache-2.0
// What another API exported as an opaque descriptor and the host can map: Vulkan on the CPU does that, for one.
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "abi/cuda_memory.h"
#include "device/memory/arena.h"
#include "driver/entry.h"
#include "driver/memory.h"
#include "driver/objects/interprocess.h"

using namespace anywarp;
using namespace anywarp::driver;

namespace {

struct ExternalMemory {
  ExternalMemory(int file, uint64_t bytes) : file(file), bytes(bytes) {}
  ~ExternalMemory() { close(file); }
  ExternalMemory(const ExternalMemory&) = delete;
  ExternalMemory& operator=(const ExternalMemory&) = delete;

  CUexternalMemory handle = nullptr;
  const int file;
  const uint64_t bytes;
};

// Outlives its memory object, until the program frees it.
struct Buffer {
  Buffer(void* mapping, size_t bytes) : mapping(mapping), bytes(bytes) {}
  ~Buffer() {
    if (known) (void)device::Memory::instance().disown(known);
    munmap(mapping, bytes);
  }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  void* const mapping;
  const size_t bytes;
  void* known = nullptr;
};

using ExternalMemoryTable = HandleTable<ExternalMemory, CUexternalMemory, HandleKind::ExternalMemory>;
ExternalMemoryTable& externalMemories() {
  static ExternalMemoryTable& table = *new ExternalMemoryTable;
  return table;
}

}  // namespace

// The descriptor is the driver's from here on, when this succeeds.
CUresult cuImportExternalMemory(CUexternalMemory* memory, const CUDA_EXTERNAL_MEMORY_HANDLE_DESC* description) {
  return callInContext(__func__, [&](Current&) -> CUresult {
    if (!memory || !description || description->size == 0 || description->flags > 1) return CUDA_ERROR_INVALID_VALUE;
    if (description->type < 1 || description->type > CU_EXTERNAL_MEMORY_HANDLE_TYPE_DMABUF_FD) return CUDA_ERROR_INVALID_VALUE;
    if (description->type != CU_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_FD) return CUDA_ERROR_NOT_SUPPORTED;
    struct stat status;
    if (fstat(description->handle.fd, &status) != 0 || !S_ISREG(status.st_mode)) return CUDA_ERROR_INVALID_HANDLE;
    if (static_cast<uint64_t>(status.st_size) < description->size) return CUDA_ERROR_INVALID_VALUE;
    *memory = externalMemories().add(std::make_shared<ExternalMemory>(description->handle.fd, description->size));
    return CUDA_SUCCESS;
  });
}

CUresult cuExternalMemoryGetMappedBuffer(CUdeviceptr* pointer, CUexternalMemory handle, const CUDA_EXTERNAL_MEMORY_BUFFER_DESC* description) {
  return callInContext(__func__, [&](Current& current) -> CUresult {
    std::shared_ptr<ExternalMemory> memory = externalMemories().find(handle);
    if (!memory) return CUDA_ERROR_INVALID_HANDLE;
    if (!pointer || !description || description->flags || description->size == 0 || description->offset > memory->bytes ||
        description->size > memory->bytes - description->offset)
      return CUDA_ERROR_INVALID_VALUE;
    uint64_t first = description->offset / device::pageSize() * device::pageSize();
    uint64_t before = description->offset - first;
    void* mapping = mmap(nullptr, before + description->size, PROT_READ | PROT_WRITE, MAP_SHARED, memory->file, static_cast<off_t>(first));
    if (mapping == MAP_FAILED) return CUDA_ERROR_MAP_FAILED;
    auto buffer = std::make_shared<Buffer>(mapping, before + description->size);
    void* made = static_cast<uint8_t*>(mapping) + before;
    if (Status status = device::Memory::instance().adopt(made, description->size, current.device().device->ordinal(), 0); !status) return toResult(status);
    buffer->known = made;
    *pointer = addressOf(made);
    addImportedPointer(*pointer, std::move(buffer));
    return CUDA_SUCCESS;
  });
}

// Buffers stay until they are freed.
CUresult cuDestroyExternalMemory(CUexternalMemory handle) {
  return callInContext(__func__, [&](Current&) -> CUresult { return externalMemories().take(handle) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_HANDLE; });
}
