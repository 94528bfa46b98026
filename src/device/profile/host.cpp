// What the host offers to a device, as Linux tells it. SPDX-License-Identifier: Apache-2.0
#include "device/profile/host.h"

#include <sched.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <sstream>

namespace anywarp::device {

namespace {

// The first word of a file as a number; 0 where there is none ("max").
uint64_t numberIn(const char* path) {
  std::ifstream file(path);
  uint64_t value = 0;
  return file >> value ? value : 0;
}

unsigned coresByAffinity() {
  for (int size = 1024; size <= 1 << 16; size *= 2) {
    cpu_set_t* set = CPU_ALLOC(size);
    size_t bytes = CPU_ALLOC_SIZE(size);
    CPU_ZERO_S(bytes, set);
    int count = sched_getaffinity(0, bytes, set) == 0 ? CPU_COUNT_S(bytes, set) : 0;
    CPU_FREE(set);
    if (count > 0) return static_cast<unsigned>(count);
  }
  return 1;
}

// Cores' worth of time per period; 0: no limit.
double coresByQuota() {
  std::ifstream v2("/sys/fs/cgroup/cpu.max");
  double quota = 0, period = 0;
  if (v2 >> quota >> period && period > 0) return quota / period;
  double q = static_cast<double>(numberIn("/sys/fs/cgroup/cpu/cpu.cfs_quota_us"));
  double p = static_cast<double>(numberIn("/sys/fs/cgroup/cpu/cpu.cfs_period_us"));
  return q > 0 && p > 0 ? q / p : 0;
}

uint64_t nanoseconds() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<uint64_t>(t.tv_sec) * 1000000000u + static_cast<uint64_t>(t.tv_nsec);
}

}  // namespace

unsigned hostCores() {
  unsigned cores = coresByAffinity();
  double quota = coresByQuota();
  if (quota > 0) cores = std::min(cores, static_cast<unsigned>(std::max(1.0, std::ceil(quota))));
  return cores;
}

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
