// The quick tier as launch plans see it. SPDX-License-Identifier: Apache-2.0
#include "compiler/plan_quick.h"

#include <algorithm>
#include <initializer_list>
#include <string_view>

#include "compiler/background.h"
#include "compiler/quick/quick.h"
#include "support/host_cpu.h"
#include "support/log.h"

namespace anywarp::compiler {

namespace {

bool hasAll(std::string_view features, std::initializer_list<std::string_view> names) {
  return std::all_of(names.begin(), names.end(), [&](std::string_view name) { return hasFeature(features, name); });
}

// The level whose code computes what the plan's compiled code computes, bit by bit.
quick::Level levelOf(const std::string& features) {
  if (quick::hostLevel() == quick::Level::Generic) return quick::Level::Generic;
  quick::Level level = quick::Level::None;
  if (hasAll(features, {"+avx2", "+fma", "+f16c", "+bmi2"})) level = quick::Level::V3;
  if (level == quick::Level::V3 && hasAll(features, {"+avx512f", "+avx512bw", "+avx512cd", "+avx512dq", "+avx512vl"})) level = quick::Level::V4;
  return std::min(level, quick::hostLevel());
}

bool isBeingCompiled(const abi::CompiledKernel* kernel) { return kernel->plan && static_cast<const BackgroundTask*>(kernel->plan)->isPending(); }

}  // namespace

std::shared_ptr<abi::CompiledKernel> makeQuickKernel(const ptx::Module& module, uint32_t function, const PlanOptions& options) {
  auto kernel = quick::makeKernel(module, function, options.block, levelOf(options.features));
  if (kernel) {
    (*kernel)->isBeingCompiled = isBeingCompiled;
    return std::shared_ptr<abi::CompiledKernel>(std::move(*kernel));
  }
  log::debug("compiled before it runs: {}", kernel.error().message);
  return nullptr;
}

}  // namespace anywarp::compiler
