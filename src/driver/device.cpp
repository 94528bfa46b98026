// Driver API: Device Management. SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <optional>

#include "driver/entry.h"
#include "driver/objects/memory_pool.h"

using namespace anywarp;
using namespace anywarp::driver;

namespace {

// Runs `body` with the device; CUDA_ERROR_INVALID_DEVICE when there is none of that number.
template <class Body>
CUresult withDevice(const char* name, CUdevice ordinal, Body&& body) {
  return call(name, [&]() -> CUresult {
    VisibleDevice* device = visibleDevice(ordinal);
    return device ? body(*device) : CUDA_ERROR_INVALID_DEVICE;
  });
}

// As much of `text` as fits, always terminated.
void copyText(char* target, int bytes, const std::string& text) {
  size_t length = std::min(text.size(), static_cast<size_t>(bytes) - 1);
  std::memcpy(target, text.data(), length);
  target[length] = '\0';
}

int attributeOf(const VisibleDevice& device, int number) { return device::attribute(device.profile(), number).value_or(0); }

using PciAddress = std::array<unsigned, 4>;  // domain, bus, device, function

// domain:bus:device.function in hexadecimal digits, as many as there are; the domain or the function may be left out.
std::optional<PciAddress> readPciAddress(const char* text) {
  PciAddress a{};
  auto isWhole = [&](int end) { return end > 0 && text[end] == '\0'; };
  int end = 0;
  if (std::sscanf(text, "%4x:%2x:%2x.%1x%n", &a[0], &a[1], &a[2], &a[3], &end) == 4 && isWhole(end)) return a;
  a = {};
  if (std::sscanf(text, "%4x:%2x:%2x%n", &a[0], &a[1], &a[2], &end) == 3 && isWhole(end)) return a;
  a = {};
  if (std::sscanf(text, "%2x:%2x.%1x%n", &a[1], &a[2], &a[3], &end) == 3 && isWhole(end)) return a;
  return std::nullopt;
}

CUresult uuid(const char* name, CUuuid* uuid, CUdevice dev) {
  return withDevice(name, dev, [&](VisibleDevice& device) -> CUresult {
    if (!uuid) return CUDA_ERROR_INVALID_VALUE;
    std::memcpy(uuid->bytes, device.profile().uuid.data(), sizeof(uuid->bytes));
    return CUDA_SUCCESS;
  });
}

}  // namespace

CUresult cuDeviceGetCount(int* count) {
  return call(__func__, [&]() -> CUresult {
    if (!count) return CUDA_ERROR_INVALID_VALUE;
    *count = static_cast<int>(visibleDevices().size());
    return CUDA_SUCCESS;
  });
}

CUresult cuDeviceGet(CUdevice* device, int ordinal) {
  return call(__func__, [&]() -> CUresult {
    if (!device) return CUDA_ERROR_INVALID_VALUE;
    if (!visibleDevice(ordinal)) return CUDA_ERROR_INVALID_DEVICE;
    *device = ordinal;
    return CUDA_SUCCESS;
  });
}

CUresult cuDeviceGetName(char* name, int bytes, CUdevice dev) {
  return withDevice(__func__, dev, [&](VisibleDevice& device) -> CUresult {
    if (!name || bytes <= 0) return CUDA_ERROR_INVALID_VALUE;
    copyText(name, bytes, device.profile().name);
    return CUDA_SUCCESS;
  });
}

CUresult cuDeviceGetUuid(CUuuid* id, CUdevice dev) { return uuid(__func__, id, dev); }
CUresult cuDeviceGetUuid_v2(CUuuid* id, CUdevice dev) { return uuid(__func__, id, dev); }

CUresult cuDeviceGetLuid(char*, unsigned*, CUdevice dev) {
  // Locally unique identifiers exist on Windows only.
  return withDevice(__func__, dev, [](VisibleDevice&) { return CUDA_ERROR_NOT_SUPPORTED; });
}

CUresult cuDeviceTotalMem_v2(size_t* bytes, CUdevice dev) {
  return withDevice(__func__, dev, [&](VisibleDevice& device) -> CUresult {
    if (!bytes) return CUDA_ERROR_INVALID_VALUE;
    *bytes = device.profile().memoryBytes;
    return CUDA_SUCCESS;
  });
}

CUresult cuDeviceGetAttribute(int* value, CUdevice_attribute attribute, CUdevice dev) {
  return withDevice(__func__, dev, [&](VisibleDevice& device) -> CUresult {
    if (!value) return CUDA_ERROR_INVALID_VALUE;
    std::optional<int32_t> known = attribute <= INT32_MAX ? device::attribute(device.profile(), static_cast<int>(attribute)) : std::nullopt;
    if (!known) return CUDA_ERROR_INVALID_VALUE;
    *value = *known;
    return CUDA_SUCCESS;
  });
}

CUresult cuDeviceGetProperties(CUdevprop* properties, CUdevice dev) {
  return withDevice(__func__, dev, [&](VisibleDevice& device) -> CUresult {
    if (!properties) return CUDA_ERROR_INVALID_VALUE;
    auto get = [&](CUdevice_attribute attribute) { return attributeOf(device, static_cast<int>(attribute)); };
    *properties = {
        .maxThreadsPerBlock = get(CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK),
        .maxThreadsDim = {get(CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_X), get(CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Y), get(CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Z)},
        .maxGridSize = {get(CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_X), get(CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Y), get(CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Z)},
        .sharedMemPerBlock = get(CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK),
        .totalConstantMemory = get(CU_DEVICE_ATTRIBUTE_TOTAL_CONSTANT_MEMORY),
        .SIMDWidth = get(CU_DEVICE_ATTRIBUTE_WARP_SIZE),
        .memPitch = get(CU_DEVICE_ATTRIBUTE_MAX_PITCH),
        .regsPerBlock = get(CU_DEVICE_ATTRIBUTE_MAX_REGISTERS_PER_BLOCK),
        .clockRate = get(CU_DEVICE_ATTRIBUTE_CLOCK_RATE),
        .textureAlign = get(CU_DEVICE_ATTRIBUTE_TEXTURE_ALIGNMENT),
    };
    return CUDA_SUCCESS;
  });
}

CUresult cuDeviceComputeCapability(int* major, int* minor, CUdevice dev) {
  return withDevice(__func__, dev, [&](VisibleDevice& device) -> CUresult {
    if (!major || !minor) return CUDA_ERROR_INVALID_VALUE;
    *major = device.profile().ccMajor();
    *minor = device.profile().ccMinor();
    return CUDA_SUCCESS;
  });
}

CUresult cuDeviceGetPCIBusId(char* text, int bytes, CUdevice dev) {
  return withDevice(__func__, dev, [&](VisibleDevice& device) -> CUresult {
    if (!text || bytes <= 0) return CUDA_ERROR_INVALID_VALUE;
    copyText(text, bytes, device.profile().pciBusId);
    return CUDA_SUCCESS;
  });
}

CUresult cuDeviceGetByPCIBusId(CUdevice* dev, const char* text) {
  return call(__func__, [&]() -> CUresult {
    if (!dev || !text) return CUDA_ERROR_INVALID_VALUE;
    std::optional<PciAddress> wanted = readPciAddress(text);
    if (!wanted) return CUDA_ERROR_INVALID_VALUE;
    for (const VisibleDevice& device : visibleDevices()) {
      if (readPciAddress(device.profile().pciBusId.c_str()) != wanted) continue;
      *dev = device.ordinal;
      return CUDA_SUCCESS;
    }
    return CUDA_ERROR_INVALID_DEVICE;
  });
}

CUresult cuDeviceGetTexture1DLinearMaxWidth(size_t* elements, CUarray_format format, unsigned channels, CUdevice dev) {
  return withDevice(__func__, dev, [&](VisibleDevice& device) -> CUresult {
    if (!elements || channels == 0 || channels > 4 || channels == 3 || format == 0) return CUDA_ERROR_INVALID_VALUE;
    *elements = static_cast<size_t>(attributeOf(device, CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE1D_LINEAR_WIDTH));
    return CUDA_SUCCESS;
  });
}

CUresult cuDeviceGetExecAffinitySupport(int* supported, CUexecAffinityType type, CUdevice dev) {
  return withDevice(__func__, dev, [&](VisibleDevice&) -> CUresult {
    if (!supported || type != CU_EXEC_AFFINITY_TYPE_SM_COUNT) return CUDA_ERROR_INVALID_VALUE;
    *supported = 0;
    return CUDA_SUCCESS;
  });
}

CUresult cuFlushGPUDirectRDMAWrites(CUflushGPUDirectRDMAWritesTarget target, CUflushGPUDirectRDMAWritesScope scope) {
  return callInContext(__func__, [&](Current&) -> CUresult {
    return target == 0 && (scope == CU_FLUSH_GPU_DIRECT_RDMA_WRITES_TO_OWNER || scope == CU_FLUSH_GPU_DIRECT_RDMA_WRITES_TO_ALL_DEVICES)
               ? CUDA_ERROR_NOT_SUPPORTED
               : CUDA_ERROR_INVALID_VALUE;
  });
}

CUresult cuDeviceGetDefaultMemPool(CUmemoryPool* pool, CUdevice dev) {
  return withDevice(__func__, dev, [&](VisibleDevice& device) -> CUresult {
    if (!pool) return CUDA_ERROR_INVALID_VALUE;
    *pool = defaultPool(deviceMemory(device.ordinal))->handle;
    return CUDA_SUCCESS;
  });
}

CUresult cuDeviceGetMemPool(CUmemoryPool* pool, CUdevice dev) {
  return withDevice(__func__, dev, [&](VisibleDevice& device) -> CUresult {
    if (!pool) return CUDA_ERROR_INVALID_VALUE;
    *pool = currentPool(deviceMemory(device.ordinal))->handle;
    return CUDA_SUCCESS;
  });
}

CUresult cuDeviceSetMemPool(CUdevice dev, CUmemoryPool pool) {
  return withDevice(__func__, dev, [&](VisibleDevice& device) -> CUresult {
    std::shared_ptr<MemoryPool> object = memoryPools().find(pool);
    if (!object || object->place != deviceMemory(device.ordinal)) return CUDA_ERROR_INVALID_VALUE;
    setCurrentPool(object);
    return CUDA_SUCCESS;
  });
}
