// Which processes use how much memory of which device, told to others by a small file for each process. SPDX-License-Identifier: Apache-2.0
// The files are in $XDG_RUNTIME_DIR/anywarp or /dev/shm/anywarp-UID. What a reader finds there is checked: another program may have
// written it. Where no such folder can be made, nobody is told.
#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace anywarp::device {

using Uuid = std::array<uint8_t, 16>;

struct DeviceUsage {
  Uuid uuid{};
  uint64_t bytes = 0;
};

struct ProcessUsage {
  pid_t pid = 0;
  std::vector<DeviceUsage> devices;
};

// This process's own file. Made when it first has something to tell; a forked child has none until it tells something itself.
// Cheap afterwards: one store. Thread-safe.
void nameDevice(int ordinal, const Uuid& uuid);
void tellUsage(int ordinal, uint64_t bytes);

// Of all living processes of this user, by process id; files of dead ones are removed.
std::vector<ProcessUsage> readUsage();

// The folder of the files; "" where there is none.
std::string usageFolder();

}  // namespace anywarp::device
