// The sRGB curve (IEC 61966-2-1). SPDX-License-Identifier: Apache-2.0
#include "device/texture/srgb.h"

#include <cmath>

namespace anywarp::device {
namespace {

struct Table {
  double values[256];
  Table() {
    for (int i = 0; i < 256; ++i) {
      double c = i / 255.0;
      values[i] = static_cast<float>(c <= 0.04045 ? c / 12.92 : std::pow((c + 0.055) / 1.055, 2.4));
    }
  }
};
const Table table;

}  // namespace

const double* srgbTable() { return table.values; }

}  // namespace anywarp::device
