// The device that programs see, from profiles.def, attributes.def and the host. SPDX-License-Identifier: Apache-2.0
#include "device/profile/profile.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <vector>

#include "device/profile/host.h"
#include "device/sched/launch.h"
#include "support/hash.h"
#include "support/options.h"

namespace anywarp::device {

namespace {

enum Number : int {
#define ANYWARP_DEVICE_ATTRIBUTE(name, number) name = number,
#include "abi/cuda_device_attributes.def"
#undef ANYWARP_DEVICE_ATTRIBUTE
};

constexpr std::array<bool, attributeCount> knownNumbers() {
  std::array<bool, attributeCount> known{};
#define ANYWARP_DEVICE_ATTRIBUTE(name, number) known[number] = true;
#include "abi/cuda_device_attributes.def"
#undef ANYWARP_DEVICE_ATTRIBUTE
  return known;
}

struct Row {
  const char* name;
  int major, minor;
  int sharedOptin, sharedPerSm, threadsPerSm, blocksPerSm, reservedShared, clusters;
};

constexpr Row rows[] = {
#define ANYWARP_PROFILE(name, ...) {#name, __VA_ARGS__},
#include "device/profile/profiles.def"
#undef ANYWARP_PROFILE
};

constexpr const char* names[] = {
#define ANYWARP_PROFILE(name, ...) #name,
#include "device/profile/profiles.def"
#undef ANYWARP_PROFILE
};

const Row* findRow(const std::string& name) {
  if (name.empty()) return &rows[0];
  auto it = std::find_if(std::begin(rows), std::end(rows), [&](const Row& row) { return name == row.name; });
  return it == std::end(rows) ? nullptr : it;
}

int32_t clampToInt(uint64_t value) { return static_cast<int32_t>(std::min<uint64_t>(value, INT32_MAX)); }

void setCommon(Profile& profile) {
#define ANYWARP_ATTRIBUTE(name, value) profile.attributes[name] = value;
#include "device/profile/attributes.def"
#undef ANYWARP_ATTRIBUTE
}

void setFromRow(Profile& profile, const Row& row) {
  auto& a = profile.attributes;
  a[COMPUTE_CAPABILITY_MAJOR] = row.major;
  a[COMPUTE_CAPABILITY_MINOR] = row.minor;
  a[MAX_SHARED_MEMORY_PER_BLOCK_OPTIN] = row.sharedOptin;
  a[MAX_SHARED_MEMORY_PER_MULTIPROCESSOR] = row.sharedPerSm;
  a[MAX_THREADS_PER_MULTIPROCESSOR] = row.threadsPerSm;
  a[MAX_BLOCKS_PER_MULTIPROCESSOR] = row.blocksPerSm;
  a[RESERVED_SHARED_MEMORY_PER_BLOCK] = row.reservedShared;
  a[CLUSTER_LAUNCH] = row.clusters;
}

void setFromHost(Profile& profile, int ordinal) {
  auto& a = profile.attributes;
  a[MULTIPROCESSOR_COUNT] = static_cast<int32_t>(workerCount());
  a[CLOCK_RATE] = clampToInt(clockKilohertz());
  a[L2_CACHE_SIZE] = clampToInt(hostLastLevelCacheBytes());
  a[PCI_BUS_ID] = ordinal + 1;
  a[MULTI_GPU_BOARD_GROUP_ID] = ordinal;
  uint64_t asked = options::deviceMemory();
  profile.memoryBytes = asked ? asked : hostMemoryBytes() / 5 * 4;
  profile.memoryBytes -= profile.memoryBytes % (2u << 20);
}

// Stable for a host and an ordinal. Version and variant bits as for random identifiers.
std::array<uint8_t, 16> makeUuid(int ordinal) {
  std::string machine;
  std::ifstream("/etc/machine-id") >> machine;
  char host[256] = "";
  gethostname(host, sizeof host - 1);
  Hash128 hash = Hasher().text("anywarp device").text(machine).text(host).number(static_cast<uint64_t>(ordinal)).finish();
  std::array<uint8_t, 16> uuid;
  for (size_t i = 0; i < 8; ++i) {
    uuid[i] = static_cast<uint8_t>(hash.high >> (8 * i));
    uuid[i + 8] = static_cast<uint8_t>(hash.low >> (8 * i));
  }
  uuid[6] = static_cast<uint8_t>((uuid[6] & 0x0f) | 0x40);
  uuid[8] = static_cast<uint8_t>((uuid[8] & 0x3f) | 0x80);
  return uuid;
}

std::string busId(int ordinal) {
  char text[16];
  snprintf(text, sizeof text, "0000:%02x:00.0", (ordinal + 1) & 0xff);
  return text;
}

}  // namespace

std::span<const char* const> profileNames() { return names; }

Result<Profile> makeProfile(const std::string& name, int ordinal) {
  const Row* row = findRow(name);
  if (!row) {
    std::string known;
    for (const char* n : names) known += std::string(known.empty() ? "" : ", ") + n;
    return Error{ErrorKind::NotFound, "there is no device profile " + name + ": use one of " + known};
  }
  Profile profile;
  setCommon(profile);
  setFromRow(profile, *row);
  setFromHost(profile, ordinal);
  profile.name = "anywarp " + (row == rows ? std::string("CPU") : std::string(row->name)) + " (" + hostCpuName() + ")";
  profile.uuid = makeUuid(ordinal);
  profile.pciBusId = busId(ordinal);
  return profile;
}

std::optional<int32_t> attribute(const Profile& profile, int number) {
  constexpr auto known = knownNumbers();
  if (number < 1 || number >= attributeCount || !known[static_cast<size_t>(number)]) return std::nullopt;
  return profile.attributes[static_cast<size_t>(number)];
}

}  // namespace anywarp::device
