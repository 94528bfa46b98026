// Copies and fills of up to three dimensions, the one form that all memcpy and memset calls become. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

namespace anywarp::device {

// `depth` slices of `height` rows of `width` bytes. Pitches are bytes from row to row and from slice to slice.
struct Copy {
  void* target = nullptr;
  const void* source = nullptr;
  size_t width = 0, height = 1, depth = 1;
  size_t targetRowPitch = 0, sourceRowPitch = 0;
  size_t targetSlicePitch = 0, sourceSlicePitch = 0;

  static Copy flat(void* target, const void* source, size_t bytes) { return {.target = target, .source = source, .width = bytes}; }
  size_t bytes() const { return width * height * depth; }
};

// `height` rows of `width` elements of `elementBytes` (1, 2, 4 or 8), each set to the low bytes of `value`.
struct Fill {
  void* target = nullptr;
  uint64_t value = 0;
  uint32_t elementBytes = 1;
  size_t width = 0, height = 1;
  size_t rowPitch = 0;

  size_t bytes() const { return width * height * elementBytes; }
};

// On the calling thread, with help from the workers where it is large. Overlapping ranges are moved as memmove does.
// The caller has made sure that the ranges are valid.
void transfer(const Copy& copy);
void transfer(const Fill& fill);

}  // namespace anywarp::device
