// Current device and context of a thread, lazily made; error state of a thread. SPDX-License-Identifier: Apache-2.0
#include "libs/cudart/context.h"

#include <atomic>
#include <mutex>

#include "libs/cudart/registry.h"

namespace anywarp::cudart {
namespace {

constexpr int maxDevices = 256;

struct PrimaryContext {
  std::mutex mutex;
  std::atomic<CUcontext> context{nullptr};  // set while we hold a reference
};

struct Process {
  PrimaryContext primaries[maxDevices];
  std::atomic<unsigned> resets{0};
  std::atomic<int> firstDevice{0};  // of threads that have not chosen one
};

Process& process() {
  static Process& p = *new Process;
  return p;
}

// Plain data: usable until the thread's very end.
struct Thread {
  int device = -1;  // not chosen
  CUcontext known = nullptr;  // a current context that was seen active...
  unsigned resets = 0;        // ... at this number of resets
  cudaError_t error = cudaSuccess;
  unsigned errorResets = 0;
};
thread_local Thread self;

int chosenDevice() { return self.device >= 0 ? self.device : process().firstDevice.load(std::memory_order_relaxed); }

bool isSticky(cudaError_t error) {
  switch (error) {
    case cudaErrorIllegalAddress:
    case cudaErrorLaunchTimeout:
    case cudaErrorAssert:
    case cudaErrorHardwareStackError:
    case cudaErrorIllegalInstruction:
    case cudaErrorMisalignedAddress:
    case cudaErrorInvalidAddressSpace:
    case cudaErrorInvalidPc:
    case cudaErrorLaunchFailure:
      return true;
    default:
      return false;
  }
}

// A context of a device that was reset is current still, but inactive: take a new reference.
cudaError_t revive(CUcontext current) {
  CUdevice device = 0;
  if (driver().cuCtxGetDevice(&device) != CUDA_SUCCESS) return cudaSuccess;
  unsigned flags = 0;
  int active = 0;
  CUcontext primary = nullptr;
  if (driver().cuDevicePrimaryCtxGetState(device, &flags, &active) != CUDA_SUCCESS) return cudaSuccess;
  if (active && process().primaries[device].context.load()) return cudaSuccess;
  cudaError_t error = primaryContext(device, &primary);
  if (error == cudaSuccess && primary != current) return cudaSuccess;  // the program's own context
  return error;
}

cudaError_t attach() {
  CUcontext primary = nullptr;
  if (cudaError_t error = primaryContext(chosenDevice(), &primary); error != cudaSuccess) return error;
  return asError(driver().cuCtxSetCurrent(primary));
}

}  // namespace

// "Not ready" is an answer, not an error.
cudaError_t record(cudaError_t error) {
  if (error != cudaSuccess && error != cudaErrorNotReady) {
    self.error = error;
    self.errorResets = process().resets.load(std::memory_order_relaxed);
  }
  return error;
}

cudaError_t lastError() { return self.error; }

cudaError_t takeLastError() {
  cudaError_t error = self.error;
  bool sameLife = self.errorResets == process().resets.load(std::memory_order_relaxed);
  if (!isSticky(error) || !sameLife) self.error = cudaSuccess;
  return error;
}

cudaError_t enterContext() {
  if (cudaError_t error = initDriver(); error != cudaSuccess) return error;
  CUcontext current = nullptr;
  if (CUresult result = driver().cuCtxGetCurrent(&current); result != CUDA_SUCCESS) return asError(result);
  unsigned resets = process().resets.load(std::memory_order_acquire);
  if (current && current == self.known && resets == self.resets) return cudaSuccess;
  cudaError_t error = current ? revive(current) : attach();
  if (error != cudaSuccess) return error;
  driver().cuCtxGetCurrent(&self.known);
  self.resets = resets;
  return loadManagedVariables();
}

cudaError_t primaryContext(int device, CUcontext* context) {
  int count = 0;
  if (CUresult result = driver().cuDeviceGetCount(&count); result != CUDA_SUCCESS) return asError(result);
  if (count == 0) return cudaErrorNoDevice;
  if (device < 0 || device >= count || device >= maxDevices) return cudaErrorInvalidDevice;
  PrimaryContext& primary = process().primaries[device];
  std::lock_guard lock(primary.mutex);
  if (!(*context = primary.context.load())) {
    if (driver().cuDevicePrimaryCtxRetain(context, device) != CUDA_SUCCESS) return cudaErrorDevicesUnavailable;
    primary.context.store(*context);
  }
  return cudaSuccess;
}

cudaError_t setDevice(int device) {
  if (cudaError_t error = initDriver(); error != cudaSuccess) return error;
  CUcontext primary = nullptr;
  if (cudaError_t error = primaryContext(device, &primary); error != cudaSuccess) return error;
  self.device = device;
  if (CUresult result = driver().cuCtxSetCurrent(primary); result != CUDA_SUCCESS) return asError(result);
  return enterContext();
}

void setFirstDevice(int device) { process().firstDevice.store(device, std::memory_order_relaxed); }

cudaError_t currentDevice(int* device) {
  if (cudaError_t error = initDriver(); error != cudaSuccess) return error;
  CUcontext current = nullptr;
  *device = chosenDevice();
  if (driver().cuCtxGetCurrent(&current) == CUDA_SUCCESS && current) driver().cuCtxGetDevice(device);
  return cudaSuccess;
}

cudaError_t resetDevice() {
  int device = 0;
  if (cudaError_t error = currentDevice(&device); error != cudaSuccess) return error;
  if (device < 0 || device >= maxDevices) return cudaErrorInvalidDevice;
  PrimaryContext& primary = process().primaries[device];
  std::lock_guard lock(primary.mutex);
  primary.context.store(nullptr);
  process().resets.fetch_add(1, std::memory_order_release);
  self.error = cudaSuccess;
  return asError(driver().cuDevicePrimaryCtxReset_v2(device));
}

}  // namespace anywarp::cudart
