// The CPU that this process runs on, in LLVM's words but without LLVM. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace anywarp {

struct HostCpu {
  std::string name;      // LLVM CPU name, e.g. "sapphirerapids", "x86-64-v3"
  std::string features;  // LLVM feature string that names each vector feature, present (+) or not (-)
  std::string model;     // for people, e.g. "Intel(R) Xeon(R) Processor"
};

const HostCpu& hostCpu();

// Whether a feature string such as HostCpu::features has this item, "+avx2".
bool hasFeature(std::string_view features, std::string_view feature);

// The features of a CPU level by name ("x86-64", "x86-64-v2", "x86-64-v3", "x86-64-v4", "generic"); "" for any other name.
std::string featuresOfLevel(std::string_view name);

}  // namespace anywarp
