// Our structures beside those of an installed CUDA 13 toolkit: sizes, offsets, values. Built only where one is found.
// SPDX-License-Identifier: Apache-2.0
#include "libs/cudart/runtime_api.h"

#define CUuuid ToolkitUuid  // ours has the same name
#include <cuda_runtime_api.h>
#undef CUuuid

namespace ours = anywarp::cudart;

#define SAME_SIZE(type) static_assert(sizeof(ours::type) == sizeof(::type), #type)
#define SAME_OFFSET(type, member) static_assert(offsetof(ours::type, member) == offsetof(::type, member), #type "::" #member)

SAME_SIZE(cudaDeviceProp);
#define PROPERTY(member, attribute) SAME_OFFSET(cudaDeviceProp, member);
#define PROPERTY_AT(member, index, attribute) SAME_OFFSET(cudaDeviceProp, member);
#include "libs/cudart/device_properties.def"
SAME_OFFSET(cudaDeviceProp, uuid);
SAME_OFFSET(cudaDeviceProp, totalGlobalMem);

SAME_SIZE(cudaPointerAttributes);
SAME_OFFSET(cudaPointerAttributes, hostPointer);
SAME_SIZE(cudaFuncAttributes);
SAME_OFFSET(cudaFuncAttributes, maxDynamicSharedSizeBytes);
SAME_OFFSET(cudaFuncAttributes, nonPortableClusterSizeAllowed);
SAME_SIZE(cudaMemcpy3DParms);
SAME_OFFSET(cudaMemcpy3DParms, dstPtr);
SAME_OFFSET(cudaMemcpy3DParms, kind);
SAME_SIZE(cudaMemcpy3DPeerParms);
SAME_OFFSET(cudaMemcpy3DPeerParms, extent);
SAME_SIZE(cudaLaunchConfig_t);
SAME_OFFSET(cudaLaunchConfig_t, attrs);
SAME_SIZE(cudaChannelFormatDesc);
SAME_SIZE(cudaExtent);
SAME_SIZE(cudaPos);
SAME_SIZE(cudaPitchedPtr);
SAME_SIZE(cudaResourceDesc);
SAME_SIZE(cudaTextureDesc);
SAME_OFFSET(cudaTextureDesc, maxMipmapLevelClamp);
SAME_SIZE(cudaMemLocation);

#define RUNTIME_ERROR(name, value, description) static_assert(static_cast<int>(::name) == value, #name);
#include "libs/cudart/errors.def"

int main() { return 0; }  // everything was checked by the compiler
