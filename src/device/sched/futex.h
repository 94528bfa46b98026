// Sleeping until a 32-bit word changes, and waiting a little before that. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <climits>
#include <cstdint>

#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

namespace anywarp::device {

inline void futexWait(std::atomic<uint32_t>& word, uint32_t seen) {
  syscall(SYS_futex, reinterpret_cast<uint32_t*>(&word), FUTEX_WAIT_PRIVATE, seen, nullptr, nullptr, 0);
}

inline void futexWait(std::atomic<uint32_t>& word, uint32_t seen, uint64_t nanoseconds) {
  timespec most{static_cast<time_t>(nanoseconds / 1000000000u), static_cast<long>(nanoseconds % 1000000000u)};
  syscall(SYS_futex, reinterpret_cast<uint32_t*>(&word), FUTEX_WAIT_PRIVATE, seen, &most, nullptr, 0);
}

inline void futexWake(std::atomic<uint32_t>& word, uint32_t count) {
  syscall(SYS_futex, reinterpret_cast<uint32_t*>(&word), FUTEX_WAKE_PRIVATE, count > INT_MAX ? INT_MAX : static_cast<int>(count), nullptr,
          nullptr, 0);
}

inline void cpuRelax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

inline uint64_t monotonicNanoseconds() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<uint64_t>(t.tv_sec) * 1000000000u + static_cast<uint64_t>(t.tv_nsec);
}

// Asks done() again and again for `nanoseconds`; its last answer. After a first while others get the core in between: what is waited
// for may need it.
template <class Done>
bool spinFor(uint64_t nanoseconds, Done&& done) {
  constexpr uint64_t alone = 1500;
  uint64_t begin = 0;
  while (true) {
    for (int i = 0; i < 8; ++i) {
      if (done()) return true;
      cpuRelax();
    }
    uint64_t now = monotonicNanoseconds();
    if (begin == 0) begin = now;
    if (now - begin >= nanoseconds) return done();
    if (now - begin >= alone) sched_yield();
  }
}

}  // namespace anywarp::device
