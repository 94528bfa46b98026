// Handler names, and the list of opcodes that get one. SPDX-License-Identifier: Apache-2.0
#include "compiler/quick/keys/keys.h"

#include <algorithm>

namespace anywarp::quick {

using ptx::Mod;
using ptx::Operand;

namespace {

bool isWmma(ptx::Form form) { return form == ptx::Form::WmmaMma || form == ptx::Form::WmmaMmaHalf; }

}  // namespace

bool isProduct(ptx::Form form) { return form == ptx::Form::Mma || isWmma(form); }

bool readsCarry(const ptx::Instruction& inst) {
  std::string_view mnemonic = ptx::formInfo(inst.form).mnemonic;
  return mnemonic == "addc" || mnemonic == "subc" || mnemonic == "madc";
}

bool writesCarry(const ptx::Instruction& inst) { return inst.has(Mod::Cc); }

std::string handlerKey(const ptx::Instruction& inst) {
  std::vector<Mod> mods(inst.mods.begin(), inst.mods.end());
  if (isWmma(inst.form)) std::erase_if(mods, [](Mod mod) { return mod == Mod::Row || mod == Mod::Col; });  // how matrices lay in memory
  std::sort(mods.begin(), mods.end());
  std::string key = ptx::formInfo(inst.form).name;
  for (Mod mod : mods) key += std::string(".") + ptx::spelling(mod);
  for (ptx::Type type : inst.types) key += std::string(" .") + ptx::spelling(type);
  auto present = std::count_if(inst.operands.begin(), inst.operands.end(), [](const Operand& o) { return !o.isNone(); });
  return key + " " + std::to_string(present);
}

std::vector<std::string> expandBraces(const std::string& text) {
  size_t open = text.find('{'), close = text.find('}', open);
  if (open == std::string::npos || close == std::string::npos) return {text};
  std::vector<std::string> all;
  std::string_view choices = std::string_view(text).substr(open + 1, close - open - 1);
  for (size_t at = 0; at <= choices.size();) {
    size_t comma = std::min(choices.find(',', at), choices.size());
    for (std::string& one : expandBraces(text.substr(0, open) + std::string(choices.substr(at, comma - at)) + text.substr(close + 1)))
      all.push_back(std::move(one));
    at = comma + 1;
  }
  return all;
}

namespace {

// The first row of the table that accepts the opcode and needs nothing but operands (or is a product of matrices), with registers in its
// slots. The second predicate of a comparison is left out, the third source is there where it is combined with something.
bool instructionOf(const std::string& opcode, ptx::Instruction& inst) {
  ptx::Opcode decoded = ptx::decodeOpcode(opcode);
  for (ptx::Form form : decoded.forms) {
    const ptx::FormInfo& info = ptx::formInfo(form);
    if ((info.needs != ptx::Need::None && !isProduct(form)) || info.planned) continue;
    inst = {};
    inst.form = form;
    inst.mods = decoded.mods;
    inst.types = decoded.types;
    inst.operands.resize(info.slots);
    bool combines = inst.has(Mod::And) || inst.has(Mod::Or) || inst.has(Mod::Xor);
    for (unsigned slot = 0; slot < info.slots; ++slot) {
      bool dest = ptx::slotRole(inst, slot) == ptx::SlotRole::Dest;
      bool absent = dest ? slot > 0 : ptx::isOptionalSlot(form, slot) && !combines;
      if (!absent) inst.operands[slot].kind = Operand::Kind::Register;
    }
    return true;
  }
  return false;
}

}  // namespace

std::vector<ptx::Instruction> handlerInstructions(std::string_view text, std::vector<std::string>& unknown) {
  std::vector<ptx::Instruction> all;
  while (!text.empty()) {
    size_t end = std::min(text.find('\n'), text.size());
    std::string line(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty() || line.starts_with("//")) continue;
    for (const std::string& opcode : expandBraces(line)) {
      ptx::Instruction inst;
      if (instructionOf(opcode, inst)) all.push_back(std::move(inst));
      else unknown.push_back(opcode);
    }
  }
  return all;
}

}  // namespace anywarp::quick
