// Device Queries: which device it is (NVML API Reference). SPDX-License-Identifier: Apache-2.0
#include <strings.h>

#include <cstdio>
#include <cstring>

#include "libs/nvml/functions.h"
#include "libs/nvml/session.h"

namespace {

template <class Matches>
Return findDevice(Device* device, Matches&& matches) {
  if (!device) return Return::InvalidArgument;
  for (Device candidate : devices())
    if (matches(*candidate)) return give(device, candidate);
  return Return::NotFound;
}

Return handleByIndex(uint32_t index, Device* device) {
  return inSession([&] { return device && index < devices().size() ? give(device, devices()[index]) : Return::InvalidArgument; });
}

// "0:1:0", "0000:01:00.0", "00000000:01:00.0"
Return handleByBusId(const char* busId, Device* device) {
  return inSession([&] {
    unsigned domain, bus, slot;
    if (!busId || !device) return Return::InvalidArgument;
    if (sscanf(busId, "%x:%x:%x", &domain, &bus, &slot) != 3) return Return::InvalidArgument;
    return findDevice(device, [&](const DeviceRecord& d) { return d.domain == domain && d.bus == bus && d.slot == slot; });
  });
}

template <class Info>
void fillPci(const DeviceRecord& device, Info& info) {
  info.domain = device.domain;
  info.bus = device.bus;
  info.device = device.slot;
  info.pciDeviceId = device.profile.pciDeviceId;
  info.pciSubSystemId = 0;
}

void fillBusId(const DeviceRecord& device, char (&to)[16]) {
  snprintf(to, sizeof to, "%04X:%02X:%02X.0", device.domain & 0xffff, device.bus & 0xff, device.slot & 0xff);
}
void fillBusId(const DeviceRecord& device, char (&to)[32]) { snprintf(to, sizeof to, "%s", device.busId.c_str()); }

Return pciInfoV1(Device device, PciInfoV1* pci) {
  return forDevice(device, [&](const DeviceRecord& d) {
    if (!pci) return Return::InvalidArgument;
    *pci = {};
    fillPci(d, *pci);
    fillBusId(d, pci->busId);
    return Return::Success;
  });
}

}  // namespace

extern "C" {

Return nvmlDeviceGetCount(uint32_t* count) { return nvmlDeviceGetCount_v2(count); }
Return nvmlDeviceGetCount_v2(uint32_t* count) {
  return inSession([&] { return give(count, devices().size()); });
}

Return nvmlDeviceGetHandleByIndex(uint32_t index, Device* device) { return handleByIndex(index, device); }
Return nvmlDeviceGetHandleByIndex_v2(uint32_t index, Device* device) { return handleByIndex(index, device); }

// No device of ours has a serial number.
Return nvmlDeviceGetHandleBySerial(const char* serial, Device* device) {
  return inSession([&] { return serial && device ? Return::NotFound : Return::InvalidArgument; });
}

Return nvmlDeviceGetHandleByUUID(const char* uuid, Device* device) {
  return inSession([&] {
    if (!uuid) return Return::InvalidArgument;
    // Also without its "GPU-", as the driver's own UUID reads.
    return findDevice(device, [&](const DeviceRecord& d) { return strcasecmp(d.uuid.c_str(), uuid) == 0 || strcasecmp(d.uuid.c_str() + 4, uuid) == 0; });
  });
}

Return nvmlDeviceGetHandleByUUIDV(const UuidQuery* uuid, Device* device) {
  constexpr uint32_t text = 1, bytes = 2;
  return inSession([&] {
    if (!uuid) return Return::InvalidArgument;
    if (uuid->version != versionOf<UuidQuery>(1)) return Return::ArgumentVersionMismatch;
    if (uuid->type == bytes)
      return findDevice(device, [&](const DeviceRecord& d) { return std::memcmp(d.profile.uuid.data(), uuid->bytes, sizeof uuid->bytes) == 0; });
    if (uuid->type != text) return Return::InvalidArgument;
    return findDevice(device, [&](const DeviceRecord& d) { return strncasecmp(d.uuid.c_str(), uuid->text, sizeof uuid->text) == 0; });
  });
}

Return nvmlDeviceGetHandleByPciBusId(const char* busId, Device* device) { return handleByBusId(busId, device); }
Return nvmlDeviceGetHandleByPciBusId_v2(const char* busId, Device* device) { return handleByBusId(busId, device); }

Return nvmlDeviceGetName(Device device, char* name, uint32_t length) {
  return forDevice(device, [&](const DeviceRecord& d) { return giveText(name, length, d.profile.name); });
}
Return nvmlDeviceGetBrand(Device device, uint32_t* brand) {
  constexpr uint32_t unknown = 0;
  return forDevice(device, [&](const DeviceRecord&) { return give(brand, unknown); });
}
Return nvmlDeviceGetIndex(Device device, uint32_t* index) {
  return forDevice(device, [&](const DeviceRecord& d) { return give(index, d.index); });
}
Return nvmlDeviceGetUUID(Device device, char* uuid, uint32_t length) {
  return forDevice(device, [&](const DeviceRecord& d) { return giveText(uuid, length, d.uuid); });
}
Return nvmlDeviceGetMinorNumber(Device device, uint32_t* minor) {
  return forDevice(device, [&](const DeviceRecord& d) { return give(minor, d.index); });
}
// Boards have one device each: told apart by its bus.
Return nvmlDeviceGetBoardId(Device device, uint32_t* id) {
  return forDevice(device, [&](const DeviceRecord& d) { return give(id, d.domain << 16 | d.bus << 8 | d.slot); });
}
Return nvmlDeviceGetMultiGpuBoard(Device device, uint32_t* multi) {
  return forDevice(device, [&](const DeviceRecord&) { return give(multi, 0); });
}

Return nvmlDeviceGetPciInfo(Device device, PciInfoV1* pci) { return pciInfoV1(device, pci); }
Return nvmlDeviceGetPciInfo_v2(Device device, PciInfoV1* pci) { return pciInfoV1(device, pci); }
Return nvmlDeviceGetPciInfo_v3(Device device, PciInfoV3* pci) {
  return forDevice(device, [&](const DeviceRecord& d) {
    if (!pci) return Return::InvalidArgument;
    *pci = {};
    fillPci(d, *pci);
    fillBusId(d, pci->busIdLegacy);
    fillBusId(d, pci->busId);
    return Return::Success;
  });
}
Return nvmlDeviceGetPciInfoExt(Device device, PciInfoExt* pci) {
  constexpr uint32_t displayController = 3, threeDimensional = 2;
  return forDevice(device, [&](const DeviceRecord& d) {
    if (!pci) return Return::InvalidArgument;
    if (pci->version != versionOf<PciInfoExt>(1)) return Return::ArgumentVersionMismatch;
    fillPci(d, *pci);
    pci->baseClass = displayController;
    pci->subClass = threeDimensional;
    fillBusId(d, pci->busId);
    return Return::Success;
  });
}
}
