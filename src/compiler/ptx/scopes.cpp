// Scopes: names of a body. SPDX-License-Identifier: Apache-2.0
#include "compiler/ptx/scopes.h"

#include <charconv>

#include "compiler/ptx/declarations.h"

namespace anywarp::ptx {

std::optional<LabelUse> Scopes::close() {
  Scope closed = std::move(scopes_.back());
  scopes_.pop_back();
  for (const LabelUse& use : closed.uses) {
    const auto found = closed.labels.find(use.name);
    if (found != closed.labels.end()) {
      if (found->second.kind != use.kind) return use;
      resolve(use, found->second);
    } else if (scopes_.empty()) {
      return use;
    } else {
      scopes_.back().uses.push_back(use);
    }
  }
  return std::nullopt;
}

void Scopes::resolve(const LabelUse& use, const LabelMeaning& meaning) {
  if (use.inList) body_.branchTargets[use.index].labels[use.element] = meaning.index;
  else body_.instructions[use.index].operands[use.element].label = meaning.index;
}

NameMeaning Scopes::addRegister(std::string_view name, Type type, unsigned vector) {
  NameMeaning meaning;
  meaning.vector = uint8_t(vector);
  meaning.reg = RegId(body_.registers.size());
  if (vector == 1) {
    body_.registers.push_back({std::string(name), type});
    return meaning;
  }
  for (unsigned i = 0; i < vector; ++i) body_.registers.push_back({componentName(name, i), type});
  return meaning;
}

bool Scopes::declareRegister(std::string_view name, Type type, unsigned vector) {
  auto [at, isNew] = scopes_.back().names.try_emplace(name);
  if (isNew) at->second = addRegister(name, type, vector);
  return isNew;
}

bool Scopes::declareRange(std::string_view prefix, uint64_t count, Type type, unsigned vector) {
  return scopes_.back().ranges.try_emplace(prefix, Range{type, uint8_t(vector), count}).second;
}

bool Scopes::declareSymbol(std::string_view name, SymbolRef symbol) {
  name = symbolNames_.emplace_back(name);
  return scopes_.back().names.try_emplace(name, NameMeaning{.kind = NameMeaning::Kind::Symbol, .symbol = symbol}).second;
}

bool Scopes::declareLabel(std::string_view name, LabelMeaning meaning) {
  return scopes_.back().labels.try_emplace(name, meaning).second;
}

const NameMeaning* Scopes::find(std::string_view name) {
  for (auto scope = scopes_.rbegin(); scope != scopes_.rend(); ++scope) {
    if (!scope->names.empty())
      if (const auto found = scope->names.find(name); found != scope->names.end()) return &found->second;
    if (const NameMeaning* made = findInRange(*scope, name)) return made;
  }
  return nullptr;
}

// %r57 of %r<100> becomes a register when it is first used, so a range costs what is used of it.
const NameMeaning* Scopes::findInRange(Scope& scope, std::string_view name) {
  if (scope.ranges.empty()) return nullptr;
  size_t digits = name.size();
  while (digits > 0 && name[digits - 1] >= '0' && name[digits - 1] <= '9') --digits;
  // Numbers have no leading zeros, so a prefix may itself end in a digit: %r1<10> declares %r10.
  for (size_t at = digits; at < name.size(); ++at) {
    if (name[at] == '0' && at + 1 < name.size()) continue;
    if (name.size() - at > 10) continue;
    const auto found = scope.ranges.find(name.substr(0, at));
    if (found == scope.ranges.end()) continue;
    uint64_t number = 0;
    std::from_chars(name.data() + at, name.data() + name.size(), number);
    if (number >= found->second.count) continue;
    const NameMeaning meaning = addRegister(name, found->second.type, found->second.vector);
    return &(scope.names[name] = meaning);
  }
  return nullptr;
}

}  // namespace anywarp::ptx
