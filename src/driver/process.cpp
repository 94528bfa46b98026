// cuInit and CUDA_VISIBLE_DEVICES. SPDX-License-Identifier: Apache-2.0
#include "driver/process.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <string>
#include <vector>

#include "device/fault/signals.h"
#include "device/profile/uuid_text.h"
#include "driver/error_log.h"
#include "driver/errors.h"
#include "driver/objects/context.h"
#include "support/crash_guard.h"
#include "support/log.h"
#include "support/options.h"

namespace anywarp::driver {
namespace {

struct Process {
  std::mutex mutex;
  std::atomic<bool> ready{false};
  std::vector<VisibleDevice> devices;
};

// Programs call us after their destructors ran: never destroyed.
Process& process() {
  static Process& process = *new Process;
  return process;
}

// The ordinal that one entry of the list names, or -1: an index, or "GPU-" and as much of a UUID as no other device's begins with.
int namedDevice(const std::string& entry) {
  if (entry.rfind("GPU-", 0) == 0) {
    int found = -1;
    for (int i = 0; i < device::Device::count(); ++i) {
      if (device::uuidText(device::Device::get(i).profile().uuid).rfind(entry, 0) != 0) continue;
      if (found >= 0) return -1;
      found = i;
    }
    return found;
  }
  std::optional<int64_t> index = options::parseNumber(entry);
  return index && *index >= 0 && *index < device::Device::count() ? static_cast<int>(*index) : -1;
}

// In the order of the list, up to its first entry that names no device; none at all when one is named twice.
std::vector<int> chosenDevices() {
  std::vector<int> chosen;
  if (!options::isSet("CUDA_VISIBLE_DEVICES")) {
    for (int i = 0; i < device::Device::count(); ++i) chosen.push_back(i);
    return chosen;
  }
  for (const std::string& entry : options::parseList(options::cudaVisibleDevices())) {
    int ordinal = namedDevice(entry);
    if (ordinal < 0) break;
    if (std::find(chosen.begin(), chosen.end(), ordinal) != chosen.end()) return {};
    chosen.push_back(ordinal);
  }
  return chosen;
}

}  // namespace

CUresult initialise() {
  Process& p = process();
  if (device::Device::lostByFork()) return CUDA_ERROR_NOT_INITIALIZED;
  if (p.ready.load(std::memory_order_acquire)) return CUDA_SUCCESS;
  std::lock_guard lock(p.mutex);
  if (p.ready.load(std::memory_order_relaxed)) return CUDA_SUCCESS;
  startErrorLog();
  if (Status status = device::Device::initialise(); !status) {
    log::error("{}", status.error().message);
    return CUDA_ERROR_SYSTEM_NOT_READY;
  }
  crash::setInstaller(device::installFaultHandlers);
  std::vector<VisibleDevice> devices;
  for (int ordinal : chosenDevices())
    devices.push_back({static_cast<CUdevice>(devices.size()), &device::Device::get(ordinal), nullptr});
  if (devices.empty()) return CUDA_ERROR_NO_DEVICE;
  p.devices = std::move(devices);
  for (VisibleDevice& device : p.devices) device.primary = Context::makePrimary(device);
  p.ready.store(true, std::memory_order_release);
  return CUDA_SUCCESS;
}

bool initialised() { return process().ready.load(std::memory_order_acquire) && !device::Device::lostByFork(); }

std::span<VisibleDevice> visibleDevices() { return process().devices; }

VisibleDevice* visibleDevice(CUdevice ordinal) {
  std::span<VisibleDevice> devices = visibleDevices();
  return ordinal >= 0 && static_cast<size_t>(ordinal) < devices.size() ? &devices[static_cast<size_t>(ordinal)] : nullptr;
}

}  // namespace anywarp::driver
