// The driver's types and functions of green contexts, tensor maps, the error log, core dumps, and contexts as a whole (Driver API:
// Green Contexts, Tensor Map Object Management, Error Log Management, Coredump Attributes Control, Context Management).
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "abi/cuda.h"

// Green contexts.
using CUdevResourceDesc = struct CUdevResourceDesc_st*;
enum CUdevResourceType : unsigned { CU_DEV_RESOURCE_TYPE_INVALID = 0, CU_DEV_RESOURCE_TYPE_SM = 1 };
struct CUdevSmResource {
  unsigned smCount, minSmPartitionSize, smCoscheduledAlignment;
};
struct CUdevResource {
  CUdevResourceType type;
  unsigned char internal[92];
  union {
    CUdevSmResource sm;
    unsigned char room[48];
  };
};
static_assert(sizeof(CUdevResource) == 144);
enum : unsigned {
  CU_GREEN_CTX_DEFAULT_STREAM = 1,
  CU_DEV_SM_RESOURCE_SPLIT_IGNORE_SM_COSCHEDULING = 1, CU_DEV_SM_RESOURCE_SPLIT_MAX_POTENTIAL_CLUSTER_SIZE = 2,
};

// The error log.
using CUlogsCallbackHandle = struct CUlogsCallbackEntry_st*;
using CUlogIterator = unsigned;
enum CUlogLevel : unsigned { CU_LOG_LEVEL_ERROR = 0, CU_LOG_LEVEL_WARNING = 1 };
using CUlogsCallback = void (*)(void* user, CUlogLevel level, char* message, size_t length);

// Core dumps.
enum CUcoredumpSettings : unsigned {
  CU_COREDUMP_ENABLE_ON_EXCEPTION = 1, CU_COREDUMP_TRIGGER_HOST = 2, CU_COREDUMP_LIGHTWEIGHT = 3, CU_COREDUMP_ENABLE_USER_TRIGGER = 4,
  CU_COREDUMP_FILE = 5, CU_COREDUMP_PIPE = 6, CU_COREDUMP_GENERATION_FLAGS = 7,
};
enum CUCoredumpGenerationFlags : unsigned { CU_COREDUMP_DEFAULT_FLAGS = 0, CU_COREDUMP_LIGHTWEIGHT_FLAGS = 0x2f, CU_COREDUMP_ALL_FLAGS = 0x3f };

// Notifications.
using CUasyncCallbackHandle = struct CUasyncCallbackEntry_st*;
struct CUasyncNotificationInfo {
  unsigned type;
  union {
    struct {
      unsigned long long bytesOverBudget;
    } overBudget;
  } info;
};
using CUasyncCallback = void (*)(CUasyncNotificationInfo*, void* user, CUasyncCallbackHandle);

enum CUatomicOperationCapability : unsigned {
  CU_ATOMIC_CAPABILITY_SIGNED = 1, CU_ATOMIC_CAPABILITY_UNSIGNED = 2, CU_ATOMIC_CAPABILITY_REDUCTION = 4, CU_ATOMIC_CAPABILITY_SCALAR_32 = 8,
  CU_ATOMIC_CAPABILITY_SCALAR_64 = 0x10, CU_ATOMIC_CAPABILITY_SCALAR_128 = 0x20, CU_ATOMIC_CAPABILITY_VECTOR_32x4 = 0x40,
};

struct CUDA_LAUNCH_PARAMS {
  CUfunction function;
  unsigned gridDimX, gridDimY, gridDimZ, blockDimX, blockDimY, blockDimZ, sharedMemBytes;
  CUstream hStream;
  void** kernelParams;
};
static_assert(sizeof(CUDA_LAUNCH_PARAMS) == 56);
enum : unsigned { CUDA_COOPERATIVE_LAUNCH_MULTI_DEVICE_NO_PRE_LAUNCH_SYNC = 1, CUDA_COOPERATIVE_LAUNCH_MULTI_DEVICE_NO_POST_LAUNCH_SYNC = 2 };

// Tensor maps. The 128 bytes are abi/tensor_map.h's.
struct CUtensorMap {
  alignas(128) uint64_t opaque[16];
};
enum CUtensorMapDataType : unsigned {
  CU_TENSOR_MAP_DATA_TYPE_UINT8 = 0, CU_TENSOR_MAP_DATA_TYPE_UINT16 = 1, CU_TENSOR_MAP_DATA_TYPE_UINT32 = 2, CU_TENSOR_MAP_DATA_TYPE_INT32 = 3,
  CU_TENSOR_MAP_DATA_TYPE_UINT64 = 4, CU_TENSOR_MAP_DATA_TYPE_INT64 = 5, CU_TENSOR_MAP_DATA_TYPE_FLOAT16 = 6, CU_TENSOR_MAP_DATA_TYPE_FLOAT32 = 7,
  CU_TENSOR_MAP_DATA_TYPE_FLOAT64 = 8, CU_TENSOR_MAP_DATA_TYPE_BFLOAT16 = 9, CU_TENSOR_MAP_DATA_TYPE_FLOAT32_FTZ = 10,
  CU_TENSOR_MAP_DATA_TYPE_TFLOAT32 = 11, CU_TENSOR_MAP_DATA_TYPE_TFLOAT32_FTZ = 12, CU_TENSOR_MAP_DATA_TYPE_16U4_ALIGN8B = 13,
  CU_TENSOR_MAP_DATA_TYPE_16U4_ALIGN16B = 14, CU_TENSOR_MAP_DATA_TYPE_16U6_ALIGN16B = 15,
};
enum CUtensorMapInterleave : unsigned { CU_TENSOR_MAP_INTERLEAVE_NONE = 0, CU_TENSOR_MAP_INTERLEAVE_16B = 1, CU_TENSOR_MAP_INTERLEAVE_32B = 2 };
enum CUtensorMapSwizzle : unsigned {
  CU_TENSOR_MAP_SWIZZLE_NONE = 0, CU_TENSOR_MAP_SWIZZLE_32B = 1, CU_TENSOR_MAP_SWIZZLE_64B = 2, CU_TENSOR_MAP_SWIZZLE_128B = 3,
  CU_TENSOR_MAP_SWIZZLE_128B_ATOM_32B = 4, CU_TENSOR_MAP_SWIZZLE_128B_ATOM_32B_FLIP_8B = 5, CU_TENSOR_MAP_SWIZZLE_128B_ATOM_64B = 6,
};
enum CUtensorMapL2promotion : unsigned { CU_TENSOR_MAP_L2_PROMOTION_NONE = 0, CU_TENSOR_MAP_L2_PROMOTION_L2_256B = 3 };
enum CUtensorMapFloatOOBfill : unsigned { CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE = 0, CU_TENSOR_MAP_FLOAT_OOB_FILL_NAN_REQUEST_ZERO_FMA = 1 };
enum CUtensorMapIm2ColWideMode : unsigned { CU_TENSOR_MAP_IM2COL_WIDE_MODE_W = 0, CU_TENSOR_MAP_IM2COL_WIDE_MODE_W128 = 1 };

extern "C" {

ANYWARP_CUDA(cuDeviceGetHostAtomicCapabilities, unsigned*, const CUatomicOperation*, unsigned, CUdevice);
ANYWARP_CUDA(cuDeviceGetP2PAtomicCapabilities, unsigned*, const CUatomicOperation*, unsigned, CUdevice, CUdevice);
ANYWARP_CUDA(cuDeviceRegisterAsyncNotification, CUdevice, CUasyncCallback, void*, CUasyncCallbackHandle*);
ANYWARP_CUDA(cuDeviceUnregisterAsyncNotification, CUdevice, CUasyncCallbackHandle);

ANYWARP_CUDA(cuCtxAttach, CUcontext*, unsigned);
ANYWARP_CUDA(cuCtxDetach, CUcontext);
ANYWARP_CUDA(cuCtxRecordEvent, CUcontext, CUevent);
ANYWARP_CUDA(cuCtxWaitEvent, CUcontext, CUevent);
ANYWARP_CUDA(cuLibraryGetUnifiedFunction, void**, CUlibrary, const char*);
ANYWARP_CUDA(cuLaunchCooperativeKernelMultiDevice, CUDA_LAUNCH_PARAMS*, unsigned, unsigned);

ANYWARP_CUDA(cuGreenCtxCreate, CUgreenCtx*, CUdevResourceDesc, CUdevice, unsigned);
ANYWARP_CUDA(cuGreenCtxDestroy, CUgreenCtx);
ANYWARP_CUDA(cuDeviceGetDevResource, CUdevice, CUdevResource*, CUdevResourceType);
ANYWARP_CUDA(cuCtxGetDevResource, CUcontext, CUdevResource*, CUdevResourceType);
ANYWARP_CUDA(cuGreenCtxGetDevResource, CUgreenCtx, CUdevResource*, CUdevResourceType);
ANYWARP_CUDA(cuGreenCtxRecordEvent, CUgreenCtx, CUevent);
ANYWARP_CUDA(cuGreenCtxWaitEvent, CUgreenCtx, CUevent);
ANYWARP_CUDA(cuDevResourceGenerateDesc, CUdevResourceDesc*, CUdevResource*, unsigned);
ANYWARP_CUDA(cuDevSmResourceSplitByCount, CUdevResource*, unsigned*, const CUdevResource*, CUdevResource*, unsigned, unsigned);
ANYWARP_CUDA(cuStreamGetGreenCtx, CUstream, CUgreenCtx*);
ANYWARP_CUDA(cuCtxFromGreenCtx, CUcontext*, CUgreenCtx);
ANYWARP_CUDA(cuGreenCtxGetId, CUgreenCtx, unsigned long long*);
ANYWARP_CUDA(cuGreenCtxStreamCreate, CUstream*, CUgreenCtx, unsigned, int);

ANYWARP_CUDA(cuLogsRegisterCallback, CUlogsCallback, void*, CUlogsCallbackHandle*);
ANYWARP_CUDA(cuLogsUnregisterCallback, CUlogsCallbackHandle);
ANYWARP_CUDA(cuLogsCurrent, CUlogIterator*, unsigned);
ANYWARP_CUDA(cuLogsDumpToFile, CUlogIterator*, const char*, unsigned);
ANYWARP_CUDA(cuLogsDumpToMemory, CUlogIterator*, char*, size_t*, unsigned);

ANYWARP_CUDA(cuCoredumpGetAttribute, CUcoredumpSettings, void*, size_t*);
ANYWARP_CUDA(cuCoredumpGetAttributeGlobal, CUcoredumpSettings, void*, size_t*);
ANYWARP_CUDA(cuCoredumpSetAttribute, CUcoredumpSettings, void*, size_t*);
ANYWARP_CUDA(cuCoredumpSetAttributeGlobal, CUcoredumpSettings, void*, size_t*);

ANYWARP_CUDA(cuTensorMapEncodeTiled, CUtensorMap*, CUtensorMapDataType, uint32_t, void*, const uint64_t*, const uint64_t*, const uint32_t*, const uint32_t*,
             CUtensorMapInterleave, CUtensorMapSwizzle, CUtensorMapL2promotion, CUtensorMapFloatOOBfill);
ANYWARP_CUDA(cuTensorMapEncodeIm2col, CUtensorMap*, CUtensorMapDataType, uint32_t, void*, const uint64_t*, const uint64_t*, const int*, const int*, uint32_t,
             uint32_t, const uint32_t*, CUtensorMapInterleave, CUtensorMapSwizzle, CUtensorMapL2promotion, CUtensorMapFloatOOBfill);
ANYWARP_CUDA(cuTensorMapEncodeIm2colWide, CUtensorMap*, CUtensorMapDataType, uint32_t, void*, const uint64_t*, const uint64_t*, int, int, uint32_t, uint32_t,
             const uint32_t*, CUtensorMapInterleave, CUtensorMapIm2ColWideMode, CUtensorMapSwizzle, CUtensorMapL2promotion, CUtensorMapFloatOOBfill);
ANYWARP_CUDA(cuTensorMapReplaceAddress, CUtensorMap*, void*);

}  // extern "C"
