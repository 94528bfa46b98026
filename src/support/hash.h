// A stable 128-bit hash of content: equal on every host and build, good enough to name cache entries. Not cryptographic. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace anywarp {

struct Hash128 {
  uint64_t low = 0, high = 0;
  auto operator<=>(const Hash128&) const = default;
  std::string hex() const;  // 32 lower-case digits
};

// Fields are delimited: text("ab").text("c") differs from text("a").text("bc").
class Hasher {
 public:
  Hasher& bytes(const void* data, size_t size);
  Hasher& text(std::string_view text) { return bytes(text.data(), text.size()); }
  Hasher& number(uint64_t value);
  Hash128 finish() const;

 private:
  void mix(uint64_t a, uint64_t b);

  uint64_t low_ = 0x9ae16a3b2f90404full, high_ = 0xc949c7defebe6f2dull, count_ = 0;
};

inline Hash128 hashBytes(const void* data, size_t size) { return Hasher().bytes(data, size).finish(); }

}  // namespace anywarp
