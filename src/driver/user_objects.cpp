// Driver API: Graph Management, user objects and the memory of allocation nodes. SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>

#include "driver/graph_call.h"

using namespace anywarp;
using namespace anywarp::driver;

namespace {

constexpr unsigned mostReferences = INT32_MAX;

// The last reference may run the program's function: it is let go of without the mutex.
template <class Body>
CUresult withObject(const char* name, CUuserObject handle, unsigned count, Body&& body) {
  std::shared_ptr<UserObject> object;
  std::vector<std::shared_ptr<UserObject>> dropped;
  return call(name, [&]() -> CUresult {
    std::lock_guard lock(graphMutex());
    object = userObjects().find(handle);
    if (!object || count == 0 || count > mostReferences) return CUDA_ERROR_INVALID_VALUE;
    return body(object, dropped);
  });
}

// The program's references; without any the handle means nothing.
CUresult release(UserObject& object, unsigned count) {
  if (count > object.references) return CUDA_ERROR_INVALID_VALUE;
  object.references -= count;
  if (object.references == 0) userObjects().take(object.handle);
  return CUDA_SUCCESS;
}

}  // namespace

CUresult cuUserObjectCreate(CUuserObject* handle, void* pointer, CUhostFn destroy, unsigned references, unsigned flags) {
  return call(__func__, [&]() -> CUresult {
    if (!handle || !destroy || references == 0 || references > mostReferences || flags != CU_USER_OBJECT_NO_DESTRUCTOR_SYNC) return CUDA_ERROR_INVALID_VALUE;
    auto object = std::make_shared<UserObject>();
    object->pointer = pointer;
    object->destroy = destroy;
    object->references = references;
    *handle = userObjects().add(object);
    return CUDA_SUCCESS;
  });
}

CUresult cuUserObjectRetain(CUuserObject handle, unsigned count) {
  return withObject(__func__, handle, count, [&](auto& object, auto&) {
    object->references += count;
    return CUDA_SUCCESS;
  });
}

CUresult cuUserObjectRelease(CUuserObject handle, unsigned count) {
  return withObject(__func__, handle, count, [&](auto& object, auto&) { return release(*object, count); });
}

CUresult cuGraphRetainUserObject(CUgraph graphHandle, CUuserObject handle, unsigned count, unsigned flags) {
  return withObject(__func__, handle, count, [&](auto& object, auto&) -> CUresult {
    std::shared_ptr<Graph> graph = graphs().find(graphHandle);
    if (!graph || flags & ~CU_GRAPH_USER_OBJECT_MOVE) return CUDA_ERROR_INVALID_VALUE;
    if (flags & CU_GRAPH_USER_OBJECT_MOVE && count > object->references) return CUDA_ERROR_INVALID_VALUE;
    auto& held = graph->userObjects[object.get()];
    held.insert(held.end(), std::min<size_t>(count, 65536), object);
    return flags & CU_GRAPH_USER_OBJECT_MOVE ? release(*object, count) : CUDA_SUCCESS;
  });
}

CUresult cuGraphReleaseUserObject(CUgraph graphHandle, CUuserObject handle, unsigned count) {
  std::vector<std::shared_ptr<UserObject>> dropped;
  return call(__func__, [&]() -> CUresult {
    std::lock_guard lock(graphMutex());
    std::shared_ptr<Graph> graph = graphs().find(graphHandle);
    if (!graph || count == 0) return CUDA_ERROR_INVALID_VALUE;
    for (auto& [object, held] : graph->userObjects) {
      if (object->handle != handle) continue;
      if (count > held.size()) return CUDA_ERROR_INVALID_VALUE;
      dropped.assign(held.end() - count, held.end());
      held.resize(held.size() - count);
      if (held.empty()) graph->userObjects.erase(object);
      return CUDA_SUCCESS;
    }
    return CUDA_ERROR_INVALID_VALUE;
  });
}

CUresult cuDeviceGraphMemTrim(CUdevice device) {
  return call(__func__, [&]() -> CUresult { return visibleDevice(device) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_DEVICE; });  // unused memory is never held back
}

CUresult cuDeviceGetGraphMemAttribute(CUdevice device, CUgraphMem_attribute attribute, void* value) {
  return call(__func__, [&]() -> CUresult {
    if (!visibleDevice(device)) return CUDA_ERROR_INVALID_DEVICE;
    if (!value || attribute > CU_GRAPH_MEM_ATTR_RESERVED_MEM_HIGH) return CUDA_ERROR_INVALID_VALUE;
    GraphMemoryCounts& counts = graphMemoryCounts(device);
    std::atomic<uint64_t>* members[] = {&counts.used, &counts.usedHigh, &counts.reserved, &counts.reservedHigh};
    uint64_t number = members[attribute]->load();
    std::memcpy(value, &number, sizeof(number));
    return CUDA_SUCCESS;
  });
}

CUresult cuDeviceSetGraphMemAttribute(CUdevice device, CUgraphMem_attribute attribute, void* value) {
  return call(__func__, [&]() -> CUresult {
    if (!visibleDevice(device)) return CUDA_ERROR_INVALID_DEVICE;
    uint64_t number = 0;
    if (value) std::memcpy(&number, value, sizeof(number));
    bool isHigh = attribute == CU_GRAPH_MEM_ATTR_USED_MEM_HIGH || attribute == CU_GRAPH_MEM_ATTR_RESERVED_MEM_HIGH;
    if (!value || !isHigh || number) return CUDA_ERROR_INVALID_VALUE;  // the highest values can be reset
    GraphMemoryCounts& counts = graphMemoryCounts(device);
    if (attribute == CU_GRAPH_MEM_ATTR_USED_MEM_HIGH) counts.usedHigh = counts.used.load();
    else counts.reservedHigh = counts.reserved.load();
    return CUDA_SUCCESS;
  });
}
