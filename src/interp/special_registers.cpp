// Values of the predefined registers (PTX: Special Registers). SPDX-License-Identifier: Apache-2.0
#include <chrono>

#include "interp/step.h"

namespace anywarp::interp {
namespace {

using ptx::SpecialReg;

uint32_t component(const Dim3& value, int index) { return index == 0 ? value.x : index == 1 ? value.y : index == 2 ? value.z : 0; }

// Component of a vector register whose x has the number `first`; -1 for other registers.
int componentOf(SpecialReg reg, SpecialReg first) {
  int distance = static_cast<int>(reg) - static_cast<int>(first);
  return distance >= 0 && distance < 4 ? distance : -1;
}

uint64_t nanoseconds() {
  return static_cast<uint64_t>(std::chrono::steady_clock::now().time_since_epoch() / std::chrono::nanoseconds(1));
}

uint64_t vectorRegister(Step& step, SpecialReg reg, bool* found) {
  const Dim3 one{1, 1, 1}, zero{0, 0, 0};
  const struct {
    SpecialReg first;
    const Dim3& value;
  } vectors[] = {{SpecialReg::TidX, step.thread.tid},
                 {SpecialReg::NtidX, step.grid.launch.block},
                 {SpecialReg::CtaidX, step.block().id},
                 {SpecialReg::NctaidX, step.grid.launch.grid},
                 {SpecialReg::ClusteridX, step.block().id},  // every block is a cluster of its own
                 {SpecialReg::NclusteridX, step.grid.launch.grid},
                 {SpecialReg::ClusterCtaidX, zero},
                 {SpecialReg::ClusterNctaidX, one}};
  for (const auto& vector : vectors) {
    int index = componentOf(reg, vector.first);
    if (index < 0) continue;
    *found = true;
    return component(vector.value, index);
  }
  return 0;
}

}  // namespace

uint64_t specialRegister(Step& step, SpecialReg reg) {
  bool found = false;
  uint64_t value = vectorRegister(step, reg, &found);
  if (found) return value;
  uint32_t lane = step.thread.lane(), bit = 1u << lane;
  int envreg = static_cast<int>(reg) - static_cast<int>(SpecialReg::Envreg0);
  if (envreg >= 0 && envreg < 32) return envreg < 4 ? step.grid.launch.envreg[envreg] : 0;
  switch (reg) {
    case SpecialReg::Laneid: return lane;
    case SpecialReg::Warpid: return step.thread.warp();
    case SpecialReg::Nwarpid: return step.block().warps();
    case SpecialReg::Smid: return step.block().linear % step.grid.launch.smCount;
    case SpecialReg::Nsmid: return step.grid.launch.smCount;
    case SpecialReg::Gridid: return 1;
    case SpecialReg::IsExplicitCluster: return 0;
    case SpecialReg::ClusterCtarank: return 0;
    case SpecialReg::ClusterNctarank: return 1;
    case SpecialReg::LanemaskEq: return bit;
    case SpecialReg::LanemaskLt: return bit - 1;
    case SpecialReg::LanemaskLe: return (bit - 1) | bit;
    case SpecialReg::LanemaskGt: return ~((bit - 1) | bit);
    case SpecialReg::LanemaskGe: return ~(bit - 1);
    case SpecialReg::Clock: return lowBits(step.grid.executed, 32);
    case SpecialReg::ClockHi: return step.grid.executed >> 32;
    case SpecialReg::Clock64: return step.grid.executed;
    case SpecialReg::Globaltimer: return nanoseconds();
    case SpecialReg::GlobaltimerLo: return lowBits(nanoseconds(), 32);
    case SpecialReg::GlobaltimerHi: return nanoseconds() >> 32;
    case SpecialReg::TotalSmemSize: return step.block().sharedBytes;
    case SpecialReg::AggrSmemSize: return step.block().sharedBytes;
    case SpecialReg::DynamicSmemSize: return step.grid.launch.dynamicShared;
    case SpecialReg::ReservedSmemOffsetBegin:
    case SpecialReg::ReservedSmemOffset0:
    case SpecialReg::ReservedSmemOffset1: return step.block().reservedShared();
    case SpecialReg::ReservedSmemOffsetEnd: return step.block().sharedExtent();
    case SpecialReg::ReservedSmemOffsetCap: return step.block().sharedExtent() - step.block().reservedShared();
    case SpecialReg::CurrentGraphExec: return 0;
    default: break;
  }
  bool counter = reg >= SpecialReg::Pm0 && reg <= SpecialReg::Pm7_64;
  if (counter) return 0;
  step.unsupported(std::string("special register %") + ptx::info(reg).spelling);
  return 0;
}

}  // namespace anywarp::interp
