// How much of the host this process may compute on, as Linux tells it. SPDX-License-Identifier: Apache-2.0
#include "support/host_cores.h"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <fstream>

#include "support/options.h"

namespace anywarp {

namespace {

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

// Cores' worth of time per period; 0: no limit ("max" and -1).
double coresByQuota() {
  std::ifstream v2("/sys/fs/cgroup/cpu.max");
  double quota = 0, period = 0;
  if (v2 >> quota >> period && period > 0) return quota / period;
  std::ifstream quotaFile("/sys/fs/cgroup/cpu/cpu.cfs_quota_us"), periodFile("/sys/fs/cgroup/cpu/cpu.cfs_period_us");
  bool known = quotaFile >> quota && periodFile >> period;
  return known && quota > 0 && period > 0 ? quota / period : 0;
}

}  // namespace

unsigned hostCores() {
  unsigned cores = coresByAffinity();
  double quota = coresByQuota();
  if (quota > 0) cores = std::min(cores, static_cast<unsigned>(std::max(1.0, std::ceil(quota))));
  return cores;
}

unsigned computeThreads() {
  static const unsigned count = [] {
    constexpr int64_t most = 1024;
    const int64_t asked = options::threads();
    return static_cast<unsigned>(std::min(asked > 0 ? asked : int64_t(hostCores()), most));
  }();
  return count;
}

}  // namespace anywarp
