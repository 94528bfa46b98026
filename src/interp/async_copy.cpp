// Asynchronous copies, done at once: nothing may be read before they are waited for (PTX: Data Movement and Conversion
// Instructions, cp.async). SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>

#include "interp/step.h"

namespace anywarp::interp {

using ptx::Mod;
using ptx::Operand;
using ptx::Space;
using ptx::Type;

void cpAsync(Step& step) {
  uint64_t bytes = step.bits(2, Type::U32);
  const Operand& limit = step.operand(3);
  uint64_t fromSource = bytes;
  bool ignore = limit.isReg() && step.thread.frame().code->body->registers[limit.reg].type == Type::Pred;
  if (ignore) fromSource = step.bits(limit, Type::Pred) ? 0 : bytes;
  else if (!limit.isNone()) fromSource = std::min(bytes, step.bits(limit, Type::U32));
  uint8_t data[16] = {};
  for (uint64_t i = 0; i < fromSource; i++) {
    const uint8_t* source = step.memory(Space::Global, step.address(step.operand(1)) + i, 1, false);
    if (!source) return;
    data[i] = *source;
  }
  uint8_t* destination = step.memory(Space::Shared, step.address(step.operand(0)), bytes, true);
  if (destination) memcpy(destination, data, bytes);
}

bool copyBulk(Step& step, Space to, Space from) {
  constexpr uint64_t unit = 16;
  uint64_t bytes = step.bits(2, Type::U32);
  if (step.has(Mod::MulticastCluster) || step.has(Mod::IgnoreOob) || step.has(Mod::CpMask))
    return step.unsupported("cp.async.bulk to several blocks, or of some bytes only"), false;
  if (bytes % unit) return step.fault(FaultKind::IllegalInstruction, "cp.async.bulk of a number of bytes that is not a multiple of 16"), false;
  for (uint64_t i = 0; i < bytes; i += unit) {
    const uint8_t* source = step.memory(from, step.address(step.operand(1)) + i, unit, false);
    uint8_t* destination = source ? step.memory(to, step.address(step.operand(0)) + i, unit, true) : nullptr;
    if (!destination) return false;
    memmove(destination, source, unit);
  }
  return true;
}

void cpAsyncBulkStore(Step& step) { (void)copyBulk(step, Space::Global, Space::Shared); }

void cpAsyncGroup(Step&) {}

}  // namespace anywarp::interp
