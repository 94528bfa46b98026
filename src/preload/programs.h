// Programs of the toolkit in whose place ours are run. SPDX-License-Identifier: Apache-2.0
#pragma once

namespace anywarp::preload {

const char* baseName(const char* path);

// Where this process is such a program, runs ours instead and does not return.
void replaceProgram();

}  // namespace anywarp::preload
