// Which registers are written by equal expressions of values that never change. SPDX-License-Identifier: Apache-2.0
#include "compiler/analysis/invariants.h"

#include <algorithm>
#include <iterator>
#include <tuple>

#include "compiler/analysis/operands.h"

namespace anywarp::analysis {
namespace {

using ptx::Form;
using ptx::Operand;

// What indices and addresses are made of. None has an effect, or a result that depends on when it runs.
constexpr Form pure[] = {Form::Mov, Form::AddInt, Form::SubInt, Form::MulInt, Form::MulWide, Form::MadInt, Form::MadWide,
                         Form::Shl, Form::Shr,    Form::And,    Form::Or,     Form::Xor,      Form::Not,    Form::CvtInt, Form::Cvta,
                         Form::CvtaTo};

bool isFixed(ptx::SpecialReg reg) { return reg >= ptx::SpecialReg::TidX && reg <= ptx::SpecialReg::NctaidW && reg != ptx::SpecialReg::Warpid; }

bool same(const Operand& a, const Operand& b) {
  auto plain = [](const Operand& o) {
    return std::tie(o.kind, o.negated, o.hasSymbol, o.special, o.reg, o.symbol.kind, o.symbol.index, o.offset, o.bits, o.select);
  };
  return plain(a) == plain(b) && a.elements.empty() && b.elements.empty();
}

class InvariantFinder {
 public:
  InvariantFinder(Flat& flat, const Webs& webs) : flat_(flat), webs_(webs), state_(flat.registers.size(), State::Open), writes_(flat.registers.size()) {
    for (BlockId x = 0; x < flat.blocks.size(); ++x)
      for (uint32_t i = flat.blocks[x].first; i < flat.blocks[x].last; ++i)
        forEachDef(flat.instructions[i], [&](ptx::RegId& r) { writes_[r].push_back({i, x}); });
  }

  std::vector<uint8_t> run() {
    std::vector<uint8_t> found(flat_.registers.size());
    for (ptx::RegId r = 0; r < found.size(); ++r) found[r] = isInvariant(r, 0);
    return found;
  }

 private:
  enum class State : uint8_t { Open, Asked, No, Yes };
  struct Write {
    uint32_t instruction;
    BlockId block;
  };

  bool isInvariant(ptx::RegId r, int depth) {
    constexpr int deepest = 64;
    if (state_[r] == State::Asked || depth > deepest) return false;  // made from itself, or not worth it
    if (state_[r] != State::Open) return state_[r] == State::Yes;
    state_[r] = State::Asked;
    bool yes = decide(r, depth);
    state_[r] = yes ? State::Yes : State::No;
    return yes;
  }

  bool decide(ptx::RegId r, int depth) {
    const Web& web = webs_.webs[r];
    const std::vector<Write>& writes = writes_[r];
    if (web.maybeUndefined || writes.empty() || writes.size() != web.defs) return false;
    const Inst& first = flat_.instructions[writes[0].instruction];
    if (writes.size() == 1 && first.guard == ptx::noReg && writes[0].block == 0 && flat_.blocks[0].predecessors.empty()) return true;
    for (const Write& write : writes)
      if (!isSame(first, flat_.instructions[write.instruction])) return false;
    for (size_t i = 1; i < first.operands.size(); ++i)
      if (!isFixed(first.operands[i], depth)) return false;
    return true;
  }

  static bool isSame(const Inst& a, const Inst& b) {
    if (a.pseudo != Pseudo::None || b.pseudo != Pseudo::None || a.form != b.form) return false;
    if (std::find(std::begin(pure), std::end(pure), a.form) == std::end(pure)) return false;
    if (a.guard != ptx::noReg || b.guard != ptx::noReg || a.carryIn != ptx::noReg || a.carryOut != ptx::noReg || b.carryOut != ptx::noReg) return false;
    return a.types == b.types && std::equal(a.mods.begin(), a.mods.end(), b.mods.begin(), b.mods.end()) &&
           std::equal(a.operands.begin(), a.operands.end(), b.operands.begin(), b.operands.end(), same);
  }

  bool isFixed(const Operand& o, int depth) {
    switch (o.kind) {
      case Operand::Kind::None: case Operand::Kind::Integer: case Operand::Kind::Float32: case Operand::Kind::Float64: case Operand::Kind::Symbol:
        return true;
      case Operand::Kind::Special: return analysis::isFixed(o.special);
      case Operand::Kind::Register: return isInvariant(o.reg, depth + 1);
      default: return false;
    }
  }

  Flat& flat_;
  const Webs& webs_;
  std::vector<State> state_;
  std::vector<std::vector<Write>> writes_;
};

}  // namespace

std::vector<uint8_t> findInvariants(Flat& flat, const Webs& webs) { return InvariantFinder(flat, webs).run(); }

}  // namespace anywarp::analysis
