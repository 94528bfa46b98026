// Device Queries: how devices, cores and memory lie to each other (NVML API Reference). SPDX-License-Identifier: Apache-2.0
#include <sched.h>

#include <algorithm>
#include <cstring>

#include "libs/nvml/functions.h"
#include "libs/nvml/session.h"

namespace {

// Each device is alone on a bus of the one host bridge.
constexpr uint32_t sameBoard = 0, hostBridge = 30;

template <class Body>
Return forDevices(Device one, Device other, Body&& body) {
  return forDevice(one, [&](const DeviceRecord&) { return isDevice(other) ? body() : Return::InvalidArgument; });
}

constexpr uint32_t bitsPerWord = 8 * sizeof(unsigned long);

// The cores that this process may use: all devices run on them.
Return giveCores(uint32_t words, unsigned long* set) {
  if (!set || words == 0) return Return::InvalidArgument;
  std::fill_n(set, words, 0ul);
  cpu_set_t cores;
  CPU_ZERO(&cores);
  if (sched_getaffinity(0, sizeof cores, &cores) != 0) return Return::Unknown;
  for (uint32_t core = 0; core < std::min<uint32_t>(CPU_SETSIZE, words * bitsPerWord); ++core)
    if (CPU_ISSET(core, &cores)) set[core / bitsPerWord] |= 1ul << core % bitsPerWord;
  return Return::Success;
}

}  // namespace

extern "C" {

Return nvmlDeviceOnSameBoard(Device one, Device other, int* same) {
  return forDevices(one, other, [&] { return give(same, one == other); });
}
Return nvmlDeviceGetTopologyCommonAncestor(Device one, Device other, uint32_t* level) {
  return forDevices(one, other, [&] { return give(level, one == other ? sameBoard : hostBridge); });
}

Return nvmlDeviceGetTopologyNearestGpus(Device device, uint32_t level, uint32_t* count, Device* set) {
  return forDevice(device, [&](const DeviceRecord&) {
    if (!count) return Return::InvalidArgument;
    const uint32_t room = *count;
    uint32_t found = 0;
    for (Device other : devices()) {
      if (other == device || level != hostBridge) continue;
      if (set && found < room) set[found] = other;
      ++found;
    }
    *count = set ? std::min(found, room) : found;
    return Return::Success;
  });
}
Return nvmlSystemGetTopologyGpuSet(uint32_t cpu, uint32_t* count, Device* set) {
  return inSession([&] {
    if (!count || cpu >= CPU_SETSIZE) return Return::InvalidArgument;
    const auto all = static_cast<uint32_t>(devices().size());
    const uint32_t room = *count;
    for (uint32_t i = 0; set && i < std::min(room, all); ++i) set[i] = devices()[i];
    return give(count, set ? std::min(room, all) : all);
  });
}

Return nvmlDeviceGetP2PStatus(Device one, Device other, uint32_t index, uint32_t* status) {
  constexpr uint32_t nvlink = 2, indices = 6, fine = 0, notSupported = 5;
  return forDevices(one, other, [&] {
    if (index >= indices) return Return::InvalidArgument;
    return give(status, index == nvlink ? notSupported : fine);
  });
}

// A product's links are there, and lead nowhere.
Return nvmlDeviceGetNvLinkState(Device device, uint32_t link, uint32_t* active) {
  constexpr uint32_t mostLinks = 18;
  return forDevice(device, [&](const DeviceRecord& d) {
    if (!active || link >= mostLinks) return Return::InvalidArgument;
    return link < d.profile.nvlinks ? give(active, off) : Return::NotSupported;
  });
}

Return nvmlDeviceGetCpuAffinity(Device device, uint32_t words, unsigned long* set) {
  return forDevice(device, [&](const DeviceRecord&) { return giveCores(words, set); });
}
Return nvmlDeviceGetCpuAffinityWithinScope(Device device, uint32_t words, unsigned long* set, uint32_t scope) {
  return forDevice(device, [&](const DeviceRecord&) { return scope > 1 ? Return::InvalidArgument : giveCores(words, set); });
}
// The memory of all nodes is the device's; the first is named.
Return nvmlDeviceGetMemoryAffinity(Device device, uint32_t words, unsigned long* set, uint32_t scope) {
  return forDevice(device, [&](const DeviceRecord&) {
    if (!set || words == 0 || scope > 1) return Return::InvalidArgument;
    std::fill_n(set, words, 0ul);
    set[0] = 1;
    return Return::Success;
  });
}
}
