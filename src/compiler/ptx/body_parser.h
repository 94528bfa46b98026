// BodyParser: the statements of one function (PTX ISA: Instruction Statements). SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <string>
#include <unordered_map>
#include <vector>

#include "compiler/ptx/declarations.h"
#include "compiler/ptx/scopes.h"

namespace anywarp::ptx {

class BodyParser : DeclarationParser {
 public:
  BodyParser(const Module& module, const Function& function, Body& body);
  Status parse();

 private:
  const Function& function_;
  Body& body_;
  Scopes scopes_;
  std::unordered_map<std::string_view, Opcode> opcodes_;  // decoded once per spelling
  std::deque<std::string> joined_;                        // opcodes written with blanks inside
  uint32_t sourceFile_ = 0, sourceLine_ = 0;
  size_t copiedParameters_ = 0;

  // An operand as written, before it finds its slot.
  struct Written {
    Operand operand;
    bool afterPipe = false;
    bool isElement = false;  // written as `name[index]`: an address where one belongs, else a value
  };
  std::vector<Written> written_;
  Type elementAddress_ = Type::U64;                       // what `name[register]` becomes where the instruction wants no address
  bool isElement_ = false;                                // of the operand parsed last
  Operand sampler_;                                       // second of three in [texture, sampler, coordinates]

  // Statements
  void declareParameters();
  bool parseStatement();
  bool closeScope();
  bool checkIndirectBranches();
  bool parseDirective();
  bool parseRegisters();
  bool parseLocalVariables(Space space);
  bool parseLoc(SourceLoc loc);
  bool parsePragma();
  bool parseLabel(const Token& name);
  bool parsePrototype(const Token& name);
  bool parseCallTargets(const Token& name);
  bool parseBranchTargets(const Token& name);

  // Instructions
  bool parseGuarded();
  bool parseInstruction(Instruction instruction, const Token& first);
  const Opcode& opcodeOf(const Token& first);
  bool parseUnknown(Instruction instruction, size_t from);
  bool parseOperands(Form form);
  bool parseCall(Instruction instruction);
  bool parseCallList(Operand& list);
  bool fit(const Opcode& opcode, Instruction& instruction);
  bool fitForm(Form form, const ModList& mods, std::vector<Operand>& operands);
  bool finish(Instruction instruction);

  // Operands (operand_parser.cpp)
  bool parseOperand(Operand& operand);
  bool parseVector(Operand& operand);
  bool parseAddress(Operand& operand);
  bool parseCoordinates(Operand& address);
  bool parseName(Operand& operand);
  bool parseSpecial(std::string_view name, Operand& operand, bool& known);
  bool parseNegated(Operand& operand);
  bool isNegatedRegister();
  bool parseLiteral(Operand& operand);
  bool parseRegisterSuffix(const NameMeaning& meaning, Operand& operand);
  bool parseSymbolSuffix(Operand& operand);
  bool parseElementIndex(uint64_t elementBytes, Operand& symbol, RegId& index);
  bool parseSignedOffset(int64_t& offset, uint64_t scale);
  void addressElement(Operand& operand, RegId index, uint64_t elementBytes);
  void generate(std::string_view opcode, std::initializer_list<Operand> operands);
  bool resolveGlobalName(std::string_view name, Operand& operand) const;
  const Variable* variableOf(const SymbolRef& symbol) const;
};

}  // namespace anywarp::ptx
