// Channel formats of the runtime as array formats of the driver, and back. SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libs/cudart/runtime_api.h"

namespace anywarp::cudart {

// Sets Format and NumChannels.
cudaError_t describe(const cudaChannelFormatDesc& desc, CUDA_ARRAY3D_DESCRIPTOR* array);
cudaError_t describe(CUarray_format format, unsigned channels, cudaChannelFormatDesc* desc);
// Bytes of an element; 0 for formats that are not known.
size_t elementBytes(CUarray_format format, unsigned channels);

}  // namespace anywarp::cudart
