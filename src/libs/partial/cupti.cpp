// libcupti.so.12 and .13: the version of CUPTI; no tracing yet (CUPTI API Reference: Version, Result Codes). SPDX-License-Identifier: Apache-2.0
#include <cstdint>

#include "libs/partial/partial.h"
#include "libs/toolchain/replaced.h"

char anywarpReplacedLibrary[4096];

namespace {

enum class Result : int { Success = 0, InvalidParameter = 1, NotSupported = 27 };
// Until CUDA 12 the interface's own number, then that of the toolkit: here of 12.8 and of 13.0.
constexpr uint32_t apiVersion = ANYWARP_CUPTI_MAJOR == 12 ? 26 : 130000;

const char* nameOf(Result result) {
  switch (result) {
    case Result::Success: return "CUPTI_SUCCESS";
    case Result::InvalidParameter: return "CUPTI_ERROR_INVALID_PARAMETER";
    case Result::NotSupported: return "CUPTI_ERROR_NOT_SUPPORTED";
  }
  return nullptr;
}

Result giveName(Result result, const char** text) {
  if (!text || !nameOf(result)) return Result::InvalidParameter;
  *text = nameOf(result);
  return Result::Success;
}

}  // namespace

#pragma GCC visibility push(default)
extern "C" {

#define PARTIAL_Done(name)
#define PARTIAL_Missing(name) \
  Result name() { return anywarp::partial::missing(#name, Result::NotSupported); }
#define PARTIAL_CALL(name, state) PARTIAL_##state(name)
#include "libs/partial/cupti_api.def"

Result cuptiGetVersion(uint32_t* version) {
  if (!version) return Result::InvalidParameter;
  *version = apiVersion;
  return Result::Success;
}

Result cuptiGetResultString(Result result, const char** text) { return giveName(result, text); }
Result cuptiGetErrorMessage(Result result, const char** text) { return giveName(result, text); }
}
#pragma GCC visibility pop
