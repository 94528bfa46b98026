// From a row of instructions.def to the function that it names. SPDX-License-Identifier: Apache-2.0
#include "compiler/ptx/instructions.h"
#include "interp/step.h"

namespace anywarp::interp {

#define PTX_INST(form, mnemonic, types, mods, operands, ptx, sm, needs, function) void function(Step&);
#include "compiler/ptx/instructions.def"
#undef PTX_INST

void planned(Step& step) { step.unsupported("unsupported instruction " + describe(step.inst)); }

namespace {

void unknown(Step& step) { step.unsupported("unknown instruction " + step.inst.text); }

constexpr Function functions[] = {
    unknown,
#define PTX_INST(form, mnemonic, types, mods, operands, ptx, sm, needs, function) function,
#include "compiler/ptx/instructions.def"
#undef PTX_INST
};

}  // namespace

Function functionOf(ptx::Form form) { return functions[static_cast<size_t>(form)]; }

std::string describe(const ptx::Instruction& inst) {
  if (inst.form == ptx::Form::Unknown) return inst.text;
  std::string text = ptx::formInfo(inst.form).mnemonic;
  for (Mod mod : inst.mods) text += std::string(".") + ptx::spelling(mod);
  for (Type type : inst.types) text += std::string(".") + ptx::spelling(type);
  return text;
}

}  // namespace anywarp::interp
