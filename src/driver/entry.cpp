// The shared checks of entry points. SPDX-License-Identifier: Apache-2.0
#include "driver/entry.h"

#include "driver/memory.h"

namespace anywarp::driver {
namespace {

bool hasNone() { return !inCallback() && currentStack().empty(); }

}  // namespace

CUresult enter(Current& current) {
  if (inCallback()) return CUDA_ERROR_NOT_PERMITTED;
  auto& stack = currentStack();
  if (stack.empty()) return CUDA_ERROR_INVALID_CONTEXT;
  current.context = stack.back();
  current.impl = current.context->active();
  if (!current.impl) return CUDA_ERROR_CONTEXT_IS_DESTROYED;
  return current.fault();
}

CUresult enterOwner(Current& current, const std::weak_ptr<Context>& owner, const std::shared_ptr<device::Context>& impl) {
  std::shared_ptr<Context> context = owner.lock();
  if (!context) return CUDA_ERROR_INVALID_CONTEXT;
  current = {context, context->active()};
  if (!current.impl || current.impl != impl) return CUDA_ERROR_CONTEXT_IS_DESTROYED;
  return current.fault();
}

CUresult enter(Current& current, CUstream stream) {
  std::shared_ptr<StreamObject> object = hasNone() ? streams().find(stream) : nullptr;
  return object ? enterOwner(current, object->context, object->impl) : enter(current);
}

CUresult enter(Current& current, CUevent event) {
  std::shared_ptr<EventObject> object = hasNone() ? events().find(event) : nullptr;
  return object ? enterOwner(current, object->context, object->impl) : enter(current);
}

CUresult enter(Current& current, CUdeviceptr pointer) {
  std::optional<device::Allocation> allocation = hasNone() ? device::Memory::instance().find(pointerOf(pointer)) : std::nullopt;
  if (!allocation || !allocation->owner) return enter(current);
  std::shared_ptr<Context> owner = contexts().findIf([&](const Context& context) { return context.active().get() == allocation->owner; });
  return owner ? enterOwner(current, owner, owner->active()) : enter(current);
}

}  // namespace anywarp::driver
