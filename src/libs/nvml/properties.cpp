// Device Queries: capability, clocks, power, modes, all from the profile (NVML API Reference). SPDX-License-Identifier: Apache-2.0
#include "abi/cuda.h"
#include "libs/nvml/functions.h"
#include "libs/nvml/session.h"

namespace {

uint32_t value(const DeviceRecord& device, int attribute) {
  return static_cast<uint32_t>(anywarp::device::attribute(device.profile, attribute).value_or(0));
}

// Generations by capability: the number that NVML has for each, and single-precision units per multiprocessor.
struct Generation {
  int capability;  // from this on
  uint32_t architecture, coresPerSm;
};
constexpr Generation generations[] = {{120, 10, 128}, {100, 10, 128}, {90, 9, 128}, {89, 8, 128}, {86, 7, 128},
                                      {80, 7, 64},    {75, 6, 64},    {70, 5, 64},  {61, 4, 128}, {60, 4, 64},
                                      {50, 3, 128},   {30, 2, 192}};

const Generation* generationOf(const DeviceRecord& device) {
  const int capability = device.profile.ccMajor() * 10 + device.profile.ccMinor();
  for (const Generation& g : generations)
    if (capability >= g.capability && capability < 130) return &g;
  return nullptr;
}

constexpr uint32_t graphicsClock = 0, smClock = 1, memoryClock = 2, videoClock = 3, clockTypes = 4;

Return maxClock(const DeviceRecord& device, uint32_t type, uint32_t* megahertz) {
  if (type >= clockTypes) return Return::InvalidArgument;
  uint32_t kilohertz = 0;
  if (type == graphicsClock || type == smClock) kilohertz = value(device, CU_DEVICE_ATTRIBUTE_CLOCK_RATE);
  if (type == memoryClock) kilohertz = value(device, CU_DEVICE_ATTRIBUTE_MEMORY_CLOCK_RATE);
  if (kilohertz == 0) return megahertz ? Return::NotSupported : Return::InvalidArgument;
  return give(megahertz, kilohertz / 1000);
}

Return powerLimit(Device device, uint32_t* milliwatts) {
  return forDevice(device, [&](const DeviceRecord& d) {
    if (!milliwatts) return Return::InvalidArgument;
    return d.profile.watts ? give(milliwatts, d.profile.watts * 1000) : Return::NotSupported;
  });
}

template <class T>
Return constant(Device device, T* to, T answer) {
  return forDevice(device, [&](const DeviceRecord&) { return give(to, answer); });
}

bool hasMig(const DeviceRecord& device) {
  const int major = device.profile.ccMajor(), minor = device.profile.ccMinor();
  return (major == 8 && minor == 0) || major == 9 || major == 10;
}

}  // namespace

extern "C" {

Return nvmlDeviceGetCudaComputeCapability(Device device, int* major, int* minor) {
  return forDevice(device, [&](const DeviceRecord& d) {
    if (!major || !minor) return Return::InvalidArgument;
    *major = d.profile.ccMajor();
    return give(minor, d.profile.ccMinor());
  });
}
Return nvmlDeviceGetArchitecture(Device device, uint32_t* architecture) {
  constexpr uint32_t unknown = 0xffffffffu;
  return forDevice(device, [&](const DeviceRecord& d) {
    const Generation* g = generationOf(d);
    return give(architecture, g ? g->architecture : unknown);
  });
}
Return nvmlDeviceGetNumGpuCores(Device device, uint32_t* cores) {
  return forDevice(device, [&](const DeviceRecord& d) {
    const Generation* g = generationOf(d);
    if (!g) return cores ? Return::NotSupported : Return::InvalidArgument;
    return give(cores, g->coresPerSm * static_cast<uint32_t>(d.profile.smCount()));
  });
}
Return nvmlDeviceGetMemoryBusWidth(Device device, uint32_t* bits) {
  return forDevice(device, [&](const DeviceRecord& d) { return give(bits, value(d, CU_DEVICE_ATTRIBUTE_GLOBAL_MEMORY_BUS_WIDTH)); });
}

Return nvmlDeviceGetMaxClockInfo(Device device, uint32_t type, uint32_t* megahertz) {
  return forDevice(device, [&](const DeviceRecord& d) { return maxClock(d, type, megahertz); });
}
Return nvmlDeviceGetMaxCustomerBoostClock(Device device, uint32_t type, uint32_t* megahertz) {
  return forDevice(device, [&](const DeviceRecord& d) { return maxClock(d, type, megahertz); });
}

// Nothing slows a clock down that there is not: every clock runs as fast as it can.
Return nvmlDeviceGetClockInfo(Device device, uint32_t type, uint32_t* megahertz) { return nvmlDeviceGetMaxClockInfo(device, type, megahertz); }
Return nvmlDeviceGetClock(Device device, uint32_t type, uint32_t which, uint32_t* megahertz) {
  constexpr uint32_t whichClocks = 4;  // now, application, application by default, boost of the customer
  return forDevice(device, [&](const DeviceRecord& d) { return which >= whichClocks ? Return::InvalidArgument : maxClock(d, type, megahertz); });
}
Return nvmlDeviceGetApplicationsClock(Device device, uint32_t type, uint32_t* megahertz) {
  return nvmlDeviceGetMaxClockInfo(device, type, megahertz);
}
Return nvmlDeviceGetDefaultApplicationsClock(Device device, uint32_t type, uint32_t* megahertz) {
  return nvmlDeviceGetMaxClockInfo(device, type, megahertz);
}

Return nvmlDeviceGetPowerManagementLimit(Device device, uint32_t* milliwatts) { return powerLimit(device, milliwatts); }
Return nvmlDeviceGetPowerManagementDefaultLimit(Device device, uint32_t* milliwatts) { return powerLimit(device, milliwatts); }
Return nvmlDeviceGetEnforcedPowerLimit(Device device, uint32_t* milliwatts) { return powerLimit(device, milliwatts); }
Return nvmlDeviceGetPowerManagementMode(Device device, uint32_t* mode) { return constant(device, mode, off); }

Return nvmlDeviceGetEccMode(Device device, uint32_t* current, uint32_t* pending) {
  return forDevice(device, [&](const DeviceRecord& d) {
    if (!current || !pending) return Return::InvalidArgument;
    if (!value(d, CU_DEVICE_ATTRIBUTE_ECC_ENABLED)) return Return::NotSupported;
    *current = on;
    return give(pending, on);
  });
}
Return nvmlDeviceGetDefaultEccMode(Device device, uint32_t* mode) {
  return forDevice(device, [&](const DeviceRecord& d) {
    if (!mode) return Return::InvalidArgument;
    return value(d, CU_DEVICE_ATTRIBUTE_ECC_ENABLED) ? give(mode, on) : Return::NotSupported;
  });
}

Return nvmlDeviceGetComputeMode(Device device, uint32_t* mode) { return constant(device, mode, 0u); }  // default
Return nvmlDeviceGetPersistenceMode(Device device, uint32_t* mode) { return constant(device, mode, on); }
Return nvmlDeviceGetDisplayMode(Device device, uint32_t* mode) { return constant(device, mode, off); }
Return nvmlDeviceGetDisplayActive(Device device, uint32_t* active) { return constant(device, active, off); }
Return nvmlDeviceGetVirtualizationMode(Device device, uint32_t* mode) { return constant(device, mode, 0u); }  // none
Return nvmlDeviceGetAccountingMode(Device device, uint32_t* mode) { return constant(device, mode, off); }

Return nvmlDeviceGetCurrentClocksThrottleReasons(Device device, uint64_t* reasons) { return constant(device, reasons, uint64_t{0}); }
Return nvmlDeviceGetCurrentClocksEventReasons(Device device, uint64_t* reasons) { return constant(device, reasons, uint64_t{0}); }
Return nvmlDeviceGetSupportedClocksThrottleReasons(Device device, uint64_t* reasons) { return constant(device, reasons, uint64_t{0}); }
Return nvmlDeviceGetSupportedClocksEventReasons(Device device, uint64_t* reasons) { return constant(device, reasons, uint64_t{0}); }

Return nvmlDeviceGetMigMode(Device device, uint32_t* current, uint32_t* pending) {
  return forDevice(device, [&](const DeviceRecord& d) {
    if (!current || !pending) return Return::InvalidArgument;
    if (!hasMig(d)) return Return::NotSupported;
    *current = off;
    return give(pending, off);
  });
}
Return nvmlDeviceGetMaxMigDeviceCount(Device device, uint32_t* count) { return constant(device, count, 0u); }
Return nvmlDeviceGetMigDeviceHandleByIndex(Device device, uint32_t, Device* mig) {
  return forDevice(device, [&](const DeviceRecord& d) {
    if (!mig) return Return::InvalidArgument;
    return hasMig(d) ? Return::NotFound : Return::NotSupported;
  });
}
Return nvmlDeviceGetDeviceHandleFromMigDeviceHandle(Device, Device*) {
  return inSession([] { return Return::InvalidArgument; });
}
Return nvmlDeviceIsMigDeviceHandle(Device device, uint32_t* is) { return constant(device, is, 0u); }

// Each field has a result of its own.
Return nvmlDeviceGetFieldValues(Device device, int count, FieldValue* values) {
  return forDevice(device, [&](const DeviceRecord&) {
    if (count < 0 || (count > 0 && !values)) return Return::InvalidArgument;
    for (int i = 0; i < count; ++i) values[i].result = Return::NotSupported;
    return Return::Success;
  });
}
}
