// BodyParser, operands: registers, literals, addresses, vectors (PTX ISA: Instruction Operands). SPDX-License-Identifier: Apache-2.0
#include "compiler/ptx/body_parser.h"

#include "compiler/ptx/instruction_columns.h"

namespace anywarp::ptx {

bool BodyParser::parseOperand(Operand& operand) {
  if (at("{")) return parseVector(operand);
  if (at("[")) return parseAddress(operand);
  if (at("!")) return parseNegated(operand);
  if (at("-") && isNegatedRegister()) return parseNegated(operand);
  if (peek().isWord() && peek().text != "WARP_SZ") return parseName(operand);
  return parseLiteral(operand);
}

// `-` before a register, as vmad has it, is no part of a constant.
bool BodyParser::isNegatedRegister() {
  Lexer ahead = lexer_;
  ahead.next();
  const NameMeaning* meaning = ahead.peek().isWord() ? scopes_.find(ahead.peek().text) : nullptr;
  return meaning && meaning->kind == NameMeaning::Kind::Register;
}

bool BodyParser::parseLiteral(Operand& operand) {
  Constant value;
  if (peek().kind == Token::Kind::Punctuation && !at("-") && !at("+") && !at("~") && !at("!") && !at("("))
    return failHere("expected an operand, found " + found());
  if (!parseConstant(value)) return false;
  operand.kind = value.isSingle  ? Operand::Kind::Float32
                 : value.isFloat ? Operand::Kind::Float64
                                 : Operand::Kind::Integer;
  operand.bits = value.bits;
  return true;
}

bool BodyParser::parseNegated(Operand& operand) {
  next();
  if (!peek().isWord()) {
    const SourceLoc loc = peek().loc;
    if (!parseLiteral(operand)) return false;
    if (operand.kind != Operand::Kind::Integer) return fail(loc, "operator '!' takes no floating-point value");
    operand.bits = !operand.bits;
    return true;
  }
  if (!parseName(operand)) return false;
  operand.negated = true;
  return true;
}

bool BodyParser::parseVector(Operand& operand) {
  Nest nest(depth_);
  if (depth_ > 8) return failHere("vector operand is nested too deeply");
  next();
  operand.kind = Operand::Kind::Vector;
  if (accept("}")) return true;
  do {
    if (operand.elements.size() >= maxListElements) return failHere("more than " + std::to_string(maxListElements) + " elements");
    if (!parseOperand(operand.elements.emplace_back())) return false;
  } while (accept(","));
  isElement_ = false;  // which elements of the vector may be
  return expect("}", "after vector operand");
}

bool BodyParser::parseAddress(Operand& operand) {
  const SourceLoc loc = next().loc;
  if (peek().isWord() && peek().text != "WARP_SZ") {
    if (!parseName(operand)) return false;
    if (operand.kind == Operand::Kind::Symbol) operand.hasSymbol = true;
    else if (operand.kind != Operand::Kind::Register) return fail(loc, "an address is a register, a name or a number, with an offset");
  } else {
    uint64_t absolute = 0;
    if (!parseIntegerConstant("an address", absolute)) return false;
    operand.offset = int64_t(absolute);
  }
  operand.kind = Operand::Kind::Address;
  if (!parseSignedOffset(operand.offset, 1)) return false;
  if (at(",") && !parseCoordinates(operand)) return false;
  isElement_ = false;
  return expect("]", "after address");
}

// `, {x, y}` or `, sampler, {x, y}`; a single coordinate needs no braces.
bool BodyParser::parseCoordinates(Operand& address) {
  Operand last;
  while (accept(",")) {
    if (!last.isNone()) {
      if (!sampler_.isNone()) return failHere("too many operands in address");
      sampler_ = std::move(last);
      last = {};
    }
    if (at("[") || !parseOperand(last)) return failed() ? false : failHere("expected coordinates, found '['");
  }
  if (last.kind == Operand::Kind::Vector) address.elements = std::move(last.elements);
  else address.elements.push_back(std::move(last));
  return true;
}

bool BodyParser::parseName(Operand& operand) {
  const Token word = next();
  if (word.text == "_") {
    operand.kind = Operand::Kind::Discard;
    return true;
  }
  if (const NameMeaning* meaning = scopes_.find(word.text)) {
    if (meaning->kind == NameMeaning::Kind::Register) return parseRegisterSuffix(*meaning, operand);
    operand.kind = Operand::Kind::Symbol;
    operand.symbol = meaning->symbol;
    return parseSymbolSuffix(operand);
  }
  bool known = false;
  if (!parseSpecial(word.text, operand, known)) return false;
  if (known) return true;
  if (resolveGlobalName(word.text, operand)) return parseSymbolSuffix(operand);
  return fail(word.loc, "undeclared name '" + std::string(word.text.substr(0, 200)) + "'");
}

namespace {

// Index of a vector component: .x .y .z .w or .r .g .b .a; -1 for anything else.
int componentIndex(std::string_view word) {
  if (word.size() != 1) return -1;
  const size_t index = std::string_view("xyzwrgba").find(word[0]);
  return index == std::string_view::npos ? -1 : int(index % 4);
}

// `b0`, `h10`, `b3210` of video instructions; 0 for anything else.
uint32_t selection(std::string_view word) {
  if (word.size() < 2 || word.size() > 5 || (word[0] != 'b' && word[0] != 'h')) return 0;
  uint32_t select = (word[0] == 'b' ? 1u : 2u) << 28 | uint32_t(word.size() - 1) << 24;
  for (size_t i = 1; i < word.size(); ++i) {
    if (word[i] < '0' || word[i] > '7') return 0;
    select |= uint32_t(word[i] - '0') << (4 * (word.size() - 1 - i));
  }
  return select;
}

}  // namespace

bool BodyParser::parseRegisterSuffix(const NameMeaning& meaning, Operand& operand) {
  operand.kind = Operand::Kind::Register;
  operand.reg = meaning.reg;
  if (!peek().isDotted()) {
    if (meaning.vector == 1) return true;
    operand = {};
    operand.kind = Operand::Kind::Vector;
    for (unsigned i = 0; i < meaning.vector; ++i) {
      Operand& element = operand.elements.emplace_back();
      element.kind = Operand::Kind::Register;
      element.reg = meaning.reg + i;
    }
    return true;
  }
  const Token suffix = next();
  if (const int component = componentIndex(suffix.text); component >= 0 && component < meaning.vector && meaning.vector > 1) {
    operand.reg += RegId(component);
    return true;
  }
  operand.select = selection(suffix.text);
  return operand.select || fail(suffix.loc, "a register has no component '." + std::string(suffix.text.substr(0, 60)) + "'");
}

bool BodyParser::parseSpecial(std::string_view name, Operand& operand, bool& known) {
  if (name[0] != '%') return true;
  const std::string_view bare = name.substr(1);
  if (const SpecialReg vector = specialVectorFromSpelling(bare); vector != SpecialReg::None) {
    known = true;
    if (peek().isDotted()) {
      const int component = componentIndex(peek().text);
      if (component < 0) return failHere("'" + std::string(name) + "' has no component " + found());
      next();
      operand.kind = Operand::Kind::Special;
      operand.special = SpecialReg(unsigned(vector) + unsigned(component));
      return true;
    }
    operand.kind = Operand::Kind::Vector;
    for (unsigned i = 0; i < 4; ++i) {
      Operand& element = operand.elements.emplace_back();
      element.kind = Operand::Kind::Special;
      element.special = SpecialReg(unsigned(vector) + i);
    }
    return true;
  }
  operand.special = specialFromSpelling(bare);
  known = operand.special != SpecialReg::None;
  if (known) operand.kind = Operand::Kind::Special;
  return true;
}

bool BodyParser::resolveGlobalName(std::string_view name, Operand& operand) const {
  const int variable = module_.findVariable(name);
  const int function = variable < 0 ? module_.findFunction(name) : -1;
  if (variable < 0 && function < 0) return false;
  operand.kind = Operand::Kind::Symbol;
  operand.symbol = variable >= 0 ? SymbolRef{SymbolKind::ModuleVariable, uint32_t(variable)}
                                 : SymbolRef{SymbolKind::Function, uint32_t(function)};
  return true;
}

const Variable* BodyParser::variableOf(const SymbolRef& symbol) const {
  switch (symbol.kind) {
    case SymbolKind::ModuleVariable: return &module_.variables[symbol.index];
    case SymbolKind::FunctionVariable: return &body_.variables[symbol.index];
    case SymbolKind::Parameter: return &function_.params[symbol.index];
    case SymbolKind::ReturnParameter: return &function_.returns[symbol.index];
    case SymbolKind::Function: return nullptr;
  }
  return nullptr;
}

// `name[3]`, `name[%r]` and `name[%r+3]` are elements (PTX ISA: Arrays as Operands), `name+12` a byte offset.
bool BodyParser::parseSymbolSuffix(Operand& operand) {
  RegId index = noReg;
  uint64_t elementBytes = 1;
  if (accept("[")) {
    if (const Variable* variable = variableOf(operand.symbol)) elementBytes = uint64_t(bytes(variable->type)) * variable->vector;
    if (!parseElementIndex(elementBytes, operand, index) || !expect("]", "after array index")) return false;
    isElement_ = true;
  }
  if (!parseSignedOffset(operand.offset, 1)) return false;
  if (index != noReg) addressElement(operand, index, elementBytes);
  return true;
}

bool BodyParser::parseElementIndex(uint64_t elementBytes, Operand& symbol, RegId& index) {
  const NameMeaning* meaning = peek().isWord() ? scopes_.find(peek().text) : nullptr;
  if (!meaning || meaning->kind != NameMeaning::Kind::Register) {
    uint64_t element = 0;
    if (!parseIntegerConstant("an array index", element)) return false;
    symbol.offset = int64_t(element * elementBytes);
    return true;
  }
  const Token word = next();
  Operand element;
  if (!parseRegisterSuffix(*meaning, element)) return false;
  const unsigned width = element.isReg() && !element.select ? bits(body_.registers[element.reg].type) : 0;
  if ((width != 32 && width != 64) || isFloat(body_.registers[element.reg].type))
    return fail(word.loc, "an array index is a constant or a register of 32 or 64 bits, found '" + std::string(word.text.substr(0, 200)) + "'");
  index = element.reg;
  return parseSignedOffset(symbol.offset, elementBytes);
}

// Nothing, or `+` or `-` and a constant, which counts units of `scale`.
bool BodyParser::parseSignedOffset(int64_t& offset, uint64_t scale) {
  if (!at("+") && !at("-")) return true;
  const bool minus = at("-");
  next();
  uint64_t value = 0;
  if (!parseIntegerConstant("an offset", value)) return false;
  value *= scale;
  offset = int64_t(uint64_t(offset) + (minus ? 0 - value : value));
  return true;
}

// An index in a register takes instructions of its own, before the one that has it.
void BodyParser::addressElement(Operand& operand, RegId index, uint64_t elementBytes) {
  auto registerOperand = [](RegId reg) {
    Operand o;
    o.kind = Operand::Kind::Register;
    o.reg = reg;
    return o;
  };
  const Type indexType = body_.registers[index].type;
  const bool wideIndex = bits(indexType) == 64, wide = elementAddress_ == Type::U64;
  const RegId address = RegId(body_.registers.size());
  body_.registers.push_back({"element", elementAddress_});
  Operand size;
  size.kind = Operand::Kind::Integer;
  size.bits = elementBytes;
  Operand base = operand, to = registerOperand(address), from = registerOperand(index);
  generate(wide ? "mov.u64" : "mov.u32", {to, base});
  if (!wide && wideIndex) {
    from = registerOperand(RegId(body_.registers.size()));
    body_.registers.push_back({"index", Type::U32});
    generate("cvt.u32.u64", {from, registerOperand(index)});
  }
  generate(!wide ? "mad.lo.u32" : wideIndex ? "mad.lo.u64" : isSigned(indexType) ? "mad.wide.s32" : "mad.wide.u32", {to, from, size, to});
  operand = to;
}

void BodyParser::generate(std::string_view opcode, std::initializer_list<Operand> operands) {
  const Opcode decoded = decodeOpcode(opcode);
  Instruction instruction;
  instruction.form = decoded.forms[0];
  instruction.mods = decoded.mods;
  instruction.types = decoded.types;
  instruction.operands = operands;
  instruction.operands.resize(formRow(instruction.form).slots.count);
  instruction.loc = peek().loc;
  instruction.sourceFile = sourceFile_;
  instruction.sourceLine = sourceLine_;
  body_.instructions.push_back(std::move(instruction));
}

}  // namespace anywarp::ptx
