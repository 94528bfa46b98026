// Short computations from what never changes in a thread. SPDX-License-Identifier: Apache-2.0
#include "compiler/analysis/remade.h"

#include "compiler/analysis/operands.h"

namespace anywarp::analysis {
namespace {

using ptx::Form;
using ptx::Mod;
using ptx::SpecialReg;

constexpr uint32_t kept = ~0u;
constexpr uint32_t dearest = 4;   // scalar operations that are cheaper than a load and a store
constexpr uint32_t tooDear = 1000;

class RemadeFinder {
 public:
  RemadeFinder(Flat& flat, const Webs& webs, const Shapes& shapes)
      : flat_(flat), webs_(webs), shapes_(shapes), definition_(flat.registers.size(), kept), cost_(flat.registers.size(), unknown) {
    for (const Block& block : flat.blocks)
      for (uint32_t i = block.first; i < block.last; ++i)
        forEachDef(flat.instructions[i], [&](ptx::RegId& r) { definition_[r] = i; });
  }

  std::vector<uint32_t> run() {
    std::vector<uint32_t> result(flat_.registers.size(), kept);
    for (ptx::RegId r = 0; r < flat_.registers.size(); ++r)
      if (costOf(r) <= dearest) result[r] = definition_[r];
    return result;
  }

 private:
  static constexpr uint32_t unknown = ~0u;

  uint32_t costOf(ptx::RegId r) {
    if (cost_[r] != unknown) return cost_[r];
    cost_[r] = tooDear;  // where it leads back to itself
    const Web& web = webs_.webs[r];
    if (definition_[r] == kept || web.defs != 1 || web.maybeUndefined || !shapes_.registers[r].isScalarBased()) return tooDear;
    const Inst& inst = flat_.instructions[definition_[r]];
    if (!mayBeAgain(inst)) return tooDear;
    uint32_t cost = inst.form == Form::Mov || inst.form == Form::Cvta || inst.form == Form::CvtaTo ? 0 : 1;
    for (unsigned i = 1; i < inst.operands.size(); ++i) cost = std::min(tooDear, cost + costOf(inst.operands[i]));
    return cost_[r] = cost;
  }

  uint32_t costOf(const ptx::Operand& o) {
    switch (o.kind) {
      case ptx::Operand::Kind::Register: return costOf(o.reg);
      case ptx::Operand::Kind::Special: return isPlace(o.special) ? 1 : tooDear;
      case ptx::Operand::Kind::Vector: return tooDear;
      default: return o.reg == ptx::noReg ? 0 : tooDear;
    }
  }

  static bool isPlace(SpecialReg s) {
    return (s >= SpecialReg::TidX && s <= SpecialReg::NtidZ) || s == SpecialReg::Laneid || (s >= SpecialReg::CtaidX && s <= SpecialReg::NctaidZ);
  }

  bool mayBeAgain(const Inst& inst) const {
    if (inst.pseudo != Pseudo::None || inst.guard != ptx::noReg || inst.carryIn != ptx::noReg || inst.carryOut != ptx::noReg) return false;
    if (inst.operands.size() < 2 || inst.operands[0].kind != ptx::Operand::Kind::Register) return false;
    switch (inst.form) {
      case Form::Mov: case Form::AddInt: case Form::SubInt: case Form::Shl: case Form::Shr: case Form::And: case Form::Or: case Form::CvtInt:
      case Form::Cvta: case Form::CvtaTo: case Form::MulWide:
        return true;
      case Form::MulInt: case Form::MadInt: return inst.has(Mod::Lo);
      case Form::Ld: return flat_.isEntry && inst.space() == ptx::Space::Param && !inst.has(Mod::Volatile);
      default: return false;
    }
  }

  Flat& flat_;
  const Webs& webs_;
  const Shapes& shapes_;
  std::vector<uint32_t> definition_, cost_;
};

}  // namespace

std::vector<uint32_t> findRemade(Flat& flat, const Webs& webs, const Shapes& shapes) { return RemadeFinder(flat, webs, shapes).run(); }

}  // namespace anywarp::analysis
