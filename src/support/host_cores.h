// How much of the host this process may compute on. SPDX-License-Identifier: Apache-2.0
#pragma once

namespace anywarp {

// Cores that this process may use: affinity mask and control group quota, at least 1.
unsigned hostCores();

}  // namespace anywarp
