// What the process has once: initialisation, the devices it sees. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <span>

#include "abi/cuda_types.h"
#include "device/device.h"

namespace anywarp::driver {

class Context;

inline constexpr int driverVersion = 13000;

// A device of ours that CUDA_VISIBLE_DEVICES lets the program see, under its CUDA ordinal.
struct VisibleDevice {
  CUdevice ordinal = 0;
  device::Device* device = nullptr;
  std::shared_ptr<Context> primary;

  const device::Profile& profile() const { return device->profile(); }
  // 90 for compute capability 9.0.
  uint32_t arch() const { return static_cast<uint32_t>(profile().ccMajor() * 10 + profile().ccMinor()); }
};

// cuInit. The result of the first call stays.
CUresult initialise();
bool initialised();

std::span<VisibleDevice> visibleDevices();
// nullptr for ordinals that are none.
VisibleDevice* visibleDevice(CUdevice ordinal);

}  // namespace anywarp::driver
