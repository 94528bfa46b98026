// BodyParser: statements and instructions of one function. SPDX-License-Identifier: Apache-2.0
#include "compiler/ptx/body_parser.h"

#include <algorithm>
#include <iterator>

#include "compiler/ptx/instruction_columns.h"

namespace anywarp::ptx {

BodyParser::BodyParser(const Module& module, const Function& function, Body& body)
    : DeclarationParser(module, function.bodyText, function.bodyLoc), function_(function), body_(body), scopes_(body) {}

Status BodyParser::parse() {
  declareParameters();
  while (!failed() && peek().kind != Token::Kind::End)
    if (!parseStatement()) break;
  if (!failed() && scopes_.depth() > 1) failHere("expected '}', found end of '" + function_.name + "'");
  if (!failed() && closeScope()) checkIndirectBranches();
  if (failed()) return takeError();
  return {};
}

// Every brx.idx has an edge to each of its targets, so a short text could ask for a huge graph.
bool BodyParser::checkIndirectBranches() {
  size_t edges = 0;
  for (const Instruction& instruction : body_.instructions) {
    if (instruction.form != Form::BrxIdx) continue;
    edges += body_.branchTargets[instruction.operands[1].label].labels.size();
    if (edges > maxIndirectEdges) return fail(instruction.loc, "more than " + std::to_string(maxIndirectEdges) + " targets of indirect branches");
  }
  return true;
}

void BodyParser::declareParameters() {
  auto declare = [&](const std::vector<Variable>& variables, SymbolKind kind) {
    for (uint32_t i = 0; i < variables.size(); ++i) {
      if (variables[i].space == Space::Param) {
        scopes_.declareSymbol(variables[i].name, {kind, i});
        continue;
      }
      // v.x, v.y and so on: the components of the vector register v.
      const std::string_view name = std::string_view(variables[i].name).substr(0, variables[i].name.find('.'));
      uint32_t components = 1;
      if (name.size() < variables[i].name.size())
        while (i + components < variables.size() && variables[i + components].name == componentName(name, components)) ++components;
      scopes_.declareRegister(name, variables[i].type, components);
      i += components - 1;
    }
  };
  declare(function_.returns, SymbolKind::ReturnParameter);
  declare(function_.params, SymbolKind::Parameter);
}

bool BodyParser::parseStatement() {
  if (at("{")) {
    if (scopes_.depth() > maxScopes) return failHere("more than " + std::to_string(maxScopes) + " nested scopes");
    scopes_.open();
    next();
    return true;
  }
  if (at("}")) {
    if (scopes_.depth() == 1) return failHere("'}' closes nothing");
    next();
    return closeScope();
  }
  if (accept(";")) return true;
  if (at("@@")) {
    lexer_.skipLine();
    return true;
  }
  if (at("@")) return parseGuarded();
  if (peek().isDotted()) return parseDirective();
  if (!peek().isWord()) return failHere("expected an instruction, found " + found());
  const Token word = next();
  if (at(":")) return parseLabel(word);
  return parseInstruction({}, word);
}

bool BodyParser::closeScope() {
  const auto undefined = scopes_.close();
  if (!undefined) return true;
  static constexpr const char* kinds[] = {"label", ".branchtargets list", ".callprototype"};
  return fail(undefined->loc, std::string("undefined ") + kinds[size_t(undefined->kind)] + " '" + std::string(undefined->name.substr(0, 200)) + "'");
}

bool BodyParser::parseDirective() {
  const Token word = next();
  if (word.text == "reg") return parseRegisters();
  if (word.text == "loc") return parseLoc(word.loc);
  if (word.text == "pragma") return parsePragma();
  if (word.text == "file") {
    lexer_.skipLine();
    return true;
  }
  const Space space = spaceFromWord(word.text);
  if (space == Space::Local || space == Space::Shared || space == Space::Param) return parseLocalVariables(space);
  if (space != Space::None) return fail(word.loc, "." + std::string(word.text) + " variables inside functions are not supported", ErrorKind::Unsupported);
  return fail(word.loc, "unknown directive '." + std::string(word.text.substr(0, 60)) + "'");
}

bool BodyParser::parsePragma() {
  do {
    if (peek().kind != Token::Kind::String) return failHere("expected a string, found " + found());
    next();
  } while (accept(","));
  return expect(";", "after .pragma");
}

bool BodyParser::parseRegisters() {
  Head head;
  head.isReg = true;
  if (!parseHead(head)) return false;
  const Variable& type = head.variable;
  do {
    const Token name = next();
    if (!name.isWord()) return fail(name.loc, "expected a register name");
    bool isNew = false;
    if (accept("<")) {
      const SourceLoc loc = peek().loc;
      uint64_t count = 0;
      if (!expectInteger("the number of registers", count)) return false;
      if (count > maxRegisterRange) return fail(loc, "range of " + std::to_string(count) + " registers is beyond " + std::to_string(maxRegisterRange));
      if (!expect(">", "after register range")) return false;
      isNew = scopes_.declareRange(name.text, count, type.type, type.vector);
    } else {
      isNew = scopes_.declareRegister(name.text, type.type, type.vector);
    }
    if (!isNew) return fail(name.loc, "'" + std::string(name.text.substr(0, 200)) + "' is declared twice");
  } while (accept(","));
  return expect(";", "after register declaration");
}

bool BodyParser::parseLocalVariables(Space space) {
  Head head;
  head.variable.space = space;
  std::vector<Variable> variables;
  if (!parseHead(head) || !parseDeclarators(head, variables)) return false;
  for (Variable& variable : variables) {
    const SymbolRef symbol{SymbolKind::FunctionVariable, uint32_t(body_.variables.size())};
    if (!scopes_.declareSymbol(variable.name, symbol)) return fail(variable.loc, "'" + variable.name + "' is declared twice");
    body_.variables.push_back(std::move(variable));
  }
  return true;
}

bool BodyParser::parseLoc(SourceLoc loc) {
  uint64_t file = 0, line = 0;
  if (!expectInteger("a file index", file) || !expectInteger("a line", line)) return false;
  sourceFile_ = uint32_t(file);
  sourceLine_ = uint32_t(line);
  if (peek().loc.line == loc.line) lexer_.skipLine();
  return true;
}

bool BodyParser::parseLabel(const Token& name) {
  next();
  if (acceptDotted("callprototype")) return parsePrototype(name);
  if (acceptDotted("branchtargets")) return parseBranchTargets(name);
  if (acceptDotted("calltargets")) return parseCallTargets(name);
  const LabelMeaning meaning{LabelMeaning::Kind::Label, uint32_t(body_.labels.size())};
  body_.labels.push_back({std::string(name.text), uint32_t(body_.instructions.size())});
  return scopes_.declareLabel(name.text, meaning) || fail(name.loc, "label '" + std::string(name.text.substr(0, 200)) + "' is defined twice");
}

// `(returns) _ (parameters) .noreturn;`
bool BodyParser::parsePrototype(const Token& name) {
  Prototype prototype;
  prototype.name = std::string(name.text);
  std::string word;
  if (at("(") && !parseParameters(prototype.returns)) return false;
  if (!expectWord("'_'", word)) return false;
  if (at("(") && !parseParameters(prototype.params)) return false;
  while (peek().isDotted()) {
    const std::string_view directive = next().text;
    if (directive.starts_with("abi_preserve") && peek().kind == Token::Kind::Integer) next();
  }
  if (!expect(";", "after .callprototype")) return false;
  const LabelMeaning meaning{LabelMeaning::Kind::Prototype, uint32_t(body_.prototypes.size())};
  body_.prototypes.push_back(std::move(prototype));
  return scopes_.declareLabel(name.text, meaning) || fail(name.loc, "label '" + std::string(name.text.substr(0, 200)) + "' is defined twice");
}

bool BodyParser::parseCallTargets(const Token& name) {
  Prototype prototype;
  prototype.name = std::string(name.text);
  do {
    const SourceLoc loc = peek().loc;
    std::string function;
    if (!expectWord("a function name", function)) return false;
    const int index = module_.findFunction(function);
    if (index < 0) return fail(loc, "undeclared function '" + function + "'");
    prototype.targets.push_back(uint32_t(index));
  } while (accept(","));
  const Function& first = module_.functions[prototype.targets[0]];
  copiedParameters_ += first.returns.size() + first.params.size();
  if (copiedParameters_ > maxPrototypeParameters) return failHere("more than " + std::to_string(maxPrototypeParameters) + " parameters of call targets");
  prototype.returns = first.returns;
  prototype.params = first.params;
  if (!expect(";", "after .calltargets")) return false;
  const LabelMeaning meaning{LabelMeaning::Kind::Prototype, uint32_t(body_.prototypes.size())};
  body_.prototypes.push_back(std::move(prototype));
  return scopes_.declareLabel(name.text, meaning) || fail(name.loc, "label '" + std::string(name.text.substr(0, 200)) + "' is defined twice");
}

bool BodyParser::parseBranchTargets(const Token& name) {
  const uint32_t index = uint32_t(body_.branchTargets.size());
  body_.branchTargets.push_back({std::string(name.text), {}});
  do {
    const Token label = next();
    if (!label.isWord()) return fail(label.loc, "expected a label");
    const uint32_t element = uint32_t(body_.branchTargets[index].labels.size());
    if (element >= maxListElements) return fail(label.loc, "more than " + std::to_string(maxListElements) + " branch targets");
    body_.branchTargets[index].labels.push_back(0);
    scopes_.useLabel({label.text, label.loc, LabelMeaning::Kind::Label, true, index, element});
  } while (accept(","));
  if (!expect(";", "after .branchtargets")) return false;
  return scopes_.declareLabel(name.text, {LabelMeaning::Kind::BranchTargets, index}) ||
         fail(name.loc, "label '" + std::string(name.text.substr(0, 200)) + "' is defined twice");
}

bool BodyParser::parseGuarded() {
  Instruction instruction;
  next();
  instruction.guardNegated = accept("!");
  const Token name = next();
  if (!name.isWord()) return fail(name.loc, "expected a predicate after '@'");
  const NameMeaning* meaning = scopes_.find(name.text);
  if (!meaning || meaning->kind != NameMeaning::Kind::Register || meaning->vector != 1)
    return fail(name.loc, "undeclared predicate '" + std::string(name.text.substr(0, 200)) + "'");
  if (body_.registers[meaning->reg].type != Type::Pred)
    return fail(name.loc, "guard '" + std::string(name.text) + "' is ." + spelling(body_.registers[meaning->reg].type) + ", not .pred");
  instruction.guard = meaning->reg;
  if (!peek().isWord()) return failHere("expected an instruction after guard, found " + found());
  const Token word = next();
  return parseInstruction(std::move(instruction), word);
}

const Opcode& BodyParser::opcodeOf(const Token& first) {
  std::string_view text = lexer_.opcodeAt(first);
  if (peek().isDotted()) {
    std::string joined(text);
    while (peek().isDotted()) joined.append(1, '.').append(next().text);
    text = joined_.emplace_back(std::move(joined));
  }
  const auto found = opcodes_.find(text);
  return found != opcodes_.end() ? found->second : opcodes_.emplace(text, decodeOpcode(text)).first->second;
}

bool BodyParser::parseInstruction(Instruction instruction, const Token& first) {
  instruction.loc = first.loc;
  instruction.sourceFile = sourceFile_;
  instruction.sourceLine = sourceLine_;
  const size_t from = size_t(first.text.data() - function_.bodyText.data());
  const Opcode& opcode = opcodeOf(first);
  if (opcode.forms.empty()) return parseUnknown(std::move(instruction), from);
  instruction.mods = opcode.mods;
  instruction.types = opcode.types;
  elementAddress_ = opcode.forms[0] == Form::Mov && bits(opcode.types.empty() ? Type::None : opcode.types[0]) == 32 ? Type::U32 : Type::U64;
  if (opcode.forms[0] == Form::Call) return parseCall(std::move(instruction));
  if (!parseOperands(opcode.forms[0])) return false;
  if (!fit(opcode, instruction))
    return fail(first.loc, "'" + std::string(function_.bodyText.substr(from, std::min<size_t>(lexer_.tokenOffset() - from, 200))) +
                               "': operands do not fit " + formInfo(opcode.forms[0]).operands);
  return finish(std::move(instruction));
}

bool BodyParser::parseUnknown(Instruction instruction, size_t from) {
  instruction.form = Form::Unknown;
  instruction.text = std::string(lexer_.skipStatement(from));
  while (!instruction.text.empty() && uint8_t(instruction.text.back()) <= ' ') instruction.text.pop_back();
  body_.instructions.push_back(std::move(instruction));
  return true;
}

bool BodyParser::finish(Instruction instruction) {
  body_.instructions.push_back(std::move(instruction));
  return expect(";", body_.instructions.back().operands.empty() ? "after instruction" : "after operand");
}

namespace {

LabelMeaning::Kind labelKind(SlotRole role) {
  return role == SlotRole::Label     ? LabelMeaning::Kind::Label
         : role == SlotRole::Targets ? LabelMeaning::Kind::BranchTargets
                                     : LabelMeaning::Kind::Prototype;
}
bool isLabelRole(SlotRole role) { return role == SlotRole::Label || role == SlotRole::Targets; }

}  // namespace

bool BodyParser::parseOperands(Form form) {
  const SlotPattern& slots = formRow(form).slots;
  written_.clear();
  sampler_ = {};
  if (at(";") || at("}") || peek().kind == Token::Kind::End) return true;
  bool afterPipe = false;
  while (true) {
    if (written_.size() >= maxSlots) return failHere("too many operands");
    Written& written = written_.emplace_back();
    written.afterPipe = afterPipe;
    const size_t slot = written_.size() - 1;
    if (slot < slots.count && isLabelRole(slots.slots[slot].role) && peek().isWord()) {
      const Token label = next();
      written.operand.kind = Operand::Kind::Label;
      scopes_.useLabel({label.text, label.loc, labelKind(slots.slots[slot].role), false, uint32_t(body_.instructions.size()), uint32_t(slot)});
    } else {
      isElement_ = false;
      if (!parseOperand(written.operand)) return false;
      written.isElement = isElement_;
    }
    acceptDotted("unified");
    afterPipe = at("|");
    if (!afterPipe && !at(",")) return true;
    next();
  }
}

namespace {

bool fitsSlot(const SlotSpec& spec, const Operand& operand, bool isElement) {
  using Kind = Operand::Kind;
  switch (spec.role) {
    case SlotRole::Address: return operand.kind == Kind::Address || isElement;
    case SlotRole::Label: case SlotRole::Targets: return operand.kind == Kind::Label;
    case SlotRole::Dest:
      if (operand.kind == Kind::Vector) return spec.vector || spec.maybeVector;
      return !spec.vector && (operand.kind == Kind::Register || operand.kind == Kind::Discard);
    default: break;
  }
  const bool any = spec.rule == TypeRule::Any;
  if (operand.kind == Kind::Address) return any;
  if (operand.kind == Kind::Vector) return spec.vector || spec.maybeVector || any;
  return !spec.vector;
}

}  // namespace

bool BodyParser::fitForm(Form form, const ModList& mods, std::vector<Operand>& operands) {
  const SlotPattern& slots = formRow(form).slots;
  const bool hasPolicy = mods.has(Mod::L2CacheHint);
  size_t needed = 0, pipes = 0;
  for (uint8_t i = 0; i < slots.count; ++i) needed += !slots.slots[i].optional || (slots.slots[i].policy && hasPolicy);
  for (const Written& written : written_) pipes += written.afterPipe;
  if (written_.size() < needed + pipes) return false;
  size_t spare = written_.size() - needed - pipes, at = 0;
  operands.assign(slots.count, {});
  for (uint8_t i = 0; i < slots.count; ++i) {
    const SlotSpec& spec = slots.slots[i];
    if (spec.sampler) {
      operands[i] = sampler_;
      continue;
    }
    if (spec.policy && !hasPolicy) continue;
    const bool here = at < written_.size() && written_[at].afterPipe == spec.pipe && fitsSlot(spec, written_[at].operand, written_[at].isElement);
    if (spec.optional && !spec.policy && !spec.pipe) {
      if (!here || spare == 0) continue;
      --spare;
    } else if (!here) {
      if (spec.pipe) continue;
      return false;
    }
    operands[i] = written_[at].operand;
    if (written_[at++].isElement && spec.role == SlotRole::Address) {
      operands[i].hasSymbol = operands[i].kind == Operand::Kind::Symbol;
      operands[i].kind = Operand::Kind::Address;
    }
  }
  return at == written_.size();
}

bool BodyParser::fit(const Opcode& opcode, Instruction& instruction) {
  for (Form form : opcode.forms)
    if (fitForm(form, opcode.mods, instruction.operands)) {
      instruction.form = form;
      return true;
    }
  return false;
}

// `call (returns), callee, (arguments), prototype;` where all but the callee may be missing.
bool BodyParser::parseCall(Instruction instruction) {
  instruction.form = Form::Call;
  instruction.operands.resize(4);
  Operand& returns = instruction.operands[0];
  Operand& callee = instruction.operands[1];
  Operand& arguments = instruction.operands[2];
  returns.kind = arguments.kind = Operand::Kind::Vector;
  if (at("(") && (!parseCallList(returns) || !expect(",", "after returned values"))) return false;
  const SourceLoc loc = peek().loc;
  if (!peek().isWord()) return failHere("expected a function, found " + found());
  if (!parseName(callee)) return false;
  const bool isFunction = callee.kind == Operand::Kind::Symbol && callee.symbol.kind == SymbolKind::Function && callee.offset == 0;
  if (!isFunction && callee.kind != Operand::Kind::Register) return fail(loc, "expected a function or a register that holds its address");
  if (accept(",")) {
    if (at("(") && (!parseCallList(arguments) || (accept(",") && !peek().isWord()))) return failed() ? false : failHere("expected a prototype, found " + found());
    if (peek().isWord()) {
      const Token label = next();
      instruction.operands[3].kind = Operand::Kind::Label;
      scopes_.useLabel({label.text, label.loc, LabelMeaning::Kind::Prototype, false, uint32_t(body_.instructions.size()), 3});
    }
  }
  if (!isFunction && instruction.operands[3].isNone()) return fail(loc, "call through a register needs a prototype");
  return finish(std::move(instruction));
}

bool BodyParser::parseCallList(Operand& list) {
  next();
  if (accept(")")) return true;
  do {
    if (list.elements.size() >= maxListElements) return failHere("more than " + std::to_string(maxListElements) + " arguments");
    Operand operand;
    if (!parseOperand(operand)) return false;
    // A vector register is passed as its components.
    if (operand.kind == Operand::Kind::Vector) std::move(operand.elements.begin(), operand.elements.end(), std::back_inserter(list.elements));
    else list.elements.push_back(std::move(operand));
  } while (accept(","));
  return expect(")", "after arguments");
}

Result<std::unique_ptr<Body>> parseBody(const Module& module, const Function& function) {
  if (!function.hasBody) return Error{ErrorKind::NotFound, place(module, function.loc) + "function '" + function.name + "' has no body"};
  auto body = std::make_unique<Body>();
  if (Status status = BodyParser(module, function, *body).parse(); !status) return status.error();
  return body;
}

Space Instruction::space() const {
  switch (mods.first(ModGroup::Space)) {
    case Mod::Global: return Space::Global;
    case Mod::Shared: case Mod::SharedCta: case Mod::SharedCluster: return Space::Shared;
    case Mod::Local: return Space::Local;
    case Mod::Const: return Space::Const;
    case Mod::Param: case Mod::ParamEntry: case Mod::ParamFunc: return Space::Param;
    default: return Space::Generic;
  }
}

}  // namespace anywarp::ptx
