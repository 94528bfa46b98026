// NVML's results, numbers and structures that we answer with (NVML API Reference). SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

namespace anywarp::nvml {

enum class Return : int {
  Success = 0,
  Uninitialized = 1,
  InvalidArgument = 2,
  NotSupported = 3,
  NoPermission = 4,
  NotFound = 6,
  InsufficientSize = 7,
  DriverNotLoaded = 9,
  Timeout = 10,
  FunctionNotFound = 13,
  Memory = 20,
  ArgumentVersionMismatch = 25,
  Unknown = 999,
};

struct DeviceRecord;
using Device = DeviceRecord*;
struct EventSetRecord;
using EventSet = EventSetRecord*;
struct UnitRecord;
using Unit = UnitRecord*;

// The first word of a structure with versions: its size, and the version in the upper byte.
template <class T>
constexpr uint32_t versionOf(uint32_t number) {
  return static_cast<uint32_t>(sizeof(T)) | number << 24;
}

struct PciInfoV1 {
  char busId[16];
  uint32_t domain, bus, device, pciDeviceId, pciSubSystemId, reserved[4];
};
static_assert(sizeof(PciInfoV1) == 52);

struct PciInfoV3 {
  char busIdLegacy[16];
  uint32_t domain, bus, device, pciDeviceId, pciSubSystemId;
  char busId[32];
};
static_assert(sizeof(PciInfoV3) == 68);

struct PciInfoExt {
  uint32_t version, domain, bus, device, pciDeviceId, pciSubSystemId, baseClass, subClass;
  char busId[32];
};
static_assert(sizeof(PciInfoExt) == 64);

struct UuidQuery {
  uint32_t version, type;  // 1: text, 2: bytes
  union {
    char text[41];
    uint8_t bytes[16];
  };
};

struct MemoryInfo {
  uint64_t total, free, used;
};
struct MemoryInfoV2 {
  uint32_t version;
  uint64_t total, reserved, free, used;
};
static_assert(sizeof(MemoryInfoV2) == 40);

struct Utilization {
  uint32_t gpu, memory;
};

struct ProcessInfoV1 {
  uint32_t pid;
  uint64_t usedGpuMemory;
};
struct ProcessInfo {
  uint32_t pid;
  uint64_t usedGpuMemory;
  uint32_t gpuInstanceId, computeInstanceId;
};
static_assert(sizeof(ProcessInfo) == 24);
inline constexpr uint32_t noInstance = 0xffffffffu;

struct FieldValue {
  uint32_t fieldId, scopeId;
  int64_t timestamp, latencyUsec;
  uint32_t valueType;
  Return result;
  uint64_t value;
};
static_assert(sizeof(FieldValue) == 40);

struct EventData {
  Device device;
  uint64_t eventType, eventData;
  uint32_t gpuInstanceId, computeInstanceId;
};

struct DriverBranch {
  uint32_t version;
  char branch[80];
};

inline constexpr uint32_t off = 0, on = 1;

}  // namespace anywarp::nvml
