// Driver API: Device Management, atomic operations and notifications. SPDX-License-Identifier: Apache-2.0
#include "abi/cuda_execution.h"
#include "driver/entry.h"

using namespace anywarp;
using namespace anywarp::driver;

namespace {

constexpr unsigned integers = CU_ATOMIC_CAPABILITY_SIGNED | CU_ATOMIC_CAPABILITY_UNSIGNED | CU_ATOMIC_CAPABILITY_REDUCTION | CU_ATOMIC_CAPABILITY_SCALAR_32 |
                              CU_ATOMIC_CAPABILITY_SCALAR_64;
constexpr unsigned counters = CU_ATOMIC_CAPABILITY_UNSIGNED | CU_ATOMIC_CAPABILITY_REDUCTION | CU_ATOMIC_CAPABILITY_SCALAR_32;
constexpr unsigned bits = CU_ATOMIC_CAPABILITY_UNSIGNED | CU_ATOMIC_CAPABILITY_REDUCTION | CU_ATOMIC_CAPABILITY_SCALAR_32 | CU_ATOMIC_CAPABILITY_SCALAR_64;
constexpr unsigned exchanges = CU_ATOMIC_CAPABILITY_UNSIGNED | CU_ATOMIC_CAPABILITY_SCALAR_32 | CU_ATOMIC_CAPABILITY_SCALAR_64;
constexpr unsigned floats = CU_ATOMIC_CAPABILITY_SIGNED | CU_ATOMIC_CAPABILITY_REDUCTION | CU_ATOMIC_CAPABILITY_SCALAR_32 | CU_ATOMIC_CAPABILITY_SCALAR_64;

// By CUatomicOperation: add, min, max, increment, decrement, and, or, xor, exchange, compare-and-swap, float add, float min, float max.
// Kernels have no atomic minimum or maximum of floats.
constexpr unsigned capabilities[] = {integers, integers, integers, counters, counters, bits, bits, bits, exchanges, exchanges, floats, 0, 0};

CUresult give(unsigned* out, const CUatomicOperation* operations, unsigned count) {
  if (!out || !operations || count == 0) return CUDA_ERROR_INVALID_VALUE;
  for (unsigned i = 0; i < count; ++i)
    if (operations[i] >= std::size(capabilities)) return CUDA_ERROR_INVALID_VALUE;
  for (unsigned i = 0; i < count; ++i) out[i] = capabilities[operations[i]];
  return CUDA_SUCCESS;
}

// Registered, and never called: a process's memory is not taken back.
struct Notification {
  CUasyncCallbackHandle handle = nullptr;
  CUdevice device = 0;
};
using NotificationTable = HandleTable<Notification, CUasyncCallbackHandle, HandleKind::AsyncCallback>;
NotificationTable& notifications() {
  static NotificationTable& table = *new NotificationTable;
  return table;
}

}  // namespace

CUresult cuDeviceGetHostAtomicCapabilities(unsigned* out, const CUatomicOperation* operations, unsigned count, CUdevice device) {
  return call(__func__, [&]() -> CUresult { return visibleDevice(device) ? give(out, operations, count) : CUDA_ERROR_INVALID_DEVICE; });
}

CUresult cuDeviceGetP2PAtomicCapabilities(unsigned* out, const CUatomicOperation* operations, unsigned count, CUdevice source, CUdevice target) {
  return call(__func__, [&]() -> CUresult {
    if (!visibleDevice(source) || !visibleDevice(target) || source == target) return CUDA_ERROR_INVALID_DEVICE;
    return give(out, operations, count);
  });
}

CUresult cuDeviceRegisterAsyncNotification(CUdevice device, CUasyncCallback callback, void*, CUasyncCallbackHandle* handle) {
  return call(__func__, [&]() -> CUresult {
    if (!visibleDevice(device)) return CUDA_ERROR_INVALID_DEVICE;
    if (!callback || !handle) return CUDA_ERROR_INVALID_VALUE;
    auto notification = std::make_shared<Notification>();
    notification->device = device;
    *handle = notifications().add(notification);
    return CUDA_SUCCESS;
  });
}

CUresult cuDeviceUnregisterAsyncNotification(CUdevice device, CUasyncCallbackHandle handle) {
  return call(__func__, [&]() -> CUresult {
    if (!visibleDevice(device)) return CUDA_ERROR_INVALID_DEVICE;
    std::shared_ptr<Notification> notification = notifications().find(handle);
    if (!notification || notification->device != device) return CUDA_ERROR_INVALID_VALUE;
    notifications().take(handle);
    return CUDA_SUCCESS;
  });
}
