// What arithmetic makes of runs. SPDX-License-Identifier: Apache-2.0
#include "compiler/analysis/runs.h"

#include <algorithm>
#include <bit>

#include "support/options.h"

namespace anywarp::analysis {
namespace {

using Kind = Shape::Kind;

bool areLookedFor(const LaunchShape& launch) {
  static const bool on = !options::isPassOff("lane-runs");
  return on && launch.width > shortestRun && launch.width <= abi::maxWarpWidth;
}

uint8_t alignOf(int64_t v) { return v ? uint8_t(std::countr_zero(uint64_t(v))) : 63; }

}  // namespace

Run runOf(const Shape& shape, const LaunchShape& launch) {
  if (!areLookedFor(launch)) return {};
  switch (shape.kind) {
    case Kind::Uniform: return {launch.width, 0, shape.alignLog2};
    case Kind::Affine: return {launch.width, shape.stride, shape.alignLog2};
    case Kind::Varying: return {shape.run, shape.stride, shape.alignLog2};
    default: return {};
  }
}

Shape inRuns(const Run& run) {
  Shape s = Shape::varying();
  if (run.lanes < shortestRun) return s;
  s.run = uint8_t(std::min(run.lanes, longestRun));
  s.stride = run.stride;
  s.alignLog2 = std::min(run.alignLog2, run.lanes > s.run ? alignOf(run.stride * s.run) : uint8_t(63));
  return s;
}

Run shorter(const Run& a, const Run& b, int64_t stride) {
  uint32_t lanes = std::min(a.lanes, b.lanes);
  if (!lanes) return {};
  auto align = [&](const Run& r) { return r.lanes > lanes ? std::min(r.alignLog2, alignOf(r.stride * lanes)) : r.alignLog2; };
  return {lanes, stride, std::min(align(a), align(b))};
}

Run runBelow(const Shape& shape, int64_t k, const LaunchShape& launch) {
  Run whole = runOf(shape, launch);
  for (uint32_t lanes = std::min(whole.lanes, longestRun); lanes >= shortestRun; lanes /= 2) {
    Run run = shorter(whole, {lanes, 0, 63}, whole.stride);
    int64_t span = run.stride * (lanes - 1);
    if (run.stride >= 0 && span < (int64_t(1) << std::min<int64_t>({run.alignLog2, k, 62}))) return run;
  }
  return {};
}

Shape joinRuns(const Shape& a, const Shape& b, const LaunchShape& launch) {
  Run x = runOf(a, launch), y = runOf(b, launch);
  if (!x.lanes || !y.lanes || x.stride != y.stride) return Shape::varying();
  return inRuns(shorter(x, y, x.stride));
}

Shape threadIndexInRuns(ptx::SpecialReg reg, const LaunchShape& launch) {
  uint32_t row = launch.block.x;
  if (!areLookedFor(launch) || row < shortestRun || row > longestRun || launch.width % row) return Shape::varying();
  Shape s = inRuns({row, reg == ptx::SpecialReg::TidX ? 1 : 0, uint8_t(reg == ptx::SpecialReg::TidX ? 63 : 0)});
  const abi::Dim3& block = launch.block;
  s.low = 0;
  s.high = int64_t(reg == ptx::SpecialReg::TidX ? block.x : reg == ptx::SpecialReg::TidY ? block.y : block.z) - 1;
  return s;
}

}  // namespace anywarp::analysis
