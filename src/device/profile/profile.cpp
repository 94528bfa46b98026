// The device that programs see, from profiles.def, capabilities.def, attributes.def and the host. SPDX-License-Identifier: Apache-2.0
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

struct Capability {
  const char* name;
  int major, minor;
  int sharedOptin, sharedPerSm, threadsPerSm, blocksPerSm, reservedShared, clusters, doubleRatio;
};

constexpr Capability capabilities[] = {
#define ANYWARP_COMPUTE_CAPABILITY(name, ...) {#name, __VA_ARGS__},
#include "device/profile/capabilities.def"
#undef ANYWARP_COMPUTE_CAPABILITY
};

struct Product {
  const char* identifier;  // with '_' for '-'
  const char* title;
  const char* capability;
  int smCount, clockMegahertz, memoryMegahertz, busBits, memoryMebibytes, l2Kibibytes;
  uint32_t watts, pciDevice, nvlinks;
  int ecc;
};

constexpr Product products[] = {
#define ANYWARP_PROFILE(name, title, capability, ...) {#name, title, #capability, __VA_ARGS__},
#include "device/profile/profiles.def"
#undef ANYWARP_PROFILE
};

std::string withDashes(std::string identifier) {
  std::replace(identifier.begin(), identifier.end(), '_', '-');
  return identifier;
}

const Capability* findCapability(const std::string& name) {
  auto it = std::find_if(std::begin(capabilities), std::end(capabilities), [&](const Capability& row) { return name == row.name; });
  return it == std::end(capabilities) ? nullptr : it;
}

const Product* findProduct(const std::string& name) {
  auto it = std::find_if(std::begin(products), std::end(products), [&](const Product& row) { return name == withDashes(row.identifier); });
  return it == std::end(products) ? nullptr : it;
}

int32_t clampToInt(uint64_t value) { return static_cast<int32_t>(std::min<uint64_t>(value, INT32_MAX)); }

void setCommon(Profile& profile) {
#define ANYWARP_ATTRIBUTE(name, value) profile.attributes[name] = value;
#include "device/profile/attributes.def"
#undef ANYWARP_ATTRIBUTE
}

void setFromCapability(Profile& profile, const Capability& row) {
  auto& a = profile.attributes;
  a[COMPUTE_CAPABILITY_MAJOR] = row.major;
  a[COMPUTE_CAPABILITY_MINOR] = row.minor;
  a[MAX_SHARED_MEMORY_PER_BLOCK_OPTIN] = row.sharedOptin;
  a[MAX_SHARED_MEMORY_PER_MULTIPROCESSOR] = row.sharedPerSm;
  a[MAX_THREADS_PER_MULTIPROCESSOR] = row.threadsPerSm;
  a[MAX_BLOCKS_PER_MULTIPROCESSOR] = row.blocksPerSm;
  a[RESERVED_SHARED_MEMORY_PER_BLOCK] = row.reservedShared;
  a[CLUSTER_LAUNCH] = row.clusters;
  a[SINGLE_TO_DOUBLE_PRECISION_PERF_RATIO] = row.doubleRatio;
}

void setFromProduct(Profile& profile, const Product& row) {
  constexpr uint32_t pciVendor = 0x10de;
  auto& a = profile.attributes;
  a[MULTIPROCESSOR_COUNT] = row.smCount;
  a[CLOCK_RATE] = row.clockMegahertz * 1000;
  a[MEMORY_CLOCK_RATE] = row.memoryMegahertz * 1000;
  a[GLOBAL_MEMORY_BUS_WIDTH] = row.busBits;
  a[L2_CACHE_SIZE] = row.l2Kibibytes << 10;
  a[ECC_ENABLED] = row.ecc;
  profile.pciDeviceId = row.pciDevice << 16 | pciVendor;
  a[GPU_PCI_DEVICE_ID] = static_cast<int32_t>(profile.pciDeviceId);
  profile.watts = row.watts;
  profile.nvlinks = row.nvlinks;
  profile.memoryBytes = std::min(profile.memoryBytes, static_cast<uint64_t>(row.memoryMebibytes) << 20);
}

void setFromHost(Profile& profile, int ordinal, int devices) {
  auto& a = profile.attributes;
  a[MULTIPROCESSOR_COUNT] = static_cast<int32_t>(workerCount());
  a[CLOCK_RATE] = clampToInt(clockKilohertz());
  a[L2_CACHE_SIZE] = clampToInt(hostLastLevelCacheBytes());
  a[PCI_BUS_ID] = ordinal + 1;
  a[MULTI_GPU_BOARD_GROUP_ID] = ordinal;
  profile.memoryBytes = hostMemoryBytes() / 5 * 4 / static_cast<uint64_t>(std::max(devices, 1));
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

std::span<const std::string> profileNames() {
  static const std::vector<std::string>& names = *[] {
    auto* all = new std::vector<std::string>;
    for (const Capability& row : capabilities) all->push_back(row.name);
    for (const Product& row : products) all->push_back(withDashes(row.identifier));
    return all;
  }();
  return names;
}

Result<Profile> makeProfile(const std::string& name, int ordinal, int devices) {
  const Product* product = findProduct(name);
  const Capability* capability = product ? findCapability(product->capability) : name.empty() ? &capabilities[0] : findCapability(name);
  if (!capability) {
    std::string known;
    for (const std::string& n : profileNames()) known += (known.empty() ? "" : ", ") + n;
    return Error{ErrorKind::NotFound, "there is no device profile " + name + ": use one of " + known};
  }
  Profile profile;
  profile.profile = product ? name : capability->name;
  setCommon(profile);
  setFromCapability(profile, *capability);
  setFromHost(profile, ordinal, devices);
  if (product) setFromProduct(profile, *product);
  if (uint64_t asked = options::deviceMemory()) profile.memoryBytes = asked;
  profile.memoryBytes -= profile.memoryBytes % (2u << 20);
  profile.name = product ? "anywarp " + std::string(product->title)
                         : "anywarp " + (capability == capabilities ? std::string("CPU") : std::string(capability->name)) + " (" + hostCpuName() + ")";
  profile.uuid = makeUuid(ordinal);
  profile.pciBusId = busId(ordinal);
  return profile;
}

Result<std::vector<std::string>> parseDevices(const std::string& list, const std::string& fallback) {
  std::vector<std::string> profiles;
  if (options::parseList(list).empty()) return std::vector<std::string>{fallback};
  for (const std::string& entry : options::parseList(list)) {
    size_t colon = entry.find(':');
    std::optional<int64_t> count = options::parseNumber(entry.substr(0, colon));
    bool valid = colon == std::string::npos || (count && colon + 1 < entry.size());
    if (!valid || (count && (*count < 0 || *count > mostDevices - static_cast<int64_t>(profiles.size()))))
      return Error{ErrorKind::Invalid, "ANYWARP_DEVICES=" + list + ": '" + entry + "' is no number of devices, profile or number:profile (at most " +
                                           std::to_string(mostDevices) + " devices)"};
    std::string name = colon != std::string::npos ? entry.substr(colon + 1) : count ? fallback : entry;
    profiles.insert(profiles.end(), static_cast<size_t>(count.value_or(1)), name);
  }
  if (profiles.size() > mostDevices) return Error{ErrorKind::Invalid, "ANYWARP_DEVICES=" + list + " is more than " + std::to_string(mostDevices) + " devices"};
  return profiles;
}

std::optional<int32_t> attribute(const Profile& profile, int number) {
  constexpr auto known = knownNumbers();
  if (number < 1 || number >= attributeCount || !known[static_cast<size_t>(number)]) return std::nullopt;
  return profile.attributes[static_cast<size_t>(number)];
}

}  // namespace anywarp::device
