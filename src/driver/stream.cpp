// Driver API: Stream Management. SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "driver/entry.h"
#include "driver/memory.h"
#include "driver/objects/capture.h"

using namespace anywarp;
using namespace anywarp::driver;

namespace {

constexpr int lowestPriority = 0, highestPriority = -5;

// Runs `body` with the stream that `handle` means, in its context.
template <class Body>
CUresult withStream(const char* name, CUstream handle, Body&& body) {
  return callInContext(name, handle, [&](Current& current) -> CUresult {
    StreamRef stream = enterStream(current, handle);
    return stream ? body(current, stream) : CUDA_ERROR_INVALID_HANDLE;
  });
}

CUresult create(const char* name, CUstream* handle, unsigned flags, int priority) {
  return callInContext(name, [&](Current& current) -> CUresult {
    if (!handle || flags & ~CU_STREAM_NON_BLOCKING) return CUDA_ERROR_INVALID_VALUE;
    auto kind = flags & CU_STREAM_NON_BLOCKING ? device::StreamKind::NonBlocking : device::StreamKind::Blocking;
    auto object = std::make_shared<StreamObject>();
    object->impl = current.impl;
    object->stream = current.impl->createStream(kind, std::clamp(priority, highestPriority, lowestPriority));
    object->context = current.context;
    object->flags = flags;
    *handle = streams().add(object);
    return CUDA_SUCCESS;
  });
}

CUresult destroy(const char* name, CUstream handle) {
  return call(name, [&]() -> CUresult {
    if (inCallback()) return CUDA_ERROR_NOT_PERMITTED;
    // The work that is in it goes on.
    std::shared_ptr<StreamObject> object = streams().take(handle);
    if (!object) return CUDA_ERROR_INVALID_HANDLE;
    forgetStream(*object->stream);
    return CUDA_SUCCESS;
  });
}

StreamAttributes& attributesOf(const Current& current, const StreamRef& stream, CUstream handle) {
  if (stream.object) return stream.object->attributes;
  return handle == CU_STREAM_PER_THREAD ? current.context->perThreadAttributes : current.context->legacyAttributes;
}

// Runs a program's function, during which its thread may not call us.
template <class Function>
void asCallback(Function&& function) {
  inCallback() = true;
  function();
  inCallback() = false;
}

}  // namespace

CUresult cuStreamCreate(CUstream* stream, unsigned flags) { return create(__func__, stream, flags, 0); }
CUresult cuStreamCreateWithPriority(CUstream* stream, unsigned flags, int priority) { return create(__func__, stream, flags, priority); }
CUresult cuStreamDestroy(CUstream stream) { return destroy(__func__, stream); }
CUresult cuStreamDestroy_v2(CUstream stream) { return destroy(__func__, stream); }

CUresult cuStreamGetPriority(CUstream handle, int* priority) {
  return withStream(__func__, handle, [&](Current&, StreamRef& stream) -> CUresult {
    if (!priority) return CUDA_ERROR_INVALID_VALUE;
    *priority = stream->priority();
    return CUDA_SUCCESS;
  });
}

CUresult cuStreamGetFlags(CUstream handle, unsigned* flags) {
  return withStream(__func__, handle, [&](Current&, StreamRef& stream) -> CUresult {
    if (!flags) return CUDA_ERROR_INVALID_VALUE;
    *flags = stream.object ? stream.object->flags : CU_STREAM_DEFAULT;
    return CUDA_SUCCESS;
  });
}

CUresult cuStreamGetId(CUstream handle, unsigned long long* id) {
  return withStream(__func__, handle, [&](Current&, StreamRef& stream) -> CUresult {
    if (!id) return CUDA_ERROR_INVALID_VALUE;
    *id = stream->id();
    return CUDA_SUCCESS;
  });
}

CUresult cuStreamGetDevice(CUstream handle, CUdevice* device) {
  return withStream(__func__, handle, [&](Current& current, StreamRef&) -> CUresult {
    if (!device) return CUDA_ERROR_INVALID_VALUE;
    *device = current.device().ordinal;
    return CUDA_SUCCESS;
  });
}

CUresult cuStreamGetCtx(CUstream handle, CUcontext* context) {
  return withStream(__func__, handle, [&](Current& current, StreamRef&) -> CUresult {
    if (!context) return CUDA_ERROR_INVALID_VALUE;
    *context = current.context->handle;
    return CUDA_SUCCESS;
  });
}

CUresult cuStreamGetCtx_v2(CUstream handle, CUcontext* context, CUgreenCtx* green) {
  return withStream(__func__, handle, [&](Current& current, StreamRef& stream) -> CUresult {
    if (!context) return CUDA_ERROR_INVALID_VALUE;
    bool isGreen = stream.object && stream.object->green;
    std::shared_ptr<Context> owner = stream.object ? stream.object->context.lock() : nullptr;
    *context = owner ? owner->handle : current.context->handle;
    if (green) *green = isGreen ? stream.object->green : nullptr;
    return CUDA_SUCCESS;
  });
}

CUresult cuStreamQuery(CUstream handle) {
  return withStream(__func__, handle, [&](Current& current, StreamRef& stream) -> CUresult {
    if (stream.capture) return refuseCapture(stream);
    if (!stream->idle()) return CUDA_ERROR_NOT_READY;
    current.impl->flushPrintf();
    return current.fault();
  });
}

CUresult cuStreamSynchronize(CUstream handle) {
  return withStream(__func__, handle, [&](Current& current, StreamRef& stream) -> CUresult {
    if (stream.capture) return refuseCapture(stream);
    stream->synchronize();
    current.impl->flushPrintf();
    return current.fault();
  });
}

CUresult cuStreamWaitEvent(CUstream handle, CUevent event, unsigned flags) {
  return withStream(__func__, handle, [&](Current& current, StreamRef& stream) -> CUresult {
    std::shared_ptr<EventObject> object = events().find(event);
    if (!object) return CUDA_ERROR_INVALID_HANDLE;
    if (flags & ~CU_EVENT_WAIT_EXTERNAL) return CUDA_ERROR_INVALID_VALUE;
    if (stream.capture || object->isCaptured.load(std::memory_order_relaxed)) return captureWait(current, stream, object, flags);
    if (flags) return CUDA_ERROR_INVALID_VALUE;  // external waits exist while capturing only
    waitOn(*stream.stream, *object);
    return CUDA_SUCCESS;
  });
}

CUresult cuStreamAddCallback(CUstream handle, CUstreamCallback callback, void* user, unsigned flags) {
  return withStream(__func__, handle, [&](Current& current, StreamRef& stream) -> CUresult {
    if (!callback || flags) return CUDA_ERROR_INVALID_VALUE;
    if (stream.capture) return refuseCapture(stream);
    // The context outlives the work in its streams; a shared pointer here would let the callback's thread destroy it.
    device::Context* impl = current.impl.get();
    stream->hostFunction(
        [=] {
          impl->flushPrintf();
          const device::Fault* fault = impl->fault();
          asCallback([&] { callback(handle, fault ? toResult(fault->kind) : CUDA_SUCCESS, user); });
        },
        device::OnFault::Always);
    return CUDA_SUCCESS;
  });
}

CUresult cuLaunchHostFunc(CUstream handle, CUhostFn function, void* user) {
  return withStream(__func__, handle, [&](Current&, StreamRef& stream) -> CUresult {
    if (!function) return CUDA_ERROR_INVALID_VALUE;
    if (stream.capture) return captureWork(stream, CU_GRAPH_NODE_TYPE_HOST, HostWork{{function, user}});
    stream->hostFunction([=] { asCallback([&] { function(user); }); });
    return CUDA_SUCCESS;
  });
}

CUresult cuStreamAttachMemAsync(CUstream handle, CUdeviceptr pointer, size_t bytes, unsigned flags) {
  return withStream(__func__, handle, [&](Current&, StreamRef& stream) -> CUresult {
    bool flagOk = flags == CU_MEM_ATTACH_GLOBAL || flags == CU_MEM_ATTACH_HOST || flags == CU_MEM_ATTACH_SINGLE;
    std::optional<device::Allocation> allocation = device::Memory::instance().find(pointerOf(pointer));
    if (!flagOk || !allocation || allocation->kind != device::MemoryKind::Managed) return CUDA_ERROR_INVALID_VALUE;
    if (allocation->base != pointer || (bytes != 0 && bytes != allocation->bytes)) return CUDA_ERROR_INVALID_VALUE;
    if (flags == CU_MEM_ATTACH_SINGLE && !stream.object) return CUDA_ERROR_INVALID_VALUE;
    return CUDA_SUCCESS;  // host and every stream reach managed memory at any time
  });
}

CUresult cuStreamCopyAttributes(CUstream target, CUstream source) {
  return withStream(__func__, target, [&](Current& current, StreamRef& to) -> CUresult {
    StreamAttributes& attributes = attributesOf(current, to, target);
    StreamRef from = enterStream(current, source);
    if (!from) return CUDA_ERROR_INVALID_HANDLE;
    attributes.copyFrom(attributesOf(current, from, source));
    return CUDA_SUCCESS;
  });
}

CUresult cuStreamGetAttribute(CUstream handle, CUstreamAttrID attribute, CUstreamAttrValue* value) {
  return withStream(__func__, handle, [&](Current& current, StreamRef& stream) -> CUresult {
    if (!value) return CUDA_ERROR_INVALID_VALUE;
    *value = {};
    if (attribute != CU_LAUNCH_ATTRIBUTE_PRIORITY) return attributesOf(current, stream, handle).get(attribute, *value) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
    value->priority = stream->priority();
    return CUDA_SUCCESS;
  });
}

CUresult cuStreamSetAttribute(CUstream handle, CUstreamAttrID attribute, const CUstreamAttrValue* value) {
  return withStream(__func__, handle, [&](Current& current, StreamRef& stream) -> CUresult {
    return value && attributesOf(current, stream, handle).set(attribute, *value) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
  });
}
