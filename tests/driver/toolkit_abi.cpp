// Compares abi/cuda.h with an installed toolkit's header: every error number, device attribute and structure size.
// SPDX-License-Identifier: Apache-2.0
#include <cuda.h>

#include <cstdio>
#include <cstring>

namespace toolkit {

struct Number {
  const char* name;
  long long value;
};

const Number numbers[] = {
#define ANYWARP_CUDA_ERROR(name, value, text) {#name, name},
#include "abi/cuda_errors.def"
#undef ANYWARP_CUDA_ERROR
#define ANYWARP_DEVICE_ATTRIBUTE(name, number) {#name, CU_DEVICE_ATTRIBUTE_##name},
#include "abi/cuda_device_attributes.def"
#undef ANYWARP_DEVICE_ATTRIBUTE
};

}  // namespace toolkit

namespace {

const toolkit::Number ours[] = {
#define ANYWARP_CUDA_ERROR(name, value, text) {#name, value},
#include "abi/cuda_errors.def"
#undef ANYWARP_CUDA_ERROR
#define ANYWARP_DEVICE_ATTRIBUTE(name, number) {#name, number},
#include "abi/cuda_device_attributes.def"
#undef ANYWARP_DEVICE_ATTRIBUTE
};

// The sizes that abi/cuda_types.h asserts for its own structures.
static_assert(sizeof(CUuuid) == 16 && sizeof(CUdevprop) == 56 && sizeof(CUexecAffinityParam) == 8 && sizeof(CUctxCreateParams) == 24);
static_assert(sizeof(CUDA_MEMCPY2D) == 128 && sizeof(CUDA_MEMCPY3D) == 200 && sizeof(CUDA_MEMCPY3D_PEER) == 200);
static_assert(sizeof(CUDA_ARRAY_DESCRIPTOR) == 24 && sizeof(CUDA_ARRAY3D_DESCRIPTOR) == 40 && sizeof(CUmemLocation) == 8);
static_assert(sizeof(CUDA_RESOURCE_DESC) == 144 && sizeof(CUDA_TEXTURE_DESC) == 104 && sizeof(CUDA_RESOURCE_VIEW_DESC) == 112);
static_assert(CU_RES_VIEW_FORMAT_FLOAT_1X32 == 22 && CU_RES_VIEW_FORMAT_UNSIGNED_BC1 == 25 && CU_AD_FORMAT_SNORM_INT16X4 == 0xcb);
static_assert(CU_TRSF_SRGB == 0x10 && CU_TRSF_SEAMLESS_CUBEMAP == 0x40 && CUDA_ARRAY3D_SPARSE == 0x40 && CUDA_ARRAY3D_DEPTH_TEXTURE == 0x10);
static_assert(sizeof(CUmemAllocationProp) == 32 && sizeof(CUmemAccessDesc) == 12 && sizeof(CUmemPoolProps) == 88);
static_assert(sizeof(CUdevResource) == 144 && sizeof(CUmemcpyAttributes) == 24 && sizeof(CUmemcpy3DOperand) == 40 && sizeof(CUDA_MEMCPY3D_BATCH_OP) == 112);
static_assert(sizeof(CUDA_ARRAY_SPARSE_PROPERTIES) == 48 && sizeof(CUDA_ARRAY_MEMORY_REQUIREMENTS) == 32 && sizeof(CUtensorMap) == 128);
static_assert(sizeof(CUDA_EXTERNAL_MEMORY_HANDLE_DESC) == 104 && sizeof(CUDA_EXTERNAL_MEMORY_BUFFER_DESC) == 88 && sizeof(CUDA_LAUNCH_PARAMS) == 56);
static_assert(sizeof(CUipcMemHandle) == 64 && sizeof(CUipcEventHandle) == 64 && sizeof(CUmemPoolPtrExportData) == 64);
static_assert(sizeof(CUlaunchAttributeValue) == 64 && sizeof(CUlaunchAttribute) == 72 && sizeof(CUlaunchConfig) == 56);

}  // namespace

int main() {
  int different = 0;
  for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); ++i) {
    if (ours[i].value == toolkit::numbers[i].value) continue;
    std::printf("%s is %lld, the toolkit has %lld\n", ours[i].name, ours[i].value, toolkit::numbers[i].value);
    ++different;
  }
  return different != 0;
}
