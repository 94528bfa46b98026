// The texture part of abi::Services. SPDX-License-Identifier: Apache-2.0
#pragma once

#include "abi/kernel.h"

namespace anywarp::device {

void textureService(abi::BlockContext*, uint32_t warp, uint32_t mask, uint32_t operation, const uint64_t* textures, const uint64_t* samplers,
                    const uint32_t* operands, uint32_t* results);
void surfaceService(abi::BlockContext*, uint32_t warp, uint32_t mask, uint32_t operation, const uint64_t* surfaces, const uint32_t* coordinates,
                    void* data);
void textureQueryService(abi::BlockContext*, uint32_t warp, uint32_t mask, uint32_t query, const uint64_t* handles, const uint32_t* levels,
                         uint32_t* results);

}  // namespace anywarp::device
