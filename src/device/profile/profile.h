// The device that programs see: its name, limits and attributes. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "support/result.h"

namespace anywarp::device {

// Numbers of device attributes as the driver API counts them (1..); 0 is unused.
inline constexpr int attributeCount = 151;

// Numbers of the attributes that the device side itself uses. All others: by number.
enum class Attribute : int {
  MaxThreadsPerBlock = 1,
  MaxBlockX = 2, MaxBlockY = 3, MaxBlockZ = 4,
  MaxGridX = 5, MaxGridY = 6, MaxGridZ = 7,
  MaxSharedPerBlock = 8,
  ConstantMemory = 9,
  WarpSize = 10,
  MaxRegistersPerBlock = 12,
  ClockKilohertz = 13,
  SmCount = 16,
  MaxThreadsPerSm = 39,
  CcMajor = 75,
  CcMinor = 76,
  MaxSharedPerSm = 81,
  MaxRegistersPerSm = 82,
  MaxSharedPerBlockOptin = 97,
  MaxBlocksPerSm = 106,
  ReservedSharedPerBlock = 111,
};

struct Profile {
  std::string profile;              // "host", "sm_90", "h100"
  std::string name;                 // as a device name: "anywarp sm_89 (Intel Xeon ...)", "anywarp H100 80GB HBM3"
  uint64_t memoryBytes = 0;
  uint32_t watts = 0;               // board power; 0 where the profile is no product
  uint32_t pciDeviceId = 0;         // device and vendor as NVML and attribute 139 have them: 0x233010de; 0: no product
  uint32_t nvlinks = 0;
  std::array<int32_t, attributeCount> attributes{};
  std::array<uint8_t, 16> uuid{};   // per device ordinal
  std::string pciBusId;             // "0000:3b:00.0"

  int32_t operator[](Attribute a) const { return attributes[static_cast<int>(a)]; }
  int ccMajor() const { return (*this)[Attribute::CcMajor]; }
  int ccMinor() const { return (*this)[Attribute::CcMinor]; }
  int smCount() const { return (*this)[Attribute::SmCount]; }
};

// Names that ANYWARP_DEVICE and ANYWARP_DEVICES accept.
std::span<const std::string> profileNames();

// The profile `name` ("" the default) as device `ordinal` of this host, whose memory `devices` devices share. NotFound names the ones
// there are.
Result<Profile> makeProfile(const std::string& name, int ordinal, int devices = 1);

// The profile of each device that a list such as "4", "2:h100,2:b200" or "h100,l4" asks for; `fallback` where it names none.
// Invalid where it is no such list or longer than `mostDevices`.
inline constexpr int mostDevices = 64;
Result<std::vector<std::string>> parseDevices(const std::string& list, const std::string& fallback);

// Nothing where the number is none that this API version knows.
std::optional<int32_t> attribute(const Profile& profile, int number);

}  // namespace anywarp::device
