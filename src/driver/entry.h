// How every entry point runs: the checks that all of them share, no exception past the C API.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <new>

#include "abi/cuda.h"
#include "driver/errors.h"
#include "driver/objects/context.h"
#include "support/log.h"

namespace anywarp::driver {

// Finds the context that a call works in: current, active and healthy.
CUresult enter(Current& current);
// Where the thread has none: the context of a stream of the program's own, of an event, or that memory was allocated in.
CUresult enter(Current& current, CUstream stream);
CUresult enter(Current& current, CUevent event);
CUresult enter(Current& current, CUdeviceptr pointer);
// The context that an object was made in, whatever is current.
CUresult enterOwner(Current& current, const std::weak_ptr<Context>& owner, const std::shared_ptr<device::Context>& impl);

// Needs cuInit only. Body: CUresult().
template <class Body>
CUresult call(const char*, Body&& body) noexcept {
  try {
    return initialised() ? body() : CUDA_ERROR_NOT_INITIALIZED;
  } catch (const std::bad_alloc&) {
    return CUDA_ERROR_OUT_OF_MEMORY;
  }
}

// Needs a current context without a sticky error. Body: CUresult(Current&).
template <class Body>
CUresult callInContext(const char* name, Body&& body) noexcept {
  return call(name, [&]() -> CUresult {
    Current current;
    CUresult entered = enter(current);
    return entered == CUDA_SUCCESS ? body(current) : entered;
  });
}

// The same where a stream, an event or memory may bring the context along.
template <class Bringer, class Body>
CUresult callInContext(const char* name, Bringer bringer, Body&& body) noexcept {
  return call(name, [&]() -> CUresult {
    Current current;
    CUresult entered = enter(current, bringer);
    return entered == CUDA_SUCCESS ? body(current) : entered;
  });
}

}  // namespace anywarp::driver
