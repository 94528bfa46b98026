// Words for people. SPDX-License-Identifier: Apache-2.0
#include "cli/text.h"

#include <cstdio>

namespace anywarp::cli {

std::string bytes(uint64_t count) {
  static const char* const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  double value = static_cast<double>(count);
  int unit = 0;
  while (value >= 1024 && unit < 4) value /= 1024, ++unit;
  char text[32];
  std::snprintf(text, sizeof text, unit ? "%.1f %s" : "%.0f %s", value, units[unit]);
  return text;
}

}  // namespace anywarp::cli
