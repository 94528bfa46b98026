// A mutex that clang's thread-safety analysis understands, and the annotations. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <mutex>

#include "device/sched/futex.h"

#if defined(__clang__)
#define ANYWARP_THREAD_ATTRIBUTE(x) __attribute__((x))
#else
#define ANYWARP_THREAD_ATTRIBUTE(x)
#endif
#define ANYWARP_CAPABILITY(name) ANYWARP_THREAD_ATTRIBUTE(capability(name))
#define ANYWARP_SCOPED ANYWARP_THREAD_ATTRIBUTE(scoped_lockable)
#define ANYWARP_GUARDED_BY(m) ANYWARP_THREAD_ATTRIBUTE(guarded_by(m))
#define ANYWARP_REQUIRES(...) ANYWARP_THREAD_ATTRIBUTE(requires_capability(__VA_ARGS__))
#define ANYWARP_ACQUIRE(...) ANYWARP_THREAD_ATTRIBUTE(acquire_capability(__VA_ARGS__))
#define ANYWARP_RELEASE(...) ANYWARP_THREAD_ATTRIBUTE(release_capability(__VA_ARGS__))
#define ANYWARP_EXCLUDES(...) ANYWARP_THREAD_ATTRIBUTE(locks_excluded(__VA_ARGS__))

namespace anywarp::device {

class ANYWARP_CAPABILITY("mutex") Mutex {
 public:
  // Held for some ten nanoseconds mostly; sleeping and waking costs a thousand times that.
  void lock() ANYWARP_ACQUIRE() {
    constexpr int tries = 20;
    for (int i = 0; i < tries; ++i) {
      if (mutex_.try_lock()) return;
      cpuRelax();
    }
    mutex_.lock();
  }
  void unlock() ANYWARP_RELEASE() { mutex_.unlock(); }

 private:
  std::mutex mutex_;
};

class ANYWARP_SCOPED Lock {
 public:
  explicit Lock(Mutex& mutex) ANYWARP_ACQUIRE(mutex) : mutex_(mutex) { mutex_.lock(); }
  ~Lock() ANYWARP_RELEASE() { mutex_.unlock(); }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;

 private:
  Mutex& mutex_;
};

}  // namespace anywarp::device
