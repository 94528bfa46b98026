// Address space reserved ahead of use and handed out in ranges of pages, each with an unmapped guard behind it. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <unordered_map>

#include "device/memory/shared_file.h"
#include "support/options.h"
#include "support/result.h"

namespace anywarp::device {

size_t pageSize();
inline size_t roundUp(size_t value, size_t multiple) { return (value + multiple - 1) / multiple * multiple; }

// Not thread-safe. Ranges are taken upwards from the last one, so that a freed range faults for a while before it is used again.
class Arena {
 public:
  enum class Place : uint8_t { Anywhere, Low };  // Low: addresses of 32 bits

  // Reserves up to `wanted` bytes when first needed, less where the process may not (ulimit -v), and more when it is used up. Ranges are
  // multiples of `page`, which is made one of the host's pages.
  explicit Arena(size_t wanted, Place place = Place::Anywhere, size_t page = options::page());

  // Readable, writable, zero. `alignment` is a power of two.
  Result<uintptr_t> take(size_t bytes, size_t alignment);
  // `base` as take() returned it. The pages go back to the host; touching them faults.
  void give(uintptr_t base);

  // Makes the pages of a range that other processes can map, with what is in them, for as long as it is taken. `base` as take()
  // returned it, `bytes` what was asked for there.
  Result<const SharedFile*> share(uintptr_t base, size_t bytes);

 private:
  struct Taken {
    size_t bytes = 0;  // with the guard
    SharedFile file;   // once shared
  };

  bool grow(size_t least);
  Result<uintptr_t> carve(size_t bytes, size_t alignment);
  void insertFree(uintptr_t base, size_t bytes);

  const size_t wanted_;
  const Place place_;
  const size_t page_;
  std::map<uintptr_t, size_t> free_;               // by address, never adjacent
  std::unordered_map<uintptr_t, Taken> taken_;
  uintptr_t cursor_ = 0;
};

}  // namespace anywarp::device
