// Between nvmlInit and nvmlShutdown: who has initialised, which devices there are. SPDX-License-Identifier: Apache-2.0
#include "libs/nvml/session.h"

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <mutex>
#include <vector>

#include "device/profile/uuid_text.h"
#include "support/log.h"
#include "support/options.h"

namespace anywarp::nvml {
namespace {

struct Session {
  std::mutex mutex;
  int users = 0;
  std::vector<Device> devices;  // made once: the options of a process do not change
};
Session& session() {
  static Session& s = *new Session;
  return s;
}

Device makeRecord(int index, device::Profile profile) {
  Device record = new DeviceRecord;
  record->index = index;
  record->uuid = device::uuidText(profile.uuid);
  sscanf(profile.pciBusId.c_str(), "%x:%x:%x", &record->domain, &record->bus, &record->slot);
  char text[32];
  snprintf(text, sizeof text, "%08X:%02X:%02X.0", record->domain, record->bus, record->slot);
  record->busId = text;
  record->profile = std::move(profile);
  return record;
}

Return makeDevices(std::vector<Device>& devices) {
  auto names = device::parseDevices(options::devices(), options::deviceProfile());
  if (!names) {
    log::error("{}", names.error().message);
    return Return::DriverNotLoaded;
  }
  std::vector<Device> made;
  for (const std::string& name : *names) {
    const int index = static_cast<int>(made.size());
    auto profile = device::makeProfile(name, index, static_cast<int>(names->size()));
    if (!profile) {
      log::error("{}", profile.error().message);
      return Return::DriverNotLoaded;
    }
    made.push_back(makeRecord(index, std::move(*profile)));
  }
  devices = std::move(made);
  return Return::Success;
}

}  // namespace

Return initialize() {
  Session& s = session();
  std::lock_guard lock(s.mutex);
  if (s.devices.empty())
    if (Return result = makeDevices(s.devices); result != Return::Success) return result;
  ++s.users;
  return Return::Success;
}

Return shutdown() {
  Session& s = session();
  std::lock_guard lock(s.mutex);
  if (s.users == 0) return Return::Uninitialized;
  --s.users;
  return Return::Success;
}

bool isInitialized() {
  std::lock_guard lock(session().mutex);
  return session().users > 0;
}

std::span<const Device> devices() {
  std::lock_guard lock(session().mutex);
  return session().devices;
}

bool isDevice(Device device) {
  std::span<const Device> all = devices();
  return std::find(all.begin(), all.end(), device) != all.end();
}

Return missing(const char* name) {
  log::logOnce(log::Level::Info, name, "{} is not supported", name);
  return isInitialized() ? Return::NotSupported : Return::Uninitialized;
}

Return giveText(char* to, uint32_t length, const std::string& text) {
  if (!to) return Return::InvalidArgument;
  if (length <= text.size()) return Return::InsufficientSize;
  std::memcpy(to, text.c_str(), text.size() + 1);
  return Return::Success;
}

}  // namespace anywarp::nvml
