// Names of metadata by which code generation tells LLVM passes of our own what they may do. SPDX-License-Identifier: Apache-2.0
#pragma once

namespace anywarp {

// The load of the shared window's address in functions that are a block's code from its start to its end, with the size of the kernel's
// own variables in it.
inline constexpr char sharedWindowMark[] = "anywarp.shared";
// Stores of the number of the warp that runs.
inline constexpr char runningWarpMark[] = "anywarp.running";

}  // namespace anywarp
