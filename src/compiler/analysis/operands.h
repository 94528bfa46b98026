// Which registers an instruction of a flat kernel reads and writes. SPDX-License-Identifier: Apache-2.0
#pragma once

#include "compiler/analysis/flat.h"

namespace anywarp::analysis {

// The elements of a vector operand, or the one operand that stands without braces.
inline size_t elementCount(const ptx::Operand& o) { return o.kind == ptx::Operand::Kind::Vector ? o.elements.size() : 1; }
inline const ptx::Operand& element(const ptx::Operand& o, size_t i) { return o.kind == ptx::Operand::Kind::Vector ? o.elements[i] : o; }

template <class Fn>
void forEachRegister(ptx::Operand& o, Fn&& fn) {
  if (o.reg != ptx::noReg) fn(o.reg);
  for (ptx::Operand& e : o.elements) forEachRegister(e, fn);
}

// A load or store that promises nothing about other threads (PTX ISA: Memory Consistency Model).
inline bool isWeak(const Inst& inst) {
  using ptx::Mod;
  return !inst.has(Mod::Volatile) && !inst.has(Mod::Relaxed) && !inst.has(Mod::Acquire) && !inst.has(Mod::Release) && !inst.has(Mod::Mmio);
}
// One that goes past the caches that only some threads share: programs from before those promises wait for others with them.
inline bool isPastCaches(const Inst& inst) { return inst.has(ptx::Mod::Cg) || inst.has(ptx::Mod::Cv) || inst.has(ptx::Mod::Wt); }

inline bool isCall(const Inst& inst) { return inst.form != ptx::Form::Unknown && ptx::formInfo(inst.form).needs == ptx::Need::Call; }

// Registers written, in operand order.
template <class Fn>
void forEachDef(Inst& inst, Fn&& fn) {
  if (inst.pseudo != Pseudo::None) return forEachRegister(inst.operands[0], fn);
  if (inst.form == ptx::Form::Unknown) return;
  if (isCall(inst)) {
    if (!inst.operands.empty()) forEachRegister(inst.operands[0], fn);
    return;
  }
  for (unsigned i = 0; i < inst.operands.size(); ++i)
    if (ptx::slotRole(inst, i) == ptx::SlotRole::Dest) forEachRegister(inst.operands[i], fn);
  if (inst.carryOut != ptx::noReg) fn(inst.carryOut);
}

// Registers read, guard included. A guarded or partial write also reads what it may leave in place.
template <class Fn>
void forEachUse(Inst& inst, const std::vector<ptx::Register>& registers, Fn&& fn) {
  if (inst.guard != ptx::noReg) fn(inst.guard);
  if (inst.pseudo != Pseudo::None) {
    forEachRegister(inst.operands[1], fn);
    bool partial = inst.pseudo == Pseudo::PieceStore && (inst.shift != 0 || ptx::bits(inst.type()) < ptx::bits(registers[inst.operands[0].reg].type));
    if (partial) fn(inst.operands[0].reg);
  } else if (inst.form == ptx::Form::Unknown) {
    return;
  } else if (isCall(inst)) {
    for (unsigned i = 1; i < inst.operands.size(); ++i) forEachRegister(inst.operands[i], fn);
  } else {
    for (unsigned i = 0; i < inst.operands.size(); ++i)
      if (ptx::slotRole(inst, i) != ptx::SlotRole::Dest) forEachRegister(inst.operands[i], fn);
    if (inst.carryIn != ptx::noReg) fn(inst.carryIn);
  }
  if (inst.guard != ptx::noReg) forEachDef(inst, fn);
}

}  // namespace anywarp::analysis
