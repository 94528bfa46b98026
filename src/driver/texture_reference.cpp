// Driver API: Texture Reference Management, Surface Reference Management (deprecated, and what CUDA 11 programs use): module variables
// of type .texref and .surfref to which something is bound. SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "driver/entry.h"
#include "driver/objects/library.h"
#include "driver/objects/texture.h"

using namespace anywarp;
using namespace anywarp::driver;

namespace {

// What is bound to a texref, and how it is read. `slot` is the number that kernels get.
struct TextureReference {
  ~TextureReference() {
    if (owned) device::TextureTable::instance().remove(slot);
  }
  CUtexref handle = nullptr;
  uint64_t slot = 0;
  bool owned = false;  // made by cuTexRefCreate
  bool bound = false;
  CUDA_RESOURCE_DESC resource{};
  CUDA_TEXTURE_DESC texture{};
  CUarray_format format = CU_AD_FORMAT_FLOAT;
  int channels = 1;
  TextureSource source;
};

struct SurfaceReference {
  CUsurfref handle = nullptr;
  uint64_t slot = 0;
  std::shared_ptr<Array> array;
};

using TextureReferenceTable = HandleTable<TextureReference, CUtexref, HandleKind::TextureReference>;
using SurfaceReferenceTable = HandleTable<SurfaceReference, CUsurfref, HandleKind::SurfaceReference>;

TextureReferenceTable& textureReferences() {
  static TextureReferenceTable& table = *new TextureReferenceTable;
  return table;
}
SurfaceReferenceTable& surfaceReferences() {
  static SurfaceReferenceTable& table = *new SurfaceReferenceTable;
  return table;
}

// Those of unloaded modules have lost their slot.
bool isAlive(uint64_t slot) { return device::TextureTable::instance().find(slot); }

// Runs `body` with a texture reference; changes take effect for kernels that are launched from then on.
template <class Body>
CUresult withReference(const char* name, CUtexref handle, Body&& body) {
  return callInContext(name, [&](Current& current) -> CUresult {
    std::shared_ptr<TextureReference> reference = textureReferences().find(handle);
    if (!reference || !isAlive(reference->slot)) return CUDA_ERROR_INVALID_VALUE;
    return body(current, *reference);
  });
}

// The whole of the reference as it is now; kernels that run still see what was.
CUresult apply(Current& current, TextureReference& reference) {
  device::TextureRecord record;
  TextureSource source;
  if (CUresult result = describeSampler(reference.texture, record); result != CUDA_SUCCESS) return result;
  if (reference.bound) {
    CUresult result = describeResource(current, reference.resource, nullptr, reference.texture.flags, record, source);
    if (result != CUDA_SUCCESS) return result;
    record.sampler.linear &= canFilter(record);
  }
  current.impl->synchronize();
  if (CUresult fault = current.fault(); fault != CUDA_SUCCESS) return fault;
  device::TextureTable::instance().replace(reference.slot, record);
  reference.source = std::move(source);
  return CUDA_SUCCESS;
}

// Changes a copy, and keeps it when it can be applied.
template <class Change>
CUresult change(const char* name, CUtexref handle, Change&& change) {
  return withReference(name, handle, [&](Current& current, TextureReference& reference) -> CUresult {
    auto resource = reference.resource;
    auto texture = reference.texture;
    auto format = reference.format;
    auto channels = reference.channels;
    bool bound = reference.bound;
    CUresult result = change(reference);
    if (result == CUDA_SUCCESS) result = apply(current, reference);
    if (result == CUDA_SUCCESS) return CUDA_SUCCESS;
    reference.resource = resource;
    reference.texture = texture;
    reference.format = format;
    reference.channels = channels;
    reference.bound = bound;
    return result;
  });
}

template <class T, class Read>
CUresult get(const char* name, T* value, CUtexref handle, Read&& read) {
  return withReference(name, handle, [&](Current&, TextureReference& reference) -> CUresult {
    if (!value) return CUDA_ERROR_INVALID_VALUE;
    *value = read(reference);
    return CUDA_SUCCESS;
  });
}

CUresult variableOf(CUmodule handle, const char* name, ptx::Type type, uint64_t* slot) {
  std::shared_ptr<Instance> instance = modules().find(handle);
  if (!instance) return CUDA_ERROR_INVALID_HANDLE;
  if (!name) return CUDA_ERROR_INVALID_VALUE;
  const ptx::Module& module = *instance->code().module;
  int index = module.findVariable(name);
  if (index < 0 || module.variables[static_cast<size_t>(index)].type != type) return CUDA_ERROR_NOT_FOUND;
  *slot = instance->addresses()[static_cast<size_t>(index)];
  return CUDA_SUCCESS;
}

constexpr size_t textureAlignment = 512;

CUresult setAddress(const char* name, size_t* offset, CUtexref handle, CUdeviceptr pointer, size_t bytes) {
  return change(name, handle, [&](TextureReference& reference) -> CUresult {
    size_t before = pointer % textureAlignment;
    if (before && !offset) return CUDA_ERROR_INVALID_VALUE;
    reference.bound = pointer != 0;
    reference.resource = {};
    reference.resource.resType = CU_RESOURCE_TYPE_LINEAR;
    reference.resource.res.linear = {pointer - before, reference.format, static_cast<unsigned>(reference.channels), bytes + before};
    if (offset) *offset = before;
    return CUDA_SUCCESS;
  });
}

CUresult setAddress2D(const char* name, CUtexref handle, const CUDA_ARRAY_DESCRIPTOR* d, CUdeviceptr pointer, size_t pitch) {
  return change(name, handle, [&](TextureReference& reference) -> CUresult {
    if (!d) return CUDA_ERROR_INVALID_VALUE;
    reference.bound = true;
    reference.format = d->Format;
    reference.channels = static_cast<int>(d->NumChannels);
    reference.resource = {};
    reference.resource.resType = CU_RESOURCE_TYPE_PITCH2D;
    reference.resource.res.pitch2D = {pointer, d->Format, d->NumChannels, d->Width, d->Height, pitch};
    return CUDA_SUCCESS;
  });
}

}  // namespace

CUresult cuModuleGetTexRef(CUtexref* handle, CUmodule module, const char* name) {
  return callInContext(__func__, [&](Current&) -> CUresult {
    uint64_t slot = 0;
    if (!handle) return CUDA_ERROR_INVALID_VALUE;
    if (CUresult result = variableOf(module, name, ptx::Type::TexRef, &slot); result != CUDA_SUCCESS) return result;
    std::shared_ptr<TextureReference> reference = textureReferences().findIf([&](const TextureReference& r) { return r.slot == slot; });
    if (!reference) {
      reference = std::make_shared<TextureReference>();
      reference->slot = slot;
      textureReferences().add(reference);
    }
    *handle = reference->handle;
    return CUDA_SUCCESS;
  });
}

CUresult cuModuleGetSurfRef(CUsurfref* handle, CUmodule module, const char* name) {
  return callInContext(__func__, [&](Current&) -> CUresult {
    uint64_t slot = 0;
    if (!handle) return CUDA_ERROR_INVALID_VALUE;
    if (CUresult result = variableOf(module, name, ptx::Type::SurfRef, &slot); result != CUDA_SUCCESS) return result;
    std::shared_ptr<SurfaceReference> reference = surfaceReferences().findIf([&](const SurfaceReference& r) { return r.slot == slot; });
    if (!reference) {
      reference = std::make_shared<SurfaceReference>();
      reference->slot = slot;
      surfaceReferences().add(reference);
    }
    *handle = reference->handle;
    return CUDA_SUCCESS;
  });
}

// Kernels name their textures in PTX; there is nothing to do.
CUresult cuParamSetTexRef(CUfunction function, int unit, CUtexref handle) {
  constexpr int defaultUnit = -1;  // CU_PARAM_TR_DEFAULT
  return withReference(__func__, handle, [&](Current&, TextureReference&) -> CUresult {
    if (!functions().find(function)) return CUDA_ERROR_INVALID_HANDLE;
    return unit == defaultUnit ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
  });
}

CUresult cuTexRefCreate(CUtexref* handle) {
  return callInContext(__func__, [&](Current&) -> CUresult {
    if (!handle) return CUDA_ERROR_INVALID_VALUE;
    auto reference = std::make_shared<TextureReference>();
    reference->slot = device::TextureTable::instance().add({});
    reference->owned = true;
    if (!reference->slot) return CUDA_ERROR_OUT_OF_MEMORY;
    *handle = textureReferences().add(reference);
    return CUDA_SUCCESS;
  });
}

CUresult cuTexRefDestroy(CUtexref handle) {
  return withReference(__func__, handle, [&](Current&, TextureReference& reference) -> CUresult {
    if (!reference.owned) return CUDA_ERROR_INVALID_VALUE;
    textureReferences().take(handle);
    return CUDA_SUCCESS;
  });
}

CUresult cuTexRefSetArray(CUtexref handle, CUarray arrayHandle, unsigned flags) {
  return change(__func__, handle, [&](TextureReference& reference) -> CUresult {
    std::shared_ptr<Array> array = arrays().find(arrayHandle);
    if (!array || flags != CU_TRSA_OVERRIDE_FORMAT) return CUDA_ERROR_INVALID_VALUE;
    reference.bound = true;
    reference.format = array->descriptor.Format;
    reference.channels = static_cast<int>(array->descriptor.NumChannels);
    reference.resource = {};
    reference.resource.resType = CU_RESOURCE_TYPE_ARRAY;
    reference.resource.res.array.hArray = arrayHandle;
    return CUDA_SUCCESS;
  });
}

CUresult cuTexRefSetMipmappedArray(CUtexref handle, CUmipmappedArray arrayHandle, unsigned flags) {
  return change(__func__, handle, [&](TextureReference& reference) -> CUresult {
    std::shared_ptr<MipmappedArray> array = mipmappedArrays().find(arrayHandle);
    if (!array || flags != CU_TRSA_OVERRIDE_FORMAT) return CUDA_ERROR_INVALID_VALUE;
    reference.bound = true;
    reference.format = array->descriptor.Format;
    reference.channels = static_cast<int>(array->descriptor.NumChannels);
    reference.resource = {};
    reference.resource.resType = CU_RESOURCE_TYPE_MIPMAPPED_ARRAY;
    reference.resource.res.mipmap.hMipmappedArray = arrayHandle;
    return CUDA_SUCCESS;
  });
}

CUresult cuTexRefSetAddress(unsigned* offset, CUtexref handle, unsigned pointer, unsigned bytes) {
  size_t wide = 0;
  CUresult result = setAddress(__func__, offset ? &wide : nullptr, handle, pointer, bytes);
  if (result == CUDA_SUCCESS && offset) *offset = static_cast<unsigned>(wide);
  return result;
}
CUresult cuTexRefSetAddress_v2(size_t* offset, CUtexref handle, CUdeviceptr pointer, size_t bytes) {
  return setAddress(__func__, offset, handle, pointer, bytes);
}

CUresult cuTexRefSetAddress2D(CUtexref handle, const CUDA_ARRAY_DESCRIPTOR_v1* d, unsigned pointer, unsigned pitch) {
  if (!d) return CUDA_ERROR_INVALID_VALUE;
  CUDA_ARRAY_DESCRIPTOR wide{d->Width, d->Height, d->Format, d->NumChannels};
  return setAddress2D(__func__, handle, &wide, pointer, pitch);
}
CUresult cuTexRefSetAddress2D_v2(CUtexref handle, const CUDA_ARRAY_DESCRIPTOR* d, CUdeviceptr pointer, size_t pitch) {
  return setAddress2D(__func__, handle, d, pointer, pitch);
}
CUresult cuTexRefSetAddress2D_v3(CUtexref handle, const CUDA_ARRAY_DESCRIPTOR* d, CUdeviceptr pointer, size_t pitch) {
  return setAddress2D(__func__, handle, d, pointer, pitch);
}

CUresult cuTexRefSetFormat(CUtexref handle, CUarray_format format, int channels) {
  return withReference(__func__, handle, [&](Current&, TextureReference& reference) -> CUresult {
    if (channels != 1 && channels != 2 && channels != 4) return CUDA_ERROR_INVALID_VALUE;
    if (!formatInfo(format)) return CUDA_ERROR_NOT_SUPPORTED;
    reference.format = format;
    reference.channels = channels;
    return CUDA_SUCCESS;
  });
}

CUresult cuTexRefSetAddressMode(CUtexref handle, int dimension, CUaddress_mode mode) {
  return change(__func__, handle, [&](TextureReference& reference) -> CUresult {
    if (dimension < 0 || dimension > 2) return CUDA_ERROR_INVALID_VALUE;
    reference.texture.addressMode[dimension] = mode;
    return CUDA_SUCCESS;
  });
}
CUresult cuTexRefSetFilterMode(CUtexref handle, CUfilter_mode mode) {
  return change(__func__, handle, [&](TextureReference& reference) { return reference.texture.filterMode = mode, CUDA_SUCCESS; });
}
CUresult cuTexRefSetMipmapFilterMode(CUtexref handle, CUfilter_mode mode) {
  return change(__func__, handle, [&](TextureReference& reference) { return reference.texture.mipmapFilterMode = mode, CUDA_SUCCESS; });
}
CUresult cuTexRefSetMipmapLevelBias(CUtexref handle, float bias) {
  return change(__func__, handle, [&](TextureReference& reference) { return reference.texture.mipmapLevelBias = bias, CUDA_SUCCESS; });
}
CUresult cuTexRefSetMipmapLevelClamp(CUtexref handle, float low, float high) {
  return change(__func__, handle, [&](TextureReference& reference) {
    reference.texture.minMipmapLevelClamp = low;
    reference.texture.maxMipmapLevelClamp = high;
    return CUDA_SUCCESS;
  });
}
CUresult cuTexRefSetMaxAnisotropy(CUtexref handle, unsigned most) {
  return change(__func__, handle, [&](TextureReference& reference) { return reference.texture.maxAnisotropy = most, CUDA_SUCCESS; });
}
CUresult cuTexRefSetBorderColor(CUtexref handle, float* color) {
  return change(__func__, handle, [&](TextureReference& reference) -> CUresult {
    if (!color) return CUDA_ERROR_INVALID_VALUE;
    std::copy(color, color + 4, reference.texture.borderColor);
    return CUDA_SUCCESS;
  });
}
CUresult cuTexRefSetFlags(CUtexref handle, unsigned flags) {
  return change(__func__, handle, [&](TextureReference& reference) { return reference.texture.flags = flags, CUDA_SUCCESS; });
}

CUresult cuTexRefGetAddress_v2(CUdeviceptr* pointer, CUtexref handle) {
  return withReference(__func__, handle, [&](Current&, TextureReference& reference) -> CUresult {
    if (!pointer) return CUDA_ERROR_INVALID_VALUE;
    bool linear = reference.resource.resType == CU_RESOURCE_TYPE_LINEAR, pitched = reference.resource.resType == CU_RESOURCE_TYPE_PITCH2D;
    if (!reference.bound || (!linear && !pitched)) return CUDA_ERROR_INVALID_VALUE;
    *pointer = linear ? reference.resource.res.linear.devPtr : reference.resource.res.pitch2D.devPtr;
    return CUDA_SUCCESS;
  });
}
CUresult cuTexRefGetAddress(unsigned* pointer, CUtexref handle) {
  CUdeviceptr wide = 0;
  CUresult result = cuTexRefGetAddress_v2(pointer ? &wide : nullptr, handle);
  if (result == CUDA_SUCCESS) *pointer = static_cast<unsigned>(wide);
  return result;
}
CUresult cuTexRefGetArray(CUarray* array, CUtexref handle) {
  return withReference(__func__, handle, [&](Current&, TextureReference& reference) -> CUresult {
    if (!array || !reference.bound || reference.resource.resType != CU_RESOURCE_TYPE_ARRAY) return CUDA_ERROR_INVALID_VALUE;
    *array = reference.resource.res.array.hArray;
    return CUDA_SUCCESS;
  });
}
CUresult cuTexRefGetMipmappedArray(CUmipmappedArray* array, CUtexref handle) {
  return withReference(__func__, handle, [&](Current&, TextureReference& reference) -> CUresult {
    if (!array || !reference.bound || reference.resource.resType != CU_RESOURCE_TYPE_MIPMAPPED_ARRAY) return CUDA_ERROR_INVALID_VALUE;
    *array = reference.resource.res.mipmap.hMipmappedArray;
    return CUDA_SUCCESS;
  });
}
CUresult cuTexRefGetAddressMode(CUaddress_mode* mode, CUtexref handle, int dimension) {
  if (dimension < 0 || dimension > 2) return CUDA_ERROR_INVALID_VALUE;
  return get(__func__, mode, handle, [&](TextureReference& r) { return r.texture.addressMode[dimension]; });
}
CUresult cuTexRefGetFilterMode(CUfilter_mode* mode, CUtexref handle) {
  return get(__func__, mode, handle, [](TextureReference& r) { return r.texture.filterMode; });
}
CUresult cuTexRefGetFormat(CUarray_format* format, int* channels, CUtexref handle) {
  return withReference(__func__, handle, [&](Current&, TextureReference& reference) -> CUresult {
    if (!format && !channels) return CUDA_ERROR_INVALID_VALUE;
    if (format) *format = reference.format;
    if (channels) *channels = reference.channels;
    return CUDA_SUCCESS;
  });
}
CUresult cuTexRefGetMipmapFilterMode(CUfilter_mode* mode, CUtexref handle) {
  return get(__func__, mode, handle, [](TextureReference& r) { return r.texture.mipmapFilterMode; });
}
CUresult cuTexRefGetMipmapLevelBias(float* bias, CUtexref handle) {
  return get(__func__, bias, handle, [](TextureReference& r) { return r.texture.mipmapLevelBias; });
}
CUresult cuTexRefGetMipmapLevelClamp(float* low, float* high, CUtexref handle) {
  return withReference(__func__, handle, [&](Current&, TextureReference& reference) -> CUresult {
    if (!low || !high) return CUDA_ERROR_INVALID_VALUE;
    *low = reference.texture.minMipmapLevelClamp;
    *high = reference.texture.maxMipmapLevelClamp;
    return CUDA_SUCCESS;
  });
}
CUresult cuTexRefGetMaxAnisotropy(int* most, CUtexref handle) {
  return get(__func__, most, handle, [](TextureReference& r) { return static_cast<int>(r.texture.maxAnisotropy); });
}
CUresult cuTexRefGetBorderColor(float* color, CUtexref handle) {
  return withReference(__func__, handle, [&](Current&, TextureReference& reference) -> CUresult {
    if (!color) return CUDA_ERROR_INVALID_VALUE;
    std::copy(reference.texture.borderColor, reference.texture.borderColor + 4, color);
    return CUDA_SUCCESS;
  });
}
CUresult cuTexRefGetFlags(unsigned* flags, CUtexref handle) {
  return get(__func__, flags, handle, [](TextureReference& r) { return r.texture.flags; });
}

CUresult cuSurfRefSetArray(CUsurfref handle, CUarray arrayHandle, unsigned flags) {
  return callInContext(__func__, [&](Current& current) -> CUresult {
    std::shared_ptr<SurfaceReference> reference = surfaceReferences().find(handle);
    std::shared_ptr<Array> array = arrays().find(arrayHandle);
    if (!reference || !isAlive(reference->slot) || !array || flags != 0) return CUDA_ERROR_INVALID_VALUE;
    if (!(array->descriptor.Flags & CUDA_ARRAY3D_SURFACE_LDST)) return CUDA_ERROR_INVALID_VALUE;
    CUDA_RESOURCE_DESC resource{};
    resource.resType = CU_RESOURCE_TYPE_ARRAY;
    resource.res.array.hArray = arrayHandle;
    device::TextureRecord record;
    record.kind = device::TextureRecord::Kind::Surface;
    TextureSource source;
    if (CUresult result = describeResource(current, resource, nullptr, CU_TRSF_READ_AS_INTEGER, record, source); result != CUDA_SUCCESS) return result;
    current.impl->synchronize();
    device::TextureTable::instance().replace(reference->slot, record);
    reference->array = std::move(array);
    return CUDA_SUCCESS;
  });
}

CUresult cuSurfRefGetArray(CUarray* array, CUsurfref handle) {
  return callInContext(__func__, [&](Current&) -> CUresult {
    std::shared_ptr<SurfaceReference> reference = surfaceReferences().find(handle);
    if (!reference || !array || !reference->array) return CUDA_ERROR_INVALID_VALUE;
    *array = reference->array->handle;
    return CUDA_SUCCESS;
  });
}
