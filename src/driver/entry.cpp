// The shared checks of entry points. SPDX-License-Identifier: Apache-2.0
#include "driver/entry.h"

namespace anywarp::driver {

CUresult traced(const char* name, CUresult result) {
  const char* text = errorName(result);
  log::trace("{} -> {}", name, result == CUDA_SUCCESS ? "ok" : text ? text : "unknown error");
  return result;
}

CUresult enter(Current& current) {
  if (inCallback()) return CUDA_ERROR_NOT_PERMITTED;
  auto& stack = currentStack();
  if (stack.empty()) return CUDA_ERROR_INVALID_CONTEXT;
  current.context = stack.back();
  current.impl = current.context->active();
  if (!current.impl) return CUDA_ERROR_CONTEXT_IS_DESTROYED;
  return current.fault();
}

}  // namespace anywarp::driver
