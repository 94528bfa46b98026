// Sampling as compiled for one level of the host's CPU. SPDX-License-Identifier: Apache-2.0
#pragma once

#include "device/texture/fetch.h"
#include "device/texture/sample.h"

namespace anywarp::device::ANYWARP_SAMPLING {

void sampleLanes(const Sampled& texture, abi::TextureOperation operation, uint32_t mask, const uint32_t* operands, uint32_t* results);

}  // namespace anywarp::device::ANYWARP_SAMPLING
