// Top-level statements of a PTX module: to their semicolon, or the brace that closes a body. SPDX-License-Identifier: Apache-2.0
#include "compiler/link_scanner.h"

#include <fmt/format.h>

#include <algorithm>

namespace anywarp::compiler {
namespace {

using ptx::Linkage;

bool isNameStart(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$' || c == '%'; }
bool isDigit(char c) { return c >= '0' && c <= '9'; }
bool isNameChar(char c) { return isNameStart(c) || isDigit(c); }
bool isSpace(char c) { return static_cast<unsigned char>(c) <= ' '; }

uint32_t numberAt(std::string_view text, size_t at) {
  uint32_t value = 0;
  while (at < text.size() && isDigit(text[at]) && value < 100'000'000) value = value * 10 + static_cast<uint32_t>(text[at++] - '0');
  return value;
}

Linkage linkageOf(std::string_view directive) {
  if (directive == ".extern") return Linkage::Extern;
  if (directive == ".visible") return Linkage::Visible;
  if (directive == ".weak") return Linkage::Weak;
  return directive == ".common" ? Linkage::Common : Linkage::None;
}

bool isSpaceDirective(std::string_view token) { return token == ".global" || token == ".const" || token == ".shared" || token == ".local"; }

// Collects the tokens of one statement.
class StatementReader {
 public:
  using Kind = LinkStatement::Kind;
  StatementReader(LinkScanner& scanner, std::string_view first) : scanner_(scanner), first_(first) {}

  // False when the text ends within it.
  bool read(LinkStatement& statement) {
    for (std::string_view token = first_; !token.empty(); token = scanner_.next()) {
      if (!finishes(statement, token)) continue;
      statement.text = {first_.data(), scanner_.position() - scanner_.offsetOf(first_)};
      return true;
    }
    return false;
  }

 private:
  bool finishes(LinkStatement& statement, std::string_view token) {
    if (token == "{") {
      ++braces_;
      if (statement.kind == Kind::Function) statement.isDefinition = true;
    } else if (token == "}") {
      return --braces_ == 0 && !inInitialiser_;
    } else if (braces_ > 0) {
      return false;
    } else if (token == ";") {
      return true;
    } else if (token == "(" || token == "[") {
      ++nested_;
    } else if (token == ")" || token == "]") {
      --nested_;
    } else if (token == "=") {
      inInitialiser_ = true;
    } else if (token == "," && nested_ == 0) {
      inInitialiser_ = false;
    } else if (nested_ == 0 && !inInitialiser_) {
      classify(statement, token);
    }
    return false;
  }

  void classify(LinkStatement& statement, std::string_view token) {
    if (token[0] == '.') {
      if (Linkage linkage = linkageOf(token); linkage != Linkage::None) statement.linkage = linkage;
      if (token == ".func" || token == ".entry") statement.kind = Kind::Function;
      if (token == ".entry") statement.isEntry = true;
      if (isSpaceDirective(token) && statement.kind == Kind::Other) statement.kind = Kind::Variable;
      return;
    }
    if (!isNameStart(token[0])) return;
    if (statement.kind == Kind::Variable) {
      statement.names.push_back(token);
      statement.isDefinition = statement.linkage != Linkage::Extern;
    } else if (statement.kind == Kind::Function && statement.names.empty()) {
      statement.names.push_back(token);
    }
  }

  LinkScanner& scanner_;
  std::string_view first_;
  int braces_ = 0, nested_ = 0;
  bool inInitialiser_ = false;
};

// .section name { ... }: debug information of this module's own, which does not survive the merge.
void skipBraces(LinkScanner& scanner) {
  int depth = 0;
  for (std::string_view token = scanner.next(); !token.empty(); token = scanner.next()) {
    if (token == "{") ++depth;
    if (token == "}" && --depth == 0) return;
  }
}

uint32_t versionOf(std::string_view text) {
  size_t dot = text.find('.');
  return numberAt(text, 0) * 100 + (dot == std::string_view::npos ? 0 : numberAt(text, dot + 1));
}

uint32_t targetOf(std::string_view text) {
  size_t sm = text.find("sm_");
  return sm == std::string_view::npos ? 0 : numberAt(text, sm + 3);
}

}  // namespace

std::string_view LinkScanner::next() {
  skip();
  size_t begin = at_;
  if (at_ >= text_.size()) return {};
  char c = text_[at_++];
  if (c == '"') {
    while (at_ < text_.size() && text_[at_] != '"') at_ += text_[at_] == '\\' ? 2 : 1;
    at_ = std::min(at_ + 1, text_.size());
  } else if (isNameStart(c) || isDigit(c) || c == '.') {
    while (at_ < text_.size() && isNameChar(text_[at_])) ++at_;
  }
  return text_.substr(begin, at_ - begin);
}

void LinkScanner::skip() {
  for (;;) {
    while (at_ < text_.size() && isSpace(text_[at_])) ++at_;
    if (text_.substr(at_, 2) == "//") {
      at_ = std::min(text_.find('\n', at_), text_.size());
    } else if (text_.substr(at_, 2) == "/*") {
      size_t end = text_.find("*/", at_ + 2);
      at_ = end == std::string_view::npos ? text_.size() : end + 2;
    } else {
      return;
    }
  }
}

std::string_view LinkScanner::restOfLine(std::string_view token) {
  size_t begin = offsetOf(token) + token.size();
  size_t end = std::min(text_.find('\n', begin), text_.size());
  at_ = end;
  std::string_view rest = text_.substr(begin, end - begin);
  rest = rest.substr(0, rest.find("//"));
  while (!rest.empty() && isSpace(rest.front())) rest.remove_prefix(1);
  while (!rest.empty() && isSpace(rest.back())) rest.remove_suffix(1);
  return rest;
}

uint64_t LinkStatement::elements() const {
  size_t bracket = text.find('[');
  return bracket == std::string_view::npos ? 1 : numberAt(text, bracket + 1);
}

Status readUnit(LinkUnit& unit) {
  LinkScanner scanner(unit.text);
  for (std::string_view token = scanner.next(); !token.empty(); token = scanner.next()) {
    if (token == ".version") {
      unit.version = versionOf(scanner.restOfLine(token));
    } else if (token == ".target") {
      unit.targetLine = scanner.restOfLine(token);
      unit.target = targetOf(unit.targetLine);
    } else if (token == ".address_size") {
      scanner.restOfLine(token);
    } else if (token == ".section") {
      skipBraces(scanner);
    } else if (token == ".file") {
      LinkStatement& file = unit.statements.emplace_back();
      file.kind = LinkStatement::Kind::File;
      file.text = scanner.restOfLine(token);
    } else if (token != ";") {
      LinkStatement& statement = unit.statements.emplace_back();
      if (!StatementReader(scanner, token).read(statement))
        return Error{ErrorKind::Invalid, fmt::format("link: {}: last statement has no end", unit.name)};
    }
  }
  return {};
}

}  // namespace anywarp::compiler
