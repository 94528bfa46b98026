// CPU levels by name; what is common to all architectures. SPDX-License-Identifier: Apache-2.0
#include "support/host_cpu.h"

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

std::string featuresOfLevel(std::string_view name) {
  for (const Level& level : levels)
    if (level.name == name) return std::string(level.features);
  return "";
}

}  // namespace anywarp
