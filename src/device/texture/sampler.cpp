// The level of the host's CPU that sampling uses. SPDX-License-Identifier: Apache-2.0
#include "device/texture/sample_lanes.h"

namespace anywarp::device {

#ifdef ANYWARP_SAMPLING_LEVELS
namespace level3 {
void sampleLanes(const Sampled& texture, abi::TextureOperation operation, uint32_t mask, const uint32_t* operands, uint32_t* results);
}
namespace level4 {
void sampleLanes(const Sampled& texture, abi::TextureOperation operation, uint32_t mask, const uint32_t* operands, uint32_t* results);
}
#endif

namespace {

using Function = decltype(&ANYWARP_SAMPLING::sampleLanes);

Function choose() {
#ifdef ANYWARP_SAMPLING_LEVELS
  __builtin_cpu_init();
  if (__builtin_cpu_supports("x86-64-v4")) return level4::sampleLanes;
  if (__builtin_cpu_supports("x86-64-v3")) return level3::sampleLanes;
#endif
  return ANYWARP_SAMPLING::sampleLanes;
}

const Function chosen = choose();

}  // namespace

void sample(const Sampled& texture, abi::TextureOperation operation, uint32_t mask, const uint32_t* operands, uint32_t* results) {
  chosen(texture, operation, mask, operands, results);
}

}  // namespace anywarp::device
