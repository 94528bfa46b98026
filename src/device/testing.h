// For unit tests of the device: a context, and kernels written by hand in C++. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <memory>

#include "device/context.h"

namespace anywarp::device::testing {

inline std::unique_ptr<Context> makeContext() {
  Status status = Device::initialise();
  if (!status) ADD_FAILURE() << status.error().message;
  return std::make_unique<Context>(Device::get(0));
}

inline abi::CompiledKernel makeKernel(const char* name, abi::EntryFn entry, abi::PlanMode mode = abi::PlanMode::Lockstep) {
  abi::CompiledKernel kernel;
  kernel.name = name;
  kernel.entry = entry;
  kernel.mode = mode;
  kernel.regionCount = 16;
  return kernel;
}

template <class Params>
// `params` must live until the launch.
LaunchRequest request(const abi::CompiledKernel& kernel, const Params& params, uint32_t grid, uint32_t block) {
  LaunchRequest r;
  r.kernel = &kernel;
  r.params = &params;
  r.paramBytes = sizeof params;
  r.grid.x = grid;
  r.block.x = block;
  return r;
}

template <class Params>
const Params& params(const abi::BlockContext* context) {
  return *reinterpret_cast<const Params*>(context->params);
}

// Threads of warp `w` that exist.
inline uint32_t lanes(const abi::BlockContext* context, uint32_t w) {
  uint32_t threads = context->launch->block.x * context->launch->block.y * context->launch->block.z;
  uint32_t left = threads - w * 32;
  return left < 32 ? left : 32;
}

// Every warp in [begin, end) has exited.
inline uint32_t exitAll(abi::BlockContext* context, uint32_t begin, uint32_t end) {
  for (uint32_t w = begin; w < end; ++w) context->warps[w].pc = abi::regionExited;
  return abi::regionExited;
}

}  // namespace anywarp::device::testing
