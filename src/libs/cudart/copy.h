// Copies shared by the linear, symbol and array forms. SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libs/cudart/runtime_api.h"

namespace anywarp::cudart {

// Which default stream a synchronous call is ordered with: the _ptds twins use the thread's own.
enum class DefaultStream { Legacy, PerThread };

cudaError_t copyLinear(void* target, const void* source, size_t count, cudaMemcpyKind kind, DefaultStream stream);
cudaError_t copyLinearAsync(void* target, const void* source, size_t count, cudaMemcpyKind kind, cudaStream_t stream);
// The driver's form of a 3-D copy, and back; arrays are positions in elements here and in bytes there.
cudaError_t describe3D(CUDA_MEMCPY3D* copy, const cudaMemcpy3DParms& parms);
cudaError_t describe3D(cudaMemcpy3DParms* parms, const CUDA_MEMCPY3D& copy);
cudaError_t arrayElementBytes(cudaArray_t array, size_t* bytes);

}  // namespace anywarp::cudart
