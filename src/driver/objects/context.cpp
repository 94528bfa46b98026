// Life of contexts; the current context of a thread. SPDX-License-Identifier: Apache-2.0
#include "driver/objects/context.h"

#include <pthread.h>

#include <algorithm>

#include "driver/errors.h"
#include "driver/memory.h"
#include "driver/objects/capture.h"
#include "driver/objects/interprocess.h"
#include "driver/objects/library.h"
#include "driver/objects/texture.h"

namespace anywarp::driver {
namespace {

struct ThreadState {
  std::vector<std::shared_ptr<Context>> stack;
  bool inCallback = false;
};

// A plain pointer, freed by a thread-specific key when a thread ends: the main thread's state has to outlive its destructors.
thread_local ThreadState* threadState = nullptr;

pthread_key_t makeKey() {
  pthread_key_t key;
  pthread_key_create(&key, [](void* state) {
    delete static_cast<ThreadState*>(state);
    threadState = nullptr;
  });
  return key;
}

ThreadState& thisThread() {
  if (threadState) return *threadState;
  static const pthread_key_t key = makeKey();
  threadState = new ThreadState;
  pthread_setspecific(key, threadState);
  return *threadState;
}

}  // namespace

ContextTable& contexts() {
  static ContextTable& table = *new ContextTable;
  return table;
}

StreamTable& streams() {
  static StreamTable& table = *new StreamTable;
  return table;
}

EventTable& events() {
  static EventTable& table = *new EventTable;
  return table;
}

std::vector<std::shared_ptr<Context>>& currentStack() { return thisThread().stack; }

std::shared_ptr<Context> currentContext() {
  auto& stack = currentStack();
  return stack.empty() ? nullptr : stack.back();
}

bool& inCallback() { return thisThread().inCallback; }

CUresult Current::fault() const {
  const device::Fault* fault = impl->fault();
  return fault ? toResult(fault->kind) : CUDA_SUCCESS;
}

std::shared_ptr<Context> Context::makePrimary(VisibleDevice& device) {
  auto context = std::make_shared<Context>(device, Ownership::Primary, 0);
  contexts().add(context);
  return context;
}

std::shared_ptr<Context> Context::makeExplicit(VisibleDevice& device, unsigned flags) {
  auto context = std::make_shared<Context>(device, Ownership::Explicit, flags);
  contexts().add(context);
  context->active_ = std::make_shared<device::Context>(*device.device);
  return context;
}

std::shared_ptr<Context> Context::makeGreen(const std::shared_ptr<Context>& primary, int smCount) {
  auto context = std::make_shared<Context>(primary->device, Ownership::Explicit, 0);
  context->primary_ = primary;
  context->smCount_ = smCount;
  contexts().add(context);
  return context;
}

std::shared_ptr<device::Context> Context::active() const {
  if (primary_) return primary_->active();
  std::lock_guard lock(mutex_);
  return active_;
}

CUresult Context::retain() {
  std::lock_guard lock(mutex_);
  if (!active_) active_ = std::make_shared<device::Context>(*device.device);
  ++references_;
  return CUDA_SUCCESS;
}

CUresult Context::release() {
  {
    std::lock_guard lock(mutex_);
    if (references_ == 0) return CUDA_ERROR_INVALID_CONTEXT;
    if (--references_ > 0) return CUDA_SUCCESS;
  }
  deactivate();
  return CUDA_SUCCESS;
}

void Context::reset() {
  {
    std::lock_guard lock(mutex_);
    references_ = 0;
  }
  deactivate();
}

void Context::deactivate() {
  if (primary_) return;
  std::shared_ptr<device::Context> impl;
  {
    std::lock_guard lock(mutex_);
    impl = std::move(active_);
    active_ = nullptr;
  }
  if (!impl) return;
  impl->synchronize();
  auto ours = [&](const auto& object) { return object.impl == impl; };
  forgetCaptures(*impl);
  auto deadExecs = graphExecs().takeIf([&](const GraphExec& exec) { return std::find(exec.contexts.begin(), exec.contexts.end(), impl) != exec.contexts.end(); });
  auto deadStreams = streams().takeIf(ours);
  auto deadEvents = events().takeIf(ours);
  closeForeign(*impl);
  dropTextureObjects(*impl);
  auto deadMipmaps = mipmappedArrays().takeIf(ours);
  auto deadArrays = arrays().takeIf(ours);
  auto deadModules = modules().takeIf([&](const Instance& instance) { return instance.impl() == impl; });
  std::lock_guard lock(instancesMutex_);
  instances_.clear();
  cacheConfig = CU_FUNC_CACHE_PREFER_NONE;
}

Result<std::shared_ptr<Instance>> Context::instanceOf(const std::shared_ptr<Library>& library) {
  if (primary_) return primary_->instanceOf(library);
  std::lock_guard lock(instancesMutex_);
  auto found = instances_.find(library.get());
  if (found != instances_.end()) return found->second;
  Result<std::shared_ptr<Instance>> made = Instance::make(library, shared_from_this());
  if (made) instances_.emplace(library.get(), *made);
  return made;
}

void Context::forget(const Library& library) {
  if (primary_) return;
  std::shared_ptr<Instance> dropped;
  {
    std::lock_guard lock(instancesMutex_);
    auto found = instances_.find(&library);
    if (found == instances_.end()) return;
    dropped = std::move(found->second);
    instances_.erase(found);
  }
  modules().take(dropped->handle);
  dropped->impl()->synchronize();
}

bool Context::owns(const Instance& instance) {
  if (primary_) return primary_->owns(instance);
  std::lock_guard lock(instancesMutex_);
  auto found = instances_.find(instance.library().get());
  return found != instances_.end() && found->second.get() == &instance;
}

void recordOn(device::Stream& stream, const EventObject& event) {
  if (!event.shared) return stream.record(event.event);
  uint64_t record = event.shared->submitRecord();
  stream.call([shared = event.shared, record] { shared->reach(record); }, device::OnFault::Always);
}

void waitOn(device::Stream& stream, const EventObject& event) {
  if (!event.shared) return stream.wait(event.event);
  uint64_t record = event.shared->recorded();
  if (event.shared->reached(record)) return;
  stream.waitUntil([shared = event.shared, record, asked = std::make_shared<uint32_t>(0)] { return shared->reachedOrLost(record, *asked); });
}

namespace {

StreamRef plainStreamOf(const Current& current, CUstream handle) {
  if (!handle || handle == CU_STREAM_LEGACY) return {&current.impl->legacyStream(), nullptr};
  if (handle == CU_STREAM_PER_THREAD) return {&current.impl->perThreadStream(), nullptr};
  std::shared_ptr<StreamObject> object = streams().find(handle);
  if (!object || object->impl != current.impl) return {};
  return {object->stream.get(), object};
}

}  // namespace

StreamRef streamOf(const Current& current, CUstream handle) {
  StreamRef ref = plainStreamOf(current, handle);
  if (capturingStreams.load(std::memory_order_relaxed) && ref) findCapture(current, ref);
  return ref;
}

StreamRef enterStream(Current& current, CUstream handle) {
  if (!handle || handle == CU_STREAM_LEGACY || handle == CU_STREAM_PER_THREAD) return streamOf(current, handle);
  std::shared_ptr<StreamObject> object = streams().find(handle);
  if (!object) return {};
  if (object->impl != current.impl) {
    std::shared_ptr<Context> owner = object->context.lock();
    if (!owner || owner->active() != object->impl) return {};
    current = {std::move(owner), object->impl};
  }
  StreamRef ref{object->stream.get(), object};
  if (capturingStreams.load(std::memory_order_relaxed)) findCapture(current, ref);
  return ref;
}

}  // namespace anywarp::driver
