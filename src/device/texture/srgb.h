// The sRGB curve. SPDX-License-Identifier: Apache-2.0
#pragma once

namespace anywarp::device {

// Linear values, rounded to float, of the 256 codes.
const double* srgbTable();

}  // namespace anywarp::device
