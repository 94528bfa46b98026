// How every entry point runs: the checks that all of them share, the trace line, no exception past the C API.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <new>

#include "abi/cuda.h"
#include "driver/errors.h"
#include "driver/objects/context.h"
#include "support/log.h"

namespace anywarp::driver {

CUresult traced(const char* name, CUresult result);

// Finds the context that a call works in: current, active and healthy.
CUresult enter(Current& current);

// Needs cuInit only. Body: CUresult().
template <class Body>
CUresult call(const char* name, Body&& body) noexcept {
  CUresult result = CUDA_ERROR_NOT_INITIALIZED;
  try {
    if (initialised()) result = body();
  } catch (const std::bad_alloc&) {
    result = CUDA_ERROR_OUT_OF_MEMORY;
  }
  return log::enabled(log::Level::Trace) ? traced(name, result) : result;
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
