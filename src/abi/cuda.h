// The CUDA driver API as we export it: every function that libcuda.so.1 implements, under its ABI name (Driver API Reference).
// The whole API, with what is missing, is the table driver/api.def. SPDX-License-Identifier: Apache-2.0
#pragma once

#include "abi/cuda_types.h"

// Inside libcuda.so.1 a function's symbol is NAME.body; the exported NAME is a jump to it (driver/exports.cpp).
#ifdef ANYWARP_DRIVER_BODIES
#define ANYWARP_CUDA(name, ...) CUresult name(__VA_ARGS__) __asm__(#name ".body")
#else
#define ANYWARP_CUDA(name, ...) CUresult name(__VA_ARGS__)
#endif

extern "C" {

// Initialization.
ANYWARP_CUDA(cuInit, unsigned);

// Version Management.
ANYWARP_CUDA(cuDriverGetVersion, int*);

// Error Handling.
ANYWARP_CUDA(cuGetErrorString, CUresult, const char**);
ANYWARP_CUDA(cuGetErrorName, CUresult, const char**);

// Driver Entry Point Access.
ANYWARP_CUDA(cuGetProcAddress, const char*, void**, int, uint64_t);
ANYWARP_CUDA(cuGetProcAddress_v2, const char*, void**, int, uint64_t, CUdriverProcAddressQueryResult*);
ANYWARP_CUDA(cuGetExportTable, const void**, const CUuuid*);

// Device Management.
ANYWARP_CUDA(cuDeviceGet, CUdevice*, int);
ANYWARP_CUDA(cuDeviceGetCount, int*);
ANYWARP_CUDA(cuDeviceGetName, char*, int, CUdevice);
ANYWARP_CUDA(cuDeviceGetUuid, CUuuid*, CUdevice);
ANYWARP_CUDA(cuDeviceGetUuid_v2, CUuuid*, CUdevice);
ANYWARP_CUDA(cuDeviceGetLuid, char*, unsigned*, CUdevice);
ANYWARP_CUDA(cuDeviceTotalMem_v2, size_t*, CUdevice);
ANYWARP_CUDA(cuDeviceGetTexture1DLinearMaxWidth, size_t*, CUarray_format, unsigned, CUdevice);
ANYWARP_CUDA(cuDeviceGetAttribute, int*, CUdevice_attribute, CUdevice);
ANYWARP_CUDA(cuDeviceGetExecAffinitySupport, int*, CUexecAffinityType, CUdevice);
ANYWARP_CUDA(cuDeviceGetProperties, CUdevprop*, CUdevice);
ANYWARP_CUDA(cuDeviceComputeCapability, int*, int*, CUdevice);
ANYWARP_CUDA(cuDeviceGetByPCIBusId, CUdevice*, const char*);
ANYWARP_CUDA(cuDeviceGetPCIBusId, char*, int, CUdevice);
ANYWARP_CUDA(cuFlushGPUDirectRDMAWrites, CUflushGPUDirectRDMAWritesTarget, CUflushGPUDirectRDMAWritesScope);
ANYWARP_CUDA(cuDeviceSetMemPool, CUdevice, CUmemoryPool);
ANYWARP_CUDA(cuDeviceGetMemPool, CUmemoryPool*, CUdevice);
ANYWARP_CUDA(cuDeviceGetDefaultMemPool, CUmemoryPool*, CUdevice);

// Primary Context Management.
ANYWARP_CUDA(cuDevicePrimaryCtxRetain, CUcontext*, CUdevice);
ANYWARP_CUDA(cuDevicePrimaryCtxRelease, CUdevice);
ANYWARP_CUDA(cuDevicePrimaryCtxRelease_v2, CUdevice);
ANYWARP_CUDA(cuDevicePrimaryCtxSetFlags, CUdevice, unsigned);
ANYWARP_CUDA(cuDevicePrimaryCtxSetFlags_v2, CUdevice, unsigned);
ANYWARP_CUDA(cuDevicePrimaryCtxGetState, CUdevice, unsigned*, int*);
ANYWARP_CUDA(cuDevicePrimaryCtxReset, CUdevice);
ANYWARP_CUDA(cuDevicePrimaryCtxReset_v2, CUdevice);

// Context Management.
ANYWARP_CUDA(cuCtxCreate, CUcontext*, unsigned, CUdevice);
ANYWARP_CUDA(cuCtxCreate_v2, CUcontext*, unsigned, CUdevice);
ANYWARP_CUDA(cuCtxCreate_v3, CUcontext*, CUexecAffinityParam*, int, unsigned, CUdevice);
ANYWARP_CUDA(cuCtxCreate_v4, CUcontext*, CUctxCreateParams*, unsigned, CUdevice);
ANYWARP_CUDA(cuCtxDestroy, CUcontext);
ANYWARP_CUDA(cuCtxDestroy_v2, CUcontext);
ANYWARP_CUDA(cuCtxPushCurrent, CUcontext);
ANYWARP_CUDA(cuCtxPushCurrent_v2, CUcontext);
ANYWARP_CUDA(cuCtxPopCurrent, CUcontext*);
ANYWARP_CUDA(cuCtxPopCurrent_v2, CUcontext*);
ANYWARP_CUDA(cuCtxSetCurrent, CUcontext);
ANYWARP_CUDA(cuCtxGetCurrent, CUcontext*);
ANYWARP_CUDA(cuCtxGetDevice, CUdevice*);
ANYWARP_CUDA(cuCtxGetDevice_v2, CUdevice*, CUcontext);
ANYWARP_CUDA(cuCtxGetFlags, unsigned*);
ANYWARP_CUDA(cuCtxSetFlags, unsigned);
ANYWARP_CUDA(cuCtxGetId, CUcontext, unsigned long long*);
ANYWARP_CUDA(cuCtxSynchronize);
ANYWARP_CUDA(cuCtxSynchronize_v2, CUcontext);
ANYWARP_CUDA(cuCtxSetLimit, CUlimit, size_t);
ANYWARP_CUDA(cuCtxGetLimit, size_t*, CUlimit);
ANYWARP_CUDA(cuCtxGetCacheConfig, CUfunc_cache*);
ANYWARP_CUDA(cuCtxSetCacheConfig, CUfunc_cache);
ANYWARP_CUDA(cuCtxGetSharedMemConfig, CUsharedconfig*);
ANYWARP_CUDA(cuCtxSetSharedMemConfig, CUsharedconfig);
ANYWARP_CUDA(cuCtxGetApiVersion, CUcontext, unsigned*);
ANYWARP_CUDA(cuCtxGetStreamPriorityRange, int*, int*);
ANYWARP_CUDA(cuCtxResetPersistingL2Cache);
ANYWARP_CUDA(cuCtxGetExecAffinity, CUexecAffinityParam*, CUexecAffinityType);

// Module Management.
ANYWARP_CUDA(cuModuleLoad, CUmodule*, const char*);
ANYWARP_CUDA(cuModuleLoadData, CUmodule*, const void*);
ANYWARP_CUDA(cuModuleLoadDataEx, CUmodule*, const void*, unsigned, CUjit_option*, void**);
ANYWARP_CUDA(cuModuleLoadFatBinary, CUmodule*, const void*);
ANYWARP_CUDA(cuModuleUnload, CUmodule);
ANYWARP_CUDA(cuModuleGetLoadingMode, CUmoduleLoadingMode*);
ANYWARP_CUDA(cuModuleGetFunction, CUfunction*, CUmodule, const char*);
ANYWARP_CUDA(cuModuleGetFunctionCount, unsigned*, CUmodule);
ANYWARP_CUDA(cuModuleEnumerateFunctions, CUfunction*, unsigned, CUmodule);
ANYWARP_CUDA(cuModuleGetGlobal_v2, CUdeviceptr*, size_t*, CUmodule, const char*);
ANYWARP_CUDA(cuLinkCreate, unsigned, CUjit_option*, void**, CUlinkState*);
ANYWARP_CUDA(cuLinkCreate_v2, unsigned, CUjit_option*, void**, CUlinkState*);
ANYWARP_CUDA(cuLinkAddData, CUlinkState, CUjitInputType, void*, size_t, const char*, unsigned,
    CUjit_option*, void**);
ANYWARP_CUDA(cuLinkAddData_v2, CUlinkState, CUjitInputType, void*, size_t, const char*, unsigned,
    CUjit_option*, void**);
ANYWARP_CUDA(cuLinkAddFile, CUlinkState, CUjitInputType, const char*, unsigned, CUjit_option*, void**);
ANYWARP_CUDA(cuLinkAddFile_v2, CUlinkState, CUjitInputType, const char*, unsigned, CUjit_option*, void**);
ANYWARP_CUDA(cuLinkComplete, CUlinkState, void**, size_t*);
ANYWARP_CUDA(cuLinkDestroy, CUlinkState);

// Library Management.
ANYWARP_CUDA(cuLibraryLoadData, CUlibrary*, const void*, CUjit_option*, void**, unsigned,
    CUlibraryOption*, void**, unsigned);
ANYWARP_CUDA(cuLibraryLoadFromFile, CUlibrary*, const char*, CUjit_option*, void**, unsigned,
    CUlibraryOption*, void**, unsigned);
ANYWARP_CUDA(cuLibraryUnload, CUlibrary);
ANYWARP_CUDA(cuLibraryGetKernel, CUkernel*, CUlibrary, const char*);
ANYWARP_CUDA(cuLibraryGetKernelCount, unsigned*, CUlibrary);
ANYWARP_CUDA(cuLibraryEnumerateKernels, CUkernel*, unsigned, CUlibrary);
ANYWARP_CUDA(cuLibraryGetModule, CUmodule*, CUlibrary);
ANYWARP_CUDA(cuLibraryGetGlobal, CUdeviceptr*, size_t*, CUlibrary, const char*);
ANYWARP_CUDA(cuLibraryGetManaged, CUdeviceptr*, size_t*, CUlibrary, const char*);
ANYWARP_CUDA(cuLibraryGetUnifiedFunction, void**, CUlibrary, const char*);
ANYWARP_CUDA(cuKernelGetFunction, CUfunction*, CUkernel);
ANYWARP_CUDA(cuKernelGetLibrary, CUlibrary*, CUkernel);
ANYWARP_CUDA(cuKernelGetAttribute, int*, CUfunction_attribute, CUkernel, CUdevice);
ANYWARP_CUDA(cuKernelSetAttribute, CUfunction_attribute, int, CUkernel, CUdevice);
ANYWARP_CUDA(cuKernelSetCacheConfig, CUkernel, CUfunc_cache, CUdevice);
ANYWARP_CUDA(cuKernelGetName, const char**, CUkernel);
ANYWARP_CUDA(cuKernelGetParamInfo, CUkernel, size_t, size_t*, size_t*);

// Memory Management.
ANYWARP_CUDA(cuMemGetInfo_v2, size_t*, size_t*);
ANYWARP_CUDA(cuMemAlloc_v2, CUdeviceptr*, size_t);
ANYWARP_CUDA(cuMemAllocPitch_v2, CUdeviceptr*, size_t*, size_t, size_t, unsigned);
ANYWARP_CUDA(cuMemFree_v2, CUdeviceptr);
ANYWARP_CUDA(cuMemGetAddressRange_v2, CUdeviceptr*, size_t*, CUdeviceptr);
ANYWARP_CUDA(cuMemAllocHost, void**, unsigned);
ANYWARP_CUDA(cuMemAllocHost_v2, void**, size_t);
ANYWARP_CUDA(cuMemFreeHost, void*);
ANYWARP_CUDA(cuMemHostAlloc, void**, size_t, unsigned);
ANYWARP_CUDA(cuMemHostGetDevicePointer_v2, CUdeviceptr*, void*, unsigned);
ANYWARP_CUDA(cuMemHostGetFlags, unsigned*, void*);
ANYWARP_CUDA(cuMemHostRegister, void*, size_t, unsigned);
ANYWARP_CUDA(cuMemHostRegister_v2, void*, size_t, unsigned);
ANYWARP_CUDA(cuMemHostUnregister, void*);
ANYWARP_CUDA(cuMemAllocManaged, CUdeviceptr*, size_t, unsigned);
ANYWARP_CUDA(cuMemcpy, CUdeviceptr, CUdeviceptr, size_t);
ANYWARP_CUDA(cuMemcpy_ptds, CUdeviceptr, CUdeviceptr, size_t);
ANYWARP_CUDA(cuMemcpyAsync, CUdeviceptr, CUdeviceptr, size_t, CUstream);
ANYWARP_CUDA(cuMemcpyAsync_ptsz, CUdeviceptr, CUdeviceptr, size_t, CUstream);
ANYWARP_CUDA(cuMemcpyPeer, CUdeviceptr, CUcontext, CUdeviceptr, CUcontext, size_t);
ANYWARP_CUDA(cuMemcpyPeer_ptds, CUdeviceptr, CUcontext, CUdeviceptr, CUcontext, size_t);
ANYWARP_CUDA(cuMemcpyPeerAsync, CUdeviceptr, CUcontext, CUdeviceptr, CUcontext, size_t, CUstream);
ANYWARP_CUDA(cuMemcpyPeerAsync_ptsz, CUdeviceptr, CUcontext, CUdeviceptr, CUcontext, size_t, CUstream);
ANYWARP_CUDA(cuMemcpyHtoD_v2, CUdeviceptr, const void*, size_t);
ANYWARP_CUDA(cuMemcpyHtoD_v2_ptds, CUdeviceptr, const void*, size_t);
ANYWARP_CUDA(cuMemcpyDtoH_v2, void*, CUdeviceptr, size_t);
ANYWARP_CUDA(cuMemcpyDtoH_v2_ptds, void*, CUdeviceptr, size_t);
ANYWARP_CUDA(cuMemcpyDtoD_v2, CUdeviceptr, CUdeviceptr, size_t);
ANYWARP_CUDA(cuMemcpyDtoD_v2_ptds, CUdeviceptr, CUdeviceptr, size_t);
ANYWARP_CUDA(cuMemcpyHtoDAsync_v2, CUdeviceptr, const void*, size_t, CUstream);
ANYWARP_CUDA(cuMemcpyHtoDAsync_v2_ptsz, CUdeviceptr, const void*, size_t, CUstream);
ANYWARP_CUDA(cuMemcpyDtoHAsync_v2, void*, CUdeviceptr, size_t, CUstream);
ANYWARP_CUDA(cuMemcpyDtoHAsync_v2_ptsz, void*, CUdeviceptr, size_t, CUstream);
ANYWARP_CUDA(cuMemcpyDtoDAsync_v2, CUdeviceptr, CUdeviceptr, size_t, CUstream);
ANYWARP_CUDA(cuMemcpyDtoDAsync_v2_ptsz, CUdeviceptr, CUdeviceptr, size_t, CUstream);
ANYWARP_CUDA(cuMemcpy2D_v2, const CUDA_MEMCPY2D*);
ANYWARP_CUDA(cuMemcpy2D_v2_ptds, const CUDA_MEMCPY2D*);
ANYWARP_CUDA(cuMemcpy2DUnaligned_v2, const CUDA_MEMCPY2D*);
ANYWARP_CUDA(cuMemcpy2DUnaligned_v2_ptds, const CUDA_MEMCPY2D*);
ANYWARP_CUDA(cuMemcpy2DAsync_v2, const CUDA_MEMCPY2D*, CUstream);
ANYWARP_CUDA(cuMemcpy2DAsync_v2_ptsz, const CUDA_MEMCPY2D*, CUstream);
ANYWARP_CUDA(cuMemcpy3D_v2, const CUDA_MEMCPY3D*);
ANYWARP_CUDA(cuMemcpy3D_v2_ptds, const CUDA_MEMCPY3D*);
ANYWARP_CUDA(cuMemcpy3DAsync_v2, const CUDA_MEMCPY3D*, CUstream);
ANYWARP_CUDA(cuMemcpy3DAsync_v2_ptsz, const CUDA_MEMCPY3D*, CUstream);
ANYWARP_CUDA(cuMemcpy3DPeer, const CUDA_MEMCPY3D_PEER*);
ANYWARP_CUDA(cuMemcpy3DPeer_ptds, const CUDA_MEMCPY3D_PEER*);
ANYWARP_CUDA(cuMemcpy3DPeerAsync, const CUDA_MEMCPY3D_PEER*, CUstream);
ANYWARP_CUDA(cuMemcpy3DPeerAsync_ptsz, const CUDA_MEMCPY3D_PEER*, CUstream);
ANYWARP_CUDA(cuMemsetD8_v2, CUdeviceptr, unsigned char, size_t);
ANYWARP_CUDA(cuMemsetD8_v2_ptds, CUdeviceptr, unsigned char, size_t);
ANYWARP_CUDA(cuMemsetD16_v2, CUdeviceptr, unsigned short, size_t);
ANYWARP_CUDA(cuMemsetD16_v2_ptds, CUdeviceptr, unsigned short, size_t);
ANYWARP_CUDA(cuMemsetD32_v2, CUdeviceptr, unsigned, size_t);
ANYWARP_CUDA(cuMemsetD32_v2_ptds, CUdeviceptr, unsigned, size_t);
ANYWARP_CUDA(cuMemsetD2D8_v2, CUdeviceptr, size_t, unsigned char, size_t, size_t);
ANYWARP_CUDA(cuMemsetD2D8_v2_ptds, CUdeviceptr, size_t, unsigned char, size_t, size_t);
ANYWARP_CUDA(cuMemsetD2D16_v2, CUdeviceptr, size_t, unsigned short, size_t, size_t);
ANYWARP_CUDA(cuMemsetD2D16_v2_ptds, CUdeviceptr, size_t, unsigned short, size_t, size_t);
ANYWARP_CUDA(cuMemsetD2D32_v2, CUdeviceptr, size_t, unsigned, size_t, size_t);
ANYWARP_CUDA(cuMemsetD2D32_v2_ptds, CUdeviceptr, size_t, unsigned, size_t, size_t);
ANYWARP_CUDA(cuMemsetD8Async, CUdeviceptr, unsigned char, size_t, CUstream);
ANYWARP_CUDA(cuMemsetD8Async_ptsz, CUdeviceptr, unsigned char, size_t, CUstream);
ANYWARP_CUDA(cuMemsetD16Async, CUdeviceptr, unsigned short, size_t, CUstream);
ANYWARP_CUDA(cuMemsetD16Async_ptsz, CUdeviceptr, unsigned short, size_t, CUstream);
ANYWARP_CUDA(cuMemsetD32Async, CUdeviceptr, unsigned, size_t, CUstream);
ANYWARP_CUDA(cuMemsetD32Async_ptsz, CUdeviceptr, unsigned, size_t, CUstream);
ANYWARP_CUDA(cuMemsetD2D8Async, CUdeviceptr, size_t, unsigned char, size_t, size_t, CUstream);
ANYWARP_CUDA(cuMemsetD2D8Async_ptsz, CUdeviceptr, size_t, unsigned char, size_t, size_t, CUstream);
ANYWARP_CUDA(cuMemsetD2D16Async, CUdeviceptr, size_t, unsigned short, size_t, size_t, CUstream);
ANYWARP_CUDA(cuMemsetD2D16Async_ptsz, CUdeviceptr, size_t, unsigned short, size_t, size_t, CUstream);
ANYWARP_CUDA(cuMemsetD2D32Async, CUdeviceptr, size_t, unsigned, size_t, size_t, CUstream);
ANYWARP_CUDA(cuMemsetD2D32Async_ptsz, CUdeviceptr, size_t, unsigned, size_t, size_t, CUstream);
ANYWARP_CUDA(cuArrayCreate_v2, CUarray*, const CUDA_ARRAY_DESCRIPTOR*);
ANYWARP_CUDA(cuArrayGetDescriptor_v2, CUDA_ARRAY_DESCRIPTOR*, CUarray);
ANYWARP_CUDA(cuArray3DCreate_v2, CUarray*, const CUDA_ARRAY3D_DESCRIPTOR*);
ANYWARP_CUDA(cuArray3DGetDescriptor_v2, CUDA_ARRAY3D_DESCRIPTOR*, CUarray);
ANYWARP_CUDA(cuArrayDestroy, CUarray);
ANYWARP_CUDA(cuMemcpyDtoA_v2, CUarray, size_t, CUdeviceptr, size_t);
ANYWARP_CUDA(cuMemcpyDtoA_v2_ptds, CUarray, size_t, CUdeviceptr, size_t);
ANYWARP_CUDA(cuMemcpyAtoD_v2, CUdeviceptr, CUarray, size_t, size_t);
ANYWARP_CUDA(cuMemcpyAtoD_v2_ptds, CUdeviceptr, CUarray, size_t, size_t);
ANYWARP_CUDA(cuMemcpyHtoA_v2, CUarray, size_t, const void*, size_t);
ANYWARP_CUDA(cuMemcpyHtoA_v2_ptds, CUarray, size_t, const void*, size_t);
ANYWARP_CUDA(cuMemcpyAtoH_v2, void*, CUarray, size_t, size_t);
ANYWARP_CUDA(cuMemcpyAtoH_v2_ptds, void*, CUarray, size_t, size_t);
ANYWARP_CUDA(cuMemcpyAtoA_v2, CUarray, size_t, CUarray, size_t, size_t);
ANYWARP_CUDA(cuMemcpyAtoA_v2_ptds, CUarray, size_t, CUarray, size_t, size_t);
ANYWARP_CUDA(cuMemcpyHtoAAsync_v2, CUarray, size_t, const void*, size_t, CUstream);
ANYWARP_CUDA(cuMemcpyHtoAAsync_v2_ptsz, CUarray, size_t, const void*, size_t, CUstream);
ANYWARP_CUDA(cuMemcpyAtoHAsync_v2, void*, CUarray, size_t, size_t, CUstream);
ANYWARP_CUDA(cuMemcpyAtoHAsync_v2_ptsz, void*, CUarray, size_t, size_t, CUstream);

// Virtual Memory Management.
ANYWARP_CUDA(cuMemAddressReserve, CUdeviceptr*, size_t, size_t, CUdeviceptr, unsigned long long);
ANYWARP_CUDA(cuMemAddressFree, CUdeviceptr, size_t);
ANYWARP_CUDA(cuMemCreate, CUmemGenericAllocationHandle*, size_t, const CUmemAllocationProp*, unsigned long long);
ANYWARP_CUDA(cuMemRelease, CUmemGenericAllocationHandle);
ANYWARP_CUDA(cuMemMap, CUdeviceptr, size_t, size_t, CUmemGenericAllocationHandle, unsigned long long);
ANYWARP_CUDA(cuMemUnmap, CUdeviceptr, size_t);
ANYWARP_CUDA(cuMemSetAccess, CUdeviceptr, size_t, const CUmemAccessDesc*, size_t);
ANYWARP_CUDA(cuMemGetAccess, unsigned long long*, const CUmemLocation*, CUdeviceptr);
ANYWARP_CUDA(cuMemGetAllocationGranularity, size_t*, const CUmemAllocationProp*, CUmemAllocationGranularity_flags);
ANYWARP_CUDA(cuMemGetAllocationPropertiesFromHandle, CUmemAllocationProp*, CUmemGenericAllocationHandle);
ANYWARP_CUDA(cuMemRetainAllocationHandle, CUmemGenericAllocationHandle*, void*);

// Stream Ordered Memory Allocator.
ANYWARP_CUDA(cuMemAllocAsync, CUdeviceptr*, size_t, CUstream);
ANYWARP_CUDA(cuMemAllocAsync_ptsz, CUdeviceptr*, size_t, CUstream);
ANYWARP_CUDA(cuMemFreeAsync, CUdeviceptr, CUstream);
ANYWARP_CUDA(cuMemFreeAsync_ptsz, CUdeviceptr, CUstream);
ANYWARP_CUDA(cuMemAllocFromPoolAsync, CUdeviceptr*, size_t, CUmemoryPool, CUstream);
ANYWARP_CUDA(cuMemAllocFromPoolAsync_ptsz, CUdeviceptr*, size_t, CUmemoryPool, CUstream);
ANYWARP_CUDA(cuMemPoolCreate, CUmemoryPool*, const CUmemPoolProps*);
ANYWARP_CUDA(cuMemPoolDestroy, CUmemoryPool);
ANYWARP_CUDA(cuMemPoolTrimTo, CUmemoryPool, size_t);
ANYWARP_CUDA(cuMemPoolSetAttribute, CUmemoryPool, CUmemPool_attribute, void*);
ANYWARP_CUDA(cuMemPoolGetAttribute, CUmemoryPool, CUmemPool_attribute, void*);
ANYWARP_CUDA(cuMemPoolSetAccess, CUmemoryPool, const CUmemAccessDesc*, size_t);
ANYWARP_CUDA(cuMemPoolGetAccess, CUmemAccess_flags*, CUmemoryPool, CUmemLocation*);

// Unified Addressing.
ANYWARP_CUDA(cuPointerGetAttribute, void*, CUpointer_attribute, CUdeviceptr);
ANYWARP_CUDA(cuPointerGetAttributes, unsigned, CUpointer_attribute*, void**, CUdeviceptr);
ANYWARP_CUDA(cuPointerSetAttribute, const void*, CUpointer_attribute, CUdeviceptr);
ANYWARP_CUDA(cuMemPrefetchAsync, CUdeviceptr, size_t, CUdevice, CUstream);
ANYWARP_CUDA(cuMemPrefetchAsync_ptsz, CUdeviceptr, size_t, CUdevice, CUstream);
ANYWARP_CUDA(cuMemPrefetchAsync_v2, CUdeviceptr, size_t, CUmemLocation, unsigned, CUstream);
ANYWARP_CUDA(cuMemPrefetchAsync_v2_ptsz, CUdeviceptr, size_t, CUmemLocation, unsigned, CUstream);
ANYWARP_CUDA(cuMemAdvise, CUdeviceptr, size_t, CUmem_advise, CUdevice);
ANYWARP_CUDA(cuMemAdvise_v2, CUdeviceptr, size_t, CUmem_advise, CUmemLocation);
ANYWARP_CUDA(cuMemRangeGetAttribute, void*, size_t, CUmem_range_attribute, CUdeviceptr, size_t);
ANYWARP_CUDA(cuMemRangeGetAttributes, void**, size_t*, CUmem_range_attribute*, size_t, CUdeviceptr, size_t);

// Stream Management.
ANYWARP_CUDA(cuStreamCreate, CUstream*, unsigned);
ANYWARP_CUDA(cuStreamCreateWithPriority, CUstream*, unsigned, int);
ANYWARP_CUDA(cuStreamGetPriority, CUstream, int*);
ANYWARP_CUDA(cuStreamGetPriority_ptsz, CUstream, int*);
ANYWARP_CUDA(cuStreamGetFlags, CUstream, unsigned*);
ANYWARP_CUDA(cuStreamGetFlags_ptsz, CUstream, unsigned*);
ANYWARP_CUDA(cuStreamGetId, CUstream, unsigned long long*);
ANYWARP_CUDA(cuStreamGetId_ptsz, CUstream, unsigned long long*);
ANYWARP_CUDA(cuStreamGetDevice, CUstream, CUdevice*);
ANYWARP_CUDA(cuStreamGetDevice_ptsz, CUstream, CUdevice*);
ANYWARP_CUDA(cuStreamGetCtx, CUstream, CUcontext*);
ANYWARP_CUDA(cuStreamGetCtx_ptsz, CUstream, CUcontext*);
ANYWARP_CUDA(cuStreamGetCtx_v2, CUstream, CUcontext*, CUgreenCtx*);
ANYWARP_CUDA(cuStreamGetCtx_v2_ptsz, CUstream, CUcontext*, CUgreenCtx*);
ANYWARP_CUDA(cuStreamWaitEvent, CUstream, CUevent, unsigned);
ANYWARP_CUDA(cuStreamWaitEvent_ptsz, CUstream, CUevent, unsigned);
ANYWARP_CUDA(cuStreamAddCallback, CUstream, CUstreamCallback, void*, unsigned);
ANYWARP_CUDA(cuStreamAddCallback_ptsz, CUstream, CUstreamCallback, void*, unsigned);
ANYWARP_CUDA(cuStreamAttachMemAsync, CUstream, CUdeviceptr, size_t, unsigned);
ANYWARP_CUDA(cuStreamAttachMemAsync_ptsz, CUstream, CUdeviceptr, size_t, unsigned);
ANYWARP_CUDA(cuStreamQuery, CUstream);
ANYWARP_CUDA(cuStreamQuery_ptsz, CUstream);
ANYWARP_CUDA(cuStreamSynchronize, CUstream);
ANYWARP_CUDA(cuStreamSynchronize_ptsz, CUstream);
ANYWARP_CUDA(cuStreamDestroy, CUstream);
ANYWARP_CUDA(cuStreamDestroy_v2, CUstream);
ANYWARP_CUDA(cuStreamCopyAttributes, CUstream, CUstream);
ANYWARP_CUDA(cuStreamCopyAttributes_ptsz, CUstream, CUstream);
ANYWARP_CUDA(cuStreamGetAttribute, CUstream, CUstreamAttrID, CUstreamAttrValue*);
ANYWARP_CUDA(cuStreamGetAttribute_ptsz, CUstream, CUstreamAttrID, CUstreamAttrValue*);
ANYWARP_CUDA(cuStreamSetAttribute, CUstream, CUstreamAttrID, const CUstreamAttrValue*);
ANYWARP_CUDA(cuStreamSetAttribute_ptsz, CUstream, CUstreamAttrID, const CUstreamAttrValue*);
ANYWARP_CUDA(cuStreamIsCapturing, CUstream, CUstreamCaptureStatus*);
ANYWARP_CUDA(cuStreamIsCapturing_ptsz, CUstream, CUstreamCaptureStatus*);
ANYWARP_CUDA(cuStreamGetCaptureInfo, CUstream, CUstreamCaptureStatus*, uint64_t*);
ANYWARP_CUDA(cuStreamGetCaptureInfo_ptsz, CUstream, CUstreamCaptureStatus*, uint64_t*);
ANYWARP_CUDA(cuStreamGetCaptureInfo_v2, CUstream, CUstreamCaptureStatus*, uint64_t*, CUgraph*,
    const CUgraphNode**, size_t*);
ANYWARP_CUDA(cuStreamGetCaptureInfo_v2_ptsz, CUstream, CUstreamCaptureStatus*, uint64_t*, CUgraph*,
    const CUgraphNode**, size_t*);
ANYWARP_CUDA(cuStreamGetCaptureInfo_v3, CUstream, CUstreamCaptureStatus*, uint64_t*, CUgraph*,
    const CUgraphNode**, const CUgraphEdgeData**, size_t*);
ANYWARP_CUDA(cuStreamGetCaptureInfo_v3_ptsz, CUstream, CUstreamCaptureStatus*, uint64_t*, CUgraph*,
    const CUgraphNode**, const CUgraphEdgeData**, size_t*);
ANYWARP_CUDA(cuThreadExchangeStreamCaptureMode, CUstreamCaptureMode*);

// Event Management.
ANYWARP_CUDA(cuEventCreate, CUevent*, unsigned);
ANYWARP_CUDA(cuEventRecord, CUevent, CUstream);
ANYWARP_CUDA(cuEventRecord_ptsz, CUevent, CUstream);
ANYWARP_CUDA(cuEventRecordWithFlags, CUevent, CUstream, unsigned);
ANYWARP_CUDA(cuEventRecordWithFlags_ptsz, CUevent, CUstream, unsigned);
ANYWARP_CUDA(cuEventQuery, CUevent);
ANYWARP_CUDA(cuEventSynchronize, CUevent);
ANYWARP_CUDA(cuEventDestroy, CUevent);
ANYWARP_CUDA(cuEventDestroy_v2, CUevent);
ANYWARP_CUDA(cuEventElapsedTime, float*, CUevent, CUevent);
ANYWARP_CUDA(cuEventElapsedTime_v2, float*, CUevent, CUevent);

// Execution Control.
ANYWARP_CUDA(cuFuncGetAttribute, int*, CUfunction_attribute, CUfunction);
ANYWARP_CUDA(cuFuncSetAttribute, CUfunction, CUfunction_attribute, int);
ANYWARP_CUDA(cuFuncSetCacheConfig, CUfunction, CUfunc_cache);
ANYWARP_CUDA(cuFuncSetSharedMemConfig, CUfunction, CUsharedconfig);
ANYWARP_CUDA(cuFuncGetModule, CUmodule*, CUfunction);
ANYWARP_CUDA(cuFuncGetName, const char**, CUfunction);
ANYWARP_CUDA(cuFuncGetParamInfo, CUfunction, size_t, size_t*, size_t*);
ANYWARP_CUDA(cuFuncIsLoaded, CUfunctionLoadingState*, CUfunction);
ANYWARP_CUDA(cuFuncLoad, CUfunction);
ANYWARP_CUDA(cuLaunchKernel, CUfunction, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned,
    unsigned, CUstream, void**, void**);
ANYWARP_CUDA(cuLaunchKernel_ptsz, CUfunction, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned,
    unsigned, CUstream, void**, void**);
ANYWARP_CUDA(cuLaunchKernelEx, const CUlaunchConfig*, CUfunction, void**, void**);
ANYWARP_CUDA(cuLaunchKernelEx_ptsz, const CUlaunchConfig*, CUfunction, void**, void**);
ANYWARP_CUDA(cuLaunchCooperativeKernel, CUfunction, unsigned, unsigned, unsigned, unsigned, unsigned,
    unsigned, unsigned, CUstream, void**);
ANYWARP_CUDA(cuLaunchCooperativeKernel_ptsz, CUfunction, unsigned, unsigned, unsigned, unsigned,
    unsigned, unsigned, unsigned, CUstream, void**);
ANYWARP_CUDA(cuLaunchHostFunc, CUstream, CUhostFn, void*);
ANYWARP_CUDA(cuLaunchHostFunc_ptsz, CUstream, CUhostFn, void*);
ANYWARP_CUDA(cuFuncSetBlockShape, CUfunction, int, int, int);
ANYWARP_CUDA(cuFuncSetSharedSize, CUfunction, unsigned);
ANYWARP_CUDA(cuParamSetSize, CUfunction, unsigned);
ANYWARP_CUDA(cuParamSeti, CUfunction, int, unsigned);
ANYWARP_CUDA(cuParamSetf, CUfunction, int, float);
ANYWARP_CUDA(cuParamSetv, CUfunction, int, void*, unsigned);
ANYWARP_CUDA(cuLaunch, CUfunction);
ANYWARP_CUDA(cuLaunchGrid, CUfunction, int, int);
ANYWARP_CUDA(cuLaunchGridAsync, CUfunction, int, int, CUstream);

// Occupancy.
ANYWARP_CUDA(cuOccupancyMaxActiveBlocksPerMultiprocessor, int*, CUfunction, int, size_t);
ANYWARP_CUDA(cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags, int*, CUfunction, int, size_t, unsigned);
ANYWARP_CUDA(cuOccupancyMaxPotentialBlockSize, int*, int*, CUfunction, CUoccupancyB2DSize, size_t, int);
ANYWARP_CUDA(cuOccupancyMaxPotentialBlockSizeWithFlags, int*, int*, CUfunction, CUoccupancyB2DSize,
    size_t, int, unsigned);
ANYWARP_CUDA(cuOccupancyAvailableDynamicSMemPerBlock, size_t*, CUfunction, int, int);
ANYWARP_CUDA(cuOccupancyMaxPotentialClusterSize, int*, CUfunction, const CUlaunchConfig*);
ANYWARP_CUDA(cuOccupancyMaxActiveClusters, int*, CUfunction, const CUlaunchConfig*);

// Peer Context Memory Access.
ANYWARP_CUDA(cuDeviceCanAccessPeer, int*, CUdevice, CUdevice);
ANYWARP_CUDA(cuCtxEnablePeerAccess, CUcontext, unsigned);
ANYWARP_CUDA(cuCtxDisablePeerAccess, CUcontext);
ANYWARP_CUDA(cuDeviceGetP2PAttribute, int*, CUdevice_P2PAttribute, CUdevice, CUdevice);

// Profiler Control.
ANYWARP_CUDA(cuProfilerInitialize, const char*, const char*, CUoutput_mode);
ANYWARP_CUDA(cuProfilerStart);
ANYWARP_CUDA(cuProfilerStop);

}  // extern "C"
