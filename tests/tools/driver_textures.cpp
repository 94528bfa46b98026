// Arrays, texture and surface objects and references, as a program makes them. SPDX-License-Identifier: Apache-2.0
#include "driver_textures.h"

#include <dlfcn.h>

#include <cstring>

#include "abi/cuda_texture.h"

namespace anywarp::tests {
namespace {

CUarray_format formatOf(ptx::Type type) {
  switch (type) {
    case ptx::Type::U8: return CU_AD_FORMAT_UNSIGNED_INT8;
    case ptx::Type::S8: return CU_AD_FORMAT_SIGNED_INT8;
    case ptx::Type::U16: return CU_AD_FORMAT_UNSIGNED_INT16;
    case ptx::Type::S16: return CU_AD_FORMAT_SIGNED_INT16;
    case ptx::Type::U32: return CU_AD_FORMAT_UNSIGNED_INT32;
    case ptx::Type::S32: return CU_AD_FORMAT_SIGNED_INT32;
    case ptx::Type::F16: return CU_AD_FORMAT_HALF;
    default: return CU_AD_FORMAT_FLOAT;
  }
}

class Maker {
 public:
  Maker(void* library, CUmodule module, const TextureInput& input) : library_(library), module_(module), t_(input) {}

  // 0 with `error` set where a call fails.
  uint64_t make(std::string& error) {
    CUDA_RESOURCE_DESC resource{};
    if (isLinear()) makeLinear(resource);
    else makeArray(resource);
    CUDA_TEXTURE_DESC texture = sampling();
    unsigned long long handle = 1;
    if (t_.bind && t_.surface) bindSurface(resource);
    else if (t_.bind) bindTexture(resource, texture);
    else if (t_.surface) call<decltype(&::cuSurfObjectCreate)>("cuSurfObjectCreate", &handle, &resource);
    else call<decltype(&::cuTexObjectCreate)>("cuTexObjectCreate", &handle, &resource, &texture, nullptr);
    error = error_;
    return handle;
  }

 private:
  void* library_;
  CUmodule module_;
  const TextureInput& t_;
  std::string error_;

  template <class Function, class... Arguments>
  void call(const char* name, Arguments... arguments) {
    if (!error_.empty()) return;
    auto function = reinterpret_cast<Function>(dlsym(library_, name));
    if (!function) {
      error_ = std::string("libcuda has no ") + name;
      return;
    }
    CUresult result = function(arguments...);
    if (result != CUDA_SUCCESS) error_ = t_.name + ": " + name + " failed with error " + std::to_string(result);
  }

  bool isLinear() const { return t_.shape == TextureShape::Linear || t_.shape == TextureShape::Pitch; }

  CUDA_ARRAY3D_DESCRIPTOR descriptor() const {
    unsigned flags = (t_.layered() ? CUDA_ARRAY3D_LAYERED : 0u) | (t_.cube() ? CUDA_ARRAY3D_CUBEMAP : 0u) | (t_.surface ? CUDA_ARRAY3D_SURFACE_LDST : 0u);
    return {t_.size[0], t_.size[1], t_.size[2], formatOf(t_.type), t_.channels, flags};
  }

  void makeArray(CUDA_RESOURCE_DESC& resource) {
    CUDA_ARRAY3D_DESCRIPTOR d = descriptor();
    std::vector<CUarray> levels(t_.levels);
    if (t_.levels == 1) {
      call<decltype(&::cuArray3DCreate_v2)>("cuArray3DCreate_v2", &levels[0], &d);
      resource.resType = CU_RESOURCE_TYPE_ARRAY;
      resource.res.array.hArray = levels[0];
    } else {
      CUmipmappedArray mipmapped = nullptr;
      call<decltype(&::cuMipmappedArrayCreate)>("cuMipmappedArrayCreate", &mipmapped, &d, t_.levels);
      for (unsigned i = 0; i < t_.levels; i++) call<decltype(&::cuMipmappedArrayGetLevel)>("cuMipmappedArrayGetLevel", &levels[i], mipmapped, i);
      resource.resType = CU_RESOURCE_TYPE_MIPMAPPED_ARRAY;
      resource.res.mipmap.hMipmappedArray = mipmapped;
    }
    size_t at = 0;
    for (unsigned i = 0; i < t_.levels; i++) {
      TextureInput::Extent e = t_.extent(i);
      CUDA_MEMCPY3D copy{};
      copy.srcMemoryType = CU_MEMORYTYPE_HOST;
      copy.srcHost = t_.bytes.data() + at;
      copy.srcPitch = e.width * t_.texelBytes();
      copy.srcHeight = e.height;
      copy.dstMemoryType = CU_MEMORYTYPE_ARRAY;
      copy.dstArray = levels[i];
      copy.WidthInBytes = e.width * t_.texelBytes();
      copy.Height = e.height;
      copy.Depth = e.depth;
      call<decltype(&::cuMemcpy3D_v2)>("cuMemcpy3D_v2", &copy);
      at += e.texels() * t_.texelBytes();
    }
  }

  void makeLinear(CUDA_RESOURCE_DESC& resource) {
    size_t row = t_.size[0] * t_.texelBytes(), height = std::max(t_.size[1], 1u), pitch = t_.shape == TextureShape::Pitch ? (row + 511) / 512 * 512 : row;
    CUdeviceptr memory = 0;
    call<decltype(&::cuMemAlloc_v2)>("cuMemAlloc_v2", &memory, pitch * height);
    for (size_t y = 0; y < height; y++)
      call<decltype(&::cuMemcpyHtoD_v2)>("cuMemcpyHtoD_v2", memory + y * pitch, static_cast<const void*>(t_.bytes.data() + y * row), row);
    if (t_.shape == TextureShape::Linear) {
      resource.resType = CU_RESOURCE_TYPE_LINEAR;
      resource.res.linear = {memory, formatOf(t_.type), t_.channels, row};
    } else {
      resource.resType = CU_RESOURCE_TYPE_PITCH2D;
      resource.res.pitch2D = {memory, formatOf(t_.type), t_.channels, t_.size[0], height, pitch};
    }
  }

  CUDA_TEXTURE_DESC sampling() const {
    CUDA_TEXTURE_DESC d{};
    for (int i = 0; i < 3; i++) d.addressMode[i] = static_cast<CUaddress_mode>(t_.address[i]);
    d.filterMode = t_.linear ? CU_TR_FILTER_MODE_LINEAR : CU_TR_FILTER_MODE_POINT;
    d.mipmapFilterMode = t_.mipLinear ? CU_TR_FILTER_MODE_LINEAR : CU_TR_FILTER_MODE_POINT;
    d.flags = (t_.read == 0 ? CU_TRSF_READ_AS_INTEGER : 0u) | (t_.read == 2 ? CU_TRSF_SRGB : 0u) | (t_.normalized ? CU_TRSF_NORMALIZED_COORDINATES : 0u) |
              (t_.seamless ? CU_TRSF_SEAMLESS_CUBEMAP : 0u);
    d.mipmapLevelBias = t_.bias;
    d.minMipmapLevelClamp = t_.minLevel;
    d.maxMipmapLevelClamp = t_.maxLevel;
    std::memcpy(d.borderColor, t_.border, sizeof d.borderColor);
    return d;
  }

  void bindTexture(const CUDA_RESOURCE_DESC& resource, const CUDA_TEXTURE_DESC& d) {
    CUtexref reference = nullptr;
    call<decltype(&::cuModuleGetTexRef)>("cuModuleGetTexRef", &reference, module_, t_.name.c_str());
    if (resource.resType == CU_RESOURCE_TYPE_ARRAY) {
      call<decltype(&::cuTexRefSetArray)>("cuTexRefSetArray", reference, resource.res.array.hArray, unsigned{CU_TRSA_OVERRIDE_FORMAT});
    } else if (resource.resType == CU_RESOURCE_TYPE_MIPMAPPED_ARRAY) {
      call<decltype(&::cuTexRefSetMipmappedArray)>("cuTexRefSetMipmappedArray", reference, resource.res.mipmap.hMipmappedArray, unsigned{CU_TRSA_OVERRIDE_FORMAT});
    } else if (resource.resType == CU_RESOURCE_TYPE_LINEAR) {
      call<decltype(&::cuTexRefSetFormat)>("cuTexRefSetFormat", reference, resource.res.linear.format, static_cast<int>(t_.channels));
      call<decltype(&::cuTexRefSetAddress_v2)>("cuTexRefSetAddress_v2", nullptr, reference, resource.res.linear.devPtr, resource.res.linear.sizeInBytes);
    } else {
      const auto& p = resource.res.pitch2D;
      CUDA_ARRAY_DESCRIPTOR a{p.width, p.height, p.format, p.numChannels};
      call<decltype(&::cuTexRefSetAddress2D_v3)>("cuTexRefSetAddress2D_v3", reference, &a, p.devPtr, p.pitchInBytes);
    }
    for (int i = 0; i < 3; i++) call<decltype(&::cuTexRefSetAddressMode)>("cuTexRefSetAddressMode", reference, i, d.addressMode[i]);
    call<decltype(&::cuTexRefSetFilterMode)>("cuTexRefSetFilterMode", reference, d.filterMode);
    call<decltype(&::cuTexRefSetMipmapFilterMode)>("cuTexRefSetMipmapFilterMode", reference, d.mipmapFilterMode);
    call<decltype(&::cuTexRefSetMipmapLevelBias)>("cuTexRefSetMipmapLevelBias", reference, d.mipmapLevelBias);
    call<decltype(&::cuTexRefSetMipmapLevelClamp)>("cuTexRefSetMipmapLevelClamp", reference, d.minMipmapLevelClamp, d.maxMipmapLevelClamp);
    call<decltype(&::cuTexRefSetBorderColor)>("cuTexRefSetBorderColor", reference, const_cast<float*>(d.borderColor));
    call<decltype(&::cuTexRefSetFlags)>("cuTexRefSetFlags", reference, d.flags);
  }

  void bindSurface(const CUDA_RESOURCE_DESC& resource) {
    CUsurfref reference = nullptr;
    call<decltype(&::cuModuleGetSurfRef)>("cuModuleGetSurfRef", &reference, module_, t_.name.c_str());
    call<decltype(&::cuSurfRefSetArray)>("cuSurfRefSetArray", reference, resource.res.array.hArray, 0u);
  }
};

}  // namespace

std::string makeTextures(void* library, void* module, const std::vector<TextureInput>& inputs, std::vector<uint64_t>& handles) {
  std::string error;
  for (const TextureInput& input : inputs) {
    handles.push_back(Maker(library, static_cast<CUmodule>(module), input).make(error));
    if (!error.empty()) return error;
  }
  return {};
}

}  // namespace anywarp::tests
