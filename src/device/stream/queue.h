// The entries of one stream and who is working on them. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "device/sched/mutex.h"
#include "device/stream/operation.h"
#include "device/stream/stream.h"

namespace anywarp::device {

struct Stream::Queue {
  Mutex mutex;
  Operation* head ANYWARP_GUARDED_BY(mutex) = nullptr;
  Operation* tail ANYWARP_GUARDED_BY(mutex) = nullptr;
  Operation* unused ANYWARP_GUARDED_BY(mutex) = nullptr;
  std::vector<std::unique_ptr<Operation>> owned ANYWARP_GUARDED_BY(mutex);
  bool busy ANYWARP_GUARDED_BY(mutex) = false;       // the head is running elsewhere
  bool advancing ANYWARP_GUARDED_BY(mutex) = false;  // a thread is in run()
  bool again ANYWARP_GUARDED_BY(mutex) = false;      // something happened since it looked
  std::shared_ptr<Stream> self ANYWARP_GUARDED_BY(mutex);  // while there are entries
  std::atomic<uint64_t> submitted{0};
};

}  // namespace anywarp::device
