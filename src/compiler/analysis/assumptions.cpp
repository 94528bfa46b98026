// Constants put in place of predicates, and control flow without the branches on them. SPDX-License-Identifier: Apache-2.0
#include "compiler/analysis/assumptions.h"

#include <optional>

#include "compiler/analysis/operands.h"

namespace anywarp::analysis {
namespace {

using ptx::Form;
using ptx::Operand;
using Truth = std::optional<bool>;

class Assumer {
 public:
  explicit Assumer(Flat& flat) : flat_(flat), writes_(findOnlyWrites(flat)), known_(flat.registers.size()) {}

  void run(const std::vector<Assumption>& assumptions) {
    for (const Assumption& a : assumptions) known_[a.predicate] = a.value;
    for (bool changed = true; changed;) {
      changed = false;
      for (ptx::RegId r = 0; r < known_.size(); ++r) {
        if (known_[r] || !writes_[r] || flat_.registers[r].type != ptx::Type::Pred) continue;
        known_[r] = made(*writes_[r]);
        changed |= known_[r].has_value();
      }
    }
    for (Inst& inst : flat_.instructions) simplify(inst);
    for (Block& block : flat_.blocks) simplify(block);
    findPredecessors(flat_);
  }

 private:
  Truth of(const Operand& o) const { return o.isReg() && known_[o.reg] ? Truth(*known_[o.reg] != o.negated) : Truth(); }

  Truth made(const Inst& inst) const {
    auto source = [&](unsigned i) { return of(inst.operands[i]); };
    auto decides = [&](bool value) { return source(1) == Truth(value) || source(2) == Truth(value); };
    switch (inst.form) {
      case Form::Mov: return source(1);
      case Form::Not: return source(1) ? Truth(!*source(1)) : Truth();
      case Form::And: return decides(false) ? Truth(false) : source(1) && source(2) ? Truth(true) : Truth();
      case Form::Or: return decides(true) ? Truth(true) : source(1) && source(2) ? Truth(false) : Truth();
      case Form::Xor: return source(1) && source(2) ? Truth(*source(1) != *source(2)) : Truth();
      default: return {};
    }
  }

  static void becomeMove(Inst& inst, Operand from) {
    const bool inverted = from.negated;
    from.negated = false;
    inst.form = inverted ? Form::Not : Form::Mov;
    inst.mods = {};
    inst.operands = {inst.operands[0], std::move(from)};
  }

  void simplify(Inst& inst) {
    if (inst.guard != ptx::noReg && known_[inst.guard] == Truth(!inst.guardNegated)) inst.guard = ptx::noReg, inst.guardNegated = false;
    if (inst.pseudo != Pseudo::None || inst.guard != ptx::noReg) return;
    switch (inst.form) {
      case Form::Selp:
        if (Truth first = of(inst.operands[3])) becomeMove(inst, inst.operands[*first ? 1 : 2]);
        return;
      case Form::SetpInt: case Form::Mov: case Form::Not: case Form::And: case Form::Or: case Form::Xor: break;
      default: return;
    }
    const Operand& to = inst.operands[0];
    if (!to.isReg() || flat_.registers[to.reg].type != ptx::Type::Pred) return;
    if (Truth value = known_[to.reg]) {
      Operand constant;
      constant.kind = Operand::Kind::Integer;
      constant.bits = *value;
      inst.types = {ptx::Type::Pred};
      becomeMove(inst, constant);
    } else if (inst.form == Form::And || inst.form == Form::Or) {
      for (unsigned i : {1, 2})
        if (of(inst.operands[i]) == Truth(inst.form == Form::And)) return becomeMove(inst, inst.operands[3 - i]);
    }
  }

  void simplify(Block& block) {
    if (block.terminator != Terminator::Branch || !known_[block.condition]) return;
    block.successors = {block.successors[*known_[block.condition] != block.negated ? 0 : 1]};
    block.terminator = Terminator::Jump;
    block.condition = ptx::noReg;
    block.negated = false;
  }

  Flat& flat_;
  const std::vector<Inst*> writes_;
  std::vector<Truth> known_;  // by register
};

}  // namespace

std::vector<Inst*> findOnlyWrites(Flat& flat) {
  std::vector<Inst*> writes(flat.registers.size());
  std::vector<uint8_t> several(flat.registers.size());
  for (Inst& inst : flat.instructions)
    forEachDef(inst, [&](ptx::RegId& r) {
      several[r] |= writes[r] || inst.guard != ptx::noReg || inst.pseudo != Pseudo::None || inst.carryOut != ptx::noReg;
      writes[r] = &inst;
    });
  for (ptx::RegId r = 0; r < writes.size(); ++r)
    if (several[r]) writes[r] = nullptr;
  return writes;
}

void assume(Flat& flat, const std::vector<Assumption>& known) { Assumer(flat).run(known); }

}  // namespace anywarp::analysis
