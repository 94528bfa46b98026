// The nvFatbin API's codes (nvFatbin documentation: Error codes). SPDX-License-Identifier: Apache-2.0
#pragma once

namespace anywarp::toolchain {

enum class FatbinResult : int {
  Success = 0,
  Internal = 1,
  ElfArchMismatch = 2,
  ElfSizeMismatch = 3,
  MissingPtxVersion = 4,
  NullPointer = 5,
  CompressionFailed = 6,
  CompressedSizeExceeded = 7,
  UnrecognizedOption = 8,
  InvalidArch = 9,
  InvalidNvvm = 10,
  EmptyInput = 11,
  MissingPtxArch = 12,
  PtxArchMismatch = 13,
  MissingFatbin = 14,
  InvalidIndex = 15,
  IdentifierReuse = 16,
  InternalPtxOption = 17,
};

}  // namespace anywarp::toolchain
