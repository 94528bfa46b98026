// Looks for the first instruction that speaks against it. SPDX-License-Identifier: Apache-2.0
#include "compiler/analysis/local_tables.h"

#include "compiler/analysis/operands.h"

namespace anywarp::analysis {
namespace {

using ptx::Form;
using ptx::Mod;
using ptx::Operand;

bool isUniform(const Shapes& shapes, const Operand& o) {
  switch (o.kind) {
    case Operand::Kind::Register: return shapes.registers[o.reg].isUniform();
    case Operand::Kind::Address: return o.reg == ptx::noReg || shapes.registers[o.reg].isUniform();
    case Operand::Kind::Integer: case Operand::Kind::Float32: case Operand::Kind::Float64: case Operand::Kind::Symbol: return true;
    case Operand::Kind::Vector:
      for (const Operand& e : o.elements)
        if (!isUniform(shapes, e)) return false;
      return true;
    default: return false;
  }
}

bool isUsed(Flat& flat, ptx::RegId r) {
  for (Inst& inst : flat.instructions) {
    bool used = false;
    forEachUse(inst, flat.registers, [&](ptx::RegId& u) { used |= u == r; });
    if (used) return true;
  }
  return false;
}

// Whether an instruction that is no load or store may give others a way to local memory.
bool reaches(Flat& flat, const Inst& inst) {
  switch (inst.form) {
    case Form::Prefetch: case Form::PrefetchEvict: return false;
    case Form::Cvta: case Form::CvtaTo: return inst.has(Mod::Local) && inst.operands[0].isReg() && isUsed(flat, inst.operands[0].reg);
    case Form::Alloca: case Form::Stacksave: case Form::Stackrestore: case Form::Call: return true;
    default: return inst.space() == ptx::Space::Local;
  }
}

const Operand* placeOf(const Inst& inst) {
  if (inst.form == Form::St) return &inst.operands[0];
  return inst.form == Form::Ld || inst.form == Form::Ldu ? &inst.operands[1] : nullptr;
}

// A generic access of a variable by its name, which may be one in local memory.
bool namesVariable(const Inst& inst, const Operand& place) { return inst.space() == ptx::Space::Generic && place.hasSymbol; }

enum class Effect : uint8_t { None, AlikeStore, Apart };

Effect effectOf(Flat& flat, const Shapes& shapes, BlockId x, const Inst& inst) {
  if (inst.pseudo != Pseudo::None || inst.form == Form::Unknown) return Effect::None;
  const Operand* place = placeOf(inst);
  if (!place) return reaches(flat, inst) ? Effect::Apart : Effect::None;
  if (namesVariable(inst, *place)) return Effect::Apart;
  if (inst.form != Form::St || inst.space() != ptx::Space::Local) return Effect::None;
  bool together = !shapes.partial[x] && (inst.guard == ptx::noReg || shapes.registers[inst.guard].isUniform());
  return together && isUniform(shapes, *place) && isUniform(shapes, inst.operands[1]) ? Effect::AlikeStore : Effect::Apart;
}

}  // namespace

bool localMemoryIsPrivate(Flat& flat, const Order& order) {
  bool any = false;
  for (BlockId x : order.blocks)
    for (uint32_t i = flat.blocks[x].first; i < flat.blocks[x].last; ++i) {
      const Inst& inst = flat.instructions[i];
      if (inst.pseudo != Pseudo::None || inst.form == Form::Unknown) continue;
      const Operand* place = placeOf(inst);
      if (place ? namesVariable(inst, *place) : reaches(flat, inst)) return false;
      any |= place && inst.space() == ptx::Space::Local;
    }
  return any;
}

bool localMemoryIsAlike(Flat& flat, const Order& order, const Shapes& shapes) {
  bool any = false;
  for (BlockId x : order.blocks)
    for (uint32_t i = flat.blocks[x].first; i < flat.blocks[x].last; ++i) {
      Effect effect = effectOf(flat, shapes, x, flat.instructions[i]);
      if (effect == Effect::Apart) return false;
      any |= effect == Effect::AlikeStore;
    }
  return any;
}

}  // namespace anywarp::analysis
