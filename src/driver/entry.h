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
// A stream of the program's own brings its context along where the thread has none.
CUresult enter(Current& current, CUstream stream);

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

}  // namespace anywarp::driver
