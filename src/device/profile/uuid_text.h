// A device's UUID as CUDA_VISIBLE_DEVICES, NVML and people write it. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string>

namespace anywarp::device {

// "GPU-0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"
inline std::string uuidText(const std::array<uint8_t, 16>& uuid) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string text = "GPU-";
  for (size_t i = 0; i < uuid.size(); ++i) {
    text += {digits[uuid[i] >> 4], digits[uuid[i] & 15]};
    if (i == 3 || i == 5 || i == 7 || i == 9) text += '-';
  }
  return text;
}

}  // namespace anywarp::device
