// Types of the CUDA runtime API, laid out as compiled programs expect them. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "abi/cuda_execution.h"
#include "abi/cuda_graph.h"
#include "abi/cuda_memory.h"
#include "abi/cuda_texture.h"

// Which runtime this is built as: 11, 12 or 13 (one shared object each).
#ifndef ANYWARP_CUDART_MAJOR
#define ANYWARP_CUDART_MAJOR 13
#endif

namespace anywarp::cudart {

enum cudaError_t : int {
#define RUNTIME_ERROR(name, value, description) name = value,
#include "libs/cudart/errors.def"
#undef RUNTIME_ERROR
};

using cudaStream_t = CUstream;
using cudaEvent_t = CUevent;
using cudaArray_t = CUarray;
using cudaArray_const_t = CUarray;
using cudaMipmappedArray_t = struct CUmipmappedArray_st*;
using cudaFunction_t = CUfunction;
using cudaKernel_t = CUkernel;
using cudaLibrary_t = CUlibrary;
using cudaMemPool_t = CUmemoryPool;
using cudaTextureObject_t = unsigned long long;
using cudaSurfaceObject_t = unsigned long long;
using cudaUUID_t = CUuuid;
using cudaHostFn_t = void (*)(void* userData);
using cudaStreamCallback_t = void (*)(cudaStream_t stream, cudaError_t status, void* userData);

struct dim3 {
  uint32_t x = 1, y = 1, z = 1;
};

enum cudaMemcpyKind : int {
  cudaMemcpyHostToHost = 0,
  cudaMemcpyHostToDevice = 1,
  cudaMemcpyDeviceToHost = 2,
  cudaMemcpyDeviceToDevice = 3,
  cudaMemcpyDefault = 4,
};

enum cudaMemoryType : int {
  cudaMemoryTypeUnregistered = 0,
  cudaMemoryTypeHost = 1,
  cudaMemoryTypeDevice = 2,
  cudaMemoryTypeManaged = 3,
};

enum cudaMemLocationType : int {
  cudaMemLocationTypeInvalid = 0,
  cudaMemLocationTypeDevice = 1,
  cudaMemLocationTypeHost = 2,
};

struct cudaMemLocation {
  cudaMemLocationType type;
  int id;
};

struct cudaPointerAttributes {
  cudaMemoryType type;
  int device;
  void* devicePointer;
  void* hostPointer;
#if ANYWARP_CUDART_MAJOR >= 13
  long reserved[8];
#endif
};

struct cudaFuncAttributes {
  size_t sharedSizeBytes, constSizeBytes, localSizeBytes;
  int maxThreadsPerBlock, numRegs, ptxVersion, binaryVersion, cacheModeCA;
  int maxDynamicSharedSizeBytes, preferredShmemCarveout;
#if ANYWARP_CUDART_MAJOR >= 12
  int clusterDimMustBeSet, requiredClusterWidth, requiredClusterHeight, requiredClusterDepth;
  int clusterSchedulingPolicyPreference, nonPortableClusterSizeAllowed;
  int reserved[16];
#endif
};

enum cudaChannelFormatKind : int {
  cudaChannelFormatKindSigned = 0,
  cudaChannelFormatKindUnsigned = 1,
  cudaChannelFormatKindFloat = 2,
  cudaChannelFormatKindNone = 3,
  cudaChannelFormatKindNV12 = 4,
};

struct cudaChannelFormatDesc {
  int x, y, z, w;
  cudaChannelFormatKind f;
};

struct cudaExtent {
  size_t width, height, depth;
};

struct cudaPos {
  size_t x, y, z;
};

struct cudaPitchedPtr {
  void* ptr;
  size_t pitch, xsize, ysize;
};

struct cudaMemcpy3DParms {
  cudaArray_t srcArray;
  cudaPos srcPos;
  cudaPitchedPtr srcPtr;
  cudaArray_t dstArray;
  cudaPos dstPos;
  cudaPitchedPtr dstPtr;
  cudaExtent extent;
  cudaMemcpyKind kind;
};

struct cudaMemcpy3DPeerParms {
  cudaArray_t srcArray;
  cudaPos srcPos;
  cudaPitchedPtr srcPtr;
  int srcDevice;
  cudaArray_t dstArray;
  cudaPos dstPos;
  cudaPitchedPtr dstPtr;
  int dstDevice;
  cudaExtent extent;
};

struct cudaLaunchConfig_t {
  dim3 gridDim, blockDim;
  size_t dynamicSmemBytes;
  cudaStream_t stream;
  CUlaunchAttribute* attrs;  // same ids and layout as the driver's
  unsigned numAttrs;
};

// Of a launch on several devices, until 12.
struct cudaLaunchParams {
  void* func;
  dim3 gridDim, blockDim;
  void** args;
  size_t sharedMem;
  cudaStream_t stream;
};

struct cudaResourceDesc {
  int resType;  // 0 array, 1 mipmapped array, 2 linear, 3 pitched 2-D
  union {
    struct { cudaArray_t array; } array;
    struct { cudaMipmappedArray_t mipmap; } mipmap;
    struct { void* devPtr; cudaChannelFormatDesc desc; size_t sizeInBytes; } linear;
    struct { void* devPtr; cudaChannelFormatDesc desc; size_t width, height, pitchInBytes; } pitch2D;
#if ANYWARP_CUDART_MAJOR >= 13
    int reserved[32];
#endif
  } res;
#if ANYWARP_CUDART_MAJOR >= 13
  unsigned flags;
#endif
};

struct cudaTextureDesc {
  int addressMode[3];
  int filterMode;
  int readMode;  // 0 element type, 1 normalized float
  int sRGB;
  float borderColor[4];
  int normalizedCoords;
  unsigned maxAnisotropy;
  int mipmapFilterMode;
  float mipmapLevelBias, minMipmapLevelClamp, maxMipmapLevelClamp;
  int disableTrilinearOptimization;
  int seamlessCubemap;
};

inline constexpr int cudaReadModeElementType = 0, cudaReadModeNormalizedFloat = 1;

struct cudaResourceViewDesc {
  int format;  // as CUresourceViewFormat
  size_t width, height, depth;
  unsigned firstMipmapLevel, lastMipmapLevel, firstLayer, lastLayer;
#if ANYWARP_CUDART_MAJOR >= 13
  unsigned reserved[16];
#endif
};

// The properties of a device, in the order of the runtime's header. What 13 dropped is kept under its condition.
struct cudaDeviceProp {
  char name[256];
  cudaUUID_t uuid;
  char luid[8];
  unsigned luidDeviceNodeMask;
  size_t totalGlobalMem, sharedMemPerBlock;
  int regsPerBlock, warpSize;
  size_t memPitch;
  int maxThreadsPerBlock, maxThreadsDim[3], maxGridSize[3];
#if ANYWARP_CUDART_MAJOR < 13
  int clockRate;
#endif
  size_t totalConstMem;
  int major, minor;
  size_t textureAlignment, texturePitchAlignment;
#if ANYWARP_CUDART_MAJOR < 13
  int deviceOverlap;
#endif
  int multiProcessorCount;
#if ANYWARP_CUDART_MAJOR < 13
  int kernelExecTimeoutEnabled;
#endif
  int integrated, canMapHostMemory;
#if ANYWARP_CUDART_MAJOR < 13
  int computeMode;
#endif
  int maxTexture1D, maxTexture1DMipmap;
#if ANYWARP_CUDART_MAJOR < 13
  int maxTexture1DLinear;
#endif
  int maxTexture2D[2], maxTexture2DMipmap[2], maxTexture2DLinear[3], maxTexture2DGather[2];
  int maxTexture3D[3], maxTexture3DAlt[3], maxTextureCubemap;
  int maxTexture1DLayered[2], maxTexture2DLayered[3], maxTextureCubemapLayered[2];
  int maxSurface1D, maxSurface2D[2], maxSurface3D[3];
  int maxSurface1DLayered[2], maxSurface2DLayered[3], maxSurfaceCubemap, maxSurfaceCubemapLayered[2];
  size_t surfaceAlignment;
  int concurrentKernels, ECCEnabled, pciBusID, pciDeviceID, pciDomainID, tccDriver, asyncEngineCount, unifiedAddressing;
#if ANYWARP_CUDART_MAJOR < 13
  int memoryClockRate;
#endif
  int memoryBusWidth, l2CacheSize, persistingL2CacheMaxSize, maxThreadsPerMultiProcessor, streamPrioritiesSupported;
  int globalL1CacheSupported, localL1CacheSupported;
  size_t sharedMemPerMultiprocessor;
  int regsPerMultiprocessor, managedMemory, isMultiGpuBoard, multiGpuBoardGroupID, hostNativeAtomicSupported;
#if ANYWARP_CUDART_MAJOR < 13
  int singleToDoublePrecisionPerfRatio;
#endif
  int pageableMemoryAccess, concurrentManagedAccess, computePreemptionSupported, canUseHostPointerForRegisteredMem;
  int cooperativeLaunch;
#if ANYWARP_CUDART_MAJOR < 13
  int cooperativeMultiDeviceLaunch;
#endif
  size_t sharedMemPerBlockOptin;
  int pageableMemoryAccessUsesHostPageTables, directManagedMemAccessFromHost, maxBlocksPerMultiProcessor;
  int accessPolicyMaxWindowSize;
  size_t reservedSharedMemPerBlock;
  // The structure of 11 ends here.
  int hostRegisterSupported, sparseCudaArraySupported, hostRegisterReadOnlySupported, timelineSemaphoreInteropSupported;
  int memoryPoolsSupported, gpuDirectRDMASupported;
  unsigned gpuDirectRDMAFlushWritesOptions;
  int gpuDirectRDMAWritesOrdering;
  unsigned memoryPoolSupportedHandleTypes;
  int deferredMappingCudaArraySupported, ipcEventSupported, clusterLaunch, unifiedFunctionPointers;
#if ANYWARP_CUDART_MAJOR >= 13
  int deviceNumaConfig, deviceNumaId, mpsEnabled, hostNumaId;
  unsigned gpuPciDeviceID, gpuPciSubsystemID;
  int hostNumaMultinodeIpcSupported;
  int reserved[56];
#else
  int reserved[63];
#endif
};

// Programs built with 11 pass a structure that ends behind reservedSharedMemPerBlock.
inline constexpr size_t devicePropSize11 = offsetof(cudaDeviceProp, hostRegisterSupported);

// A texture reference of before 12, as compiled programs hold it.
struct textureReference {
  int normalized;
  int filterMode;
  int addressMode[3];
  cudaChannelFormatDesc channelDesc;
  int sRGB;
  unsigned maxAnisotropy;
  int mipmapFilterMode;
  float mipmapLevelBias, minMipmapLevelClamp, maxMipmapLevelClamp;
  int disableTrilinearOptimization;
  int reserved[14];
};
static_assert(sizeof(textureReference) == 124);
struct surfaceReference {
  cudaChannelFormatDesc channelDesc;
};

// Laid out as the driver's CUDA_KERNEL_NODE_PARAMS_v1, with what the program calls a function in `func`.
struct cudaKernelNodeParams {
  void* func;
  dim3 gridDim, blockDim;
  unsigned sharedMemBytes;
  void** kernelParams;
  void** extra;
};
static_assert(sizeof(cudaKernelNodeParams) == sizeof(CUDA_KERNEL_NODE_PARAMS_v1));

struct cudaMemcpyNodeParams {
  int flags;
  int reserved[3];
  cudaMemcpy3DParms copyParams;
};

// The kinds of nodes that are laid out as the driver's are not repeated here.
struct cudaGraphNodeParams {
  CUgraphNodeType type;
  int reserved0[3];
  union {
    long long reserved1[29];
    cudaKernelNodeParams kernel;
    cudaMemcpyNodeParams memcpy;
    CUDA_MEMSET_NODE_PARAMS_v1 memset;
    CUDA_CONDITIONAL_NODE_PARAMS conditional;  // without its last member, the context
  };
  long long reserved2;
};
static_assert(sizeof(cudaGraphNodeParams) == sizeof(CUgraphNodeParams));

static_assert(sizeof(dim3) == 12);
static_assert(sizeof(cudaMemcpy3DParms) == 160);
static_assert(sizeof(cudaMemcpy3DPeerParms) == 168);
static_assert(sizeof(cudaLaunchConfig_t) == 56);
static_assert(sizeof(cudaTextureDesc) == 72);
#if ANYWARP_CUDART_MAJOR >= 13
static_assert(sizeof(cudaDeviceProp) == 1008);
static_assert(sizeof(cudaPointerAttributes) == 88);
static_assert(sizeof(cudaFuncAttributes) == 144);
#else
static_assert(sizeof(cudaDeviceProp) == 1032);
static_assert(offsetof(cudaDeviceProp, multiProcessorCount) == 388);
static_assert(sizeof(cudaPointerAttributes) == 24);
#endif

}  // namespace anywarp::cudart
