// Driver API: Event Management. SPDX-License-Identifier: Apache-2.0
#include "driver/entry.h"
#include "driver/objects/capture.h"

using namespace anywarp;
using namespace anywarp::driver;

namespace {

constexpr unsigned eventFlags = CU_EVENT_BLOCKING_SYNC | CU_EVENT_DISABLE_TIMING | CU_EVENT_INTERPROCESS;

template <class Body>
CUresult withEvent(const char* name, CUevent handle, Body&& body) {
  return callInContext(name, handle, [&](Current& current) -> CUresult {
    std::shared_ptr<EventObject> event = events().find(handle);
    return event ? body(current, *event) : CUDA_ERROR_INVALID_HANDLE;
  });
}

void forgetPoint(EventObject& event);

CUresult record(const char* name, CUevent handle, CUstream streamHandle, unsigned flags) {
  return callInContext(name, streamHandle, [&](Current& current) -> CUresult {
    std::shared_ptr<EventObject> event = events().find(handle);
    if (!event) return CUDA_ERROR_INVALID_HANDLE;
    if (flags & ~CU_EVENT_RECORD_EXTERNAL) return CUDA_ERROR_INVALID_VALUE;
    StreamRef stream = enterStream(current, streamHandle);
    if (!stream || event->impl != current.impl) return CUDA_ERROR_INVALID_HANDLE;
    if (stream.capture) return captureRecord(stream, event, flags);
    if (flags) return CUDA_ERROR_INVALID_VALUE;  // external records exist while capturing only
    if (event->isCaptured.load(std::memory_order_relaxed)) forgetPoint(*event);
    recordOn(*stream.stream, *event);
    return CUDA_SUCCESS;
  });
}

CUresult destroy(const char* name, CUevent handle) {
  return call(name, [&]() -> CUresult {
    if (inCallback()) return CUDA_ERROR_NOT_PERMITTED;
    return events().take(handle) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_HANDLE;
  });
}

// It is an ordinary event again.
void forgetPoint(EventObject& event) {
  std::lock_guard lock(graphMutex());
  event.captured = nullptr;
  event.isCaptured = false;
}

bool isTimed(const EventObject& event) { return !(event.flags & CU_EVENT_DISABLE_TIMING) && event.event->recorded(); }

CUresult elapsed(const char* name, float* milliseconds, CUevent startHandle, CUevent endHandle) {
  return callInContext(name, startHandle, [&](Current& current) -> CUresult {
    if (!milliseconds) return CUDA_ERROR_INVALID_VALUE;
    std::shared_ptr<EventObject> start = events().find(startHandle), end = events().find(endHandle);
    if (start && end && (start->isCaptured || end->isCaptured)) return CUDA_ERROR_CAPTURED_EVENT;
    if (!start || !end || !isTimed(*start) || !isTimed(*end)) return CUDA_ERROR_INVALID_HANDLE;
    if (start->impl != end->impl) return CUDA_ERROR_INVALID_HANDLE;
    if (!start->event->complete() || !end->event->complete()) return CUDA_ERROR_NOT_READY;
    *milliseconds = static_cast<float>(static_cast<double>(static_cast<int64_t>(end->event->timestamp() - start->event->timestamp())) / 1e6);
    return current.fault();
  });
}

}  // namespace

CUresult cuEventCreate(CUevent* handle, unsigned flags) {
  return callInContext(__func__, [&](Current& current) -> CUresult {
    if (!handle || flags & ~eventFlags) return CUDA_ERROR_INVALID_VALUE;
    if (flags & CU_EVENT_INTERPROCESS && !(flags & CU_EVENT_DISABLE_TIMING)) return CUDA_ERROR_INVALID_VALUE;
    auto object = std::make_shared<EventObject>();
    if (flags & CU_EVENT_INTERPROCESS) {
      auto shared = device::SharedEvent::make();
      if (!shared) return toResult(shared.error());
      object->shared = std::move(*shared);
    }
    object->impl = current.impl;
    object->event = std::make_shared<device::Event>(flags & CU_EVENT_DISABLE_TIMING ? device::EventTiming::Off : device::EventTiming::On);
    object->context = current.context;
    object->flags = flags;
    *handle = events().add(object);
    return CUDA_SUCCESS;
  });
}

CUresult cuEventDestroy(CUevent event) { return destroy(__func__, event); }
CUresult cuEventDestroy_v2(CUevent event) { return destroy(__func__, event); }
CUresult cuEventRecord(CUevent event, CUstream stream) { return record(__func__, event, stream, 0); }
CUresult cuEventRecordWithFlags(CUevent event, CUstream stream, unsigned flags) { return record(__func__, event, stream, flags); }

CUresult cuEventQuery(CUevent handle) {
  auto query = [](Current& current, EventObject& event) -> CUresult {
    if (event.isCaptured) return CUDA_ERROR_CAPTURED_EVENT;
    if (!(event.shared ? event.shared->complete() : event.event->complete())) return CUDA_ERROR_NOT_READY;
    current.impl->flushPrintf();
    return current.fault();
  };
  if (!inCallback()) return withEvent(__func__, handle, query);
  // The one question that a program's function in a stream may ask: programs do, and nothing waits for the answer.
  return call(__func__, [&]() -> CUresult {
    std::shared_ptr<EventObject> event = events().find(handle);
    if (!event) return CUDA_ERROR_INVALID_HANDLE;
    Current current;
    CUresult entered = enterOwner(current, event->context, event->impl);
    return entered == CUDA_SUCCESS ? query(current, *event) : entered;
  });
}

CUresult cuEventSynchronize(CUevent handle) {
  return withEvent(__func__, handle, [](Current& current, EventObject& event) -> CUresult {
    if (event.isCaptured) return CUDA_ERROR_CAPTURED_EVENT;
    if (event.shared) event.shared->wait(event.shared->recorded());
    else event.event->synchronize();
    current.impl->flushPrintf();
    return current.fault();
  });
}

CUresult cuEventElapsedTime(float* milliseconds, CUevent start, CUevent end) { return elapsed(__func__, milliseconds, start, end); }
CUresult cuEventElapsedTime_v2(float* milliseconds, CUevent start, CUevent end) { return elapsed(__func__, milliseconds, start, end); }
