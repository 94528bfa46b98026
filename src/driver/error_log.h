// The driver's own record of errors and warnings, which programs read with cuLogs* (Driver API: Error Log Management).
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "abi/cuda_execution.h"

namespace anywarp::driver {

// Keeps the message, and tells it to the program's callbacks.
void appendToErrorLog(CUlogLevel level, std::string_view message);

// From now on errors and warnings of the log are kept as well.
void startErrorLog();

}  // namespace anywarp::driver
