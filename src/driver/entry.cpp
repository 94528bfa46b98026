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

CUresult enter(Current& current, CUstream stream) {
  std::shared_ptr<StreamObject> object = !inCallback() && currentStack().empty() ? streams().find(stream) : nullptr;
  std::shared_ptr<Context> owner = object ? object->context.lock() : nullptr;
  if (!owner) return enter(current);
  current = {owner, owner->active()};
  if (current.impl != object->impl) return CUDA_ERROR_CONTEXT_IS_DESTROYED;
  return current.fault();
}

}  // namespace anywarp::driver
