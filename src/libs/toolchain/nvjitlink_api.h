// The nvJitLink API's types and codes (nvJitLink documentation: Error codes, Linking). SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

namespace anywarp::toolchain {

enum class JitLinkResult : int {
  Success = 0,
  UnrecognizedOption = 1,
  MissingArch = 2,
  InvalidInput = 3,
  PtxCompile = 4,
  NvvmCompile = 5,
  Internal = 6,
  ThreadPool = 7,
  UnrecognizedInput = 8,
  Finalize = 9,
  NullInput = 10,
  IncompatibleOptions = 11,
  IncorrectInputType = 12,
};

enum class JitLinkInput : int { None = 0, Cubin = 1, Ptx = 2, LtoIr = 3, Fatbin = 4, Object = 5, Library = 6, Index = 7, Any = 10 };

}  // namespace anywarp::toolchain
