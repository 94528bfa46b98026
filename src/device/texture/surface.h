// Surface accesses of the lanes of a warp (PTX: Surface Instructions). SPDX-License-Identifier: Apache-2.0
#pragma once

#include "abi/texture.h"
#include "device/texture/texture.h"

namespace anywarp::device {

struct SurfaceFault {
  uint32_t outside = 0;     // lanes that the trap mode stopped
  uint32_t misaligned = 0;
};

// Does nothing where it returns a fault.
SurfaceFault accessSurface(const Image& image, abi::SurfaceOperation operation, uint32_t mask, const uint32_t* coordinates, void* data);

}  // namespace anywarp::device
