// The virtual devices of this process. SPDX-License-Identifier: Apache-2.0
#pragma once

#include "device/memory/memory.h"
#include "device/profile/profile.h"
#include "support/result.h"

namespace anywarp::device {

class Device {
 public:
  // All devices of the process (ANYWARP_DEVICES), made on first use and never destroyed. CUDA_VISIBLE_DEVICES is the caller's job.
  // Fails when ANYWARP_DEVICES or ANYWARP_DEVICE names no profile.
  static Status initialise();
  static int count();
  // True in a process that was forked after initialise(): its workers are missing, nothing can run (as with CUDA).
  static bool lostByFork();
  static Device& get(int ordinal);

  int ordinal() const { return ordinal_; }
  const Profile& profile() const { return profile_; }
  MemoryUsage memoryUsage() const { return Memory::instance().usage(ordinal_); }

 private:
  Device(int ordinal, Profile profile) : ordinal_(ordinal), profile_(std::move(profile)) {}
  int ordinal_;
  Profile profile_;
};

}  // namespace anywarp::device
