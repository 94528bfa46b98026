// Driver API: Execution Control, one cooperative kernel on several devices. SPDX-License-Identifier: Apache-2.0
// Each grid is cooperative by itself; a barrier across grids is not in the functions that kernels have had for it since CUDA 12.
#include "abi/cuda_execution.h"
#include "driver/entry.h"
#include "driver/execution.h"

using namespace anywarp;
using namespace anywarp::driver;

namespace {

constexpr unsigned multiDeviceFlags = CUDA_COOPERATIVE_LAUNCH_MULTI_DEVICE_NO_PRE_LAUNCH_SYNC | CUDA_COOPERATIVE_LAUNCH_MULTI_DEVICE_NO_POST_LAUNCH_SYNC;

struct Part {
  std::shared_ptr<Context> context;
  std::shared_ptr<StreamObject> stream;
};

// Every part has a stream of its own on a device of its own, and the shape of the first.
CUresult findParts(const CUDA_LAUNCH_PARAMS* list, unsigned count, std::vector<Part>& parts) {
  for (unsigned i = 0; i < count; ++i) {
    const CUDA_LAUNCH_PARAMS &p = list[i], &first = list[0];
    bool same = p.gridDimX == first.gridDimX && p.gridDimY == first.gridDimY && p.gridDimZ == first.gridDimZ && p.blockDimX == first.blockDimX &&
                p.blockDimY == first.blockDimY && p.blockDimZ == first.blockDimZ && p.sharedMemBytes == first.sharedMemBytes;
    if (!same) return CUDA_ERROR_INVALID_VALUE;
    std::shared_ptr<StreamObject> stream = streams().find(p.hStream);
    std::shared_ptr<Context> context = stream ? stream->context.lock() : nullptr;
    if (!context) return CUDA_ERROR_INVALID_HANDLE;
    for (const Part& known : parts)
      if (&known.context->device == &context->device) return CUDA_ERROR_INVALID_DEVICE;
    parts.push_back({context, stream});
  }
  return CUDA_SUCCESS;
}

// What is in any of the streams comes before what follows in all of them.
void joinStreams(const std::vector<Part>& parts) {
  std::vector<std::shared_ptr<device::Event>> reached;
  for (const Part& part : parts) {
    reached.push_back(std::make_shared<device::Event>(device::EventTiming::Off));
    part.stream->stream->record(reached.back());
  }
  for (const Part& part : parts)
    for (const auto& event : reached) part.stream->stream->wait(event);
}

CUresult launchPart(const CUDA_LAUNCH_PARAMS& p, const Part& part) {
  currentStack().push_back(part.context);
  CUresult result = cuLaunchCooperativeKernel(p.function, p.gridDimX, p.gridDimY, p.gridDimZ, p.blockDimX, p.blockDimY, p.blockDimZ, p.sharedMemBytes,
                                              p.hStream, p.kernelParams);
  currentStack().pop_back();
  return result;
}

}  // namespace

CUresult cuLaunchCooperativeKernelMultiDevice(CUDA_LAUNCH_PARAMS* list, unsigned count, unsigned flags) {
  return call(__func__, [&]() -> CUresult {
    if (inCallback()) return CUDA_ERROR_NOT_PERMITTED;
    if (!list || count == 0 || count > visibleDevices().size() || flags & ~multiDeviceFlags) return CUDA_ERROR_INVALID_VALUE;
    std::vector<Part> parts;
    if (CUresult result = findParts(list, count, parts); result != CUDA_SUCCESS) return result;
    if (!(flags & CUDA_COOPERATIVE_LAUNCH_MULTI_DEVICE_NO_PRE_LAUNCH_SYNC)) joinStreams(parts);
    for (unsigned i = 0; i < count; ++i)
      if (CUresult result = launchPart(list[i], parts[i]); result != CUDA_SUCCESS) return result;
    if (!(flags & CUDA_COOPERATIVE_LAUNCH_MULTI_DEVICE_NO_POST_LAUNCH_SYNC)) joinStreams(parts);
    return CUDA_SUCCESS;
  });
}
