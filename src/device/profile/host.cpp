// What the host offers to a device, as Linux tells it. SPDX-License-Identifier: Apache-2.0
#include "device/profile/host.h"

#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

namespace anywarp::device {

namespace {

// The first word of a file as a number; 0 where there is none ("max").
uint64_t numberIn(const char* path) {
  std::ifstream file(path);
  uint64_t value = 0;
  return file >> value ? value : 0;
}

uint64_t nanoseconds() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<uint64_t>(t.tv_sec) * 1000000000u + static_cast<uint64_t>(t.tv_nsec);
}

}  // namespace

uint64_t hostMemoryBytes() {
  uint64_t bytes = static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  for (const char* path : {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}) {
    uint64_t limit = numberIn(path);
    if (limit > 0) bytes = std::min(bytes, limit);
  }
  return bytes;
}

std::string hostCpuName() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (line.rfind("model name", 0) != 0) continue;
    size_t at = line.find(':');
    if (at != std::string::npos && at + 2 < line.size()) return line.substr(at + 2);
  }
  return "CPU";
}

uint64_t hostLastLevelCacheBytes() {
  long bytes = sysconf(_SC_LEVEL3_CACHE_SIZE);
  if (bytes <= 0) bytes = sysconf(_SC_LEVEL2_CACHE_SIZE);
  return bytes > 0 ? static_cast<uint64_t>(bytes) : uint64_t{1} << 20;
}

uint64_t clockTicks() {
#if defined(__x86_64__)
  return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
  uint64_t ticks;
  asm volatile("mrs %0, cntvct_el0" : "=r"(ticks));
  return ticks;
#else
  return nanoseconds();
#endif
}

uint64_t clockKilohertz() {
#if defined(__aarch64__)
  uint64_t hertz;
  asm volatile("mrs %0, cntfrq_el0" : "=r"(hertz));
  return hertz / 1000;
#else
  static const uint64_t measured = [] {
    uint64_t t0 = nanoseconds(), c0 = clockTicks(), t1 = t0;
    while (t1 - t0 < 500000) t1 = nanoseconds();
    uint64_t kilohertz = (clockTicks() - c0) * 1000000 / (t1 - t0);
    return std::max<uint64_t>((kilohertz + 500) / 1000 * 1000, 1000);
  }();
  return measured;
#endif
}

}  // namespace anywarp::device
