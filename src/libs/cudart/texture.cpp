// Texture and Surface Objects, mipmapped arrays: the driver's objects with the runtime's descriptions. SPDX-License-Identifier: Apache-2.0
#include <cstring>

#include "libs/cudart/channel_format.h"
#include "libs/cudart/context.h"

namespace anywarp::cudart {
namespace {

// Up to runtime 11.6 textures had no seamlessCubemap; programs of then call the function without _v2.
constexpr size_t firstTextureDescSize = offsetof(cudaTextureDesc, seamlessCubemap);

cudaError_t toDriver(const cudaResourceDesc& from, CUDA_RESOURCE_DESC* to) {
  *to = {};
  to->resType = static_cast<CUresourcetype>(from.resType);
  CUDA_ARRAY3D_DESCRIPTOR format{};
  switch (to->resType) {
    case CU_RESOURCE_TYPE_ARRAY: to->res.array.hArray = from.res.array.array; return cudaSuccess;
    case CU_RESOURCE_TYPE_MIPMAPPED_ARRAY: to->res.mipmap.hMipmappedArray = from.res.mipmap.mipmap; return cudaSuccess;
    case CU_RESOURCE_TYPE_LINEAR: {
      if (cudaError_t error = describe(from.res.linear.desc, &format); error != cudaSuccess) return error;
      to->res.linear = {devicePtr(from.res.linear.devPtr), format.Format, format.NumChannels, from.res.linear.sizeInBytes};
      return cudaSuccess;
    }
    case CU_RESOURCE_TYPE_PITCH2D: {
      if (cudaError_t error = describe(from.res.pitch2D.desc, &format); error != cudaSuccess) return error;
      to->res.pitch2D = {devicePtr(from.res.pitch2D.devPtr), format.Format,           format.NumChannels,
                         from.res.pitch2D.width,             from.res.pitch2D.height, from.res.pitch2D.pitchInBytes};
      return cudaSuccess;
    }
  }
  return cudaErrorInvalidValue;
}

cudaError_t fromDriver(const CUDA_RESOURCE_DESC& from, cudaResourceDesc* to) {
  *to = {};
  to->resType = static_cast<int>(from.resType);
  switch (from.resType) {
    case CU_RESOURCE_TYPE_ARRAY: to->res.array.array = from.res.array.hArray; return cudaSuccess;
    case CU_RESOURCE_TYPE_MIPMAPPED_ARRAY: to->res.mipmap.mipmap = from.res.mipmap.hMipmappedArray; return cudaSuccess;
    case CU_RESOURCE_TYPE_LINEAR:
      to->res.linear.devPtr = reinterpret_cast<void*>(from.res.linear.devPtr);
      to->res.linear.sizeInBytes = from.res.linear.sizeInBytes;
      return describe(from.res.linear.format, from.res.linear.numChannels, &to->res.linear.desc);
    case CU_RESOURCE_TYPE_PITCH2D:
      to->res.pitch2D.devPtr = reinterpret_cast<void*>(from.res.pitch2D.devPtr);
      to->res.pitch2D.width = from.res.pitch2D.width;
      to->res.pitch2D.height = from.res.pitch2D.height;
      to->res.pitch2D.pitchInBytes = from.res.pitch2D.pitchInBytes;
      return describe(from.res.pitch2D.format, from.res.pitch2D.numChannels, &to->res.pitch2D.desc);
  }
  return cudaErrorInvalidValue;
}

// The format that a texture reads, which decides what may be asked of it.
cudaError_t formatOf(const CUDA_RESOURCE_DESC& resource, CUarray_format* format) {
  if (resource.resType == CU_RESOURCE_TYPE_LINEAR) return *format = resource.res.linear.format, cudaSuccess;
  if (resource.resType == CU_RESOURCE_TYPE_PITCH2D) return *format = resource.res.pitch2D.format, cudaSuccess;
  CUarray array = resource.res.array.hArray;
  if (resource.resType == CU_RESOURCE_TYPE_MIPMAPPED_ARRAY) {
    if (cudaError_t error = asError(driver().cuMipmappedArrayGetLevel(&array, resource.res.mipmap.hMipmappedArray, 0)); error != cudaSuccess) return error;
  }
  CUDA_ARRAY3D_DESCRIPTOR d{};
  cudaError_t error = asError(driver().cuArray3DGetDescriptor_v2(&d, array));
  *format = d.Format;
  return error;
}

bool isNarrowInteger(CUarray_format format) {
  return format == CU_AD_FORMAT_UNSIGNED_INT8 || format == CU_AD_FORMAT_SIGNED_INT8 || format == CU_AD_FORMAT_UNSIGNED_INT16 ||
         format == CU_AD_FORMAT_SIGNED_INT16;
}
bool isWideInteger(CUarray_format format) { return format == CU_AD_FORMAT_UNSIGNED_INT32 || format == CU_AD_FORMAT_SIGNED_INT32; }

cudaError_t check(const CUDA_RESOURCE_DESC& resource, CUarray_format format, const cudaTextureDesc& texture) {
  bool normalizes = texture.readMode == cudaReadModeNormalizedFloat;
  if (normalizes && isWideInteger(format)) return cudaErrorInvalidNormSetting;
  bool integers = isWideInteger(format) || (isNarrowInteger(format) && !normalizes);
  if (integers && texture.filterMode != 0 && resource.resType != CU_RESOURCE_TYPE_LINEAR) return cudaErrorInvalidFilterSetting;
  return cudaSuccess;
}

void toDriver(const cudaTextureDesc& from, CUDA_TEXTURE_DESC* to) {
  *to = {};
  for (int i = 0; i < 3; ++i) to->addressMode[i] = static_cast<CUaddress_mode>(from.addressMode[i]);
  to->filterMode = static_cast<CUfilter_mode>(from.filterMode);
  to->flags = (from.readMode == cudaReadModeElementType ? unsigned{CU_TRSF_READ_AS_INTEGER} : 0u) |
              (from.normalizedCoords ? unsigned{CU_TRSF_NORMALIZED_COORDINATES} : 0u) | (from.sRGB ? unsigned{CU_TRSF_SRGB} : 0u) |
              (from.disableTrilinearOptimization ? unsigned{CU_TRSF_DISABLE_TRILINEAR_OPTIMIZATION} : 0u) |
              (from.seamlessCubemap ? unsigned{CU_TRSF_SEAMLESS_CUBEMAP} : 0u);
  to->maxAnisotropy = from.maxAnisotropy;
  to->mipmapFilterMode = static_cast<CUfilter_mode>(from.mipmapFilterMode);
  to->mipmapLevelBias = from.mipmapLevelBias;
  to->minMipmapLevelClamp = from.minMipmapLevelClamp;
  to->maxMipmapLevelClamp = from.maxMipmapLevelClamp;
  std::memcpy(to->borderColor, from.borderColor, sizeof to->borderColor);
}

void fromDriver(const CUDA_TEXTURE_DESC& from, cudaTextureDesc* to) {
  *to = {};
  for (int i = 0; i < 3; ++i) to->addressMode[i] = static_cast<int>(from.addressMode[i]);
  to->filterMode = static_cast<int>(from.filterMode);
  to->readMode = from.flags & CU_TRSF_READ_AS_INTEGER ? cudaReadModeElementType : cudaReadModeNormalizedFloat;
  to->normalizedCoords = (from.flags & CU_TRSF_NORMALIZED_COORDINATES) != 0;
  to->sRGB = (from.flags & CU_TRSF_SRGB) != 0;
  to->disableTrilinearOptimization = (from.flags & CU_TRSF_DISABLE_TRILINEAR_OPTIMIZATION) != 0;
  to->seamlessCubemap = (from.flags & CU_TRSF_SEAMLESS_CUBEMAP) != 0;
  to->maxAnisotropy = from.maxAnisotropy;
  to->mipmapFilterMode = static_cast<int>(from.mipmapFilterMode);
  to->mipmapLevelBias = from.mipmapLevelBias;
  to->minMipmapLevelClamp = from.minMipmapLevelClamp;
  to->maxMipmapLevelClamp = from.maxMipmapLevelClamp;
  std::memcpy(to->borderColor, from.borderColor, sizeof to->borderColor);
}

CUDA_RESOURCE_VIEW_DESC toDriver(const cudaResourceViewDesc& from) {
  CUDA_RESOURCE_VIEW_DESC to{};
  to.format = static_cast<CUresourceViewFormat>(from.format);
  to.width = from.width, to.height = from.height, to.depth = from.depth;
  to.firstMipmapLevel = from.firstMipmapLevel, to.lastMipmapLevel = from.lastMipmapLevel;
  to.firstLayer = from.firstLayer, to.lastLayer = from.lastLayer;
  return to;
}

// `textureBytes`: of the description that the caller was compiled with.
cudaError_t createTexture(cudaTextureObject_t* object, const cudaResourceDesc* resource, const cudaTextureDesc* texture, size_t textureBytes,
                          const cudaResourceViewDesc* view) {
  return inContext([&]() -> cudaError_t {
    if (!object || !resource || !texture) return cudaErrorInvalidValue;
    CUDA_RESOURCE_DESC driverResource;
    if (cudaError_t error = toDriver(*resource, &driverResource); error != cudaSuccess) return error;
    cudaTextureDesc own{};
    std::memcpy(&own, texture, textureBytes);
    CUarray_format format{};
    if (cudaError_t error = formatOf(driverResource, &format); error != cudaSuccess) return error;
    if (cudaError_t error = check(driverResource, format, own); error != cudaSuccess) return error;
    CUDA_TEXTURE_DESC driverTexture;
    toDriver(own, &driverTexture);
    CUDA_RESOURCE_VIEW_DESC driverView{};
    if (view) driverView = toDriver(*view);
    return asError(driver().cuTexObjectCreate(object, &driverResource, &driverTexture, view ? &driverView : nullptr));
  });
}

cudaError_t getTexture(cudaTextureDesc* texture, size_t textureBytes, cudaTextureObject_t object) {
  return inContext([&]() -> cudaError_t {
    if (!texture) return cudaErrorInvalidValue;
    CUDA_TEXTURE_DESC driverTexture{};
    cudaError_t error = asError(driver().cuTexObjectGetTextureDesc(&driverTexture, object));
    if (error != cudaSuccess) return error;
    cudaTextureDesc own;
    fromDriver(driverTexture, &own);
    std::memcpy(texture, &own, textureBytes);
    return cudaSuccess;
  });
}

constexpr size_t ownTextureDescSize = ANYWARP_CUDART_MAJOR >= 12 ? sizeof(cudaTextureDesc) : firstTextureDescSize;

}  // namespace

ANYWARP_RUNTIME cudaError_t cudaCreateTextureObject(cudaTextureObject_t* object, const cudaResourceDesc* resource, const cudaTextureDesc* texture,
                                                    const cudaResourceViewDesc* view) {
  return createTexture(object, resource, texture, ownTextureDescSize, view);
}

#if ANYWARP_CUDART_MAJOR <= 12
ANYWARP_RUNTIME cudaError_t cudaCreateTextureObject_v2(cudaTextureObject_t* object, const cudaResourceDesc* resource, const cudaTextureDesc* texture,
                                                       const cudaResourceViewDesc* view) {
  return createTexture(object, resource, texture, sizeof(cudaTextureDesc), view);
}

ANYWARP_RUNTIME cudaError_t cudaGetTextureObjectTextureDesc_v2(cudaTextureDesc* texture, cudaTextureObject_t object) {
  return getTexture(texture, sizeof(cudaTextureDesc), object);
}
#endif

// Zero is no object, and may be destroyed.
ANYWARP_RUNTIME cudaError_t cudaDestroyTextureObject(cudaTextureObject_t object) {
  return inContext([&] { return object ? driver().cuTexObjectDestroy(object) : CUDA_SUCCESS; });
}

ANYWARP_RUNTIME cudaError_t cudaGetTextureObjectResourceDesc(cudaResourceDesc* resource, cudaTextureObject_t object) {
  return inContext([&]() -> cudaError_t {
    CUDA_RESOURCE_DESC driverResource{};
    if (!resource) return cudaErrorInvalidValue;
    cudaError_t error = asError(driver().cuTexObjectGetResourceDesc(&driverResource, object));
    return error == cudaSuccess ? fromDriver(driverResource, resource) : error;
  });
}

ANYWARP_RUNTIME cudaError_t cudaGetTextureObjectTextureDesc(cudaTextureDesc* texture, cudaTextureObject_t object) {
  return getTexture(texture, ownTextureDescSize, object);
}

ANYWARP_RUNTIME cudaError_t cudaGetTextureObjectResourceViewDesc(cudaResourceViewDesc* view, cudaTextureObject_t object) {
  return inContext([&]() -> cudaError_t {
    if (!view) return cudaErrorInvalidValue;
    CUDA_RESOURCE_VIEW_DESC v{};
    cudaError_t error = asError(driver().cuTexObjectGetResourceViewDesc(&v, object));
    if (error != cudaSuccess) return error;
    *view = {};
    view->format = static_cast<int>(v.format);
    view->width = v.width, view->height = v.height, view->depth = v.depth;
    view->firstMipmapLevel = v.firstMipmapLevel, view->lastMipmapLevel = v.lastMipmapLevel;
    view->firstLayer = v.firstLayer, view->lastLayer = v.lastLayer;
    return cudaSuccess;
  });
}

ANYWARP_RUNTIME cudaError_t cudaCreateSurfaceObject(cudaSurfaceObject_t* object, const cudaResourceDesc* resource) {
  return inContext([&]() -> cudaError_t {
    if (!object || !resource) return cudaErrorInvalidValue;
    CUDA_RESOURCE_DESC driverResource;
    if (cudaError_t error = toDriver(*resource, &driverResource); error != cudaSuccess) return error;
    return asError(driver().cuSurfObjectCreate(object, &driverResource));
  });
}

ANYWARP_RUNTIME cudaError_t cudaDestroySurfaceObject(cudaSurfaceObject_t object) {
  return inContext([&] { return object ? driver().cuSurfObjectDestroy(object) : CUDA_SUCCESS; });
}

ANYWARP_RUNTIME cudaError_t cudaGetSurfaceObjectResourceDesc(cudaResourceDesc* resource, cudaSurfaceObject_t object) {
  return inContext([&]() -> cudaError_t {
    CUDA_RESOURCE_DESC driverResource{};
    if (!resource) return cudaErrorInvalidValue;
    cudaError_t error = asError(driver().cuSurfObjectGetResourceDesc(&driverResource, object));
    return error == cudaSuccess ? fromDriver(driverResource, resource) : error;
  });
}

ANYWARP_RUNTIME cudaError_t cudaMallocMipmappedArray(cudaMipmappedArray_t* mipmapped, const cudaChannelFormatDesc* desc, cudaExtent extent,
                                                     unsigned levels, unsigned flags) {
  return inContext([&]() -> cudaError_t {
    if (!mipmapped || !desc) return cudaErrorInvalidValue;
    CUDA_ARRAY3D_DESCRIPTOR d{};
    if (cudaError_t error = describe(*desc, &d); error != cudaSuccess) return error;
    d.Width = extent.width, d.Height = extent.height, d.Depth = extent.depth;
    d.Flags = flags;
    return asError(driver().cuMipmappedArrayCreate(mipmapped, &d, levels));
  });
}

ANYWARP_RUNTIME cudaError_t cudaGetMipmappedArrayLevel(cudaArray_t* level, cudaMipmappedArray_t mipmapped, unsigned index) {
  return inContext([&] { return driver().cuMipmappedArrayGetLevel(level, mipmapped, index); });
}

ANYWARP_RUNTIME cudaError_t cudaFreeMipmappedArray(cudaMipmappedArray_t mipmapped) {
  return inContext([&] { return mipmapped ? driver().cuMipmappedArrayDestroy(mipmapped) : CUDA_SUCCESS; });
}

ANYWARP_RUNTIME cudaError_t cudaDeviceGetTexture1DLinearMaxWidth(size_t* width, const cudaChannelFormatDesc* desc, int device) {
  return inDriver([&]() -> cudaError_t {
    if (!width || !desc) return cudaErrorInvalidValue;
    CUDA_ARRAY3D_DESCRIPTOR d{};
    if (cudaError_t error = describe(*desc, &d); error != cudaSuccess) return error;
    return asError(driver().cuDeviceGetTexture1DLinearMaxWidth(width, d.Format, d.NumChannels, device));
  });
}

}  // namespace anywarp::cudart
