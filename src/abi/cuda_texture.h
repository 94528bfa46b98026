// The driver API's types and functions of arrays, textures and surfaces beyond abi/cuda.h (Texture and Surface Object Management,
// Texture and Surface Reference Management). SPDX-License-Identifier: Apache-2.0
#pragma once

#include "abi/cuda.h"

using CUmipmappedArray = struct CUmipmappedArray_st*;
using CUtexref = struct CUtexref_st*;
using CUsurfref = struct CUsurfref_st*;
using CUtexObject = unsigned long long;
using CUsurfObject = unsigned long long;

enum CUaddress_mode : unsigned { CU_TR_ADDRESS_MODE_WRAP = 0, CU_TR_ADDRESS_MODE_CLAMP = 1, CU_TR_ADDRESS_MODE_MIRROR = 2, CU_TR_ADDRESS_MODE_BORDER = 3 };
enum CUfilter_mode : unsigned { CU_TR_FILTER_MODE_POINT = 0, CU_TR_FILTER_MODE_LINEAR = 1 };
enum CUresourcetype : unsigned { CU_RESOURCE_TYPE_ARRAY = 0, CU_RESOURCE_TYPE_MIPMAPPED_ARRAY = 1, CU_RESOURCE_TYPE_LINEAR = 2, CU_RESOURCE_TYPE_PITCH2D = 3 };
// Integers of 8, 16 and 32 bits, floats of 16 and 32, each with 1, 2 and 4 channels; then block-compressed ones.
enum CUresourceViewFormat : unsigned {
  CU_RES_VIEW_FORMAT_NONE = 0, CU_RES_VIEW_FORMAT_UINT_1X8 = 1, CU_RES_VIEW_FORMAT_SINT_1X8 = 4, CU_RES_VIEW_FORMAT_UINT_1X16 = 7,
  CU_RES_VIEW_FORMAT_SINT_1X16 = 10, CU_RES_VIEW_FORMAT_UINT_1X32 = 13, CU_RES_VIEW_FORMAT_SINT_1X32 = 16, CU_RES_VIEW_FORMAT_FLOAT_1X16 = 19,
  CU_RES_VIEW_FORMAT_FLOAT_1X32 = 22, CU_RES_VIEW_FORMAT_UNSIGNED_BC1 = 25,
};

enum : unsigned {
  CU_TRSA_OVERRIDE_FORMAT = 1,
  CU_TRSF_READ_AS_INTEGER = 1, CU_TRSF_NORMALIZED_COORDINATES = 2, CU_TRSF_SRGB = 0x10, CU_TRSF_DISABLE_TRILINEAR_OPTIMIZATION = 0x20,
  CU_TRSF_SEAMLESS_CUBEMAP = 0x40,
  CUDA_ARRAY3D_DEPTH_TEXTURE = 0x10, CUDA_ARRAY3D_COLOR_ATTACHMENT = 0x20, CUDA_ARRAY3D_SPARSE = 0x40, CUDA_ARRAY3D_DEFERRED_MAPPING = 0x80,
};

struct CUDA_RESOURCE_DESC {
  CUresourcetype resType;
  union {
    struct { CUarray hArray; } array;
    struct { CUmipmappedArray hMipmappedArray; } mipmap;
    struct { CUdeviceptr devPtr; CUarray_format format; unsigned numChannels; size_t sizeInBytes; } linear;
    struct { CUdeviceptr devPtr; CUarray_format format; unsigned numChannels; size_t width, height, pitchInBytes; } pitch2D;
    struct { int reserved[32]; } reserved;
  } res;
  unsigned flags;
};
static_assert(sizeof(CUDA_RESOURCE_DESC) == 144);

struct CUDA_TEXTURE_DESC {
  CUaddress_mode addressMode[3];
  CUfilter_mode filterMode;
  unsigned flags;
  unsigned maxAnisotropy;
  CUfilter_mode mipmapFilterMode;
  float mipmapLevelBias, minMipmapLevelClamp, maxMipmapLevelClamp;
  float borderColor[4];
  int reserved[12];
};
static_assert(sizeof(CUDA_TEXTURE_DESC) == 104);

struct CUDA_RESOURCE_VIEW_DESC {
  CUresourceViewFormat format;
  size_t width, height, depth;
  unsigned firstMipmapLevel, lastMipmapLevel, firstLayer, lastLayer;
  unsigned reserved[16];
};
static_assert(sizeof(CUDA_RESOURCE_VIEW_DESC) == 112);

// Array descriptors of the first ABI: sizes of 32 bits.
struct CUDA_ARRAY_DESCRIPTOR_v1 {
  unsigned Width, Height;
  CUarray_format Format;
  unsigned NumChannels;
};
struct CUDA_ARRAY3D_DESCRIPTOR_v1 {
  unsigned Width, Height, Depth;
  CUarray_format Format;
  unsigned NumChannels, Flags;
};
struct CUDA_ARRAY_MEMORY_REQUIREMENTS {
  size_t size, alignment;
  unsigned reserved[4];
};
static_assert(sizeof(CUDA_ARRAY_MEMORY_REQUIREMENTS) == 32);

extern "C" {

ANYWARP_CUDA(cuArrayCreate, CUarray*, const CUDA_ARRAY_DESCRIPTOR_v1*);
ANYWARP_CUDA(cuArrayGetDescriptor, CUDA_ARRAY_DESCRIPTOR_v1*, CUarray);
ANYWARP_CUDA(cuArray3DCreate, CUarray*, const CUDA_ARRAY3D_DESCRIPTOR_v1*);
ANYWARP_CUDA(cuArray3DGetDescriptor, CUDA_ARRAY3D_DESCRIPTOR_v1*, CUarray);
ANYWARP_CUDA(cuArrayGetMemoryRequirements, CUDA_ARRAY_MEMORY_REQUIREMENTS*, CUarray, CUdevice);
ANYWARP_CUDA(cuMipmappedArrayCreate, CUmipmappedArray*, const CUDA_ARRAY3D_DESCRIPTOR*, unsigned);
ANYWARP_CUDA(cuMipmappedArrayGetLevel, CUarray*, CUmipmappedArray, unsigned);
ANYWARP_CUDA(cuMipmappedArrayDestroy, CUmipmappedArray);
ANYWARP_CUDA(cuMipmappedArrayGetMemoryRequirements, CUDA_ARRAY_MEMORY_REQUIREMENTS*, CUmipmappedArray, CUdevice);

// Texture and Surface Object Management.
ANYWARP_CUDA(cuTexObjectCreate, CUtexObject*, const CUDA_RESOURCE_DESC*, const CUDA_TEXTURE_DESC*, const CUDA_RESOURCE_VIEW_DESC*);
ANYWARP_CUDA(cuTexObjectDestroy, CUtexObject);
ANYWARP_CUDA(cuTexObjectGetResourceDesc, CUDA_RESOURCE_DESC*, CUtexObject);
ANYWARP_CUDA(cuTexObjectGetTextureDesc, CUDA_TEXTURE_DESC*, CUtexObject);
ANYWARP_CUDA(cuTexObjectGetResourceViewDesc, CUDA_RESOURCE_VIEW_DESC*, CUtexObject);
ANYWARP_CUDA(cuSurfObjectCreate, CUsurfObject*, const CUDA_RESOURCE_DESC*);
ANYWARP_CUDA(cuSurfObjectDestroy, CUsurfObject);
ANYWARP_CUDA(cuSurfObjectGetResourceDesc, CUDA_RESOURCE_DESC*, CUsurfObject);

// Texture and Surface Reference Management.
ANYWARP_CUDA(cuModuleGetTexRef, CUtexref*, CUmodule, const char*);
ANYWARP_CUDA(cuModuleGetSurfRef, CUsurfref*, CUmodule, const char*);
ANYWARP_CUDA(cuParamSetTexRef, CUfunction, int, CUtexref);
ANYWARP_CUDA(cuTexRefCreate, CUtexref*);
ANYWARP_CUDA(cuTexRefDestroy, CUtexref);
ANYWARP_CUDA(cuTexRefSetArray, CUtexref, CUarray, unsigned);
ANYWARP_CUDA(cuTexRefSetMipmappedArray, CUtexref, CUmipmappedArray, unsigned);
ANYWARP_CUDA(cuTexRefSetAddress, unsigned*, CUtexref, unsigned, unsigned);
ANYWARP_CUDA(cuTexRefSetAddress_v2, size_t*, CUtexref, CUdeviceptr, size_t);
ANYWARP_CUDA(cuTexRefSetAddress2D, CUtexref, const CUDA_ARRAY_DESCRIPTOR_v1*, unsigned, unsigned);
ANYWARP_CUDA(cuTexRefSetAddress2D_v2, CUtexref, const CUDA_ARRAY_DESCRIPTOR*, CUdeviceptr, size_t);
ANYWARP_CUDA(cuTexRefSetAddress2D_v3, CUtexref, const CUDA_ARRAY_DESCRIPTOR*, CUdeviceptr, size_t);
ANYWARP_CUDA(cuTexRefSetFormat, CUtexref, CUarray_format, int);
ANYWARP_CUDA(cuTexRefSetAddressMode, CUtexref, int, CUaddress_mode);
ANYWARP_CUDA(cuTexRefSetFilterMode, CUtexref, CUfilter_mode);
ANYWARP_CUDA(cuTexRefSetMipmapFilterMode, CUtexref, CUfilter_mode);
ANYWARP_CUDA(cuTexRefSetMipmapLevelBias, CUtexref, float);
ANYWARP_CUDA(cuTexRefSetMipmapLevelClamp, CUtexref, float, float);
ANYWARP_CUDA(cuTexRefSetMaxAnisotropy, CUtexref, unsigned);
ANYWARP_CUDA(cuTexRefSetBorderColor, CUtexref, float*);
ANYWARP_CUDA(cuTexRefSetFlags, CUtexref, unsigned);
ANYWARP_CUDA(cuTexRefGetAddress, unsigned*, CUtexref);
ANYWARP_CUDA(cuTexRefGetAddress_v2, CUdeviceptr*, CUtexref);
ANYWARP_CUDA(cuTexRefGetArray, CUarray*, CUtexref);
ANYWARP_CUDA(cuTexRefGetMipmappedArray, CUmipmappedArray*, CUtexref);
ANYWARP_CUDA(cuTexRefGetAddressMode, CUaddress_mode*, CUtexref, int);
ANYWARP_CUDA(cuTexRefGetFilterMode, CUfilter_mode*, CUtexref);
ANYWARP_CUDA(cuTexRefGetFormat, CUarray_format*, int*, CUtexref);
ANYWARP_CUDA(cuTexRefGetMipmapFilterMode, CUfilter_mode*, CUtexref);
ANYWARP_CUDA(cuTexRefGetMipmapLevelBias, float*, CUtexref);
ANYWARP_CUDA(cuTexRefGetMipmapLevelClamp, float*, float*, CUtexref);
ANYWARP_CUDA(cuTexRefGetMaxAnisotropy, int*, CUtexref);
ANYWARP_CUDA(cuTexRefGetBorderColor, float*, CUtexref);
ANYWARP_CUDA(cuTexRefGetFlags, unsigned*, CUtexref);
ANYWARP_CUDA(cuSurfRefSetArray, CUsurfref, CUarray, unsigned);
ANYWARP_CUDA(cuSurfRefGetArray, CUarray*, CUsurfref);

}  // extern "C"
