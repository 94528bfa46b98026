// What can go wrong inside a running kernel, and the record of it. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace anywarp::device {

// Coarse enough for a CUresult to be chosen in one place (driver/errors.cpp).
enum class FaultKind : uint32_t {
  None,
  IllegalAddress,        // an access outside every allocation
  MisalignedAddress,
  IllegalInstruction,
  InvalidFunction,       // a call through something that is no function
  Trap,                  // trap, breakpoint
  Assert,
  StackOverflow,         // recursion or local memory beyond the stack
  BarrierDeadlock,       // every thread of the block waits at barriers that can never complete
  OutOfResources,        // the host could not give memory for the block
  InvalidTexture,        // a handle that is no texture, or one to which nothing is bound
  InvalidSurface,
  SurfaceOutOfRange,     // a surface access of mode .trap outside its surface
};

const char* name(FaultKind kind);

// The first fault of a context. It stays until the context is destroyed.
struct Fault {
  FaultKind kind = FaultKind::None;
  std::string kernel;
  std::string message;   // whole sentence for the log: kernel, block, thread, address, what is near it, PTX line
};

}  // namespace anywarp::device
