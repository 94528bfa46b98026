// Memory of one running block that only it may touch: pages between wide unmapped guards. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "support/result.h"

namespace anywarp::device {

// The shared window and the local memory of a block. A 32-bit offset from base(), sign-extended, never leaves the reservation,
// unless the process may not reserve that much (ulimit -v): then the guards are as wide as they can be.
class Window {
 public:
  enum class Shrink : uint8_t { Exactly, Never };  // whether a smaller size makes the rest fault again

  explicit Window(Shrink shrink) : shrink_(shrink) {}
  ~Window();
  Window(const Window&) = delete;
  Window& operator=(const Window&) = delete;

  // Makes at least `bytes` accessible. No system call when the number of pages stays the same. Contents are kept unless it grows
  // beyond what was reserved.
  Status resize(size_t bytes);
  uint8_t* base() const { return base_; }

 private:
  Status reserve(size_t bytes);
  void unmap();

  const Shrink shrink_;
  uint8_t* mapping_ = nullptr;
  size_t mappingBytes_ = 0;
  uint8_t* base_ = nullptr;
  size_t capacity_ = 0;
  size_t accessible_ = 0;
};

}  // namespace anywarp::device
