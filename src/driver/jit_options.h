// The options of loading and linking calls, of which the log buffers are what programs use. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "abi/cuda_types.h"

namespace anywarp::driver {

class JitOptions {
 public:
  // CUDA_ERROR_INVALID_VALUE for unknown options and arrays that are not there.
  CUresult read(unsigned count, const CUjit_option* options, void** values);

  // Puts the message into the buffer that the program gave for it, cut to its size, and the size used into the option's value.
  void writeError(std::string_view message) { write(error_, message); }
  void writeInfo(std::string_view message) { write(info_, message); }
  void writeWallTime(float milliseconds);
  // Of CU_JIT_MAX_REGISTERS; 0: no limit.
  uint32_t maxRegisters() const { return maxRegisters_; }

 private:
  struct Buffer {
    char* text = nullptr;
    size_t bytes = 0;
    void** used = nullptr;
  };
  static void write(Buffer& buffer, std::string_view message);

  Buffer error_, info_;
  void** wallTime_ = nullptr;
  uint32_t maxRegisters_ = 0;
};

}  // namespace anywarp::driver
