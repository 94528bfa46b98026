// The rows of instructions.def, expanded, and the questions asked of them. SPDX-License-Identifier: Apache-2.0
#include "compiler/ptx/instructions.h"

#include <string_view>
#include <unordered_map>

#include "compiler/ptx/ast.h"
#include "compiler/ptx/instruction_columns.h"

namespace anywarp::ptx {
namespace {

constexpr bool isPlanned(std::string_view function) { return function == "planned"; }

constexpr FormRow rows[formCount] = {
    {},
#define PTX_INST(form, mnemonic, types, mods, operands, ptx, sm, needs, function)    \
  {[] { using namespace type_column; return column(types); }(),                      \
   [] { using namespace mod_column; return column(mods); }(),                        \
   [] { using namespace operand_column; return column(operands); }()},
#include "compiler/ptx/instructions.def"
#undef PTX_INST
};

constexpr FormInfo infos[formCount] = {
    {"Unknown", "", "", "", "", "planned", 0, 0, Need::None, 0, true},
#define PTX_INST(form, mnemonic, types, mods, operands, ptx, sm, needs, function)                                   \
  {#form, #mnemonic, #types, #mods, #operands, #function, ptx, sm, Need::needs, rows[size_t(Form::form)].slots.count, \
   isPlanned(#function)},
#include "compiler/ptx/instructions.def"
#undef PTX_INST
};

// Groups of which an instruction has one at most.
constexpr ModGroup exclusiveGroups[] = {ModGroup::Rounding, ModGroup::IntRounding, ModGroup::Vector, ModGroup::Scope,
                                        ModGroup::Boolean};

bool hasClash(const ModList& mods) {
  for (ModGroup group : exclusiveGroups) {
    Mod first = mods.first(group);
    for (Mod mod : mods)
      if (mod != first && inGroup(mod, group)) return true;
  }
  return false;
}

bool accepts(const TypePattern& pattern, const std::vector<Type>& types) {
  if (types.size() != pattern.count) return false;
  for (size_t i = 0; i < types.size(); ++i)
    if (!pattern.positions[i].has(types[i])) return false;
  return true;
}

bool accepts(const ModPattern& pattern, const ModSet& written) {
  if (!written.contains(pattern.required)) return false;
  ModSet allowed = pattern.required | pattern.optional;
  for (uint8_t i = 0; i < pattern.oneOfCount; ++i) {
    const ModSet hits = written & pattern.oneOf[i];
    if (hits.empty()) return false;
    // A second one only where it is allowed on its own account.
    const bool single = hits.size() == 1 || (hits.size() == 2 && !(hits & pattern.optional).empty());
    if (!single) return false;
    allowed = allowed | pattern.oneOf[i];
  }
  return allowed.contains(written);
}

const std::vector<Form>& formsOf(std::string_view mnemonic) {
  static const auto& table = *[] {
    auto* map = new std::unordered_map<std::string_view, std::vector<Form>>;
    for (size_t i = 1; i < formCount; ++i) (*map)[infos[i].mnemonic].push_back(Form(i));
    return map;
  }();
  static const auto& none = *new std::vector<Form>;
  auto found = table.find(mnemonic);
  return found == table.end() ? none : found->second;
}

// The register type of one element of a matrix fragment.
Type fragmentType(Type type) {
  switch (type) {
    case Type::F32: case Type::F64: case Type::S32: return type;
    default: return Type::B32;
  }
}

Type dotType(const Instruction& instruction) {
  return isUnsigned(instruction.type(0)) && isUnsigned(instruction.type(1)) ? Type::U32 : Type::S32;
}

Type elementShare(const Instruction& instruction, unsigned slot) {
  const auto& operand = instruction.operands[slot];
  const size_t count = operand.elements.size();
  return count ? bitsType(bits(instruction.type(0)) / unsigned(count)) : instruction.type(0);
}

Type typeByRule(const SlotSpec& spec, const Instruction& instruction, unsigned slot) {
  switch (spec.rule) {
    case TypeRule::Fixed: return spec.fixed;
    case TypeRule::T0: return instruction.type(0);
    case TypeRule::T1: return instruction.type(1);
    case TypeRule::T2: return instruction.type(2);
    case TypeRule::T3: return instruction.type(3);
    case TypeRule::Wide: return widened(instruction.type(0));
    case TypeRule::Elem: return elementShare(instruction, slot);
    case TypeRule::Dot: return dotType(instruction);
    case TypeRule::Frag0: return fragmentType(instruction.type(0));
    case TypeRule::Frag1: return fragmentType(instruction.type(1));
    case TypeRule::Frag2: return fragmentType(instruction.type(2));
    case TypeRule::Frag3: return fragmentType(instruction.type(3));
    case TypeRule::Any: return Type::None;
  }
  return Type::None;
}

}  // namespace

const FormRow& formRow(Form form) { return rows[size_t(form)]; }
const FormInfo& formInfo(Form form) { return infos[size_t(form)]; }
std::span<const FormInfo> allForms() { return std::span(infos).subspan(1); }

const char* spelling(Need need) {
  static constexpr const char* names[] = {"none",    "memory",  "atomic",  "warp",   "barrier", "control", "call",
                                          "special", "texture", "surface", "matrix", "async",   "cluster", "tensor"};
  return names[size_t(need)];
}

SlotRole slotRole(const Instruction& instruction, unsigned slot) {
  const SlotPattern& slots = rows[size_t(instruction.form)].slots;
  return slot < slots.count ? slots.slots[slot].role : SlotRole::None;
}

Type slotType(const Instruction& instruction, unsigned slot) {
  const SlotPattern& slots = rows[size_t(instruction.form)].slots;
  return slot < slots.count ? typeByRule(slots.slots[slot], instruction, slot) : Type::None;
}

bool isOptionalSlot(Form form, unsigned slot) {
  const SlotPattern& slots = rows[size_t(form)].slots;
  return slot < slots.count && slots.slots[slot].optional;
}

Opcode decodeOpcode(std::string_view text) {
  Opcode opcode;
  const size_t dot = text.find('.');
  const auto& candidates = formsOf(text.substr(0, dot));
  ModSet written;
  for (size_t at = dot; at < text.size();) {
    const size_t next = text.find('.', at + 1);
    const std::string_view token = text.substr(at + 1, next == text.npos ? next : next - at - 1);
    at = next;
    if (const Type type = typeFromSpelling(token); type != Type::None) {
      if (opcode.types.size() == maxTypes) return opcode;
      opcode.types.push_back(type);
    } else {
      const Mod mod = modFromSpelling(token);
      if (mod == Mod::None || !opcode.mods.push(mod)) return opcode;
      written.add(mod);
    }
  }
  if (hasClash(opcode.mods)) return opcode;
  for (Form form : candidates) {
    const FormRow& row = rows[size_t(form)];
    if (accepts(row.types, opcode.types) && accepts(row.mods, written)) opcode.forms.push_back(form);
  }
  return opcode;
}

}  // namespace anywarp::ptx
