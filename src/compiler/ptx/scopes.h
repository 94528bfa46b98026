// Scopes: which register, variable or label a name means at a place in a body. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "compiler/ptx/ast.h"

namespace anywarp::ptx {

// What a declared name means.
struct NameMeaning {
  enum class Kind : uint8_t { Register, Symbol } kind = Kind::Register;
  uint8_t vector = 1;       // .reg .v4: this many registers from `reg` on
  RegId reg = noReg;
  SymbolRef symbol;
};

// What a label stands before.
struct LabelMeaning {
  enum class Kind : uint8_t { Label, BranchTargets, Prototype } kind = Kind::Label;
  uint32_t index = 0;       // into Body::labels, branchTargets or prototypes
};

// A use of a label. Resolved when the scope closes, because a later definition in it hides one outside.
struct LabelUse {
  std::string_view name;
  SourceLoc loc;
  LabelMeaning::Kind kind = LabelMeaning::Kind::Label;
  bool inList = false;      // in branchTargets[index].labels[element], else in instructions[index].operands[element]
  uint32_t index = 0, element = 0;
};

class Scopes {
 public:
  explicit Scopes(Body& body) : body_(body) { open(); }

  void open() { scopes_.emplace_back(); }
  // Resolves the uses of labels in the innermost scope; what it does not define is left to the one around it. At the
  // outermost scope, the first use that nobody defines is returned.
  std::optional<LabelUse> close();
  size_t depth() const { return scopes_.size(); }

  // False where the innermost scope has that name already.
  bool declareRegister(std::string_view name, Type type, unsigned vector);
  bool declareRange(std::string_view prefix, uint64_t count, Type type, unsigned vector);
  bool declareSymbol(std::string_view name, SymbolRef symbol);  // keeps a copy of the name; the others need the module's text
  bool declareLabel(std::string_view name, LabelMeaning meaning);
  void useLabel(const LabelUse& use) { scopes_.back().uses.push_back(use); }

  const NameMeaning* find(std::string_view name);

 private:
  struct Range {
    Type type;
    uint8_t vector;
    uint64_t count;
  };
  struct Scope {
    std::unordered_map<std::string_view, NameMeaning> names;
    std::unordered_map<std::string_view, Range> ranges;  // by prefix: `%r` of %r<100>
    std::unordered_map<std::string_view, LabelMeaning> labels;
    std::vector<LabelUse> uses;
  };
  Body& body_;
  std::vector<Scope> scopes_;
  std::deque<std::string> symbolNames_;

  NameMeaning addRegister(std::string_view name, Type type, unsigned vector);
  const NameMeaning* findInRange(Scope& scope, std::string_view name);
  void resolve(const LabelUse& use, const LabelMeaning& meaning);
};

}  // namespace anywarp::ptx
