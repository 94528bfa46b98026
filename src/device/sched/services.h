// What compiled code calls (abi/kernel.h): the one table of this process. SPDX-License-Identifier: Apache-2.0
#pragma once

#include "abi/kernel.h"

namespace anywarp::device {

const abi::Services& services();

// Reads or writes kernel memory from a service. When the address is bad the launch ends with a fault and the call does not return, so no
// frame between the kernel and this call may own anything.
void readKernelMemory(void* target, uint64_t address, size_t bytes);
void writeKernelMemory(uint64_t address, const void* source, size_t bytes);
// Appends the string at `address` to the worker's scratch memory at `offset`; its length. The memory may move.
size_t readKernelString(uint64_t address, size_t offset);

}  // namespace anywarp::device
