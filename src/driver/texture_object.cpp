// Driver API: Texture Object Management, Surface Object Management. SPDX-License-Identifier: Apache-2.0
#include <shared_mutex>
#include <unordered_map>

#include "driver/entry.h"
#include "driver/objects/texture.h"

using namespace anywarp;
using namespace anywarp::driver;

namespace anywarp::driver {
namespace {

// A texture or surface object; its handle is the number that kernels get.
struct TextureObject {
  ~TextureObject() { device::TextureTable::instance().remove(handle); }
  uint64_t handle = 0;
  std::shared_ptr<device::Context> impl;
  TextureSource source;
  bool isSurface = false, hasView = false;
  CUDA_RESOURCE_DESC resource{};
  CUDA_TEXTURE_DESC texture{};
  CUDA_RESOURCE_VIEW_DESC view{};
};

struct ObjectTable {
  std::shared_mutex mutex;
  std::unordered_map<uint64_t, std::shared_ptr<TextureObject>> objects;
};

ObjectTable& objects() {
  static ObjectTable& table = *new ObjectTable;
  return table;
}

std::shared_ptr<TextureObject> findObject(uint64_t handle, bool isSurface) {
  std::shared_lock lock(objects().mutex);
  auto found = objects().objects.find(handle);
  return found != objects().objects.end() && found->second->isSurface == isSurface ? found->second : nullptr;
}

CUresult publish(const std::shared_ptr<TextureObject>& object, const device::TextureRecord& record, unsigned long long* handle) {
  object->handle = device::TextureTable::instance().add(record);
  if (!object->handle) return CUDA_ERROR_OUT_OF_MEMORY;
  std::unique_lock lock(objects().mutex);
  objects().objects[object->handle] = object;
  *handle = object->handle;
  return CUDA_SUCCESS;
}

// Kernels that were launched before may still use it.
CUresult destroy(const char* name, uint64_t handle, bool isSurface) {
  return callInContext(name, [&](Current& current) -> CUresult {
    std::shared_ptr<TextureObject> object = findObject(handle, isSurface);
    if (!object) return CUDA_ERROR_INVALID_HANDLE;
    current.impl->synchronize();
    if (object->impl != current.impl) object->impl->synchronize();
    std::unique_lock lock(objects().mutex);
    objects().objects.erase(handle);
    return CUDA_SUCCESS;
  });
}

template <class Body>
CUresult withObject(const char* name, uint64_t handle, bool isSurface, const void* result, Body&& body) {
  return callInContext(name, [&](Current&) -> CUresult {
    std::shared_ptr<TextureObject> object = findObject(handle, isSurface);
    if (!object) return CUDA_ERROR_INVALID_HANDLE;
    if (!result) return CUDA_ERROR_INVALID_VALUE;
    return body(*object);
  });
}

}  // namespace

void dropTextureObjects(const device::Context& impl) {
  std::vector<std::shared_ptr<TextureObject>> dead;
  std::unique_lock lock(objects().mutex);
  for (auto i = objects().objects.begin(); i != objects().objects.end();) {
    if (i->second->impl.get() != &impl) {
      ++i;
      continue;
    }
    dead.push_back(std::move(i->second));
    i = objects().objects.erase(i);
  }
  lock.unlock();
}

}  // namespace anywarp::driver

CUresult cuTexObjectCreate(CUtexObject* handle, const CUDA_RESOURCE_DESC* resource, const CUDA_TEXTURE_DESC* texture,
                           const CUDA_RESOURCE_VIEW_DESC* view) {
  return callInContext(__func__, [&](Current& current) -> CUresult {
    if (!handle || !resource || !texture) return CUDA_ERROR_INVALID_VALUE;
    auto object = std::make_shared<TextureObject>();
    device::TextureRecord record;
    if (CUresult result = describeResource(current, *resource, view, texture->flags, record, object->source); result != CUDA_SUCCESS) return result;
    if (CUresult result = describeSampler(*texture, record); result != CUDA_SUCCESS) return result;
    bool filters = record.sampler.linear && record.image.kind != device::ImageKind::Buffer;
    if (filters && !canFilter(record)) return CUDA_ERROR_INVALID_VALUE;
    object->impl = current.impl;
    object->resource = *resource;
    object->texture = *texture;
    object->hasView = view;
    if (view) object->view = *view;
    return publish(object, record, handle);
  });
}

CUresult cuTexObjectDestroy(CUtexObject handle) { return destroy(__func__, handle, false); }

CUresult cuTexObjectGetResourceDesc(CUDA_RESOURCE_DESC* resource, CUtexObject handle) {
  return withObject(__func__, handle, false, resource, [&](TextureObject& object) {
    *resource = object.resource;
    return CUDA_SUCCESS;
  });
}

CUresult cuTexObjectGetTextureDesc(CUDA_TEXTURE_DESC* texture, CUtexObject handle) {
  return withObject(__func__, handle, false, texture, [&](TextureObject& object) {
    *texture = object.texture;
    return CUDA_SUCCESS;
  });
}

CUresult cuTexObjectGetResourceViewDesc(CUDA_RESOURCE_VIEW_DESC* view, CUtexObject handle) {
  return withObject(__func__, handle, false, view, [&](TextureObject& object) -> CUresult {
    if (!object.hasView) return CUDA_ERROR_INVALID_VALUE;
    *view = object.view;
    return CUDA_SUCCESS;
  });
}

CUresult cuSurfObjectCreate(CUsurfObject* handle, const CUDA_RESOURCE_DESC* resource) {
  return callInContext(__func__, [&](Current& current) -> CUresult {
    if (!handle || !resource || resource->resType != CU_RESOURCE_TYPE_ARRAY) return CUDA_ERROR_INVALID_VALUE;
    auto object = std::make_shared<TextureObject>();
    device::TextureRecord record;
    record.kind = device::TextureRecord::Kind::Surface;
    if (CUresult result = describeResource(current, *resource, nullptr, CU_TRSF_READ_AS_INTEGER, record, object->source); result != CUDA_SUCCESS)
      return result;
    // Levels of mipmapped arrays may be written whatever they were made for: bindlessTexture of the CUDA samples relies on it.
    const Array& array = *object->source.array;
    if (!array.isLevel && !(array.descriptor.Flags & CUDA_ARRAY3D_SURFACE_LDST)) return CUDA_ERROR_INVALID_VALUE;
    object->impl = current.impl;
    object->isSurface = true;
    object->resource = *resource;
    return publish(object, record, handle);
  });
}

CUresult cuSurfObjectDestroy(CUsurfObject handle) { return destroy(__func__, handle, true); }

CUresult cuSurfObjectGetResourceDesc(CUDA_RESOURCE_DESC* resource, CUsurfObject handle) {
  return withObject(__func__, handle, true, resource, [&](TextureObject& object) {
    *resource = object.resource;
    return CUDA_SUCCESS;
  });
}
