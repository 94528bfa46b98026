// Driver API: Context Management, what concerns a context as a whole: events of all its streams, and counted use.
// SPDX-License-Identifier: Apache-2.0
#include "abi/cuda_execution.h"
#include "driver/entry.h"
#include "driver/objects/capture.h"

using namespace anywarp;
using namespace anywarp::driver;

namespace {

// The context and the event of such a call. Body: CUresult(device::Context&, EventObject&).
template <class Body>
CUresult withEvent(const char* name, CUcontext handle, CUevent eventHandle, Body&& body) {
  return call(name, [&]() -> CUresult {
    if (inCallback()) return CUDA_ERROR_NOT_PERMITTED;
    Current current;
    current.context = handle ? contexts().find(handle) : currentContext();
    if (!current.context) return CUDA_ERROR_INVALID_CONTEXT;
    current.impl = current.context->active();
    if (!current.impl) return CUDA_ERROR_CONTEXT_IS_DESTROYED;
    std::shared_ptr<EventObject> event = events().find(eventHandle);
    if (!event) return CUDA_ERROR_INVALID_HANDLE;
    if (event->shared) return CUDA_ERROR_NOT_SUPPORTED;
    if (CUresult result = checkContextCapture(current); result != CUDA_SUCCESS) return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
    return body(*current.impl, *event);
  });
}

}  // namespace

CUresult cuCtxRecordEvent(CUcontext context, CUevent event) {
  return withEvent(__func__, context, event, [](device::Context& impl, EventObject& object) -> CUresult {
    if (object.impl.get() != &impl) return CUDA_ERROR_INVALID_HANDLE;
    impl.recordAll(object.event);
    return CUDA_SUCCESS;
  });
}

CUresult cuCtxWaitEvent(CUcontext context, CUevent event) {
  return withEvent(__func__, context, event, [](device::Context& impl, EventObject& object) -> CUresult {
    impl.waitAll(object.event);
    return CUDA_SUCCESS;
  });
}

CUresult cuCtxAttach(CUcontext* handle, unsigned flags) {
  return callInContext(__func__, [&](Current& current) -> CUresult {
    if (!handle || flags) return CUDA_ERROR_INVALID_VALUE;
    if (current.context->ownership == Context::Ownership::Primary) return CUDA_ERROR_INVALID_CONTEXT;
    current.context->attachments.fetch_add(1);
    *handle = current.context->handle;
    return CUDA_SUCCESS;
  });
}

// The last use of a context destroys it.
CUresult cuCtxDetach(CUcontext handle) {
  std::shared_ptr<Context> context;
  CUresult found = call(__func__, [&]() -> CUresult {
    context = contexts().find(handle);
    return context && context == currentContext() && context->ownership == Context::Ownership::Explicit ? CUDA_SUCCESS : CUDA_ERROR_INVALID_CONTEXT;
  });
  if (found != CUDA_SUCCESS) return found;
  return context->attachments.fetch_sub(1) == 1 ? cuCtxDestroy_v2(handle) : CUDA_SUCCESS;
}
