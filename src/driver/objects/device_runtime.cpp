// CUDA's device runtime, as far as we have it. SPDX-License-Identifier: Apache-2.0
#include "driver/objects/device_runtime.h"

#include <algorithm>
#include <string_view>

namespace anywarp::driver {
namespace {

struct RuntimeFunction {
  std::string_view name;
  const char* ptx;
};

// A conditional handle is the address of its value (graph.cpp).
constexpr RuntimeFunction functions[] = {
    {"cudaGraphSetConditional", R"(.version 6.0
.target sm_30
.address_size 64
.visible .func cudaGraphSetConditional(.param .b64 handle, .param .b32 value)
{
  .reg .b32 %r<2>;
  .reg .b64 %rd<2>;
  ld.param.u64 %rd1, [handle];
  ld.param.u32 %r1, [value];
  st.global.u32 [%rd1], %r1;
  ret;
}
)"},
};

bool names(const fatbin::PtxSource& module, std::string_view name) { return module.text.find(name) != std::string::npos; }

// A definition has a body or is at least not declared as someone else's.
bool defines(const fatbin::PtxSource& module, std::string_view name) {
  return module.text.find(".visible .func " + std::string(name)) != std::string::npos;
}

}  // namespace

void addDeviceRuntime(fatbin::Program& program) {
  for (const RuntimeFunction& function : functions) {
    auto& modules = program.modules;
    bool wanted = std::any_of(modules.begin(), modules.end(), [&](const auto& module) { return names(module, function.name); });
    bool there = std::any_of(modules.begin(), modules.end(), [&](const auto& module) { return defines(module, function.name); });
    if (wanted && !there) modules.push_back({function.ptx, "device runtime", ""});
  }
}

}  // namespace anywarp::driver
