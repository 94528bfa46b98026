// A stack of our own, on which the calling thread runs a function. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

namespace anywarp::device {

// A program's threads may have little stack left, and a guard page that a large frame steps over.
class OwnStack {
 public:
  // False where the host refuses, or where nobody has written down how to change stacks.
  bool make(size_t bytes, size_t guardBytes);
  void run(void (*function)(void*), void* argument) const;

  uintptr_t guardBegin() const { return memory_; }
  uintptr_t guardEnd() const { return memory_ + guard_; }

 private:
  uintptr_t memory_ = 0;
  size_t bytes_ = 0, guard_ = 0;  // the guard is below
};

}  // namespace anywarp::device
