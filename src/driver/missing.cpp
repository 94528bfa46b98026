// The entry points that we lack: each is exported, says so once on the log and returns CUDA_ERROR_NOT_SUPPORTED.
// No parameters are declared, which both ABIs that we run on allow: the caller cleans up. SPDX-License-Identifier: Apache-2.0
#include "abi/cuda_types.h"
#include "support/log.h"

namespace {

CUresult notSupported(const char* symbol) {
  anywarp::log::logOnce(anywarp::log::Level::Warn, symbol, "{} is not supported", symbol);
  return CUDA_ERROR_NOT_SUPPORTED;
}

}  // namespace

extern "C" {
#define ANYWARP_MISSING_Done(symbol)
#define ANYWARP_MISSING_Missing(symbol)           \
  CUresult missing_##symbol() __asm__(#symbol ".body"); \
  CUresult missing_##symbol() { return notSupported(#symbol); }
#define ANYWARP_API(base, version, symbol, stream, support) ANYWARP_MISSING_##support(symbol)
#include "driver/api.def"
}
