// Makes the textures of a test program through the driver API. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "program.h"

namespace anywarp::tests {

// The handle of each texture, in order; `module` is a CUmodule, for those that are bound to variables. Returns an error in words.
std::string makeTextures(void* library, void* module, const std::vector<TextureInput>& inputs, std::vector<uint64_t>& handles);

}  // namespace anywarp::tests
