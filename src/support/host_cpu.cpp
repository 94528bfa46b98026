// CPU levels by name; what is common to all architectures. SPDX-License-Identifier: Apache-2.0
#include "support/host_cpu.h"

#include <algorithm>

namespace anywarp {
namespace {

struct Level {
  std::string_view name;
  std::string_view features;
};

// Each with everything below it (System V ABI, AMD64 supplement: micro-architecture levels).
#define ANYWARP_V1 "+cmov,+cx8,+fxsr,+mmx,+sse,+sse2"
#define ANYWARP_V2 ANYWARP_V1 ",+cx16,+popcnt,+sahf,+sse3,+ssse3,+sse4.1,+sse4.2"
#define ANYWARP_V3 ANYWARP_V2 ",+avx,+avx2,+bmi,+bmi2,+f16c,+fma,+lzcnt,+movbe,+xsave"
#define ANYWARP_V4 ANYWARP_V3 ",+avx512f,+avx512bw,+avx512cd,+avx512dq,+avx512vl"
constexpr Level levels[] = {{"x86-64", ANYWARP_V1}, {"x86-64-v2", ANYWARP_V2}, {"x86-64-v3", ANYWARP_V3}, {"x86-64-v4", ANYWARP_V4}};

}  // namespace

bool hasFeature(std::string_view features, std::string_view feature) {
  while (!features.empty()) {
    size_t comma = std::min(features.find(','), features.size());
    if (features.substr(0, comma) == feature) return true;
    features.remove_prefix(std::min(comma + 1, features.size()));
  }
  return false;
}

std::string featuresOfLevel(std::string_view name) {
  for (const Level& level : levels)
    if (level.name == name) return std::string(level.features);
  return "";
}

}  // namespace anywarp
