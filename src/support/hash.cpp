// Two 64-bit lanes, each fed through a folded 64x64->128 bit multiplication. SPDX-License-Identifier: Apache-2.0
#include "support/hash.h"

#include <cstring>

namespace anywarp {
namespace {

// Odd, with about half their bits set and no pattern: digits of the square roots of 2, 3, 5 and 7.
constexpr uint64_t k0 = 0x6a09e667f3bcc909ull, k1 = 0xbb67ae8584caa73bull, k2 = 0x3c6ef372fe94f82bull, k3 = 0xa54ff53a5f1d36f1ull;

constexpr size_t bulk = 256;

uint64_t fold(uint64_t a, uint64_t b) {
  __extension__ using Wide = unsigned __int128;
  Wide product = static_cast<Wide>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

// Little endian on every host.
uint64_t load(const uint8_t* p, size_t size) {
  uint64_t value = 0;
  std::memcpy(&value, p, size);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  value = __builtin_bswap64(value);
#endif
  return value;
}

}  // namespace

void Hasher::mix(uint64_t a, uint64_t b) {
  // The lanes see the words in different roles and exchange state, so a zero product in one does not lose the words in the other.
  uint64_t low = fold(a ^ low_ ^ k0, b ^ k1) + high_;
  uint64_t high = fold(b ^ high_ ^ k2, a ^ k3) + (low_ << 23 | low_ >> 41);
  low_ = low;
  high_ = high ^ b;
}

Hasher& Hasher::bytes(const void* data, size_t size) {
  auto* p = static_cast<const uint8_t*>(data);
  size_t left = size;
  if (left >= bulk) {
    // Four chains that do not wait for each other: a module's text may have 26 MB.
    uint64_t chains[4] = {k0, k1, k2, k3};
    for (; left >= 64; p += 64, left -= 64)
      for (int i = 0; i < 4; ++i) {
        uint64_t x = load(p + 16 * i, 8), y = load(p + 16 * i + 8, 8);
        chains[i] = fold(x ^ k3, y ^ chains[i]) + (chains[i] << 29 | chains[i] >> 35) + x;
      }
    mix(chains[0], chains[1]);
    mix(chains[2], chains[3]);
  }
  for (; left >= 16; p += 16, left -= 16) mix(load(p, 8), load(p + 8, 8));
  if (left > 8)
    mix(load(p, 8), load(p + 8, left - 8));
  else if (left)
    mix(load(p, left), k2);
  return number(size);
}

Hasher& Hasher::number(uint64_t value) {
  mix(value, ++count_);
  return *this;
}

Hash128 Hasher::finish() const {
  Hasher last = *this;
  for (int i = 0; i < 3; ++i) last.mix(count_ + k1, k3);
  return {last.low_, last.high_};
}

std::string Hash128::hex() const {
  std::string out;
  for (uint64_t half : {high, low})
    for (int shift = 60; shift >= 0; shift -= 4) out += "0123456789abcdef"[half >> shift & 15];
  return out;
}

}  // namespace anywarp
