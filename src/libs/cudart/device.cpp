// Device Management, Peer Device Memory Access. SPDX-License-Identifier: Apache-2.0
#include <cstring>

#include "libs/cudart/context.h"

namespace anywarp::cudart {
namespace {

struct Property {
  size_t offset;
  CUdevice_attribute attribute;
  bool wide;  // a size_t member
};

#define PROPERTY(member, attribute) \
  {offsetof(cudaDeviceProp, member), CU_DEVICE_ATTRIBUTE_##attribute, sizeof(cudaDeviceProp::member) == sizeof(size_t)},
#define PROPERTY_AT(member, index, attribute) \
  {offsetof(cudaDeviceProp, member) + index * sizeof(int), CU_DEVICE_ATTRIBUTE_##attribute, false},

constexpr Property properties[] = {
#include "libs/cudart/device_properties.def"
};

cudaError_t fillProperties(cudaDeviceProp* prop, CUdevice device, size_t size) {
  cudaDeviceProp all{};
  const Driver& d = driver();
  if (CUresult r = d.cuDeviceGetName(all.name, sizeof all.name, device); r != CUDA_SUCCESS) return asError(r);
  if (CUresult r = d.cuDeviceTotalMem_v2(&all.totalGlobalMem, device); r != CUDA_SUCCESS) return asError(r);
  if (CUresult r = d.cuDeviceGetUuid_v2(&all.uuid, device); r != CUDA_SUCCESS) return asError(r);
  for (const Property& p : properties) {
    int value = 0;
    if (CUresult r = d.cuDeviceGetAttribute(&value, p.attribute, device); r != CUDA_SUCCESS) return asError(r);
    char* member = reinterpret_cast<char*>(&all) + p.offset;
    size_t wide = static_cast<size_t>(value);
    std::memcpy(member, p.wide ? static_cast<void*>(&wide) : &value, p.wide ? sizeof wide : sizeof value);
  }
  std::memcpy(prop, &all, size);
  return cudaSuccess;
}

cudaError_t checkDevice(int device) {
  int count = 0;
  if (CUresult r = driver().cuDeviceGetCount(&count); r != CUDA_SUCCESS) return asError(r);
  return device >= 0 && device < count ? cudaSuccess : cudaErrorInvalidDevice;
}

cudaError_t getProperties(cudaDeviceProp* prop, int device, size_t size) {
  return inDriver([&]() -> cudaError_t {
    if (!prop) return cudaErrorInvalidValue;
    cudaError_t error = checkDevice(device);
    return error == cudaSuccess ? fillProperties(prop, device, size) : error;
  });
}

// What cudaChooseDevice compares; zero means "any".
bool satisfies(const cudaDeviceProp& have, const cudaDeviceProp& want) {
  if (have.major != want.major ? have.major < want.major : have.minor < want.minor) return false;
  return have.totalGlobalMem >= want.totalGlobalMem && have.multiProcessorCount >= want.multiProcessorCount &&
         have.sharedMemPerBlock >= want.sharedMemPerBlock;
}

}  // namespace

ANYWARP_RUNTIME cudaError_t cudaGetDeviceCount(int* count) {
  if (!count) return record(cudaErrorInvalidValue);
  *count = 0;
  return inDriver([&] {
    cudaError_t error = asError(driver().cuDeviceGetCount(count));
    return error == cudaSuccess && *count == 0 ? cudaErrorNoDevice : error;
  });
}

#if ANYWARP_CUDART_MAJOR == 12
// 12 exports the structure of 11 under the plain name.
ANYWARP_RUNTIME cudaError_t cudaGetDeviceProperties_v2(cudaDeviceProp* prop, int device) {
  return getProperties(prop, device, sizeof(cudaDeviceProp));
}
#endif

ANYWARP_RUNTIME cudaError_t cudaGetDeviceProperties(cudaDeviceProp* prop, int device) {
  return getProperties(prop, device, ANYWARP_CUDART_MAJOR >= 13 ? sizeof(cudaDeviceProp) : devicePropSize11);
}

ANYWARP_RUNTIME cudaError_t cudaDeviceGetAttribute(int* value, CUdevice_attribute attribute, int device) {
  return inDriver([&]() -> cudaError_t {
    if (!value) return cudaErrorInvalidValue;
    cudaError_t error = checkDevice(device);
    return error == cudaSuccess ? asError(driver().cuDeviceGetAttribute(value, attribute, device)) : error;
  });
}

ANYWARP_RUNTIME cudaError_t cudaChooseDevice(int* device, const cudaDeviceProp* prop) {
  return inDriver([&]() -> cudaError_t {
    int count = 0;
    if (!device || !prop) return cudaErrorInvalidValue;
    if (CUresult r = driver().cuDeviceGetCount(&count); r != CUDA_SUCCESS) return asError(r);
    *device = 0;
    for (int i = 0; i < count; ++i) {
      cudaDeviceProp have{};
      if (fillProperties(&have, i, sizeof have) != cudaSuccess || !satisfies(have, *prop)) continue;
      *device = i;
      break;
    }
    return cudaSuccess;
  });
}

ANYWARP_RUNTIME cudaError_t cudaSetDevice(int device) { return record(setDevice(device)); }

// The order in which a thread that chooses no device tries them: each of ours works, so the first is taken.
ANYWARP_RUNTIME cudaError_t cudaSetValidDevices(int* devices, int length) {
  return inDriver([&]() -> cudaError_t {
    int count = 0;
    if (CUresult r = driver().cuDeviceGetCount(&count); r != CUDA_SUCCESS) return asError(r);
    if (length < 0 || length > count || (length > 0 && !devices)) return cudaErrorInvalidValue;
    for (int i = 0; i < length; ++i)
      if (devices[i] < 0 || devices[i] >= count) return cudaErrorInvalidDevice;
    setFirstDevice(length > 0 ? devices[0] : 0);
    return cudaSuccess;
  });
}

ANYWARP_RUNTIME cudaError_t cudaGetDevice(int* device) {
  return record(device ? currentDevice(device) : cudaErrorInvalidValue);
}

#if ANYWARP_CUDART_MAJOR >= 12
ANYWARP_RUNTIME cudaError_t cudaInitDevice(int device, unsigned deviceFlags, unsigned flags) {
  return inDriver([&]() -> cudaError_t {
    CUcontext primary = nullptr;
    if (flags & 1)
      if (CUresult r = driver().cuDevicePrimaryCtxSetFlags_v2(device, deviceFlags); r != CUDA_SUCCESS) return asError(r);
    return primaryContext(device, &primary);
  });
}
#endif

ANYWARP_RUNTIME cudaError_t cudaSetDeviceFlags(unsigned flags) {
  return inDriver([&]() -> cudaError_t {
    int device = 0;
    if (cudaError_t error = currentDevice(&device); error != cudaSuccess) return error;
    return asError(driver().cuDevicePrimaryCtxSetFlags_v2(device, flags));
  });
}

ANYWARP_RUNTIME cudaError_t cudaGetDeviceFlags(unsigned* flags) {
  return inDriver([&]() -> cudaError_t {
    int device = 0, active = 0;
    if (!flags) return cudaErrorInvalidValue;
    if (cudaError_t error = currentDevice(&device); error != cudaSuccess) return error;
    return asError(driver().cuDevicePrimaryCtxGetState(device, flags, &active));
  });
}

ANYWARP_RUNTIME cudaError_t cudaDeviceReset() { return record(resetDevice()); }

ANYWARP_RUNTIME cudaError_t cudaDeviceSynchronize() {
  return inContext([] { return driver().cuCtxSynchronize(); });
}

ANYWARP_RUNTIME cudaError_t cudaDeviceSetLimit(CUlimit limit, size_t value) {
  return inContext([&] { return driver().cuCtxSetLimit(limit, value); });
}

ANYWARP_RUNTIME cudaError_t cudaDeviceGetLimit(size_t* value, CUlimit limit) {
  return inContext([&] { return driver().cuCtxGetLimit(value, limit); });
}

ANYWARP_RUNTIME cudaError_t cudaDeviceGetCacheConfig(CUfunc_cache* config) {
  return inContext([&] { return driver().cuCtxGetCacheConfig(config); });
}

ANYWARP_RUNTIME cudaError_t cudaDeviceSetCacheConfig(CUfunc_cache config) {
  return inContext([&] { return driver().cuCtxSetCacheConfig(config); });
}

ANYWARP_RUNTIME cudaError_t cudaDeviceGetSharedMemConfig(CUsharedconfig* config) {
  return inContext([&] { return driver().cuCtxGetSharedMemConfig(config); });
}

ANYWARP_RUNTIME cudaError_t cudaDeviceSetSharedMemConfig(CUsharedconfig config) {
  return inContext([&] { return driver().cuCtxSetSharedMemConfig(config); });
}

ANYWARP_RUNTIME cudaError_t cudaDeviceGetStreamPriorityRange(int* least, int* greatest) {
  return inContext([&] { return driver().cuCtxGetStreamPriorityRange(least, greatest); });
}

ANYWARP_RUNTIME cudaError_t cudaCtxResetPersistingL2Cache() {
  return inContext([] { return driver().cuCtxResetPersistingL2Cache(); });
}

ANYWARP_RUNTIME cudaError_t cudaDeviceFlushGPUDirectRDMAWrites(CUflushGPUDirectRDMAWritesTarget target,
                                                               CUflushGPUDirectRDMAWritesScope scope) {
  return inContext([&] { return driver().cuFlushGPUDirectRDMAWrites(target, scope); });
}

ANYWARP_RUNTIME cudaError_t cudaDeviceGetPCIBusId(char* text, int length, int device) {
  return inDriver([&] { return driver().cuDeviceGetPCIBusId(text, length, device); });
}

ANYWARP_RUNTIME cudaError_t cudaDeviceGetByPCIBusId(int* device, const char* text) {
  return inDriver([&] { return driver().cuDeviceGetByPCIBusId(device, text); });
}

ANYWARP_RUNTIME cudaError_t cudaDeviceGetP2PAttribute(int* value, CUdevice_P2PAttribute attribute, int source,
                                                      int target) {
  return inDriver([&] { return driver().cuDeviceGetP2PAttribute(value, attribute, source, target); });
}

ANYWARP_RUNTIME cudaError_t cudaDeviceCanAccessPeer(int* can, int device, int peer) {
  return inDriver([&] { return driver().cuDeviceCanAccessPeer(can, device, peer); });
}

ANYWARP_RUNTIME cudaError_t cudaDeviceEnablePeerAccess(int peer, unsigned flags) {
  return inContext([&]() -> cudaError_t {
    CUcontext context = nullptr;
    if (cudaError_t error = primaryContext(peer, &context); error != cudaSuccess) return error;
    return asError(driver().cuCtxEnablePeerAccess(context, flags));
  });
}

ANYWARP_RUNTIME cudaError_t cudaDeviceDisablePeerAccess(int peer) {
  return inContext([&]() -> cudaError_t {
    CUcontext context = nullptr;
    if (cudaError_t error = primaryContext(peer, &context); error != cudaSuccess) return error;
    return asError(driver().cuCtxDisablePeerAccess(context));
  });
}

#if ANYWARP_CUDART_MAJOR <= 12
// The names of CUDA 3, still exported.
ANYWARP_RUNTIME cudaError_t cudaThreadExit() { return cudaDeviceReset(); }
ANYWARP_RUNTIME cudaError_t cudaThreadSynchronize() { return cudaDeviceSynchronize(); }
ANYWARP_RUNTIME cudaError_t cudaThreadSetLimit(CUlimit limit, size_t value) { return cudaDeviceSetLimit(limit, value); }
ANYWARP_RUNTIME cudaError_t cudaThreadGetLimit(size_t* value, CUlimit limit) { return cudaDeviceGetLimit(value, limit); }
ANYWARP_RUNTIME cudaError_t cudaThreadGetCacheConfig(CUfunc_cache* config) { return cudaDeviceGetCacheConfig(config); }
ANYWARP_RUNTIME cudaError_t cudaThreadSetCacheConfig(CUfunc_cache config) { return cudaDeviceSetCacheConfig(config); }
#endif

}  // namespace anywarp::cudart
