// Driver API: Primary Context Management. SPDX-License-Identifier: Apache-2.0
#include "driver/entry.h"

using namespace anywarp;
using namespace anywarp::driver;

namespace {

template <class Body>
CUresult withPrimary(const char* name, CUdevice ordinal, Body&& body) {
  return call(name, [&]() -> CUresult {
    if (inCallback()) return CUDA_ERROR_NOT_PERMITTED;
    VisibleDevice* device = visibleDevice(ordinal);
    return device ? body(*device->primary) : CUDA_ERROR_INVALID_DEVICE;
  });
}

bool validFlags(unsigned flags) {
  unsigned schedule = flags & CU_CTX_SCHED_MASK;
  return (flags & ~CU_CTX_FLAGS_MASK) == 0 && (schedule & (schedule - 1)) == 0;
}

CUresult release(const char* name, CUdevice dev) {
  return withPrimary(name, dev, [](Context& context) { return context.release(); });
}

CUresult reset(const char* name, CUdevice dev) {
  return withPrimary(name, dev, [](Context& context) {
    context.reset();
    context.flags = 0;
    return CUDA_SUCCESS;
  });
}

CUresult setFlags(const char* name, CUdevice dev, unsigned flags) {
  return withPrimary(name, dev, [&](Context& context) -> CUresult {
    if (!validFlags(flags)) return CUDA_ERROR_INVALID_VALUE;
    context.flags = flags;
    return CUDA_SUCCESS;
  });
}

}  // namespace

CUresult cuDevicePrimaryCtxRetain(CUcontext* handle, CUdevice dev) {
  return withPrimary(__func__, dev, [&](Context& context) -> CUresult {
    if (!handle) return CUDA_ERROR_INVALID_VALUE;
    *handle = context.handle;
    return context.retain();
  });
}

CUresult cuDevicePrimaryCtxRelease(CUdevice dev) { return release(__func__, dev); }
CUresult cuDevicePrimaryCtxRelease_v2(CUdevice dev) { return release(__func__, dev); }
CUresult cuDevicePrimaryCtxReset(CUdevice dev) { return reset(__func__, dev); }
CUresult cuDevicePrimaryCtxReset_v2(CUdevice dev) { return reset(__func__, dev); }
CUresult cuDevicePrimaryCtxSetFlags(CUdevice dev, unsigned flags) { return setFlags(__func__, dev, flags); }
CUresult cuDevicePrimaryCtxSetFlags_v2(CUdevice dev, unsigned flags) { return setFlags(__func__, dev, flags); }

CUresult cuDevicePrimaryCtxGetState(CUdevice dev, unsigned* flags, int* active) {
  return withPrimary(__func__, dev, [&](Context& context) -> CUresult {
    if (!flags || !active) return CUDA_ERROR_INVALID_VALUE;
    *flags = context.flags;
    *active = context.active() != nullptr;
    return CUDA_SUCCESS;
  });
}
