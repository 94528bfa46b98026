// How much of the host this process may compute on. SPDX-License-Identifier: Apache-2.0
#pragma once

namespace anywarp {

// Cores that this process may use: affinity mask and control group quota, at least 1.
unsigned hostCores();

// Threads that compute at a time: what ANYWARP_THREADS asks for, otherwise one for each core; 1 to 1024. Asked for once.
unsigned computeThreads();

}  // namespace anywarp
