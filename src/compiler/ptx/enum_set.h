// EnumSet: a constexpr bit set over the values of an enum. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace anywarp::ptx {

template <class E, size_t N>
struct EnumSet {
  static constexpr size_t wordCount = (N + 63) / 64;
  std::array<uint64_t, wordCount> words{};

  constexpr EnumSet() = default;
  constexpr EnumSet(E e) { add(e); }

  constexpr void add(E e) { words[size_t(e) / 64] |= uint64_t(1) << (size_t(e) % 64); }
  constexpr bool has(E e) const { return words[size_t(e) / 64] >> (size_t(e) % 64) & 1; }
  constexpr bool empty() const {
    for (uint64_t w : words)
      if (w) return false;
    return true;
  }
  constexpr size_t size() const {
    size_t n = 0;
    for (uint64_t w : words) n += size_t(std::popcount(w));
    return n;
  }
  constexpr bool contains(const EnumSet& other) const {
    for (size_t i = 0; i < wordCount; ++i)
      if (other.words[i] & ~words[i]) return false;
    return true;
  }
  constexpr EnumSet operator|(const EnumSet& other) const {
    EnumSet r = *this;
    for (size_t i = 0; i < wordCount; ++i) r.words[i] |= other.words[i];
    return r;
  }
  constexpr EnumSet operator&(const EnumSet& other) const {
    EnumSet r = *this;
    for (size_t i = 0; i < wordCount; ++i) r.words[i] &= other.words[i];
    return r;
  }
  constexpr bool operator==(const EnumSet&) const = default;
};

}  // namespace anywarp::ptx
