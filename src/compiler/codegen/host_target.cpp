// Host features from LLVM's triple and feature string. SPDX-License-Identifier: Apache-2.0
#include "compiler/codegen/pure.h"

namespace anywarp::codegen {
namespace {

struct Feature {
  std::string_view name;
  bool HostTarget::*flag;
};

constexpr Feature features[] = {
    {"sse4.1", &HostTarget::sse41},
    {"avx", &HostTarget::avx},
    {"avx2", &HostTarget::avx2},
    {"fma", &HostTarget::fma},
    {"f16c", &HostTarget::f16c},
    {"avx512f", &HostTarget::avx512f},
    {"avx512bw", &HostTarget::avx512bw},
    {"avx512dq", &HostTarget::avx512dq},
    {"avx512vl", &HostTarget::avx512vl},
    {"avx512cd", &HostTarget::avx512cd},
    {"avx512fp16", &HostTarget::avx512fp16},
    {"avx512bf16", &HostTarget::avx512bf16},
    {"avx512bitalg", &HostTarget::avx512bitalg},
    {"avx512vpopcntdq", &HostTarget::avx512vpopcntdq},
    {"avx512vbmi", &HostTarget::avx512vbmi},
    {"gfni", &HostTarget::gfni},
    {"amx-bf16", &HostTarget::amxBf16},
    {"neon", &HostTarget::neon},
    {"fullfp16", &HostTarget::fullfp16},
};

}  // namespace

HostTarget HostTarget::parse(std::string_view triple, std::string_view list) {
  HostTarget host;
  host.x86 = triple.starts_with("x86_64") || triple.starts_with("i686");
  host.aarch64 = triple.starts_with("aarch64") || triple.starts_with("arm64");
  host.neon = host.aarch64;
  while (!list.empty()) {
    size_t comma = list.find(',');
    std::string_view item = list.substr(0, comma);
    list = comma == std::string_view::npos ? std::string_view() : list.substr(comma + 1);
    if (item.size() < 2) continue;
    for (const Feature& feature : features) {
      if (item.substr(1) == feature.name) host.*feature.flag = item[0] == '+';
    }
  }
  if (host.aarch64) host.fma = true;
  host.vectorBits = host.avx512f ? 512 : host.avx2 ? 256 : 128;
  return host;
}

}  // namespace anywarp::codegen
