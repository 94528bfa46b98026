// Pages in use that become shared ones: who writes to them meanwhile waits. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "device/memory/shared_file.h"

namespace anywarp::device {

// Puts `file`, filled with what is there, in the place of [base, base + bytes), whole pages that this process has mapped. One at a
// time; the caller sees to that.
Status replacePages(uintptr_t base, size_t bytes, const SharedFile& file);

// For the fault handler: true when `address` was being replaced; then the instruction at `pc` is to run again. Async-signal-safe.
bool waitForReplacement(uintptr_t address, uintptr_t pc);

}  // namespace anywarp::device
