// Address space reserved ahead of use and handed out in ranges of pages, each with an unmapped guard behind it. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <unordered_map>

#include "support/result.h"

namespace anywarp::device {

size_t pageSize();
inline size_t roundUp(size_t value, size_t multiple) { return (value + multiple - 1) / multiple * multiple; }

// Not thread-safe. Ranges are taken upwards from the last one, so that a freed range faults for a while before it is used again.
class Arena {
 public:
  // Reserves up to `wanted` bytes when first needed, less where the process may not (ulimit -v), and more when it is used up.
  explicit Arena(size_t wanted) : wanted_(wanted) {}

  // Readable, writable, zero. `alignment` is a power of two.
  Result<uintptr_t> take(size_t bytes, size_t alignment);
  // `base` as take() returned it. The pages go back to the host; touching them faults.
  void give(uintptr_t base);

 private:
  bool grow(size_t least);
  Result<uintptr_t> carve(size_t bytes, size_t alignment);
  void insertFree(uintptr_t base, size_t bytes);

  const size_t wanted_;
  std::map<uintptr_t, size_t> free_;               // by address, never adjacent
  std::unordered_map<uintptr_t, size_t> taken_;    // with the guard
  uintptr_t cursor_ = 0;
};

}  // namespace anywarp::device
