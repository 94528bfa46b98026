// What AddressSanitizer must be told where a jump out of a signal handler has landed. SPDX-License-Identifier: Apache-2.0
#pragma once

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

namespace anywarp {

// The frames that the jump left behind, below the caller's, keep their marks, which who uses the stack next would trip over.
inline void forgetLeftFrames() {
#if defined(__SANITIZE_ADDRESS__)
  constexpr long reach = 1 << 20;
  char* here = static_cast<char*>(__builtin_frame_address(0));
  __asan_unpoison_memory_region(here - reach, reach);
#endif
}

}  // namespace anywarp
