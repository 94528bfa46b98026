// parseModule: directives, declarations and function headers; bodies stay text (PTX ISA: Directives).
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <charconv>

#include "compiler/ptx/declarations.h"

namespace anywarp::ptx {
namespace {

class ModuleParser : DeclarationParser {
 public:
  explicit ModuleParser(Module& module) : DeclarationParser(module, module.text, {1, 1}), module_(module) {}

  Status parse();

 private:
  Module& module_;
  Linkage linkage_ = Linkage::None;

  using Handler = bool (ModuleParser::*)();
  struct Directive {
    std::string_view name;
    Handler handler;
  };
  static const Directive directives[];
  static const Directive performanceDirectives[];

  bool parseTopLevel();
  bool parseVersion();
  bool parseTarget();
  bool parseAddressSize();
  bool parseFile();
  bool parseLoc();
  bool parseSection();
  bool parsePragma();
  bool parseAlias();
  bool parseEntry() { return parseFunction(true); }
  bool parseFunc() { return parseFunction(false); }
  bool setExtern() { return setLinkage(Linkage::Extern); }
  bool setVisible() { return setLinkage(Linkage::Visible); }
  bool setWeak() { return setLinkage(Linkage::Weak); }
  bool setCommon() { return setLinkage(Linkage::Common); }
  bool setLinkage(Linkage linkage);

  bool parseVariables(Space space, bool isTexture);
  bool addVariable(Variable variable);
  bool parseFunction(bool isEntry);
  bool startsDeclaration() const;
  bool skipRegisters();
  bool parseFunctionDirectives(Function& function);
  bool parsePerformance(Function& function, std::string_view name);
  bool parseDimensions3(uint32_t (&values)[3]);
  bool parseCount(uint32_t& value);
  bool parseFunctionEnd(Function& function);
  bool addFunction(Function function);
};

const ModuleParser::Directive ModuleParser::directives[] = {
    {"version", &ModuleParser::parseVersion},
    {"target", &ModuleParser::parseTarget},
    {"address_size", &ModuleParser::parseAddressSize},
    {"file", &ModuleParser::parseFile},
    {"loc", &ModuleParser::parseLoc},
    {"section", &ModuleParser::parseSection},
    {"pragma", &ModuleParser::parsePragma},
    {"alias", &ModuleParser::parseAlias},
    {"entry", &ModuleParser::parseEntry},
    {"func", &ModuleParser::parseFunc},
    {"extern", &ModuleParser::setExtern},
    {"visible", &ModuleParser::setVisible},
    {"weak", &ModuleParser::setWeak},
    {"common", &ModuleParser::setCommon},
    {"reg", &ModuleParser::skipRegisters},
};

Status ModuleParser::parse() {
  while (!failed() && peek().kind != Token::Kind::End)
    if (!parseTopLevel()) break;
  if (failed()) return takeError();
  if (module_.versionMajor == 0) return Error{ErrorKind::Invalid, place(module_, {1, 1}) + "no .version directive: this is not PTX"};
  return {};
}

bool ModuleParser::parseTopLevel() {
  if (at("@@")) {
    lexer_.skipLine();
    return true;
  }
  if (accept(";")) return true;
  if (!peek().isDotted()) return failHere("expected a directive, found " + found());
  const Token word = next();
  if (module_.versionMajor == 0 && word.text != "version") return fail(word.loc, "expected .version first, found '." + std::string(word.text) + "'");
  for (const Directive& directive : directives)
    if (directive.name == word.text) return (this->*directive.handler)();
  const Space space = spaceFromWord(word.text);
  if (space == Space::None || space == Space::Param) return fail(word.loc, "unknown directive '." + std::string(word.text.substr(0, 60)) + "'");
  return parseVariables(space, word.text == "tex");
}

// Registers of the module, which old compilers declare and seldom use: a body that names one is refused (undeclared name).
bool ModuleParser::skipRegisters() {
  while (!at(";") && peek().kind != Token::Kind::End && peek().kind != Token::Kind::Invalid) next();
  return expect(";", "after register declaration");
}

bool ModuleParser::parseVersion() {
  const Token version = next();
  const std::string_view text = version.text;
  const size_t dot = text.find('.');
  const auto major = std::from_chars(text.data(), text.data() + text.size(), module_.versionMajor);
  if (version.kind != Token::Kind::Float64 || major.ec != std::errc{} || dot == text.npos || module_.versionMajor == 0)
    return fail(version.loc, "expected a version such as 8.0");
  std::from_chars(text.data() + dot + 1, text.data() + text.size(), module_.versionMinor);
  return true;
}

bool ModuleParser::parseTarget() {
  do {
    const SourceLoc loc = peek().loc;
    std::string word;
    if (!expectWord("a target", word)) return false;
    if (word.starts_with("sm_") || word.starts_with("compute_")) {
      const char* end = word.data() + word.size();
      const auto parsed = std::from_chars(word.data() + word.find('_') + 1, end, module_.target);
      if (parsed.ec != std::errc{} || end - parsed.ptr > 1) return fail(loc, "unknown target '" + word + "'");
      module_.targetSuffix = parsed.ptr == end ? 0 : *parsed.ptr;
    } else if (word == "debug") {
      module_.debugTarget = true;
    }
  } while (accept(","));
  return true;
}

bool ModuleParser::parseAddressSize() {
  const SourceLoc loc = peek().loc;
  uint64_t size = 0;
  if (!expectInteger("32 or 64", size)) return false;
  if (size != 32 && size != 64) return fail(loc, "address size is 32 or 64, found " + std::to_string(size));
  module_.addressSize = uint32_t(size);
  return true;
}

bool ModuleParser::parseFile() {
  const SourceLoc loc = peek().loc;
  uint64_t index = 0;
  if (!expectInteger("a file index", index)) return false;
  if (peek().kind != Token::Kind::String) return failHere("expected a file name, found " + found());
  if (index > maxFileIndex) return fail(loc, "file index " + std::to_string(index) + " is beyond " + std::to_string(maxFileIndex));
  if (module_.files.size() <= index) module_.files.resize(index + 1);
  module_.files[index] = std::string(next().text);
  while (accept(",")) {
    uint64_t ignored = 0;
    if (!parseIntegerConstant("time stamp or size of the file", ignored)) return false;
  }
  return true;
}

bool ModuleParser::parseLoc() {
  lexer_.skipLine();
  return true;
}

bool ModuleParser::parseSection() {
  if (!peek().isDotted() && !peek().isWord()) return failHere("expected a section name, found " + found());
  next();
  std::string_view inside;
  SourceLoc loc;
  if (!at("{")) return failHere("expected '{' after section name, found " + found());
  const SourceLoc open = peek().loc;
  return lexer_.skipBraces(inside, loc) || fail(open, "section is not closed");
}

bool ModuleParser::parsePragma() {
  do {
    if (peek().kind != Token::Kind::String) return failHere("expected a string, found " + found());
    next();
  } while (accept(","));
  return expect(";", "after .pragma");
}

bool ModuleParser::parseAlias() {
  const SourceLoc loc = peek().loc;
  std::string name, target;
  if (!expectWord("a function name", name) || !expect(",", "after alias") || !expectWord("a function name", target) ||
      !expect(";", "after .alias"))
    return false;
  const auto found = module_.functionIndex.find(target);
  if (found == module_.functionIndex.end()) return fail(loc, "alias '" + name + "' of undeclared function '" + target + "'");
  module_.functionIndex.insert_or_assign(name, found->second);
  module_.aliases.emplace_back(std::move(name), std::move(target));
  return true;
}

bool ModuleParser::setLinkage(Linkage linkage) {
  linkage_ = linkage;
  if (peek().isDotted()) return true;
  return failHere("expected a declaration after linkage, found " + found());
}

bool ModuleParser::parseVariables(Space space, bool isTexture) {
  Head head;
  head.variable.space = space;
  head.variable.linkage = std::exchange(linkage_, Linkage::None);
  std::vector<Variable> variables;
  if (!parseHead(head)) return false;
  if (isTexture) head.variable.type = Type::TexRef;  // `.tex .u64 name`: the old way to write `.global .texref name`
  if (!parseDeclarators(head, variables)) return false;
  for (Variable& variable : variables)
    if (!addVariable(std::move(variable))) return false;
  return true;
}

bool ModuleParser::addVariable(Variable variable) {
  const auto found = module_.variableIndex.find(variable.name);
  if (found == module_.variableIndex.end()) {
    module_.variableIndex.emplace(variable.name, uint32_t(module_.variables.size()));
    module_.variables.push_back(std::move(variable));
    return true;
  }
  Variable& known = module_.variables[found->second];
  if (known.linkage == Linkage::Extern && variable.linkage != Linkage::Extern) known = std::move(variable);
  else if (variable.linkage != Linkage::Extern && variable.linkage != Linkage::Weak && variable.linkage != Linkage::Common)
    return fail(variable.loc, "variable '" + variable.name + "' is defined twice, first in line " + std::to_string(known.loc.line));
  return true;
}

bool ModuleParser::parseFunction(bool isEntry) {
  Function function;
  function.isEntry = isEntry;
  function.linkage = std::exchange(linkage_, Linkage::None);
  if (acceptDotted("attribute")) {
    if (!expect("(", "after .attribute")) return false;
    for (unsigned open = 1; open && peek().kind != Token::Kind::End && peek().kind != Token::Kind::Invalid; next())
      open += at("(") ? 1 : at(")") ? -1 : 0;
  }
  if (!isEntry && at("(") && !parseParameters(function.returns)) return false;
  function.loc = peek().loc;
  if (!expectWord("a function name", function.name)) return false;
  if (at("(") && !parseParameters(function.params)) return false;
  return parseFunctionDirectives(function) && parseFunctionEnd(function) && addFunction(std::move(function));
}

// What may stand after a declaration that ends without a semicolon, as nvopencc (CUDA 2 to 4) writes them.
bool ModuleParser::startsDeclaration() const {
  static constexpr std::string_view words[] = {"entry", "func", "extern", "visible", "weak", "common", "file", "section"};
  return peek().isDotted() && (std::find(std::begin(words), std::end(words), peek().text) != std::end(words) || spaceFromWord(peek().text) != Space::None);
}

bool ModuleParser::parseFunctionDirectives(Function& function) {
  while (peek().isDotted() && !startsDeclaration()) {
    const Token word = next();
    if (word.text == "pragma") {
      if (!parsePragma()) return false;
    } else if (word.text == "loc") {
      lexer_.skipLine();
    } else if (!parsePerformance(function, word.text)) {
      return failed() ? false : fail(word.loc, "unknown function directive '." + std::string(word.text.substr(0, 60)) + "'");
    }
  }
  return true;
}

bool ModuleParser::parsePerformance(Function& function, std::string_view name) {
  uint32_t ignored = 0;
  if (name == "maxntid") return parseDimensions3(function.maxntid);
  if (name == "reqntid") return parseDimensions3(function.reqntid);
  if (name == "reqnctapercluster") return parseDimensions3(function.reqnctapercluster);
  if (name == "minnctapersm") return parseCount(function.minnctapersm);
  if (name == "maxnreg") return parseCount(function.maxnreg);
  if (name == "maxclusterrank") return parseCount(function.maxclusterrank);
  if (name == "maxnctapersm" || name == "abi_preserve" || name == "abi_preserve_control") return parseCount(ignored);
  if (name == "noreturn") return function.noReturn = true;
  if (name == "explicitcluster") return function.explicitcluster = true;
  if (name == "blocksareclusters") return function.blocksareclusters = true;
  return false;
}

bool ModuleParser::parseCount(uint32_t& value) {
  const SourceLoc loc = peek().loc;
  uint64_t n = 0;
  if (!parseIntegerConstant("a directive", n)) return false;
  if (n > UINT32_MAX) return fail(loc, std::to_string(n) + " does not fit 32 bits");
  value = uint32_t(n);
  return true;
}

bool ModuleParser::parseDimensions3(uint32_t (&values)[3]) {
  values[1] = values[2] = 1;
  for (int i = 0; i < 3; ++i) {
    if (!parseCount(values[i])) return false;
    if (i == 2 || !accept(",")) break;
  }
  return true;
}

bool ModuleParser::parseFunctionEnd(Function& function) {
  if (accept(";")) return true;
  if (startsDeclaration()) return true;
  if (!at("{")) return failHere("expected '{' or ';' after function header, found " + found());
  const SourceLoc open = peek().loc;
  function.hasBody = true;
  return lexer_.skipBraces(function.bodyText, function.bodyLoc) || fail(open, "body of '" + function.name + "' is not closed");
}

bool ModuleParser::addFunction(Function function) {
  const auto found = module_.functionIndex.find(function.name);
  if (found == module_.functionIndex.end()) {
    module_.functionIndex.emplace(function.name, uint32_t(module_.functions.size()));
    module_.functions.push_back(std::move(function));
    return true;
  }
  Function& known = module_.functions[found->second];
  if (!function.hasBody) return true;
  if (function.linkage == Linkage::None) function.linkage = known.linkage;
  if (!known.hasBody) known = std::move(function);
  else if (function.linkage != Linkage::Weak && known.linkage != Linkage::Weak)
    return fail(function.loc, "function '" + function.name + "' is defined twice, first in line " + std::to_string(known.loc.line));
  return true;
}

template <class Map>
int lookUp(const Map& map, std::string_view name) {
  const auto found = map.find(name);
  return found == map.end() ? -1 : int(found->second);
}

}  // namespace

int Module::findFunction(std::string_view name) const { return lookUp(functionIndex, name); }
int Module::findVariable(std::string_view name) const { return lookUp(variableIndex, name); }

Result<std::unique_ptr<Module>> parseModule(std::string text, std::string name) {
  auto module = std::make_unique<Module>();
  // Images in fat binaries are padded with zeros.
  text.resize(std::min(text.find('\0'), text.size()));
  module->name = std::move(name);
  module->text = std::move(text);
  if (Status status = ModuleParser(*module).parse(); !status) return status.error();
  return module;
}

}  // namespace anywarp::ptx
