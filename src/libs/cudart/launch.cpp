// Execution Control: launching kernels and host functions. SPDX-License-Identifier: Apache-2.0
#include "libs/cudart/launch.h"

#include <vector>

#include "libs/cudart/context.h"

namespace anywarp::cudart {
namespace {

bool exceeds(uint32_t value, CUdevice_attribute limit, CUdevice device) {
  int most = 0;
  driver().cuDeviceGetAttribute(&most, limit, device);
  return value == 0 || value > static_cast<uint32_t>(most);
}

bool isOutOfRange(const dim3& grid, const dim3& block) {
  CUdevice device = 0;
  driver().cuCtxGetDevice(&device);
  uint64_t threads = uint64_t{block.x} * block.y * block.z;
  return exceeds(grid.x, CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_X, device) ||
         exceeds(grid.y, CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Y, device) ||
         exceeds(grid.z, CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Z, device) ||
         exceeds(block.x, CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_X, device) ||
         exceeds(block.y, CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Y, device) ||
         exceeds(block.z, CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Z, device) || threads > UINT32_MAX ||
         exceeds(static_cast<uint32_t>(threads), CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK, device);
}

// The driver says "invalid value"; the runtime has a name of its own for a grid or block beyond the limits.
cudaError_t nameError(CUresult result, const dim3& grid, const dim3& block) {
  if (result == CUDA_ERROR_INVALID_VALUE && isOutOfRange(grid, block)) return cudaErrorInvalidConfiguration;
  return asError(result);
}

cudaError_t launchHandle(CUfunction function, const LaunchShape& s, void** args) {
  if (s.shared > UINT32_MAX) return cudaErrorInvalidValue;
  CUresult result = driver().cuLaunchKernel(function, s.grid.x, s.grid.y, s.grid.z, s.block.x, s.block.y, s.block.z,
                                            static_cast<unsigned>(s.shared), s.stream, args, nullptr);
  return nameError(result, s.grid, s.block);
}

cudaError_t launchCooperative(const void* function, const LaunchShape& s, void** args) {
  return inContext([&] {
    CUfunction handle = nullptr;
    if (cudaError_t error = resolveFunction(function, &handle); error != cudaSuccess) return error;
    if (s.shared > UINT32_MAX) return cudaErrorInvalidValue;
    CUresult result =
        driver().cuLaunchCooperativeKernel(handle, s.grid.x, s.grid.y, s.grid.z, s.block.x, s.block.y, s.block.z,
                                           static_cast<unsigned>(s.shared), s.stream, args);
    return nameError(result, s.grid, s.block);
  });
}

cudaError_t launchConfigured(const cudaLaunchConfig_t* config, cudaStream_t stream, const void* function, void** args) {
  return inContext([&] {
    CUfunction handle = nullptr;
    if (cudaError_t error = resolveFunction(function, &handle); error != cudaSuccess) return error;
    if (config->dynamicSmemBytes > UINT32_MAX) return cudaErrorInvalidValue;
    CUlaunchConfig c{};
    c.gridDimX = config->gridDim.x, c.gridDimY = config->gridDim.y, c.gridDimZ = config->gridDim.z;
    c.blockDimX = config->blockDim.x, c.blockDimY = config->blockDim.y, c.blockDimZ = config->blockDim.z;
    c.sharedMemBytes = static_cast<unsigned>(config->dynamicSmemBytes);
    c.hStream = stream;
    c.attrs = config->attrs;
    c.numAttrs = config->numAttrs;
    return nameError(driver().cuLaunchKernelEx(&c, handle, args, nullptr), config->gridDim, config->blockDim);
  });
}

}  // namespace

cudaError_t launch(Kernel* kernel, const LaunchShape& shape, void** args) {
  return inContext([&] {
    CUkernel handle = nullptr;
    if (!kernel) return cudaErrorInvalidDeviceFunction;
    if (cudaError_t error = resolve(kernel, &handle); error != cudaSuccess) return error;
    return launchHandle(reinterpret_cast<CUfunction>(handle), shape, args);
  });
}

ANYWARP_RUNTIME cudaError_t cudaLaunchKernel(const void* function, dim3 grid, dim3 block, void** args, size_t shared,
                                             cudaStream_t stream) {
  return inContext([&] {
    CUfunction handle = nullptr;
    if (cudaError_t error = resolveFunction(function, &handle); error != cudaSuccess) return error;
    return launchHandle(handle, {grid, block, shared, stream}, args);
  });
}

ANYWARP_RUNTIME cudaError_t cudaLaunchKernel_ptsz(const void* function, dim3 grid, dim3 block, void** args,
                                                  size_t shared, cudaStream_t stream) {
  return cudaLaunchKernel(function, grid, block, args, shared, perThread(stream));
}

ANYWARP_RUNTIME cudaError_t cudaLaunchCooperativeKernel(const void* function, dim3 grid, dim3 block, void** args,
                                                        size_t shared, cudaStream_t stream) {
  return launchCooperative(function, {grid, block, shared, stream}, args);
}

ANYWARP_RUNTIME cudaError_t cudaLaunchCooperativeKernel_ptsz(const void* function, dim3 grid, dim3 block, void** args,
                                                             size_t shared, cudaStream_t stream) {
  return launchCooperative(function, {grid, block, shared, perThread(stream)}, args);
}

ANYWARP_RUNTIME cudaError_t cudaLaunchKernelExC(const cudaLaunchConfig_t* config, const void* function, void** args) {
  if (!config) return record(cudaErrorInvalidValue);
  return launchConfigured(config, config->stream, function, args);
}

ANYWARP_RUNTIME cudaError_t cudaLaunchKernelExC_ptsz(const cudaLaunchConfig_t* config, const void* function,
                                                     void** args) {
  if (!config) return record(cudaErrorInvalidValue);
  return launchConfigured(config, perThread(config->stream), function, args);
}

#if ANYWARP_CUDART_MAJOR <= 12
ANYWARP_RUNTIME cudaError_t cudaLaunchCooperativeKernelMultiDevice(const cudaLaunchParams* list, unsigned count, unsigned flags) {
  return inContext([&]() -> cudaError_t {
    if (!list || count == 0) return cudaErrorInvalidValue;
    std::vector<CUDA_LAUNCH_PARAMS> parts;
    for (unsigned i = 0; i < count; ++i) {
      const cudaLaunchParams& p = list[i];
      CUfunction handle = nullptr;
      if (cudaError_t error = resolveFunction(p.func, &handle); error != cudaSuccess) return error;
      if (p.sharedMem > UINT32_MAX) return cudaErrorInvalidValue;
      parts.push_back({handle, p.gridDim.x, p.gridDim.y, p.gridDim.z, p.blockDim.x, p.blockDim.y, p.blockDim.z, static_cast<unsigned>(p.sharedMem),
                       p.stream, p.args});
    }
    return nameError(driver().cuLaunchCooperativeKernelMultiDevice(parts.data(), count, flags), list[0].gridDim, list[0].blockDim);
  });
}
#endif

ANYWARP_RUNTIME cudaError_t cudaLaunchHostFunc(cudaStream_t stream, cudaHostFn_t function, void* userData) {
  return inContext([&] { return driver().cuLaunchHostFunc(stream, function, userData); });
}

ANYWARP_RUNTIME cudaError_t cudaLaunchHostFunc_ptsz(cudaStream_t stream, cudaHostFn_t function, void* userData) {
  return cudaLaunchHostFunc(perThread(stream), function, userData);
}

}  // namespace anywarp::cudart
