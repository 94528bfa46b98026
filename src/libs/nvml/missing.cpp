// Functions of the table without a body: what no device of ours has, and what is not there yet. SPDX-License-Identifier: Apache-2.0
#include "libs/nvml/session.h"

using anywarp::nvml::Device;
using anywarp::nvml::forDevice;
using anywarp::nvml::missing;
using anywarp::nvml::Return;

// They are called with more arguments than are named here; none is looked at.
#define NVML_Done(name)
#define NVML_Absent(name) \
  Return name(Device device) { return forDevice(device, [](const anywarp::nvml::DeviceRecord&) { return Return::NotSupported; }); }
#define NVML_Missing(name) \
  Return name() { return missing(#name); }
#define NVML_CALL(name, state) NVML_##state(name)

#pragma GCC visibility push(default)
extern "C" {
#include "libs/nvml/nvml_api.def"
}
#pragma GCC visibility pop
