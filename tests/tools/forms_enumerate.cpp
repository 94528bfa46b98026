// All spellings of a row: types, choices and options of its modifiers. SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "compiler/ptx/instruction_columns.h"
#include "forms.h"

namespace anywarp::tests {
namespace {

using ptx::Mod;
using ptx::ModGroup;
using ptx::Type;

std::vector<Mod> members(const ptx::ModSet& set) {
  std::vector<Mod> list;
  for (size_t i = 1; i < ptx::modCount; i++)
    if (set.has(Mod(i))) list.push_back(Mod(i));
  return list;
}

std::vector<std::vector<Type>> typeCombinations(const ptx::TypePattern& pattern) {
  std::vector<std::vector<Type>> combinations = {{}};
  for (size_t position = 0; position < pattern.count; position++) {
    std::vector<std::vector<Type>> longer;
    for (const auto& prefix : combinations)
      for (size_t i = 1; i < ptx::typeCount; i++) {
        if (!pattern.positions[position].has(Type(i))) continue;
        longer.push_back(prefix);
        longer.back().push_back(Type(i));
      }
    combinations = std::move(longer);
  }
  return combinations;
}

// One of every oneOf group, with what is required.
std::vector<std::vector<Mod>> choices(const ptx::ModPattern& pattern) {
  std::vector<std::vector<Mod>> lists = {members(pattern.required)};
  for (size_t group = 0; group < pattern.oneOfCount; group++) {
    std::vector<std::vector<Mod>> longer;
    for (const auto& prefix : lists)
      for (Mod mod : members(pattern.oneOf[group])) {
        longer.push_back(prefix);
        longer.back().push_back(mod);
      }
    lists = std::move(longer);
  }
  return lists;
}

bool clash(const std::vector<Mod>& mods, Mod next) {
  for (ModGroup group : {ModGroup::Rounding, ModGroup::IntRounding, ModGroup::Boolean, ModGroup::Accuracy, ModGroup::VideoScale})
    for (Mod mod : mods)
      if (inGroup(mod, group) && inGroup(next, group)) return true;
  return std::find(mods.begin(), mods.end(), next) != mods.end();
}

// Subsets of the options. Boolean operations multiply too fast: one of them, and only for every third base.
std::vector<std::vector<Mod>> withOptions(const std::vector<Mod>& base, const ptx::ModSet& optional, size_t index) {
  std::vector<std::vector<Mod>> lists = {base};
  size_t booleans = 0;
  for (Mod mod : members(optional)) {
    if (inGroup(mod, ModGroup::Boolean) && !inGroup(mod, ModGroup::Compare) && (index + booleans++) % 5 != 0) continue;
    size_t count = lists.size();
    for (size_t i = 0; i < count && lists.size() < 64; i++) {
      if (clash(lists[i], mod)) continue;
      lists.push_back(lists[i]);
      lists.back().push_back(mod);
    }
  }
  return lists;
}

// Where a modifier stands in the manual's syntax; those from 100 on follow the types.
int rank(Mod mod, bool toEightBits) {
  if (inGroup(mod, ModGroup::PrmtMode)) return 100;
  switch (mod) {
    case Mod::Wide: case Mod::Lo: case Mod::Hi: return 0;
    case Mod::Pack: return 1;
    case Mod::L: case Mod::R: return 2;
    case Mod::Clamp: case Mod::Wrap: return 3;
    case Mod::Shiftamt: return 3;
    case Mod::Approx: case Mod::Full: return 5;
    case Mod::Satfinite: return toEightBits ? 20 : 24;
    case Mod::Relu: return 22;
    case Mod::Ftz: return 26;
    case Mod::Sat: return 28;
    case Mod::PropagateNan: return 30;
    case Mod::Xorsign: return 32;
    case Mod::Abs: return 34;
    case Mod::Cc: return 36;
    default: break;
  }
  if (inGroup(mod, ModGroup::Compare)) return 1;
  if (inGroup(mod, ModGroup::Boolean)) return 4;
  if (inGroup(mod, ModGroup::Rounding) || inGroup(mod, ModGroup::IntRounding)) return 10;
  return 50;
}

std::string spelled(const char* mnemonic, std::vector<Mod> mods, const std::vector<Type>& types) {
  bool video = mnemonic[0] == 'v';
  bool toEightBits = !types.empty() && ptx::isFloat(types[0]) && ptx::bits(types[0]) / ptx::lanes(types[0]) == 8;
  std::stable_sort(mods.begin(), mods.end(), [&](Mod a, Mod b) { return rank(a, toEightBits) < rank(b, toEightBits); });
  std::string text = mnemonic, after;
  for (Mod mod : mods) {
    bool behind = rank(mod, toEightBits) >= 100 || (video && !inGroup(mod, ModGroup::Compare) && mod != Mod::Clamp && mod != Mod::Wrap);
    (behind ? after : text) += std::string(".") + ptx::spelling(mod);
  }
  for (Type type : types) text += std::string(".") + ptx::spelling(type);
  return text + after;
}

bool hasRow(const std::string& opcode, ptx::Form form) {
  ptx::Opcode decoded = ptx::decodeOpcode(opcode);
  return std::find(decoded.forms.begin(), decoded.forms.end(), form) != decoded.forms.end();
}

}  // namespace

std::vector<std::string> enumerateOpcodes(ptx::Form form) {
  const ptx::FormRow& row = ptx::formRow(form);
  std::vector<std::string> opcodes;
  size_t index = 0;
  for (const auto& types : typeCombinations(row.types))
    for (const auto& base : choices(row.mods))
      for (const auto& mods : withOptions(base, row.mods.optional, index++)) {
        std::string opcode = spelled(ptx::formInfo(form).mnemonic, mods, types);
        if (hasRow(opcode, form)) opcodes.push_back(opcode);
      }
  return opcodes;
}

}  // namespace anywarp::tests
