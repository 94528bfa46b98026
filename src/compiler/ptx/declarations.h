// DeclarationParser: variables, parameters and initialisers, in modules and in bodies (PTX ISA: Variables).
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "compiler/ptx/cursor.h"

namespace anywarp::ptx {

class DeclarationParser : protected Cursor {
 protected:
  using Cursor::Cursor;

  // What stands before the names of a declaration.
  struct Head {
    Variable variable;        // space, type, vector, align, linkage, managed
    SourceLoc loc;
    bool isReg = false;
  };

  // After the state space: `.align 4 .v2 .f32`, attributes, `.ptr` in any order the manual allows.
  bool parseHead(Head& head);
  // One name with its dimensions and initialiser.
  bool parseDeclarator(const Head& head, Variable& variable, bool mayInitialise);
  // `name, name[4] = {...};` up to and with the semicolon.
  bool parseDeclarators(const Head& head, std::vector<Variable>& variables);
  // `( .param .u64 a, .reg .b32 %b )`, the opening parenthesis included. Names may be `_` (prototypes).
  bool parseParameters(std::vector<Variable>& params);

  static Space spaceFromWord(std::string_view word);  // None for anything else

 private:
  uint64_t initialisedBytes_ = 0;
  bool openSize_ = false;       // the declarator being parsed has `[]`
  std::vector<uint64_t> dims_;  // of the declarator being parsed; the vector length is the last one

  bool parseAttribute(Head& head);
  bool parseAlign(Head& head);
  bool parsePointerAttributes();
  bool parseDimensions(const Head& head, Variable& variable);
  bool finishSize(Variable& variable, SourceLoc loc);
  bool parseInitialiser(Variable& variable);
  bool parseOpaqueInitialiser(Variable& variable);
  bool parseInitialiserList(Variable& variable, size_t dimension, uint64_t& offset);
  bool parseInitialiserElement(Variable& variable, uint64_t& offset);
  bool parseReference(Variable& variable, uint64_t offset, uint64_t mask);
  bool startsReference() const;
  bool store(Variable& variable, uint64_t offset, uint64_t bits);
  static void addComponents(const Variable& vector, std::vector<Variable>& params);
};

// `v.x` for component 0 of the vector register v.
std::string componentName(std::string_view vector, unsigned component);

// The pattern of a constant stored as `type`. False where a floating-point value would go into an integer.
bool constantBits(const Constant& value, Type type, uint64_t& bits);

}  // namespace anywarp::ptx
