// The CUDA driver API as we export it: every function that libcuda.so.1 implements, under its ABI name (Driver API Reference).
// The whole API, with what is missing, is the table driver/api.def. SPDX-License-Identifier: Apache-2.0
#pragma once

#include "abi/cuda_types.h"

#define ANYWARP_CUDA_API __attribute__((visibility("default")))

extern "C" {

// Initialization.
ANYWARP_CUDA_API CUresult cuInit(unsigned);

// Version Management.
ANYWARP_CUDA_API CUresult cuDriverGetVersion(int*);

// Error Handling.
ANYWARP_CUDA_API CUresult cuGetErrorString(CUresult, const char**);
ANYWARP_CUDA_API CUresult cuGetErrorName(CUresult, const char**);

// Driver Entry Point Access.
ANYWARP_CUDA_API CUresult cuGetProcAddress(const char*, void**, int, uint64_t);
ANYWARP_CUDA_API CUresult cuGetProcAddress_v2(const char*, void**, int, uint64_t, CUdriverProcAddressQueryResult*);
ANYWARP_CUDA_API CUresult cuGetExportTable(const void**, const CUuuid*);

// Device Management.
ANYWARP_CUDA_API CUresult cuDeviceGet(CUdevice*, int);
ANYWARP_CUDA_API CUresult cuDeviceGetCount(int*);
ANYWARP_CUDA_API CUresult cuDeviceGetName(char*, int, CUdevice);
ANYWARP_CUDA_API CUresult cuDeviceGetUuid(CUuuid*, CUdevice);
ANYWARP_CUDA_API CUresult cuDeviceGetUuid_v2(CUuuid*, CUdevice);
ANYWARP_CUDA_API CUresult cuDeviceGetLuid(char*, unsigned*, CUdevice);
ANYWARP_CUDA_API CUresult cuDeviceTotalMem_v2(size_t*, CUdevice);
ANYWARP_CUDA_API CUresult cuDeviceGetTexture1DLinearMaxWidth(size_t*, CUarray_format, unsigned, CUdevice);
ANYWARP_CUDA_API CUresult cuDeviceGetAttribute(int*, CUdevice_attribute, CUdevice);
ANYWARP_CUDA_API CUresult cuDeviceGetExecAffinitySupport(int*, CUexecAffinityType, CUdevice);
ANYWARP_CUDA_API CUresult cuDeviceGetProperties(CUdevprop*, CUdevice);
ANYWARP_CUDA_API CUresult cuDeviceComputeCapability(int*, int*, CUdevice);
ANYWARP_CUDA_API CUresult cuDeviceGetByPCIBusId(CUdevice*, const char*);
ANYWARP_CUDA_API CUresult cuDeviceGetPCIBusId(char*, int, CUdevice);
ANYWARP_CUDA_API CUresult cuFlushGPUDirectRDMAWrites(CUflushGPUDirectRDMAWritesTarget, CUflushGPUDirectRDMAWritesScope);
ANYWARP_CUDA_API CUresult cuDeviceSetMemPool(CUdevice, CUmemoryPool);
ANYWARP_CUDA_API CUresult cuDeviceGetMemPool(CUmemoryPool*, CUdevice);
ANYWARP_CUDA_API CUresult cuDeviceGetDefaultMemPool(CUmemoryPool*, CUdevice);

// Primary Context Management.
ANYWARP_CUDA_API CUresult cuDevicePrimaryCtxRetain(CUcontext*, CUdevice);
ANYWARP_CUDA_API CUresult cuDevicePrimaryCtxRelease(CUdevice);
ANYWARP_CUDA_API CUresult cuDevicePrimaryCtxRelease_v2(CUdevice);
ANYWARP_CUDA_API CUresult cuDevicePrimaryCtxSetFlags(CUdevice, unsigned);
ANYWARP_CUDA_API CUresult cuDevicePrimaryCtxSetFlags_v2(CUdevice, unsigned);
ANYWARP_CUDA_API CUresult cuDevicePrimaryCtxGetState(CUdevice, unsigned*, int*);
ANYWARP_CUDA_API CUresult cuDevicePrimaryCtxReset(CUdevice);
ANYWARP_CUDA_API CUresult cuDevicePrimaryCtxReset_v2(CUdevice);

// Context Management.
ANYWARP_CUDA_API CUresult cuCtxCreate(CUcontext*, unsigned, CUdevice);
ANYWARP_CUDA_API CUresult cuCtxCreate_v2(CUcontext*, unsigned, CUdevice);
ANYWARP_CUDA_API CUresult cuCtxCreate_v3(CUcontext*, CUexecAffinityParam*, int, unsigned, CUdevice);
ANYWARP_CUDA_API CUresult cuCtxCreate_v4(CUcontext*, CUctxCreateParams*, unsigned, CUdevice);
ANYWARP_CUDA_API CUresult cuCtxDestroy(CUcontext);
ANYWARP_CUDA_API CUresult cuCtxDestroy_v2(CUcontext);
ANYWARP_CUDA_API CUresult cuCtxPushCurrent(CUcontext);
ANYWARP_CUDA_API CUresult cuCtxPushCurrent_v2(CUcontext);
ANYWARP_CUDA_API CUresult cuCtxPopCurrent(CUcontext*);
ANYWARP_CUDA_API CUresult cuCtxPopCurrent_v2(CUcontext*);
ANYWARP_CUDA_API CUresult cuCtxSetCurrent(CUcontext);
ANYWARP_CUDA_API CUresult cuCtxGetCurrent(CUcontext*);
ANYWARP_CUDA_API CUresult cuCtxGetDevice(CUdevice*);
ANYWARP_CUDA_API CUresult cuCtxGetDevice_v2(CUdevice*, CUcontext);
ANYWARP_CUDA_API CUresult cuCtxGetFlags(unsigned*);
ANYWARP_CUDA_API CUresult cuCtxSetFlags(unsigned);
ANYWARP_CUDA_API CUresult cuCtxGetId(CUcontext, unsigned long long*);
ANYWARP_CUDA_API CUresult cuCtxSynchronize();
ANYWARP_CUDA_API CUresult cuCtxSynchronize_v2(CUcontext);
ANYWARP_CUDA_API CUresult cuCtxSetLimit(CUlimit, size_t);
ANYWARP_CUDA_API CUresult cuCtxGetLimit(size_t*, CUlimit);
ANYWARP_CUDA_API CUresult cuCtxGetCacheConfig(CUfunc_cache*);
ANYWARP_CUDA_API CUresult cuCtxSetCacheConfig(CUfunc_cache);
ANYWARP_CUDA_API CUresult cuCtxGetSharedMemConfig(CUsharedconfig*);
ANYWARP_CUDA_API CUresult cuCtxSetSharedMemConfig(CUsharedconfig);
ANYWARP_CUDA_API CUresult cuCtxGetApiVersion(CUcontext, unsigned*);
ANYWARP_CUDA_API CUresult cuCtxGetStreamPriorityRange(int*, int*);
ANYWARP_CUDA_API CUresult cuCtxResetPersistingL2Cache();
ANYWARP_CUDA_API CUresult cuCtxGetExecAffinity(CUexecAffinityParam*, CUexecAffinityType);

// Module Management.
ANYWARP_CUDA_API CUresult cuModuleLoad(CUmodule*, const char*);
ANYWARP_CUDA_API CUresult cuModuleLoadData(CUmodule*, const void*);
ANYWARP_CUDA_API CUresult cuModuleLoadDataEx(CUmodule*, const void*, unsigned, CUjit_option*, void**);
ANYWARP_CUDA_API CUresult cuModuleLoadFatBinary(CUmodule*, const void*);
ANYWARP_CUDA_API CUresult cuModuleUnload(CUmodule);
ANYWARP_CUDA_API CUresult cuModuleGetLoadingMode(CUmoduleLoadingMode*);
ANYWARP_CUDA_API CUresult cuModuleGetFunction(CUfunction*, CUmodule, const char*);
ANYWARP_CUDA_API CUresult cuModuleGetFunctionCount(unsigned*, CUmodule);
ANYWARP_CUDA_API CUresult cuModuleEnumerateFunctions(CUfunction*, unsigned, CUmodule);
ANYWARP_CUDA_API CUresult cuModuleGetGlobal_v2(CUdeviceptr*, size_t*, CUmodule, const char*);
ANYWARP_CUDA_API CUresult cuLinkCreate(unsigned, CUjit_option*, void**, CUlinkState*);
ANYWARP_CUDA_API CUresult cuLinkCreate_v2(unsigned, CUjit_option*, void**, CUlinkState*);
ANYWARP_CUDA_API CUresult cuLinkAddData(CUlinkState, CUjitInputType, void*, size_t, const char*, unsigned,
    CUjit_option*, void**);
ANYWARP_CUDA_API CUresult cuLinkAddData_v2(CUlinkState, CUjitInputType, void*, size_t, const char*, unsigned,
    CUjit_option*, void**);
ANYWARP_CUDA_API CUresult cuLinkAddFile(CUlinkState, CUjitInputType, const char*, unsigned, CUjit_option*, void**);
ANYWARP_CUDA_API CUresult cuLinkAddFile_v2(CUlinkState, CUjitInputType, const char*, unsigned, CUjit_option*, void**);
ANYWARP_CUDA_API CUresult cuLinkComplete(CUlinkState, void**, size_t*);
ANYWARP_CUDA_API CUresult cuLinkDestroy(CUlinkState);

// Library Management.
ANYWARP_CUDA_API CUresult cuLibraryLoadData(CUlibrary*, const void*, CUjit_option*, void**, unsigned,
    CUlibraryOption*, void**, unsigned);
ANYWARP_CUDA_API CUresult cuLibraryLoadFromFile(CUlibrary*, const char*, CUjit_option*, void**, unsigned,
    CUlibraryOption*, void**, unsigned);
ANYWARP_CUDA_API CUresult cuLibraryUnload(CUlibrary);
ANYWARP_CUDA_API CUresult cuLibraryGetKernel(CUkernel*, CUlibrary, const char*);
ANYWARP_CUDA_API CUresult cuLibraryGetKernelCount(unsigned*, CUlibrary);
ANYWARP_CUDA_API CUresult cuLibraryEnumerateKernels(CUkernel*, unsigned, CUlibrary);
ANYWARP_CUDA_API CUresult cuLibraryGetModule(CUmodule*, CUlibrary);
ANYWARP_CUDA_API CUresult cuLibraryGetGlobal(CUdeviceptr*, size_t*, CUlibrary, const char*);
ANYWARP_CUDA_API CUresult cuLibraryGetManaged(CUdeviceptr*, size_t*, CUlibrary, const char*);
ANYWARP_CUDA_API CUresult cuLibraryGetUnifiedFunction(void**, CUlibrary, const char*);
ANYWARP_CUDA_API CUresult cuKernelGetFunction(CUfunction*, CUkernel);
ANYWARP_CUDA_API CUresult cuKernelGetLibrary(CUlibrary*, CUkernel);
ANYWARP_CUDA_API CUresult cuKernelGetAttribute(int*, CUfunction_attribute, CUkernel, CUdevice);
ANYWARP_CUDA_API CUresult cuKernelSetAttribute(CUfunction_attribute, int, CUkernel, CUdevice);
ANYWARP_CUDA_API CUresult cuKernelSetCacheConfig(CUkernel, CUfunc_cache, CUdevice);
ANYWARP_CUDA_API CUresult cuKernelGetName(const char**, CUkernel);
ANYWARP_CUDA_API CUresult cuKernelGetParamInfo(CUkernel, size_t, size_t*, size_t*);

// Memory Management.
ANYWARP_CUDA_API CUresult cuMemGetInfo_v2(size_t*, size_t*);
ANYWARP_CUDA_API CUresult cuMemAlloc_v2(CUdeviceptr*, size_t);
ANYWARP_CUDA_API CUresult cuMemAllocPitch_v2(CUdeviceptr*, size_t*, size_t, size_t, unsigned);
ANYWARP_CUDA_API CUresult cuMemFree_v2(CUdeviceptr);
ANYWARP_CUDA_API CUresult cuMemGetAddressRange_v2(CUdeviceptr*, size_t*, CUdeviceptr);
ANYWARP_CUDA_API CUresult cuMemAllocHost(void**, unsigned);
ANYWARP_CUDA_API CUresult cuMemAllocHost_v2(void**, size_t);
ANYWARP_CUDA_API CUresult cuMemFreeHost(void*);
ANYWARP_CUDA_API CUresult cuMemHostAlloc(void**, size_t, unsigned);
ANYWARP_CUDA_API CUresult cuMemHostGetDevicePointer_v2(CUdeviceptr*, void*, unsigned);
ANYWARP_CUDA_API CUresult cuMemHostGetFlags(unsigned*, void*);
ANYWARP_CUDA_API CUresult cuMemHostRegister(void*, size_t, unsigned);
ANYWARP_CUDA_API CUresult cuMemHostRegister_v2(void*, size_t, unsigned);
ANYWARP_CUDA_API CUresult cuMemHostUnregister(void*);
ANYWARP_CUDA_API CUresult cuMemAllocManaged(CUdeviceptr*, size_t, unsigned);
ANYWARP_CUDA_API CUresult cuMemcpy(CUdeviceptr, CUdeviceptr, size_t);
ANYWARP_CUDA_API CUresult cuMemcpy_ptds(CUdeviceptr, CUdeviceptr, size_t);
ANYWARP_CUDA_API CUresult cuMemcpyAsync(CUdeviceptr, CUdeviceptr, size_t, CUstream);
ANYWARP_CUDA_API CUresult cuMemcpyAsync_ptsz(CUdeviceptr, CUdeviceptr, size_t, CUstream);
ANYWARP_CUDA_API CUresult cuMemcpyPeer(CUdeviceptr, CUcontext, CUdeviceptr, CUcontext, size_t);
ANYWARP_CUDA_API CUresult cuMemcpyPeer_ptds(CUdeviceptr, CUcontext, CUdeviceptr, CUcontext, size_t);
ANYWARP_CUDA_API CUresult cuMemcpyPeerAsync(CUdeviceptr, CUcontext, CUdeviceptr, CUcontext, size_t, CUstream);
ANYWARP_CUDA_API CUresult cuMemcpyPeerAsync_ptsz(CUdeviceptr, CUcontext, CUdeviceptr, CUcontext, size_t, CUstream);
ANYWARP_CUDA_API CUresult cuMemcpyHtoD_v2(CUdeviceptr, const void*, size_t);
ANYWARP_CUDA_API CUresult cuMemcpyHtoD_v2_ptds(CUdeviceptr, const void*, size_t);
ANYWARP_CUDA_API CUresult cuMemcpyDtoH_v2(void*, CUdeviceptr, size_t);
ANYWARP_CUDA_API CUresult cuMemcpyDtoH_v2_ptds(void*, CUdeviceptr, size_t);
ANYWARP_CUDA_API CUresult cuMemcpyDtoD_v2(CUdeviceptr, CUdeviceptr, size_t);
ANYWARP_CUDA_API CUresult cuMemcpyDtoD_v2_ptds(CUdeviceptr, CUdeviceptr, size_t);
ANYWARP_CUDA_API CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr, const void*, size_t, CUstream);
ANYWARP_CUDA_API CUresult cuMemcpyHtoDAsync_v2_ptsz(CUdeviceptr, const void*, size_t, CUstream);
ANYWARP_CUDA_API CUresult cuMemcpyDtoHAsync_v2(void*, CUdeviceptr, size_t, CUstream);
ANYWARP_CUDA_API CUresult cuMemcpyDtoHAsync_v2_ptsz(void*, CUdeviceptr, size_t, CUstream);
ANYWARP_CUDA_API CUresult cuMemcpyDtoDAsync_v2(CUdeviceptr, CUdeviceptr, size_t, CUstream);
ANYWARP_CUDA_API CUresult cuMemcpyDtoDAsync_v2_ptsz(CUdeviceptr, CUdeviceptr, size_t, CUstream);
ANYWARP_CUDA_API CUresult cuMemcpy2D_v2(const CUDA_MEMCPY2D*);
ANYWARP_CUDA_API CUresult cuMemcpy2D_v2_ptds(const CUDA_MEMCPY2D*);
ANYWARP_CUDA_API CUresult cuMemcpy2DUnaligned_v2(const CUDA_MEMCPY2D*);
ANYWARP_CUDA_API CUresult cuMemcpy2DUnaligned_v2_ptds(const CUDA_MEMCPY2D*);
ANYWARP_CUDA_API CUresult cuMemcpy2DAsync_v2(const CUDA_MEMCPY2D*, CUstream);
ANYWARP_CUDA_API CUresult cuMemcpy2DAsync_v2_ptsz(const CUDA_MEMCPY2D*, CUstream);
ANYWARP_CUDA_API CUresult cuMemcpy3D_v2(const CUDA_MEMCPY3D*);
ANYWARP_CUDA_API CUresult cuMemcpy3D_v2_ptds(const CUDA_MEMCPY3D*);
ANYWARP_CUDA_API CUresult cuMemcpy3DAsync_v2(const CUDA_MEMCPY3D*, CUstream);
ANYWARP_CUDA_API CUresult cuMemcpy3DAsync_v2_ptsz(const CUDA_MEMCPY3D*, CUstream);
ANYWARP_CUDA_API CUresult cuMemcpy3DPeer(const CUDA_MEMCPY3D_PEER*);
ANYWARP_CUDA_API CUresult cuMemcpy3DPeer_ptds(const CUDA_MEMCPY3D_PEER*);
ANYWARP_CUDA_API CUresult cuMemcpy3DPeerAsync(const CUDA_MEMCPY3D_PEER*, CUstream);
ANYWARP_CUDA_API CUresult cuMemcpy3DPeerAsync_ptsz(const CUDA_MEMCPY3D_PEER*, CUstream);
ANYWARP_CUDA_API CUresult cuMemsetD8_v2(CUdeviceptr, unsigned char, size_t);
ANYWARP_CUDA_API CUresult cuMemsetD8_v2_ptds(CUdeviceptr, unsigned char, size_t);
ANYWARP_CUDA_API CUresult cuMemsetD16_v2(CUdeviceptr, unsigned short, size_t);
ANYWARP_CUDA_API CUresult cuMemsetD16_v2_ptds(CUdeviceptr, unsigned short, size_t);
ANYWARP_CUDA_API CUresult cuMemsetD32_v2(CUdeviceptr, unsigned, size_t);
ANYWARP_CUDA_API CUresult cuMemsetD32_v2_ptds(CUdeviceptr, unsigned, size_t);
ANYWARP_CUDA_API CUresult cuMemsetD2D8_v2(CUdeviceptr, size_t, unsigned char, size_t, size_t);
ANYWARP_CUDA_API CUresult cuMemsetD2D8_v2_ptds(CUdeviceptr, size_t, unsigned char, size_t, size_t);
ANYWARP_CUDA_API CUresult cuMemsetD2D16_v2(CUdeviceptr, size_t, unsigned short, size_t, size_t);
ANYWARP_CUDA_API CUresult cuMemsetD2D16_v2_ptds(CUdeviceptr, size_t, unsigned short, size_t, size_t);
ANYWARP_CUDA_API CUresult cuMemsetD2D32_v2(CUdeviceptr, size_t, unsigned, size_t, size_t);
ANYWARP_CUDA_API CUresult cuMemsetD2D32_v2_ptds(CUdeviceptr, size_t, unsigned, size_t, size_t);
ANYWARP_CUDA_API CUresult cuMemsetD8Async(CUdeviceptr, unsigned char, size_t, CUstream);
ANYWARP_CUDA_API CUresult cuMemsetD8Async_ptsz(CUdeviceptr, unsigned char, size_t, CUstream);
ANYWARP_CUDA_API CUresult cuMemsetD16Async(CUdeviceptr, unsigned short, size_t, CUstream);
ANYWARP_CUDA_API CUresult cuMemsetD16Async_ptsz(CUdeviceptr, unsigned short, size_t, CUstream);
ANYWARP_CUDA_API CUresult cuMemsetD32Async(CUdeviceptr, unsigned, size_t, CUstream);
ANYWARP_CUDA_API CUresult cuMemsetD32Async_ptsz(CUdeviceptr, unsigned, size_t, CUstream);
ANYWARP_CUDA_API CUresult cuMemsetD2D8Async(CUdeviceptr, size_t, unsigned char, size_t, size_t, CUstream);
ANYWARP_CUDA_API CUresult cuMemsetD2D8Async_ptsz(CUdeviceptr, size_t, unsigned char, size_t, size_t, CUstream);
ANYWARP_CUDA_API CUresult cuMemsetD2D16Async(CUdeviceptr, size_t, unsigned short, size_t, size_t, CUstream);
ANYWARP_CUDA_API CUresult cuMemsetD2D16Async_ptsz(CUdeviceptr, size_t, unsigned short, size_t, size_t, CUstream);
ANYWARP_CUDA_API CUresult cuMemsetD2D32Async(CUdeviceptr, size_t, unsigned, size_t, size_t, CUstream);
ANYWARP_CUDA_API CUresult cuMemsetD2D32Async_ptsz(CUdeviceptr, size_t, unsigned, size_t, size_t, CUstream);
ANYWARP_CUDA_API CUresult cuArrayCreate_v2(CUarray*, const CUDA_ARRAY_DESCRIPTOR*);
ANYWARP_CUDA_API CUresult cuArrayGetDescriptor_v2(CUDA_ARRAY_DESCRIPTOR*, CUarray);
ANYWARP_CUDA_API CUresult cuArray3DCreate_v2(CUarray*, const CUDA_ARRAY3D_DESCRIPTOR*);
ANYWARP_CUDA_API CUresult cuArray3DGetDescriptor_v2(CUDA_ARRAY3D_DESCRIPTOR*, CUarray);
ANYWARP_CUDA_API CUresult cuArrayDestroy(CUarray);
ANYWARP_CUDA_API CUresult cuMemcpyDtoA_v2(CUarray, size_t, CUdeviceptr, size_t);
ANYWARP_CUDA_API CUresult cuMemcpyDtoA_v2_ptds(CUarray, size_t, CUdeviceptr, size_t);
ANYWARP_CUDA_API CUresult cuMemcpyAtoD_v2(CUdeviceptr, CUarray, size_t, size_t);
ANYWARP_CUDA_API CUresult cuMemcpyAtoD_v2_ptds(CUdeviceptr, CUarray, size_t, size_t);
ANYWARP_CUDA_API CUresult cuMemcpyHtoA_v2(CUarray, size_t, const void*, size_t);
ANYWARP_CUDA_API CUresult cuMemcpyHtoA_v2_ptds(CUarray, size_t, const void*, size_t);
ANYWARP_CUDA_API CUresult cuMemcpyAtoH_v2(void*, CUarray, size_t, size_t);
ANYWARP_CUDA_API CUresult cuMemcpyAtoH_v2_ptds(void*, CUarray, size_t, size_t);
ANYWARP_CUDA_API CUresult cuMemcpyAtoA_v2(CUarray, size_t, CUarray, size_t, size_t);
ANYWARP_CUDA_API CUresult cuMemcpyAtoA_v2_ptds(CUarray, size_t, CUarray, size_t, size_t);
ANYWARP_CUDA_API CUresult cuMemcpyHtoAAsync_v2(CUarray, size_t, const void*, size_t, CUstream);
ANYWARP_CUDA_API CUresult cuMemcpyHtoAAsync_v2_ptsz(CUarray, size_t, const void*, size_t, CUstream);
ANYWARP_CUDA_API CUresult cuMemcpyAtoHAsync_v2(void*, CUarray, size_t, size_t, CUstream);
ANYWARP_CUDA_API CUresult cuMemcpyAtoHAsync_v2_ptsz(void*, CUarray, size_t, size_t, CUstream);

// Virtual Memory Management.
ANYWARP_CUDA_API CUresult cuMemAddressReserve(CUdeviceptr*, size_t, size_t, CUdeviceptr, unsigned long long);
ANYWARP_CUDA_API CUresult cuMemAddressFree(CUdeviceptr, size_t);
ANYWARP_CUDA_API CUresult cuMemCreate(CUmemGenericAllocationHandle*, size_t, const CUmemAllocationProp*, unsigned long long);
ANYWARP_CUDA_API CUresult cuMemRelease(CUmemGenericAllocationHandle);
ANYWARP_CUDA_API CUresult cuMemMap(CUdeviceptr, size_t, size_t, CUmemGenericAllocationHandle, unsigned long long);
ANYWARP_CUDA_API CUresult cuMemUnmap(CUdeviceptr, size_t);
ANYWARP_CUDA_API CUresult cuMemSetAccess(CUdeviceptr, size_t, const CUmemAccessDesc*, size_t);
ANYWARP_CUDA_API CUresult cuMemGetAccess(unsigned long long*, const CUmemLocation*, CUdeviceptr);
ANYWARP_CUDA_API CUresult cuMemGetAllocationGranularity(size_t*, const CUmemAllocationProp*, CUmemAllocationGranularity_flags);
ANYWARP_CUDA_API CUresult cuMemGetAllocationPropertiesFromHandle(CUmemAllocationProp*, CUmemGenericAllocationHandle);
ANYWARP_CUDA_API CUresult cuMemRetainAllocationHandle(CUmemGenericAllocationHandle*, void*);

// Stream Ordered Memory Allocator.
ANYWARP_CUDA_API CUresult cuMemAllocAsync(CUdeviceptr*, size_t, CUstream);
ANYWARP_CUDA_API CUresult cuMemAllocAsync_ptsz(CUdeviceptr*, size_t, CUstream);
ANYWARP_CUDA_API CUresult cuMemFreeAsync(CUdeviceptr, CUstream);
ANYWARP_CUDA_API CUresult cuMemFreeAsync_ptsz(CUdeviceptr, CUstream);
ANYWARP_CUDA_API CUresult cuMemAllocFromPoolAsync(CUdeviceptr*, size_t, CUmemoryPool, CUstream);
ANYWARP_CUDA_API CUresult cuMemAllocFromPoolAsync_ptsz(CUdeviceptr*, size_t, CUmemoryPool, CUstream);
ANYWARP_CUDA_API CUresult cuMemPoolCreate(CUmemoryPool*, const CUmemPoolProps*);
ANYWARP_CUDA_API CUresult cuMemPoolDestroy(CUmemoryPool);
ANYWARP_CUDA_API CUresult cuMemPoolTrimTo(CUmemoryPool, size_t);
ANYWARP_CUDA_API CUresult cuMemPoolSetAttribute(CUmemoryPool, CUmemPool_attribute, void*);
ANYWARP_CUDA_API CUresult cuMemPoolGetAttribute(CUmemoryPool, CUmemPool_attribute, void*);
ANYWARP_CUDA_API CUresult cuMemPoolSetAccess(CUmemoryPool, const CUmemAccessDesc*, size_t);
ANYWARP_CUDA_API CUresult cuMemPoolGetAccess(CUmemAccess_flags*, CUmemoryPool, CUmemLocation*);

// Unified Addressing.
ANYWARP_CUDA_API CUresult cuPointerGetAttribute(void*, CUpointer_attribute, CUdeviceptr);
ANYWARP_CUDA_API CUresult cuPointerGetAttributes(unsigned, CUpointer_attribute*, void**, CUdeviceptr);
ANYWARP_CUDA_API CUresult cuPointerSetAttribute(const void*, CUpointer_attribute, CUdeviceptr);
ANYWARP_CUDA_API CUresult cuMemPrefetchAsync(CUdeviceptr, size_t, CUdevice, CUstream);
ANYWARP_CUDA_API CUresult cuMemPrefetchAsync_ptsz(CUdeviceptr, size_t, CUdevice, CUstream);
ANYWARP_CUDA_API CUresult cuMemPrefetchAsync_v2(CUdeviceptr, size_t, CUmemLocation, unsigned, CUstream);
ANYWARP_CUDA_API CUresult cuMemPrefetchAsync_v2_ptsz(CUdeviceptr, size_t, CUmemLocation, unsigned, CUstream);
ANYWARP_CUDA_API CUresult cuMemAdvise(CUdeviceptr, size_t, CUmem_advise, CUdevice);
ANYWARP_CUDA_API CUresult cuMemAdvise_v2(CUdeviceptr, size_t, CUmem_advise, CUmemLocation);
ANYWARP_CUDA_API CUresult cuMemRangeGetAttribute(void*, size_t, CUmem_range_attribute, CUdeviceptr, size_t);
ANYWARP_CUDA_API CUresult cuMemRangeGetAttributes(void**, size_t*, CUmem_range_attribute*, size_t, CUdeviceptr, size_t);

// Stream Management.
ANYWARP_CUDA_API CUresult cuStreamCreate(CUstream*, unsigned);
ANYWARP_CUDA_API CUresult cuStreamCreateWithPriority(CUstream*, unsigned, int);
ANYWARP_CUDA_API CUresult cuStreamGetPriority(CUstream, int*);
ANYWARP_CUDA_API CUresult cuStreamGetPriority_ptsz(CUstream, int*);
ANYWARP_CUDA_API CUresult cuStreamGetFlags(CUstream, unsigned*);
ANYWARP_CUDA_API CUresult cuStreamGetFlags_ptsz(CUstream, unsigned*);
ANYWARP_CUDA_API CUresult cuStreamGetId(CUstream, unsigned long long*);
ANYWARP_CUDA_API CUresult cuStreamGetId_ptsz(CUstream, unsigned long long*);
ANYWARP_CUDA_API CUresult cuStreamGetDevice(CUstream, CUdevice*);
ANYWARP_CUDA_API CUresult cuStreamGetDevice_ptsz(CUstream, CUdevice*);
ANYWARP_CUDA_API CUresult cuStreamGetCtx(CUstream, CUcontext*);
ANYWARP_CUDA_API CUresult cuStreamGetCtx_ptsz(CUstream, CUcontext*);
ANYWARP_CUDA_API CUresult cuStreamGetCtx_v2(CUstream, CUcontext*, CUgreenCtx*);
ANYWARP_CUDA_API CUresult cuStreamGetCtx_v2_ptsz(CUstream, CUcontext*, CUgreenCtx*);
ANYWARP_CUDA_API CUresult cuStreamWaitEvent(CUstream, CUevent, unsigned);
ANYWARP_CUDA_API CUresult cuStreamWaitEvent_ptsz(CUstream, CUevent, unsigned);
ANYWARP_CUDA_API CUresult cuStreamAddCallback(CUstream, CUstreamCallback, void*, unsigned);
ANYWARP_CUDA_API CUresult cuStreamAddCallback_ptsz(CUstream, CUstreamCallback, void*, unsigned);
ANYWARP_CUDA_API CUresult cuStreamAttachMemAsync(CUstream, CUdeviceptr, size_t, unsigned);
ANYWARP_CUDA_API CUresult cuStreamAttachMemAsync_ptsz(CUstream, CUdeviceptr, size_t, unsigned);
ANYWARP_CUDA_API CUresult cuStreamQuery(CUstream);
ANYWARP_CUDA_API CUresult cuStreamQuery_ptsz(CUstream);
ANYWARP_CUDA_API CUresult cuStreamSynchronize(CUstream);
ANYWARP_CUDA_API CUresult cuStreamSynchronize_ptsz(CUstream);
ANYWARP_CUDA_API CUresult cuStreamDestroy(CUstream);
ANYWARP_CUDA_API CUresult cuStreamDestroy_v2(CUstream);
ANYWARP_CUDA_API CUresult cuStreamCopyAttributes(CUstream, CUstream);
ANYWARP_CUDA_API CUresult cuStreamCopyAttributes_ptsz(CUstream, CUstream);
ANYWARP_CUDA_API CUresult cuStreamGetAttribute(CUstream, CUstreamAttrID, CUstreamAttrValue*);
ANYWARP_CUDA_API CUresult cuStreamGetAttribute_ptsz(CUstream, CUstreamAttrID, CUstreamAttrValue*);
ANYWARP_CUDA_API CUresult cuStreamSetAttribute(CUstream, CUstreamAttrID, const CUstreamAttrValue*);
ANYWARP_CUDA_API CUresult cuStreamSetAttribute_ptsz(CUstream, CUstreamAttrID, const CUstreamAttrValue*);
ANYWARP_CUDA_API CUresult cuStreamIsCapturing(CUstream, CUstreamCaptureStatus*);
ANYWARP_CUDA_API CUresult cuStreamIsCapturing_ptsz(CUstream, CUstreamCaptureStatus*);
ANYWARP_CUDA_API CUresult cuStreamGetCaptureInfo(CUstream, CUstreamCaptureStatus*, uint64_t*);
ANYWARP_CUDA_API CUresult cuStreamGetCaptureInfo_ptsz(CUstream, CUstreamCaptureStatus*, uint64_t*);
ANYWARP_CUDA_API CUresult cuStreamGetCaptureInfo_v2(CUstream, CUstreamCaptureStatus*, uint64_t*, CUgraph*,
    const CUgraphNode**, size_t*);
ANYWARP_CUDA_API CUresult cuStreamGetCaptureInfo_v2_ptsz(CUstream, CUstreamCaptureStatus*, uint64_t*, CUgraph*,
    const CUgraphNode**, size_t*);
ANYWARP_CUDA_API CUresult cuStreamGetCaptureInfo_v3(CUstream, CUstreamCaptureStatus*, uint64_t*, CUgraph*,
    const CUgraphNode**, const CUgraphEdgeData**, size_t*);
ANYWARP_CUDA_API CUresult cuStreamGetCaptureInfo_v3_ptsz(CUstream, CUstreamCaptureStatus*, uint64_t*, CUgraph*,
    const CUgraphNode**, const CUgraphEdgeData**, size_t*);
ANYWARP_CUDA_API CUresult cuThreadExchangeStreamCaptureMode(CUstreamCaptureMode*);

// Event Management.
ANYWARP_CUDA_API CUresult cuEventCreate(CUevent*, unsigned);
ANYWARP_CUDA_API CUresult cuEventRecord(CUevent, CUstream);
ANYWARP_CUDA_API CUresult cuEventRecord_ptsz(CUevent, CUstream);
ANYWARP_CUDA_API CUresult cuEventRecordWithFlags(CUevent, CUstream, unsigned);
ANYWARP_CUDA_API CUresult cuEventRecordWithFlags_ptsz(CUevent, CUstream, unsigned);
ANYWARP_CUDA_API CUresult cuEventQuery(CUevent);
ANYWARP_CUDA_API CUresult cuEventSynchronize(CUevent);
ANYWARP_CUDA_API CUresult cuEventDestroy(CUevent);
ANYWARP_CUDA_API CUresult cuEventDestroy_v2(CUevent);
ANYWARP_CUDA_API CUresult cuEventElapsedTime(float*, CUevent, CUevent);
ANYWARP_CUDA_API CUresult cuEventElapsedTime_v2(float*, CUevent, CUevent);

// Execution Control.
ANYWARP_CUDA_API CUresult cuFuncGetAttribute(int*, CUfunction_attribute, CUfunction);
ANYWARP_CUDA_API CUresult cuFuncSetAttribute(CUfunction, CUfunction_attribute, int);
ANYWARP_CUDA_API CUresult cuFuncSetCacheConfig(CUfunction, CUfunc_cache);
ANYWARP_CUDA_API CUresult cuFuncSetSharedMemConfig(CUfunction, CUsharedconfig);
ANYWARP_CUDA_API CUresult cuFuncGetModule(CUmodule*, CUfunction);
ANYWARP_CUDA_API CUresult cuFuncGetName(const char**, CUfunction);
ANYWARP_CUDA_API CUresult cuFuncGetParamInfo(CUfunction, size_t, size_t*, size_t*);
ANYWARP_CUDA_API CUresult cuFuncIsLoaded(CUfunctionLoadingState*, CUfunction);
ANYWARP_CUDA_API CUresult cuFuncLoad(CUfunction);
ANYWARP_CUDA_API CUresult cuLaunchKernel(CUfunction, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned,
    unsigned, CUstream, void**, void**);
ANYWARP_CUDA_API CUresult cuLaunchKernel_ptsz(CUfunction, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned,
    unsigned, CUstream, void**, void**);
ANYWARP_CUDA_API CUresult cuLaunchKernelEx(const CUlaunchConfig*, CUfunction, void**, void**);
ANYWARP_CUDA_API CUresult cuLaunchKernelEx_ptsz(const CUlaunchConfig*, CUfunction, void**, void**);
ANYWARP_CUDA_API CUresult cuLaunchCooperativeKernel(CUfunction, unsigned, unsigned, unsigned, unsigned, unsigned,
    unsigned, unsigned, CUstream, void**);
ANYWARP_CUDA_API CUresult cuLaunchCooperativeKernel_ptsz(CUfunction, unsigned, unsigned, unsigned, unsigned,
    unsigned, unsigned, unsigned, CUstream, void**);
ANYWARP_CUDA_API CUresult cuLaunchHostFunc(CUstream, CUhostFn, void*);
ANYWARP_CUDA_API CUresult cuLaunchHostFunc_ptsz(CUstream, CUhostFn, void*);
ANYWARP_CUDA_API CUresult cuFuncSetBlockShape(CUfunction, int, int, int);
ANYWARP_CUDA_API CUresult cuFuncSetSharedSize(CUfunction, unsigned);
ANYWARP_CUDA_API CUresult cuParamSetSize(CUfunction, unsigned);
ANYWARP_CUDA_API CUresult cuParamSeti(CUfunction, int, unsigned);
ANYWARP_CUDA_API CUresult cuParamSetf(CUfunction, int, float);
ANYWARP_CUDA_API CUresult cuParamSetv(CUfunction, int, void*, unsigned);
ANYWARP_CUDA_API CUresult cuLaunch(CUfunction);
ANYWARP_CUDA_API CUresult cuLaunchGrid(CUfunction, int, int);
ANYWARP_CUDA_API CUresult cuLaunchGridAsync(CUfunction, int, int, CUstream);

// Occupancy.
ANYWARP_CUDA_API CUresult cuOccupancyMaxActiveBlocksPerMultiprocessor(int*, CUfunction, int, size_t);
ANYWARP_CUDA_API CUresult cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int*, CUfunction, int, size_t, unsigned);
ANYWARP_CUDA_API CUresult cuOccupancyMaxPotentialBlockSize(int*, int*, CUfunction, CUoccupancyB2DSize, size_t, int);
ANYWARP_CUDA_API CUresult cuOccupancyMaxPotentialBlockSizeWithFlags(int*, int*, CUfunction, CUoccupancyB2DSize,
    size_t, int, unsigned);
ANYWARP_CUDA_API CUresult cuOccupancyAvailableDynamicSMemPerBlock(size_t*, CUfunction, int, int);
ANYWARP_CUDA_API CUresult cuOccupancyMaxPotentialClusterSize(int*, CUfunction, const CUlaunchConfig*);
ANYWARP_CUDA_API CUresult cuOccupancyMaxActiveClusters(int*, CUfunction, const CUlaunchConfig*);

// Peer Context Memory Access.
ANYWARP_CUDA_API CUresult cuDeviceCanAccessPeer(int*, CUdevice, CUdevice);
ANYWARP_CUDA_API CUresult cuCtxEnablePeerAccess(CUcontext, unsigned);
ANYWARP_CUDA_API CUresult cuCtxDisablePeerAccess(CUcontext);
ANYWARP_CUDA_API CUresult cuDeviceGetP2PAttribute(int*, CUdevice_P2PAttribute, CUdevice, CUdevice);

// Profiler Control.
ANYWARP_CUDA_API CUresult cuProfilerInitialize(const char*, const char*, CUoutput_mode);
ANYWARP_CUDA_API CUresult cuProfilerStart();
ANYWARP_CUDA_API CUresult cuProfilerStop();

}  // extern "C"
