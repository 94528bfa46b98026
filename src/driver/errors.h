// The one place where our errors become CUresults. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "abi/cuda_types.h"
#include "device/fault/fault.h"
#include "support/result.h"

namespace anywarp::driver {

// What an error of the same kind means depends on what was tried.
enum class During : uint8_t { Call, ReadImage, ReadPtx, Launch };

// Logs the message; it is the only trace of why the call failed.
CUresult toResult(const Error& error, During during = During::Call);
inline CUresult toResult(const Status& status, During during = During::Call) {
  return status ? CUDA_SUCCESS : toResult(status.error(), during);
}

CUresult toResult(device::FaultKind kind);

// nullptr for numbers that are no CUresult.
const char* errorName(CUresult result);
const char* errorText(CUresult result);

}  // namespace anywarp::driver
