// The shared checks of entry points. SPDX-License-Identifier: Apache-2.0
#include "driver/entry.h"

namespace anywarp::driver {

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
