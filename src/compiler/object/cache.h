// The on-disk cache: blobs by 128-bit key, one file each, shared by processes, bounded in size. SPDX-License-Identifier: Apache-2.0
// Never an error: what cannot be read is a miss, what cannot be written is left out (and logged once).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "support/hash.h"

namespace anywarp::object {

// Where entries live; "" where there is no cache (disabled, or no home directory).
std::string cacheDirectory();

std::optional<std::vector<uint8_t>> cacheFind(const Hash128& key);
void cacheStore(const Hash128& key, std::span<const uint8_t> blob);

struct CacheStats {
  std::string directory;
  uint64_t entries = 0, bytes = 0, maxBytes = 0;
};
CacheStats cacheStats();

// Removes every entry; returns how many there were.
uint64_t cacheClear();

}  // namespace anywarp::object
