// What the host offers to a device: memory, caches, clock. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace anywarp::device {

// Memory that this process may use: the machine's or the control group's limit.
uint64_t hostMemoryBytes();
// "Intel(R) Xeon(R) Processor"; "CPU" where the host does not say.
std::string hostCpuName();
uint64_t hostLastLevelCacheBytes();

// The counter behind %clock64, and how fast it ticks.
uint64_t clockTicks();
uint64_t clockKilohertz();

}  // namespace anywarp::device
