// How much of a kernel's arithmetic can go on at once within a thread. SPDX-License-Identifier: Apache-2.0
#include "compiler/analysis/parallelism.h"

#include <algorithm>

#include "compiler/analysis/operands.h"

namespace anywarp::analysis {
namespace {

constexpr uint32_t arithmeticLatency = 4;  // of floating-point operations on hosts of today
constexpr uint32_t shortest = 32;          // operations; shorter blocks overlap with their next rounds

// Operations whose latency shows: floating-point arithmetic.
bool takesLong(const Inst& inst) {
  if (inst.pseudo != Pseudo::None || inst.form == ptx::Form::Unknown || inst.types.empty()) return false;
  return ptx::formInfo(inst.form).needs == ptx::Need::None && inst.form != ptx::Form::Mov && (ptx::isFloat(inst.type()) || ptx::isHalf(inst.type()));
}

struct Work {
  uint32_t operations = 0, chain = 0;  // chain: in cycles
};

Work measure(Flat& flat, BlockId x) {
  Work result;
  std::vector<uint32_t> ready(flat.registers.size());
  for (uint32_t i = flat.blocks[x].first; i < flat.blocks[x].last; ++i) {
    Inst& inst = flat.instructions[i];
    uint32_t at = 0;
    forEachUse(inst, flat.registers, [&](ptx::RegId& r) { at = std::max(at, ready[r]); });
    if (takesLong(inst)) ++result.operations, at += arithmeticLatency;
    forEachDef(inst, [&](ptx::RegId& r) { ready[r] = at; });
    result.chain = std::max(result.chain, at);
  }
  return result;
}

uint32_t depthOf(const Order& order, BlockId x) {
  uint32_t depth = 0;
  for (uint32_t loop = order.innermost[x]; loop != noLoop; loop = order.loops[loop].parent) ++depth;
  return depth;
}

}  // namespace

double parallelism(Flat& flat, const Order& order) {
  uint32_t deepest = 0;
  for (BlockId x : order.blocks) deepest = std::max(deepest, depthOf(order, x));
  Work longest;
  for (BlockId x : order.blocks) {
    if (!deepest || depthOf(order, x) != deepest) continue;
    Work block = measure(flat, x);
    if (block.operations > longest.operations) longest = block;
  }
  return longest.operations < shortest ? 0 : double(longest.operations) * arithmeticLatency / longest.chain;
}

}  // namespace anywarp::analysis
