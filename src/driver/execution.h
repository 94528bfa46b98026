// What the Execution Control, Library Management and Occupancy chapters share: kernels behind either handle, their attributes and
// limits, launches. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "abi/cuda_types.h"
#include "device/sched/launch.h"
#include "driver/objects/context.h"
#include "driver/objects/library.h"

namespace anywarp::driver {

// A kernel named by a CUfunction or a CUkernel, with its instance in the current context.
struct KernelRef {
  std::shared_ptr<Kernel> kernel;
  std::shared_ptr<Library> library;
  std::shared_ptr<Instance> instance;
  std::shared_ptr<Function> function;  // null when a CUkernel was given
};
CUresult resolve(Current& current, CUfunction handle, KernelRef& ref);

// Function attributes on one device (CUfunction_attribute).
CUresult getAttribute(Kernel& kernel, const VisibleDevice& device, CUfunction_attribute attribute, int* value);
CUresult setAttribute(Kernel& kernel, const VisibleDevice& device, CUfunction_attribute attribute, int value);
CUresult paramInfo(const Kernel& kernel, size_t index, size_t* offset, size_t* size);

// The most dynamic shared memory that a launch may ask for (attribute 8).
int maxDynamicShared(Kernel& kernel, const VisibleDevice& device, uint32_t staticShared);
uint32_t registersOf(const Kernel& kernel);

// Blocks of `threads` threads that fit on one SM together.
int activeBlocks(const VisibleDevice& device, const Kernel& kernel, uint32_t threads, uint64_t sharedBytes);

// Nodes of graphs may have a grid without blocks until a later call sets its size; running one does nothing.
enum class EmptyGrid : uint8_t { Refused, Allowed };

struct LaunchArguments {
  abi::Dim3 grid, block;
  abi::Dim3 cluster{0, 0, 0};  // zeros: as the kernel says, else 1
  unsigned sharedBytes = 0;
  CUstream stream = nullptr;
  bool cooperative = false;
  EmptyGrid emptyGrid = EmptyGrid::Refused;
  void** params = nullptr;
  void** extra = nullptr;
  CUevent recordAfter[2] = {nullptr, nullptr};
};
CUresult launch(Current& current, const KernelRef& ref, const LaunchArguments& arguments);

// Takes over one launch attribute; false where its value cannot be.
bool readAttribute(const CUlaunchAttribute& attribute, LaunchArguments& arguments);

// The parameter image of a launch, on the stack for all but the largest.
class ParamImage {
 public:
  uint8_t* resize(size_t bytes) {
    if (bytes > sizeof(small_)) large_.resize(bytes);
    data_ = bytes > sizeof(small_) ? large_.data() : small_;
    return data_;
  }
  const uint8_t* data() const { return data_; }

 private:
  alignas(16) uint8_t small_[512];
  std::vector<uint8_t> large_;
  uint8_t* data_ = small_;
};

// All checks of a launch, and its plan; what comes out points into `image` and is kept alive by its keepAlive.
CUresult prepareLaunch(const VisibleDevice& device, const KernelRef& ref, const LaunchArguments& arguments, ParamImage& image, device::LaunchRequest& request);

}  // namespace anywarp::driver
