// Reading CUjit_option arrays, filling log buffers. SPDX-License-Identifier: Apache-2.0
#include "driver/jit_options.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace anywarp::driver {

CUresult JitOptions::read(unsigned count, const CUjit_option* options, void** values) {
  if (count > 0 && (!options || !values)) return CUDA_ERROR_INVALID_VALUE;
  for (unsigned i = 0; i < count; ++i) {
    switch (options[i]) {
      case CU_JIT_INFO_LOG_BUFFER: info_.text = static_cast<char*>(values[i]); break;
      case CU_JIT_ERROR_LOG_BUFFER: error_.text = static_cast<char*>(values[i]); break;
      case CU_JIT_INFO_LOG_BUFFER_SIZE_BYTES:
      case CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES: {
        Buffer& buffer = options[i] == CU_JIT_INFO_LOG_BUFFER_SIZE_BYTES ? info_ : error_;
        buffer.bytes = static_cast<unsigned>(reinterpret_cast<uintptr_t>(values[i]));
        buffer.used = &values[i];
        break;
      }
      case CU_JIT_MAX_REGISTERS: maxRegisters_ = static_cast<unsigned>(reinterpret_cast<uintptr_t>(values[i])); break;
      case CU_JIT_WALL_TIME: wallTime_ = &values[i]; break;
      default:
        // The others tune the code of a GPU.
        if (options[i] > CU_JIT_SPLIT_COMPILE) return CUDA_ERROR_INVALID_VALUE;
    }
  }
  writeError("");
  writeInfo("");
  return CUDA_SUCCESS;
}

void JitOptions::writeWallTime(float milliseconds) {
  if (!wallTime_) return;
  *wallTime_ = nullptr;
  std::memcpy(wallTime_, &milliseconds, sizeof(milliseconds));
}

void JitOptions::write(Buffer& buffer, std::string_view message) {
  size_t length = 0;
  if (buffer.text && buffer.bytes > 0) {
    length = std::min(message.size(), buffer.bytes - 1);
    std::memcpy(buffer.text, message.data(), length);
    buffer.text[length] = '\0';
  }
  if (buffer.used) *buffer.used = reinterpret_cast<void*>(static_cast<uintptr_t>(length));
}

}  // namespace anywarp::driver
