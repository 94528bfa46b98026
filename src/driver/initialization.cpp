// Driver API: Initialization. SPDX-License-Identifier: Apache-2.0
#include "abi/cuda.h"
#include "driver/errors.h"
#include "driver/process.h"
#include "support/log.h"

using namespace anywarp;

CUresult cuInit(unsigned flags) {
  CUresult result = flags ? CUDA_ERROR_INVALID_VALUE : driver::initialise();
  log::debug("cuInit({}) -> {}", flags, driver::errorName(result));
  return result;
}
