// The driver as this runtime sees it: the functions of libcuda.so.1, found by name at first use. SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libs/cudart/runtime_api.h"

namespace anywarp::cudart {

struct Driver {
#define DRIVER_CALL(name) decltype(&::name) name = nullptr;
#include "libs/cudart/driver_calls.def"
#undef DRIVER_CALL
};

// Opens and initialises the driver once. Its failure is permanent: the same error for every later call.
cudaError_t initDriver();

// Valid after initDriver() returned success. A function that the driver lacks answers cudaErrorCallRequiresNewerDriver.
const Driver& driver();

}  // namespace anywarp::cudart
