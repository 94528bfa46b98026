// Between nvmlInit and nvmlShutdown: the devices that are told about, and the checks that every call begins with.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstring>
#include <span>
#include <string>
#include <utility>

#include "device/profile/profile.h"
#include "libs/nvml/nvml_types.h"

namespace anywarp::nvml {

struct DeviceRecord {
  int index = 0;
  device::Profile profile;
  std::string uuid;   // "GPU-..."
  std::string busId;  // "00000000:01:00.0"
  uint32_t domain = 0, bus = 0, slot = 0;
};

// As often as shutdown(). Reads the profiles of ANYWARP_DEVICES; a driver need not be loaded, and none is.
Return initialize();
Return shutdown();
bool isInitialized();

// Empty before initialize(). A record lives for ever, so that a stale handle is told from a living one by looking for it.
std::span<const Device> devices();
bool isDevice(Device device);

// NVML_ERROR_NOT_SUPPORTED of a function that the library does not have, named in the log.
Return missing(const char* name);

template <class Body>
Return inSession(Body&& body) {
  return isInitialized() ? body() : Return::Uninitialized;
}

template <class Body>
Return forDevice(Device device, Body&& body) {
  if (!isInitialized()) return Return::Uninitialized;
  if (!isDevice(device)) return Return::InvalidArgument;
  return body(*device);
}

// Answers of one value.
template <class T, class V>
Return give(T* to, V value) {
  if (!to) return Return::InvalidArgument;
  *to = static_cast<T>(value);
  return Return::Success;
}

// Text with its zero byte into a buffer of `length`.
Return giveText(char* to, uint32_t length, const std::string& text);

}  // namespace anywarp::nvml
