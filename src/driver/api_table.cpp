// api.def as an array, with the address of each symbol. SPDX-License-Identifier: Apache-2.0
// A row marked Done whose function is not there does not link; one marked Missing whose function is there is defined twice.
#include "driver/api_table.h"

#include <algorithm>
#include <string>
#include <unordered_map>

extern "C" {
#define ANYWARP_API(base, version, symbol, stream, support) void symbol();
#include "driver/api.def"
#undef ANYWARP_API
}

namespace anywarp::driver {
namespace {

const ApiEntry entries[] = {
#define ANYWARP_API(base, version, symbol, stream, support) \
  {#base, version, #symbol, DefaultStream::stream, Support::support, reinterpret_cast<void*>(&symbol)},
#include "driver/api.def"
#undef ANYWARP_API
};

using Ranges = std::unordered_map<std::string_view, std::span<const ApiEntry>>;

Ranges& makeRanges() {
  Ranges& ranges = *new Ranges;
  std::span<const ApiEntry> left(entries);
  while (!left.empty()) {
    size_t count = 1;
    while (count < left.size() && left[count].base == left[0].base) ++count;
    ranges[left[0].base] = left.first(count);
    left = left.subspan(count);
  }
  return ranges;
}

}  // namespace

std::span<const ApiEntry> apiTable() { return entries; }

std::span<const ApiEntry> apiVersions(std::string_view base) {
  static const Ranges& ranges = makeRanges();
  auto found = ranges.find(base);
  return found == ranges.end() ? std::span<const ApiEntry>() : found->second;
}

}  // namespace anywarp::driver
