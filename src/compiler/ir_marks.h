// Names of metadata by which code generation tells LLVM passes of our own what they may do. SPDX-License-Identifier: Apache-2.0
#pragma once

namespace anywarp {

// The load of the shared window's address in functions that are a block's code from its start to its end, with the size of the kernel's
// own variables in it.
inline constexpr char sharedWindowMark[] = "anywarp.shared";
// Stores of the number of the warp that runs.
inline constexpr char runningWarpMark[] = "anywarp.running";
// Branches whose second way is right whatever their condition says; the first is faster, and right where the condition holds ...
inline constexpr char mostlyMark[] = "anywarp.mostly";
// ... which it does nearly always ...
inline constexpr char nearlyAlwaysMark[] = "anywarp.nearly.always";
// ... or always, as long as no test has joined it.
inline constexpr char alwaysMark[] = "anywarp.always";

}  // namespace anywarp
