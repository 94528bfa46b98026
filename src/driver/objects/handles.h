// Handles: numbers that lead to live objects and never become valid again, so that a wrong one is an error and not a crash.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <unordered_map>
#include <vector>

namespace anywarp::driver {

enum class HandleKind : uint8_t { None, Context, Stream, Event, Module, Function, Library, Kernel, LinkState, MemoryPool, Array, Allocation, MipmappedArray, TextureReference, SurfaceReference, Graph, GraphNode, GraphExec, UserObject, ExternalMemory, GreenContext, ResourceDescription, LogCallback, AsyncCallback };

// A handle looks like an address that nothing is mapped at: kind in bits 40-45, a serial number below.
inline HandleKind kindOf(const void* handle) {
  uint64_t bits = reinterpret_cast<uintptr_t>(handle);
  return bits >> 46 == 1 ? static_cast<HandleKind>(bits >> 40 & 0x3f) : HandleKind::None;
}

// Objects of one kind. `Object::handle` is set by add(). Safe from every thread.
template <class Object, class Handle, HandleKind kind>
class HandleTable {
 public:
  Handle add(const std::shared_ptr<Object>& object) {
    uint64_t serial = next_.fetch_add(1, std::memory_order_relaxed);
    object->handle = reinterpret_cast<Handle>(1ull << 46 | static_cast<uint64_t>(kind) << 40 | serial << 4);
    std::unique_lock lock(mutex_);
    objects_.emplace(object->handle, object);
    return object->handle;
  }

  std::shared_ptr<Object> find(Handle handle) const {
    std::shared_lock lock(mutex_);
    auto found = objects_.find(handle);
    return found == objects_.end() ? nullptr : found->second;
  }

  // Some object that `wanted` holds for.
  template <class Predicate>
  std::shared_ptr<Object> findIf(Predicate wanted) const {
    std::shared_lock lock(mutex_);
    for (auto& [handle, object] : objects_)
      if (wanted(*object)) return object;
    return nullptr;
  }

  // Calls `visit` with every object, without the table being locked meanwhile.
  template <class Visit>
  void forEach(Visit visit) const {
    std::vector<std::shared_ptr<Object>> all;
    {
      std::shared_lock lock(mutex_);
      for (auto& [handle, object] : objects_) all.push_back(object);
    }
    for (const std::shared_ptr<Object>& object : all) visit(*object);
  }

  // Makes the handle invalid.
  std::shared_ptr<Object> take(Handle handle) {
    std::unique_lock lock(mutex_);
    auto found = objects_.find(handle);
    if (found == objects_.end()) return nullptr;
    std::shared_ptr<Object> object = std::move(found->second);
    objects_.erase(found);
    return object;
  }

  // Takes all objects that `wanted` holds for.
  template <class Predicate>
  std::vector<std::shared_ptr<Object>> takeIf(Predicate wanted) {
    std::vector<std::shared_ptr<Object>> taken;
    std::unique_lock lock(mutex_);
    for (auto i = objects_.begin(); i != objects_.end();) {
      if (!wanted(*i->second)) {
        ++i;
        continue;
      }
      taken.push_back(std::move(i->second));
      i = objects_.erase(i);
    }
    return taken;
  }

 private:
  std::atomic<uint64_t> next_{1};
  mutable std::shared_mutex mutex_;
  std::unordered_map<Handle, std::shared_ptr<Object>> objects_;
};

}  // namespace anywarp::driver
