// The virtual devices of this process, made from the options. SPDX-License-Identifier: Apache-2.0
#include "device/device.h"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <vector>

#include "device/sched/mutex.h"
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
  constexpr int64_t most = 64;
  Lock lock(devices().mutex);
  if (!devices().all.empty()) return {};
  pthread_atfork(nullptr, nullptr, [] { forked.store(true, std::memory_order_relaxed); });
  auto wanted = static_cast<int>(std::clamp<int64_t>(options::devices(), 0, most));
  std::vector<Device*> made;
  for (int ordinal = 0; ordinal < wanted; ++ordinal) {
    auto profile = makeProfile(options::deviceProfile(), ordinal);
    if (!profile) return profile.error();
    Memory::instance().setCapacity(ordinal, profile->memoryBytes);
    made.push_back(new Device(ordinal, std::move(*profile)));
  }
  devices().all = std::move(made);
  return {};
}

bool Device::lostByFork() { return forked.load(std::memory_order_relaxed); }

int Device::count() { return static_cast<int>(devices().all.size()); }

Device& Device::get(int ordinal) { return *devices().all[static_cast<size_t>(ordinal)]; }

}  // namespace anywarp::device
