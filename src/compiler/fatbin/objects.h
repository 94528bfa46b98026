// PTX in host objects (nvcc -c, -rdc=true) and in archives of them (libcudadevrt.a). SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "compiler/fatbin/fatbin.h"

namespace anywarp::fatbin {

// One for each container that has PTX; none where there is no container. An error where containers are there and none has PTX.
Result<std::vector<PtxSource>> objectSources(std::span<const uint8_t> object, uint32_t arch);
Result<std::vector<PtxSource>> archiveSources(std::span<const uint8_t> archive, uint32_t arch);

}  // namespace anywarp::fatbin
