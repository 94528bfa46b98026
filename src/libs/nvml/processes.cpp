// Device Queries: memory, and the processes that use it (NVML API Reference). SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "device/usage/usage.h"
#include "libs/nvml/functions.h"
#include "libs/nvml/session.h"

namespace {

using anywarp::device::DeviceUsage;
using anywarp::device::ProcessUsage;

struct Use {
  uint32_t pid;
  uint64_t bytes;
};

std::vector<Use> usersOf(const DeviceRecord& device) {
  std::vector<Use> users;
  for (const ProcessUsage& process : anywarp::device::readUsage())
    for (const DeviceUsage& usage : process.devices)
      if (usage.uuid == device.profile.uuid) users.push_back({static_cast<uint32_t>(process.pid), usage.bytes});
  return users;
}

MemoryInfo memoryOf(const DeviceRecord& device) {
  MemoryInfo info{device.profile.memoryBytes, 0, 0};
  for (const Use& use : usersOf(device)) info.used += std::min(use.bytes, info.total - info.used);
  info.free = info.total - info.used;
  return info;
}

void fill(ProcessInfoV1& to, const Use& use) { to = {use.pid, use.bytes}; }
void fill(ProcessInfo& to, const Use& use) { to = {use.pid, use.bytes, noInstance, noInstance}; }

// NVML's way with lists: too small a count is put right and refused.
template <class Info>
Return giveProcesses(Device device, uint32_t* count, Info* infos) {
  return forDevice(device, [&](const DeviceRecord& d) {
    if (!count || (*count > 0 && !infos)) return Return::InvalidArgument;
    const std::vector<Use> users = usersOf(d);
    const uint32_t room = *count;
    *count = static_cast<uint32_t>(users.size());
    if (room < users.size()) return Return::InsufficientSize;
    for (size_t i = 0; i < users.size(); ++i) fill(infos[i], users[i]);
    return Return::Success;
  });
}

Return noProcesses(Device device, uint32_t* count) {
  return forDevice(device, [&](const DeviceRecord&) { return give(count, 0); });
}

}  // namespace

extern "C" {

Return nvmlDeviceGetMemoryInfo(Device device, MemoryInfo* memory) {
  return forDevice(device, [&](const DeviceRecord& d) { return memory ? give(memory, memoryOf(d)) : Return::InvalidArgument; });
}
Return nvmlDeviceGetMemoryInfo_v2(Device device, MemoryInfoV2* memory) {
  return forDevice(device, [&](const DeviceRecord& d) {
    if (!memory) return Return::InvalidArgument;
    if (memory->version != versionOf<MemoryInfoV2>(2)) return Return::ArgumentVersionMismatch;
    const MemoryInfo info = memoryOf(d);
    *memory = {memory->version, info.total, 0, info.free, info.used};
    return Return::Success;
  });
}

Return nvmlDeviceGetComputeRunningProcesses(Device device, uint32_t* count, ProcessInfoV1* infos) { return giveProcesses(device, count, infos); }
Return nvmlDeviceGetComputeRunningProcesses_v2(Device device, uint32_t* count, ProcessInfo* infos) { return giveProcesses(device, count, infos); }
Return nvmlDeviceGetComputeRunningProcesses_v3(Device device, uint32_t* count, ProcessInfo* infos) { return giveProcesses(device, count, infos); }
Return nvmlDeviceGetGraphicsRunningProcesses(Device device, uint32_t* count, ProcessInfoV1*) { return noProcesses(device, count); }
Return nvmlDeviceGetGraphicsRunningProcesses_v2(Device device, uint32_t* count, ProcessInfo*) { return noProcesses(device, count); }
Return nvmlDeviceGetGraphicsRunningProcesses_v3(Device device, uint32_t* count, ProcessInfo*) { return noProcesses(device, count); }
Return nvmlDeviceGetMPSComputeRunningProcesses(Device device, uint32_t* count, ProcessInfoV1*) { return noProcesses(device, count); }
Return nvmlDeviceGetMPSComputeRunningProcesses_v2(Device device, uint32_t* count, ProcessInfo*) { return noProcesses(device, count); }
Return nvmlDeviceGetMPSComputeRunningProcesses_v3(Device device, uint32_t* count, ProcessInfo*) { return noProcesses(device, count); }
}
