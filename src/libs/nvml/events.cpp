// Event Handling Methods (NVML API Reference): there are no events, so a wait ends by its time. SPDX-License-Identifier: Apache-2.0
#include <time.h>

#include <cerrno>
#include <mutex>
#include <unordered_set>

#include "libs/nvml/functions.h"
#include "libs/nvml/session.h"

namespace {

constexpr uint64_t supportedTypes = 0;

struct Sets {
  std::mutex mutex;
  std::unordered_set<uintptr_t> living;
  uintptr_t next = 0x6e766d6c0001;
};
Sets& sets() {
  static Sets& s = *new Sets;
  return s;
}

bool isSet(EventSet set) {
  std::lock_guard lock(sets().mutex);
  return sets().living.count(reinterpret_cast<uintptr_t>(set)) != 0;
}

Return wait(EventSet set, EventData* data, uint32_t milliseconds) {
  return inSession([&] {
    if (!data || !isSet(set)) return Return::InvalidArgument;
    timespec left{milliseconds / 1000, static_cast<long>(milliseconds % 1000) * 1000000};
    while (nanosleep(&left, &left) != 0 && errno == EINTR) {
    }
    return Return::Timeout;
  });
}

}  // namespace

extern "C" {

Return nvmlDeviceGetSupportedEventTypes(Device device, uint64_t* types) {
  return forDevice(device, [&](const DeviceRecord&) { return give(types, supportedTypes); });
}
Return nvmlDeviceRegisterEvents(Device device, uint64_t types, EventSet set) {
  return forDevice(device, [&](const DeviceRecord&) {
    if (!isSet(set)) return Return::InvalidArgument;
    return types & ~supportedTypes ? Return::NotSupported : Return::Success;
  });
}
Return nvmlEventSetCreate(EventSet* set) {
  return inSession([&] {
    if (!set) return Return::InvalidArgument;
    std::lock_guard lock(sets().mutex);
    sets().living.insert(sets().next);
    *set = reinterpret_cast<EventSet>(sets().next++);
    return Return::Success;
  });
}
Return nvmlEventSetFree(EventSet set) {
  return inSession([&] {
    std::lock_guard lock(sets().mutex);
    return sets().living.erase(reinterpret_cast<uintptr_t>(set)) ? Return::Success : Return::InvalidArgument;
  });
}
Return nvmlEventSetWait(EventSet set, EventData* data, uint32_t milliseconds) { return wait(set, data, milliseconds); }
Return nvmlEventSetWait_v2(EventSet set, EventData* data, uint32_t milliseconds) { return wait(set, data, milliseconds); }
}
