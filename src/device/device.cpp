// The virtual devices of this process, made from the options. SPDX-License-Identifier: Apache-2.0
#include "device/device.h"

#include <pthread.h>

#include <atomic>
#include <vector>

#include "device/sched/mutex.h"
#include "device/usage/usage.h"
#include "support/options.h"

namespace anywarp::device {

namespace {

struct Devices {
  Mutex mutex;
  std::vector<Device*> all;  // never shrinks, and is complete before anyone reads it unlocked
};

std::atomic<bool> forked{false};

Devices& devices() {
  static Devices& d = *new Devices;
  return d;
}

}  // namespace

Status Device::initialise() {
  Lock lock(devices().mutex);
  if (!devices().all.empty()) return {};
  auto names = parseDevices(options::devices(), options::deviceProfile());
  if (!names) return names.error();
  std::vector<Device*> made;
  auto count = static_cast<int>(names->size());
  for (int ordinal = 0; ordinal < count; ++ordinal) {
    auto profile = makeProfile((*names)[static_cast<size_t>(ordinal)], ordinal, count);
    if (!profile) return profile.error();
    Memory::instance().setCapacity(ordinal, profile->memoryBytes);
    nameDevice(ordinal, profile->uuid);
    made.push_back(new Device(ordinal, std::move(*profile)));
  }
  pthread_atfork(nullptr, nullptr, [] { forked.store(true, std::memory_order_relaxed); });
  devices().all = std::move(made);
  return {};
}

bool Device::lostByFork() { return forked.load(std::memory_order_relaxed); }

int Device::count() { return static_cast<int>(devices().all.size()); }

Device& Device::get(int ordinal) { return *devices().all[static_cast<size_t>(ordinal)]; }

}  // namespace anywarp::device
