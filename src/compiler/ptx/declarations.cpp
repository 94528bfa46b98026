// DeclarationParser: variables, parameters and initialisers. SPDX-License-Identifier: Apache-2.0
#include "compiler/ptx/declarations.h"

#include <bit>

#include "compiler/ptx/literals.h"
#include "compiler/ptx/opaque.h"

namespace anywarp::ptx {

Space DeclarationParser::spaceFromWord(std::string_view word) {
  static constexpr std::pair<std::string_view, Space> spaces[] = {
      {"global", Space::Global}, {"shared", Space::Shared},           {"local", Space::Local},
      {"const", Space::Const},   {"param", Space::Param},             {"shared::cta", Space::Shared},
      {"tex", Space::Global},
  };
  for (const auto& [spelling, space] : spaces)
    if (spelling == word) return space;
  return Space::None;
}

bool DeclarationParser::parseAlign(Head& head) {
  const SourceLoc loc = peek().loc;
  uint64_t align = 0;
  if (!expectInteger("an alignment", align)) return false;
  if (!std::has_single_bit(align) || align > (1u << 20)) return fail(loc, "alignment " + std::to_string(align) + " is no power of two up to 1048576");
  head.variable.align = std::max(head.variable.align, align);
  return true;
}

// `.attribute(.managed, .unified(1, 2))`
bool DeclarationParser::parseAttribute(Head& head) {
  if (!expect("(", "after .attribute")) return false;
  do {
    if (!peek().isDotted()) return failHere("expected an attribute, found " + found());
    if (next().text == "managed") head.variable.managed = true;
    if (at("(")) {
      while (!at(")") && peek().kind != Token::Kind::End && peek().kind != Token::Kind::Invalid) next();
      if (!expect(")", "after attribute")) return false;
    }
  } while (accept(","));
  return expect(")", "after attributes");
}

// `.ptr .global .align 4`: what a kernel's pointer points to. We need none of it.
bool DeclarationParser::parsePointerAttributes() {
  while (peek().isDotted()) {
    if (acceptDotted("align")) {
      uint64_t align = 0;
      if (!expectInteger("an alignment", align)) return false;
    } else if (spaceFromWord(peek().text) != Space::None || peek().isDotted("generic")) {
      next();
    } else {
      break;
    }
  }
  return true;
}

bool DeclarationParser::parseHead(Head& head) {
  head.loc = peek().loc;
  Variable& v = head.variable;
  while (peek().isDotted()) {
    const Token word = next();
    if (word.text == "align") {
      if (!parseAlign(head)) return false;
    } else if (word.text == "attribute") {
      if (!parseAttribute(head)) return false;
    } else if (word.text == "ptr") {
      if (!parsePointerAttributes()) return false;
    } else if (const Mod mod = modFromSpelling(word.text); mod == Mod::V2 || mod == Mod::V4 || mod == Mod::V8) {
      if (v.type != Type::None) return fail(word.loc, "'." + std::string(word.text) + "' stands before the type");
      v.vector = mod == Mod::V2 ? 2 : mod == Mod::V4 ? 4 : 8;
    } else if (const Type type = typeFromSpelling(word.text); type != Type::None) {
      if (v.type != Type::None) return fail(word.loc, "a declaration has one type, found '." + std::string(word.text) + "' too");
      v.type = type;
    } else {
      return fail(word.loc, "expected a type, found '." + std::string(word.text) + "'");
    }
  }
  if (v.type == Type::None) return failHere("expected a type, found " + found());
  v.align = std::max<uint64_t>(v.align, uint64_t(bytes(v.type)) * v.vector);
  return true;
}

bool DeclarationParser::parseDimensions(const Head& head, Variable& variable) {
  dims_.clear();
  openSize_ = false;
  while (accept("[")) {
    const SourceLoc loc = peek().loc;
    if (at("]")) {
      if (!dims_.empty()) return fail(loc, "only the first dimension of '" + variable.name + "' may be open");
      variable.unsized = openSize_ = true;
      dims_.push_back(0);
    } else {
      uint64_t n = 0;
      if (!parseIntegerConstant("an array size", n)) return false;
      if (n > maxVariableBytes) return fail(loc, "array size " + std::to_string(int64_t(n)) + " of '" + variable.name + "' is beyond " + std::to_string(maxVariableBytes));
      if (n == 0 && !dims_.empty()) return fail(loc, "array size 0 of '" + variable.name + "'");
      if (n == 0) variable.unsized = true;
      dims_.push_back(n);
    }
    if (dims_.size() > 16) return fail(loc, "'" + variable.name + "' has more than 16 dimensions");
    if (!expect("]", "after array size")) return false;
  }
  if (head.variable.vector > 1) dims_.push_back(head.variable.vector);
  return true;
}

bool DeclarationParser::finishSize(Variable& variable, SourceLoc loc) {
  uint64_t size = bytes(variable.type);
  for (uint64_t n : dims_) {
    if (n && size > maxVariableBytes / n) return fail(loc, "'" + variable.name + "' is larger than " + std::to_string(maxVariableBytes) + " bytes");
    size *= n;
  }
  variable.size = variable.unsized ? 0 : size;
  return true;
}

bool DeclarationParser::parseDeclarator(const Head& head, Variable& variable, bool mayInitialise) {
  variable = head.variable;
  variable.loc = peek().loc;
  if (!expectWord("a name", variable.name)) return false;
  if (!parseDimensions(head, variable)) return false;
  if (!finishSize(variable, variable.loc)) return false;
  if (!mayInitialise || !at("=")) return true;
  next();
  return parseInitialiser(variable);
}

bool DeclarationParser::parseDeclarators(const Head& head, std::vector<Variable>& variables) {
  do {
    Variable variable;
    if (!parseDeclarator(head, variable, true)) return false;
    const bool sizeFollows = variable.linkage == Linkage::Extern || variable.space == Space::Param || !variable.unsized;
    if (openSize_ && !sizeFollows) return fail(variable.loc, "'" + variable.name + "' has neither a size nor initial values");
    variables.push_back(std::move(variable));
  } while (accept(","));
  return expect(";", "after declaration");
}

bool DeclarationParser::parseParameters(std::vector<Variable>& params) {
  if (!expect("(", "before parameters")) return false;
  if (accept(")")) return true;
  do {
    const bool isReg = acceptDotted("reg");
    if (!isReg && !acceptDotted("param")) return failHere("expected .param or .reg, found " + found());
    Head head;
    head.isReg = isReg;
    head.variable.space = isReg ? Space::None : Space::Param;
    Variable param;
    if (!parseHead(head) || !parseDeclarator(head, param, false)) return false;
    if (params.size() >= maxListElements) return failHere("more than " + std::to_string(maxListElements) + " parameters");
    if (isReg && param.vector > 1) addComponents(param, params);
    else params.push_back(std::move(param));
  } while (accept(","));
  return expect(")", "after parameters");
}

std::string componentName(std::string_view vector, unsigned component) {
  return std::string(vector) + "." + (component < 4 ? std::string(1, "xyzw"[component]) : std::to_string(component));
}

// A vector register as parameter is one scalar parameter for each of its components, which no other name can collide with.
void DeclarationParser::addComponents(const Variable& vector, std::vector<Variable>& params) {
  for (unsigned i = 0; i < vector.vector; ++i) {
    Variable& component = params.emplace_back(vector);
    component.name = componentName(vector.name, i);
    component.vector = 1;
    component.size = component.align = bytes(vector.type);
  }
}

bool constantBits(const Constant& value, Type type, uint64_t& bits) {
  if (isFloat(type) && !isPacked(type)) {
    bits = value.isSingle && type == Type::F32 ? value.bits : floatBits(value.asDouble(), type);
    return true;
  }
  bits = value.bits;
  return !value.isFloat || isBits(type) || isPacked(type);
}

bool DeclarationParser::store(Variable& variable, uint64_t offset, uint64_t value) {
  const uint64_t width = bytes(variable.type);
  const uint64_t end = offset + width;
  if (!variable.unsized && end > variable.size) return failHere("more initial values than '" + variable.name + "' has elements");
  if (variable.init.size() < end) {
    initialisedBytes_ += end - variable.init.size();
    if (end > maxInitialiserBytes || initialisedBytes_ > maxInitialiserBytes) return failHere("more than " + std::to_string(maxInitialiserBytes) + " bytes of initial values");
    variable.init.resize(end);
  }
  for (uint64_t i = 0; i < width && i < 8; ++i) variable.init[offset + i] = uint8_t(value >> (8 * i));
  return true;
}

bool DeclarationParser::startsReference() const { return peek().isWord() && peek().text != "WARP_SZ"; }

// `generic(name)`, `name`, each with `+ 4` or `- 4`. `mask` picks bytes of the address: 0 for the whole of it.
bool DeclarationParser::parseReference(Variable& variable, uint64_t offset, uint64_t mask) {
  InitReference reference;
  reference.offset = offset;
  reference.bytes = bytes(variable.type);
  if (mask) {
    reference.shift = uint32_t(std::countr_zero(mask) & ~7);
    if ((mask >> reference.shift) != 0xff) return failHere("mask of an address must choose one byte");
  }
  if (!expectWord("a name", reference.name)) return false;
  if (reference.name == "generic" && accept("(")) {
    reference.generic = true;
    if (!expectWord("a name", reference.name)) return false;
    if (!expect(")", "after name")) return false;
  }
  if (at("+") || at("-")) {
    Constant addend;
    const bool minus = at("-");
    next();
    if (!parseConstant(addend)) return false;
    reference.addend = int64_t(minus ? 0 - addend.bits : addend.bits);
  }
  if (!store(variable, offset, 0)) return false;
  variable.references.push_back(std::move(reference));
  return true;
}

bool DeclarationParser::parseInitialiserElement(Variable& variable, uint64_t& offset) {
  const SourceLoc loc = peek().loc;
  const uint64_t at0 = offset;
  offset += bytes(variable.type);
  if (startsReference()) return parseReference(variable, at0, 0);
  Constant value;
  if (!parseConstant(value)) return false;
  if (at("(") && !value.isFloat && value.bits) {
    next();
    return parseReference(variable, at0, value.bits) && expect(")", "after masked address");
  }
  uint64_t pattern = 0;
  if (!constantBits(value, variable.type, pattern)) return fail(loc, "floating-point value for '" + variable.name + "' of type ." + spelling(variable.type));
  return store(variable, at0, pattern);
}

// The list of one dimension: elements, or lists of the next dimension, which start at multiples of their size.
bool DeclarationParser::parseInitialiserList(Variable& variable, size_t dimension, uint64_t& offset) {
  Nest nest(depth_);
  if (depth_ > maxNesting || dimension > dims_.size()) return failHere("initialiser of '" + variable.name + "' is nested too deeply");
  if (!expect("{", "before initial values")) return false;
  uint64_t stride = bytes(variable.type);
  for (size_t i = dimension + 1; i < dims_.size(); ++i) stride *= dims_[i];
  while (!at("}")) {
    if (at("{")) {
      uint64_t inner = offset;
      if (!parseInitialiserList(variable, dimension + 1, inner)) return false;
      offset += stride;
    } else if (!parseInitialiserElement(variable, offset)) {
      return false;
    }
    if (!accept(",")) break;
  }
  return expect("}", "after initial values");
}

namespace {

struct OpaqueName {
  std::string_view name;
  unsigned value;
};
constexpr OpaqueName opaqueFields[] = {
    {"addr_mode_0", 0},       {"addr_mode_1", 1},  {"addr_mode_2", 2}, {"filter_mode", 3}, {"normalized_coords", 4}, {"force_unnormalized_coords", 5},
    {"width", 99},            {"height", 99},      {"depth", 99},      {"array_size", 99}, {"num_mipmap_levels", 99}, {"num_samples", 99},
    {"channel_data_type", 99}, {"channel_order", 99}, {"memory_layout", 99},
};
constexpr OpaqueName opaqueValues[] = {
    {"wrap", 0}, {"mirror", 1}, {"clamp_ogl", 2}, {"clamp_to_edge", 3}, {"clamp_to_border", 4}, {"nearest", 0}, {"linear", 1},
};

template <size_t n>
const OpaqueName* findName(const OpaqueName (&names)[n], std::string_view name) {
  for (const OpaqueName& row : names)
    if (row.name == name) return &row;
  return nullptr;
}

}  // namespace

// `{ addr_mode_0 = wrap, filter_mode = linear }`; opaque.h says how they are kept. What only an image has is read and left aside.
bool DeclarationParser::parseOpaqueInitialiser(Variable& variable) {
  if (!expect("{", "before the fields of an opaque variable")) return false;
  variable.init.assign(size_t(OpaqueField::Count), 0);
  while (!at("}")) {
    const Token name = next();
    const OpaqueName* field = findName(opaqueFields, name.text);
    if (!field) return fail(name.loc, "opaque variables have no field '" + std::string(name.text.substr(0, 60)) + "'");
    if (!expect("=", "after the name of a field")) return false;
    uint64_t value = 0;
    if (peek().isWord()) {
      const Token word = next();
      const OpaqueName* known = findName(opaqueValues, word.text);
      if (!known && field->value < variable.init.size()) return fail(word.loc, "unknown value '" + std::string(word.text.substr(0, 60)) + "' of a field");
      value = known ? known->value : 0;
    } else if (!parseIntegerConstant("a field", value)) {
      return false;
    }
    if (field->value < variable.init.size()) {
      if (value > 4) return fail(name.loc, "value " + std::to_string(value) + " of '" + std::string(name.text) + "' is out of range");
      variable.init[field->value] = uint8_t(value + 1);
    }
    if (!accept(",")) break;
  }
  return expect("}", "after the fields of an opaque variable");
}

bool DeclarationParser::parseInitialiser(Variable& variable) {
  if (isOpaque(variable.type) && dims_.empty()) return parseOpaqueInitialiser(variable);
  uint64_t offset = 0;
  if (at("{") ? !parseInitialiserList(variable, 0, offset) : !parseInitialiserElement(variable, offset)) return false;
  if (variable.unsized) {
    variable.size = variable.init.size();
    variable.unsized = false;
  }
  return true;
}

}  // namespace anywarp::ptx
