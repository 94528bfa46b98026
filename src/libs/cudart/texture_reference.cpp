// Texture and surface references, which the runtime had until 11: bound by name in the module that declares them.
// SPDX-License-Identifier: Apache-2.0
#include "libs/cudart/channel_format.h"
#include "libs/cudart/context.h"
#include "libs/cudart/registry.h"

namespace anywarp::cudart {

#if ANYWARP_CUDART_MAJOR <= 12
// Compiled code calls these from constructors. `normalized`: whether reads give normalised floats.
ANYWARP_RUNTIME void __cudaRegisterTexture(void** handle, const textureReference* host, const void**, const char* deviceName, int, int normalized, int) {
  addReference(reinterpret_cast<FatBinary*>(handle), host, deviceName, normalized ? Reference::Kind::NormalizedTexture : Reference::Kind::Texture);
}

ANYWARP_RUNTIME void __cudaRegisterSurface(void** handle, const surfaceReference* host, const void**, const char* deviceName, int, int) {
  addReference(reinterpret_cast<FatBinary*>(handle), host, deviceName, Reference::Kind::Surface);
}
#endif

#if ANYWARP_CUDART_MAJOR <= 11
namespace {

// The driver's handle of a reference in the current context.
cudaError_t textureOf(const textureReference* host, const Reference*& reference, CUtexref& handle) {
  reference = findReference(host);
  if (!reference || reference->kind == Reference::Kind::Surface) return cudaErrorInvalidTexture;
  CUmodule module = nullptr;
  if (cudaError_t error = moduleOf(reference->binary, &module); error != cudaSuccess) return error;
  return driver().cuModuleGetTexRef(&handle, module, reference->name.c_str()) == CUDA_SUCCESS ? cudaSuccess : cudaErrorInvalidTexture;
}

bool isInteger(CUarray_format format) { return format != CU_AD_FORMAT_HALF && format != CU_AD_FORMAT_FLOAT; }

// What the program has set in its structure, now that it binds.
cudaError_t applySettings(const textureReference& from, const Reference& reference, CUtexref to, CUarray_format format) {
  unsigned flags = from.normalized ? unsigned{CU_TRSF_NORMALIZED_COORDINATES} : 0u;
  if (reference.kind == Reference::Kind::Texture && isInteger(format)) flags |= CU_TRSF_READ_AS_INTEGER;
  if (from.sRGB) flags |= CU_TRSF_SRGB;
  for (int axis = 0; axis < 3; ++axis) driver().cuTexRefSetAddressMode(to, axis, static_cast<CUaddress_mode>(from.addressMode[axis]));
  driver().cuTexRefSetFilterMode(to, static_cast<CUfilter_mode>(from.filterMode));
  driver().cuTexRefSetMipmapFilterMode(to, static_cast<CUfilter_mode>(from.mipmapFilterMode));
  driver().cuTexRefSetMipmapLevelBias(to, from.mipmapLevelBias);
  driver().cuTexRefSetMipmapLevelClamp(to, from.minMipmapLevelClamp, from.maxMipmapLevelClamp);
  driver().cuTexRefSetMaxAnisotropy(to, from.maxAnisotropy);
  return asError(driver().cuTexRefSetFlags(to, flags));
}

// Body: CUresult(CUtexref, const CUDA_ARRAY3D_DESCRIPTOR& format).
template <class Body>
cudaError_t bind(const textureReference* host, const cudaChannelFormatDesc* channels, Body&& body) {
  return inContext([&]() -> cudaError_t {
    if (!host || !channels) return cudaErrorInvalidValue;
    const Reference* reference = nullptr;
    CUtexref handle = nullptr;
    CUDA_ARRAY3D_DESCRIPTOR format{};
    if (cudaError_t error = textureOf(host, reference, handle); error != cudaSuccess) return error;
    if (cudaError_t error = describe(*channels, &format); error != cudaSuccess) return error;
    if (cudaError_t error = asError(body(handle, format)); error != cudaSuccess) return error;
    return applySettings(*host, *reference, handle, format.Format);
  });
}

}  // namespace

ANYWARP_RUNTIME cudaError_t cudaBindTexture(size_t* offset, const textureReference* texture, const void* pointer, const cudaChannelFormatDesc* channels,
                                            size_t bytes) {
  return bind(texture, channels, [&](CUtexref handle, const CUDA_ARRAY3D_DESCRIPTOR& format) -> CUresult {
    if (CUresult result = driver().cuTexRefSetFormat(handle, format.Format, static_cast<int>(format.NumChannels)); result != CUDA_SUCCESS) return result;
    // No size means all that there is behind the pointer.
    CUdeviceptr base = 0;
    size_t whole = 0;
    if (CUresult result = driver().cuMemGetAddressRange_v2(&base, &whole, devicePtr(pointer)); result != CUDA_SUCCESS) return result;
    size_t behind = whole - (devicePtr(pointer) - base), off = 0;
    CUresult result = driver().cuTexRefSetAddress_v2(&off, handle, devicePtr(pointer), bytes < behind ? bytes : behind);
    if (offset) *offset = off;
    return result == CUDA_SUCCESS && off && !offset ? CUDA_ERROR_INVALID_VALUE : result;
  });
}

ANYWARP_RUNTIME cudaError_t cudaBindTexture2D(size_t* offset, const textureReference* texture, const void* pointer, const cudaChannelFormatDesc* channels,
                                              size_t width, size_t height, size_t pitch) {
  return bind(texture, channels, [&](CUtexref handle, const CUDA_ARRAY3D_DESCRIPTOR& format) -> CUresult {
    CUDA_ARRAY_DESCRIPTOR shape{width, height, format.Format, format.NumChannels};
    if (offset) *offset = 0;
    return driver().cuTexRefSetAddress2D_v3(handle, &shape, devicePtr(pointer), pitch);
  });
}

ANYWARP_RUNTIME cudaError_t cudaBindTextureToArray(const textureReference* texture, cudaArray_const_t array, const cudaChannelFormatDesc* channels) {
  return bind(texture, channels, [&](CUtexref handle, const CUDA_ARRAY3D_DESCRIPTOR&) {
    return driver().cuTexRefSetArray(handle, array, 1);  // with the array's own format
  });
}

ANYWARP_RUNTIME cudaError_t cudaBindTextureToMipmappedArray(const textureReference* texture, cudaMipmappedArray_t array,
                                                            const cudaChannelFormatDesc* channels) {
  return bind(texture, channels, [&](CUtexref handle, const CUDA_ARRAY3D_DESCRIPTOR&) { return driver().cuTexRefSetMipmappedArray(handle, array, 1); });
}

// What is bound stays readable until something else is; nothing depends on it.
ANYWARP_RUNTIME cudaError_t cudaUnbindTexture(const textureReference* texture) {
  return inContext([&] { return texture && findReference(texture) ? cudaSuccess : cudaErrorInvalidTexture; });
}

ANYWARP_RUNTIME cudaError_t cudaGetTextureAlignmentOffset(size_t* offset, const textureReference* texture) {
  return inContext([&] {
    if (!offset) return cudaErrorInvalidValue;
    *offset = 0;
    return texture && findReference(texture) ? cudaSuccess : cudaErrorInvalidTexture;
  });
}

ANYWARP_RUNTIME cudaError_t cudaGetTextureReference(const textureReference** texture, const void* symbol) {
  return inContext([&] {
    if (!texture) return cudaErrorInvalidValue;
    const Reference* reference = findReference(symbol);
    if (!reference || reference->kind == Reference::Kind::Surface) return cudaErrorInvalidTexture;
    *texture = static_cast<const textureReference*>(symbol);
    return cudaSuccess;
  });
}

ANYWARP_RUNTIME cudaError_t cudaGetSurfaceReference(const surfaceReference** surface, const void* symbol) {
  return inContext([&] {
    if (!surface) return cudaErrorInvalidValue;
    const Reference* reference = findReference(symbol);
    if (!reference || reference->kind != Reference::Kind::Surface) return cudaErrorInvalidSurface;
    *surface = static_cast<const surfaceReference*>(symbol);
    return cudaSuccess;
  });
}

ANYWARP_RUNTIME cudaError_t cudaBindSurfaceToArray(const surfaceReference* surface, cudaArray_const_t array, const cudaChannelFormatDesc*) {
  return inContext([&]() -> cudaError_t {
    const Reference* reference = findReference(surface);
    if (!reference || reference->kind != Reference::Kind::Surface) return cudaErrorInvalidSurface;
    CUmodule module = nullptr;
    CUsurfref handle = nullptr;
    if (cudaError_t error = moduleOf(reference->binary, &module); error != cudaSuccess) return error;
    if (driver().cuModuleGetSurfRef(&handle, module, reference->name.c_str()) != CUDA_SUCCESS) return cudaErrorInvalidSurface;
    return asError(driver().cuSurfRefSetArray(handle, array, 0));
  });
}
#endif

}  // namespace anywarp::cudart
