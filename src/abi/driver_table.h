// Our own export table of libcuda.so.1 (cuGetExportTable): what `anywarp info` reads. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "abi/cuda_types.h"

namespace anywarp::abi {

inline constexpr CUuuid driverTableId = {{'a', 'n', 'y', 'w', 'a', 'r', 'p', '.', 'd', 'r', 'i', 'v', 'e', 'r', '.', '1'}};

struct DriverApiRow {
  const char* base;
  const char* symbol;
  int version;      // CUDA version of this ABI
  int perThread;    // 1: a _ptds or _ptsz twin
  int implemented;
};

struct DriverTable {
  size_t size;                    // of this struct
  const char* (*version)();       // "0.1.0"
  const char* (*revision)();      // of the source; may be ""
  size_t (*apiCount)();
  void (*apiRow)(size_t index, DriverApiRow* row);
  unsigned (*workerCount)();
};

}  // namespace anywarp::abi
