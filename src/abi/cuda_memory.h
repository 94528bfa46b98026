// The driver's types and functions for memory between processes, batches of copies, external memory, and the 32-bit forms of before
// CUDA 3.2 (Driver API: Memory Management, Virtual Memory Management, Stream Ordered Memory Allocator, Unified Addressing).
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "abi/cuda_texture.h"

using CUexternalMemory = struct CUextMemory_st*;

// What another process gets, through whatever channel the program has. The bytes are the driver's own.
struct CUipcMemHandle {
  char reserved[64];
};
struct CUipcEventHandle {
  char reserved[64];
};
struct CUmemPoolPtrExportData {
  unsigned char reserved[64];
};

inline constexpr unsigned CU_IPC_MEM_LAZY_ENABLE_PEER_ACCESS = 1;

enum CUmemRangeHandleType : unsigned { CU_MEM_RANGE_HANDLE_TYPE_DMA_BUF_FD = 1 };

enum CUmemcpySrcAccessOrder : unsigned {
  CU_MEMCPY_SRC_ACCESS_ORDER_INVALID = 0, CU_MEMCPY_SRC_ACCESS_ORDER_STREAM = 1, CU_MEMCPY_SRC_ACCESS_ORDER_DURING_API_CALL = 2,
  CU_MEMCPY_SRC_ACCESS_ORDER_ANY = 3,
};
enum CUmemcpy3DOperandType : unsigned { CU_MEMCPY_OPERAND_TYPE_POINTER = 1, CU_MEMCPY_OPERAND_TYPE_ARRAY = 2 };

struct CUmemcpyAttributes {
  CUmemcpySrcAccessOrder srcAccessOrder;
  CUmemLocation srcLocHint, dstLocHint;
  unsigned flags;
};
static_assert(sizeof(CUmemcpyAttributes) == 24);

struct CUextent3D {
  size_t width, height, depth;
};
struct CUoffset3D {
  size_t x, y, z;
};
struct CUmemcpy3DOperand {
  CUmemcpy3DOperandType type;
  union {
    struct {
      CUdeviceptr ptr;
      size_t rowLength, layerHeight;  // in elements; 0: packed
      CUmemLocation locHint;
    } ptr;
    struct {
      CUarray array;
      CUoffset3D offset;
    } array;
  } op;
};
static_assert(sizeof(CUmemcpy3DOperand) == 40);
struct CUDA_MEMCPY3D_BATCH_OP {
  CUmemcpy3DOperand src, dst;
  CUextent3D extent;
  CUmemcpySrcAccessOrder srcAccessOrder;
  unsigned flags;
};
static_assert(sizeof(CUDA_MEMCPY3D_BATCH_OP) == 112);

struct CUDA_ARRAY_SPARSE_PROPERTIES {
  struct {
    unsigned width, height, depth;
  } tileExtent;
  unsigned miptailFirstLevel;
  unsigned long long miptailSize;
  unsigned flags;
  unsigned reserved[4];
};
static_assert(sizeof(CUDA_ARRAY_SPARSE_PROPERTIES) == 48);

enum CUexternalMemoryHandleType : unsigned { CU_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_FD = 1, CU_EXTERNAL_MEMORY_HANDLE_TYPE_DMABUF_FD = 9 };
struct CUDA_EXTERNAL_MEMORY_HANDLE_DESC {
  CUexternalMemoryHandleType type;
  union {
    int fd;
    struct {
      void* handle;
      const void* name;
    } win32;
    const void* nvSciBufObject;
  } handle;
  unsigned long long size;
  unsigned flags;
  unsigned reserved[16];
};
static_assert(sizeof(CUDA_EXTERNAL_MEMORY_HANDLE_DESC) == 104);
struct CUDA_EXTERNAL_MEMORY_BUFFER_DESC {
  unsigned long long offset, size;
  unsigned flags;
  unsigned reserved[16];
};
static_assert(sizeof(CUDA_EXTERNAL_MEMORY_BUFFER_DESC) == 88);

// Before CUDA 3.2: addresses and sizes of 32 bits.
using CUdeviceptr_v1 = unsigned;
struct CUDA_MEMCPY2D_v1 {
  unsigned srcXInBytes, srcY;
  CUmemorytype srcMemoryType;
  const void* srcHost;
  CUdeviceptr_v1 srcDevice;
  CUarray srcArray;
  unsigned srcPitch;
  unsigned dstXInBytes, dstY;
  CUmemorytype dstMemoryType;
  void* dstHost;
  CUdeviceptr_v1 dstDevice;
  CUarray dstArray;
  unsigned dstPitch;
  unsigned WidthInBytes, Height;
};
static_assert(sizeof(CUDA_MEMCPY2D_v1) == 96);
struct CUDA_MEMCPY3D_v1 {
  unsigned srcXInBytes, srcY, srcZ, srcLOD;
  CUmemorytype srcMemoryType;
  const void* srcHost;
  CUdeviceptr_v1 srcDevice;
  CUarray srcArray;
  void* reserved0;
  unsigned srcPitch, srcHeight;
  unsigned dstXInBytes, dstY, dstZ, dstLOD;
  CUmemorytype dstMemoryType;
  void* dstHost;
  CUdeviceptr_v1 dstDevice;
  CUarray dstArray;
  void* reserved1;
  unsigned dstPitch, dstHeight;
  unsigned WidthInBytes, Height, Depth;
};
static_assert(sizeof(CUDA_MEMCPY3D_v1) == 144);

extern "C" {

// Between processes.
ANYWARP_CUDA(cuIpcGetEventHandle, CUipcEventHandle*, CUevent);
ANYWARP_CUDA(cuIpcOpenEventHandle, CUevent*, CUipcEventHandle);
ANYWARP_CUDA(cuIpcGetMemHandle, CUipcMemHandle*, CUdeviceptr);
ANYWARP_CUDA(cuIpcOpenMemHandle, CUdeviceptr*, CUipcMemHandle, unsigned);
ANYWARP_CUDA(cuIpcOpenMemHandle_v2, CUdeviceptr*, CUipcMemHandle, unsigned);
ANYWARP_CUDA(cuIpcCloseMemHandle, CUdeviceptr);
ANYWARP_CUDA(cuMemExportToShareableHandle, void*, CUmemGenericAllocationHandle, CUmemAllocationHandleType, unsigned long long);
ANYWARP_CUDA(cuMemImportFromShareableHandle, CUmemGenericAllocationHandle*, void*, CUmemAllocationHandleType);
ANYWARP_CUDA(cuMemGetHandleForAddressRange, void*, CUdeviceptr, size_t, CUmemRangeHandleType, unsigned long long);
ANYWARP_CUDA(cuMemPoolExportToShareableHandle, void*, CUmemoryPool, CUmemAllocationHandleType, unsigned long long);
ANYWARP_CUDA(cuMemPoolImportFromShareableHandle, CUmemoryPool*, void*, CUmemAllocationHandleType, unsigned long long);
ANYWARP_CUDA(cuMemPoolExportPointer, CUmemPoolPtrExportData*, CUdeviceptr);
ANYWARP_CUDA(cuMemPoolImportPointer, CUdeviceptr*, CUmemoryPool, CUmemPoolPtrExportData*);
ANYWARP_CUDA(cuMemGetDefaultMemPool, CUmemoryPool*, CUmemLocation*, CUmemAllocationType);
ANYWARP_CUDA(cuMemGetMemPool, CUmemoryPool*, CUmemLocation*, CUmemAllocationType);
ANYWARP_CUDA(cuMemSetMemPool, CUmemLocation*, CUmemAllocationType, CUmemoryPool);

// External memory.
ANYWARP_CUDA(cuImportExternalMemory, CUexternalMemory*, const CUDA_EXTERNAL_MEMORY_HANDLE_DESC*);
ANYWARP_CUDA(cuExternalMemoryGetMappedBuffer, CUdeviceptr*, CUexternalMemory, const CUDA_EXTERNAL_MEMORY_BUFFER_DESC*);
ANYWARP_CUDA(cuDestroyExternalMemory, CUexternalMemory);

// Batches.
ANYWARP_CUDA(cuMemcpyBatchAsync, CUdeviceptr*, CUdeviceptr*, size_t*, size_t, CUmemcpyAttributes*, size_t*, size_t, size_t*, CUstream);
ANYWARP_CUDA(cuMemcpyBatchAsync_ptsz, CUdeviceptr*, CUdeviceptr*, size_t*, size_t, CUmemcpyAttributes*, size_t*, size_t, size_t*, CUstream);
ANYWARP_CUDA(cuMemcpyBatchAsync_v2, CUdeviceptr*, CUdeviceptr*, size_t*, size_t, CUmemcpyAttributes*, size_t*, size_t, CUstream);
ANYWARP_CUDA(cuMemcpyBatchAsync_v2_ptsz, CUdeviceptr*, CUdeviceptr*, size_t*, size_t, CUmemcpyAttributes*, size_t*, size_t, CUstream);
ANYWARP_CUDA(cuMemcpy3DBatchAsync, size_t, CUDA_MEMCPY3D_BATCH_OP*, size_t*, unsigned long long, CUstream);
ANYWARP_CUDA(cuMemcpy3DBatchAsync_ptsz, size_t, CUDA_MEMCPY3D_BATCH_OP*, size_t*, unsigned long long, CUstream);
ANYWARP_CUDA(cuMemcpy3DBatchAsync_v2, size_t, CUDA_MEMCPY3D_BATCH_OP*, unsigned long long, CUstream);
ANYWARP_CUDA(cuMemcpy3DBatchAsync_v2_ptsz, size_t, CUDA_MEMCPY3D_BATCH_OP*, unsigned long long, CUstream);
ANYWARP_CUDA(cuMemPrefetchBatchAsync, CUdeviceptr*, size_t*, size_t, CUmemLocation*, size_t*, size_t, unsigned long long, CUstream);
ANYWARP_CUDA(cuMemPrefetchBatchAsync_ptsz, CUdeviceptr*, size_t*, size_t, CUmemLocation*, size_t*, size_t, unsigned long long, CUstream);
ANYWARP_CUDA(cuMemDiscardBatchAsync, CUdeviceptr*, size_t*, size_t, unsigned long long, CUstream);
ANYWARP_CUDA(cuMemDiscardBatchAsync_ptsz, CUdeviceptr*, size_t*, size_t, unsigned long long, CUstream);
ANYWARP_CUDA(cuMemDiscardAndPrefetchBatchAsync, CUdeviceptr*, size_t*, size_t, CUmemLocation*, size_t*, size_t, unsigned long long, CUstream);
ANYWARP_CUDA(cuMemDiscardAndPrefetchBatchAsync_ptsz, CUdeviceptr*, size_t*, size_t, CUmemLocation*, size_t*, size_t, unsigned long long, CUstream);

// Properties of arrays.
ANYWARP_CUDA(cuArrayGetSparseProperties, CUDA_ARRAY_SPARSE_PROPERTIES*, CUarray);
ANYWARP_CUDA(cuMipmappedArrayGetSparseProperties, CUDA_ARRAY_SPARSE_PROPERTIES*, CUmipmappedArray);
ANYWARP_CUDA(cuArrayGetMemoryRequirements, CUDA_ARRAY_MEMORY_REQUIREMENTS*, CUarray, CUdevice);
ANYWARP_CUDA(cuMipmappedArrayGetMemoryRequirements, CUDA_ARRAY_MEMORY_REQUIREMENTS*, CUmipmappedArray, CUdevice);
ANYWARP_CUDA(cuArrayGetPlane, CUarray*, CUarray, unsigned);

// Before CUDA 3.2.
ANYWARP_CUDA(cuDeviceTotalMem, unsigned*, CUdevice);
ANYWARP_CUDA(cuModuleGetGlobal, CUdeviceptr_v1*, unsigned*, CUmodule, const char*);
ANYWARP_CUDA(cuMemGetInfo, unsigned*, unsigned*);
ANYWARP_CUDA(cuMemAlloc, CUdeviceptr_v1*, unsigned);
ANYWARP_CUDA(cuMemAllocPitch, CUdeviceptr_v1*, unsigned*, unsigned, unsigned, unsigned);
ANYWARP_CUDA(cuMemFree, CUdeviceptr_v1);
ANYWARP_CUDA(cuMemGetAddressRange, CUdeviceptr_v1*, unsigned*, CUdeviceptr_v1);
ANYWARP_CUDA(cuMemHostGetDevicePointer, CUdeviceptr_v1*, void*, unsigned);
ANYWARP_CUDA(cuMemcpyHtoD, CUdeviceptr_v1, const void*, unsigned);
ANYWARP_CUDA(cuMemcpyDtoH, void*, CUdeviceptr_v1, unsigned);
ANYWARP_CUDA(cuMemcpyDtoD, CUdeviceptr_v1, CUdeviceptr_v1, unsigned);
ANYWARP_CUDA(cuMemcpyDtoA, CUarray, unsigned, CUdeviceptr_v1, unsigned);
ANYWARP_CUDA(cuMemcpyAtoD, CUdeviceptr_v1, CUarray, unsigned, unsigned);
ANYWARP_CUDA(cuMemcpyHtoA, CUarray, unsigned, const void*, unsigned);
ANYWARP_CUDA(cuMemcpyAtoH, void*, CUarray, unsigned, unsigned);
ANYWARP_CUDA(cuMemcpyAtoA, CUarray, unsigned, CUarray, unsigned, unsigned);
ANYWARP_CUDA(cuMemcpyHtoDAsync, CUdeviceptr_v1, const void*, unsigned, CUstream);
ANYWARP_CUDA(cuMemcpyDtoHAsync, void*, CUdeviceptr_v1, unsigned, CUstream);
ANYWARP_CUDA(cuMemcpyDtoDAsync, CUdeviceptr_v1, CUdeviceptr_v1, unsigned, CUstream);
ANYWARP_CUDA(cuMemcpyHtoAAsync, CUarray, unsigned, const void*, unsigned, CUstream);
ANYWARP_CUDA(cuMemcpyAtoHAsync, void*, CUarray, unsigned, unsigned, CUstream);
ANYWARP_CUDA(cuMemcpy2D, const CUDA_MEMCPY2D_v1*);
ANYWARP_CUDA(cuMemcpy2DUnaligned, const CUDA_MEMCPY2D_v1*);
ANYWARP_CUDA(cuMemcpy3D, const CUDA_MEMCPY3D_v1*);
ANYWARP_CUDA(cuMemcpy2DAsync, const CUDA_MEMCPY2D_v1*, CUstream);
ANYWARP_CUDA(cuMemcpy3DAsync, const CUDA_MEMCPY3D_v1*, CUstream);
ANYWARP_CUDA(cuMemsetD8, CUdeviceptr_v1, unsigned char, unsigned);
ANYWARP_CUDA(cuMemsetD16, CUdeviceptr_v1, unsigned short, unsigned);
ANYWARP_CUDA(cuMemsetD32, CUdeviceptr_v1, unsigned, unsigned);
ANYWARP_CUDA(cuMemsetD2D8, CUdeviceptr_v1, unsigned, unsigned char, unsigned, unsigned);
ANYWARP_CUDA(cuMemsetD2D16, CUdeviceptr_v1, unsigned, unsigned short, unsigned, unsigned);
ANYWARP_CUDA(cuMemsetD2D32, CUdeviceptr_v1, unsigned, unsigned, unsigned, unsigned);

}  // extern "C"
