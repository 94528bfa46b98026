// A kernel whose instructions know only tid.x, and only loads and stores. SPDX-License-Identifier: Apache-2.0
#include "compiler/analysis/repeated_rows.h"

#include <algorithm>

#include "compiler/analysis/operands.h"
#include "support/options.h"

namespace anywarp::analysis {
namespace {

using ptx::Form;
using ptx::Mod;
using ptx::Need;

// What is the same for all threads of a block and does not change while it runs, and tid.x.
bool isKnownToRow(ptx::SpecialReg reg) {
  using R = ptx::SpecialReg;
  switch (reg) {
    case R::TidX: case R::NtidX: case R::NtidY: case R::NtidZ: case R::CtaidX: case R::CtaidY: case R::CtaidZ:
    case R::NctaidX: case R::NctaidY: case R::NctaidZ: return true;
    default: return false;
  }
}

bool isKnownToRow(const ptx::Operand& operand) {
  if (operand.kind == ptx::Operand::Kind::Special) return isKnownToRow(operand.special);
  return std::all_of(operand.elements.begin(), operand.elements.end(), [](const ptx::Operand& o) { return isKnownToRow(o); });
}

bool isPlain(const Inst& inst) {
  if (inst.pseudo != Pseudo::None) return true;
  if (inst.form == Form::Unknown) return false;
  switch (ptx::formInfo(inst.form).needs) {
    case Need::None: case Need::Control: break;
    case Need::Memory: {
      bool access = inst.form == Form::Ld || inst.form == Form::Ldu || inst.form == Form::St;
      if (!access || !isWeak(inst)) return false;
      break;
    }
    default: return false;
  }
  return std::all_of(inst.operands.begin(), inst.operands.end(), [](const ptx::Operand& o) { return isKnownToRow(o); });
}

}  // namespace

bool rowsRepeat(const FlatProgram& program, const abi::Dim3& block) {
  if (block.y * block.z == 1 || !program.functions.empty() || options::isPassOff("repeated-rows")) return false;
  const Flat& flat = program.kernel;
  bool waits = std::any_of(flat.blocks.begin(), flat.blocks.end(), [](const Block& b) { return b.terminator == Terminator::Suspend; });
  return !waits && !flat.indirectCalls && std::all_of(flat.instructions.begin(), flat.instructions.end(), isPlain);
}

}  // namespace anywarp::analysis
