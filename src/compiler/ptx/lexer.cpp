// Lexer: PTX text to tokens. SPDX-License-Identifier: Apache-2.0
#include "compiler/ptx/lexer.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>

namespace anywarp::ptx {
namespace {

enum CharClass : uint8_t { Blank = 1, WordStart = 2, WordPart = 4, Digit = 8 };

constexpr auto charClasses = [] {
  std::array<uint8_t, 256> t{};
  for (unsigned char c : {' ', '\t', '\r', '\n', '\f', '\v'}) t[c] = Blank;
  for (int c = 'a'; c <= 'z'; ++c) t[c] = t[c - 32] = WordStart | WordPart;
  for (int c = '0'; c <= '9'; ++c) t[c] = WordPart | Digit;
  for (unsigned char c : {'_', '$', '%'}) t[c] = WordStart | WordPart;
  t['%'] = WordStart;
  return t;
}();

bool is(char c, uint8_t classes) { return charClasses[uint8_t(c)] & classes; }

int hexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  c |= 32;
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

}  // namespace

Lexer::Lexer(std::string_view text, SourceLoc loc) : text_(text), line_(loc.line), columnBase_(loc.column) { scan(); }

Token Lexer::next() {
  Token t = token_;
  scan();
  return t;
}

SourceLoc Lexer::locAt(size_t offset) const { return {line_, uint32_t(offset - lineStart_) + columnBase_}; }

void Lexer::newLine(size_t next) {
  ++line_;
  lineStart_ = next;
  columnBase_ = 1;
}

void Lexer::skipComment() {
  if (text_[at_ + 1] == '/') {
    at_ = std::min(text_.find('\n', at_), text_.size());
    return;
  }
  for (at_ += 2; at_ < text_.size(); ++at_) {
    if (text_[at_] == '\n') newLine(at_ + 1);
    if (text_[at_] == '*' && at_ + 1 < text_.size() && text_[at_ + 1] == '/') {
      at_ += 2;
      return;
    }
  }
}

void Lexer::skipBlanks() {
  while (at_ < text_.size()) {
    const char c = text_[at_];
    if (c == '\n') {
      newLine(++at_);
    } else if (is(c, Blank)) {
      ++at_;
    } else if (c == '/' && at_ + 1 < text_.size() && (text_[at_ + 1] == '/' || text_[at_ + 1] == '*')) {
      skipComment();
    } else {
      return;
    }
  }
}

void Lexer::scan() {
  skipBlanks();
  tokenStart_ = at_;
  token_ = Token{};
  token_.loc = locAt(at_);
  if (at_ >= text_.size()) return;
  const char c = text_[at_];
  const char after = at_ + 1 < text_.size() ? text_[at_ + 1] : '\0';
  if (is(c, Digit)) return scanNumber();
  if (c == '%' && !is(after, WordPart)) return scanPunctuation();
  if (is(c, WordStart)) return scanWord();
  if (c == '.' && is(after, WordPart)) return scanDotted();
  if (c == '"') return scanString();
  scanPunctuation();
}

void Lexer::finish(Token::Kind kind, size_t textStart, size_t textEnd) {
  token_.kind = kind;
  token_.text = text_.substr(textStart, textEnd - textStart);
}

void Lexer::invalid(std::string_view what) {
  token_.kind = Token::Kind::Invalid;
  token_.text = what;
  at_ = text_.size();
}

void Lexer::scanWord() {
  for (++at_; at_ < text_.size() && is(text_[at_], WordPart); ++at_) {
  }
  finish(Token::Kind::Word, tokenStart_, at_);
}

void Lexer::scanDotted() {
  for (++at_; at_ < text_.size(); ++at_) {
    if (is(text_[at_], WordPart)) continue;
    const bool doubleColon = text_[at_] == ':' && at_ + 2 < text_.size() && text_[at_ + 1] == ':' && is(text_[at_ + 2], WordPart);
    if (!doubleColon) break;
    ++at_;
  }
  finish(Token::Kind::Dotted, tokenStart_ + 1, at_);
}

void Lexer::scanHexFloat(unsigned digits, Token::Kind kind) {
  uint64_t value = 0;
  at_ += 2;
  unsigned n = 0;
  for (; at_ < text_.size() && hexValue(text_[at_]) >= 0; ++at_, ++n) value = value << 4 | uint64_t(hexValue(text_[at_]));
  if (n != digits) return invalid("malformed hexadecimal floating-point literal");
  token_.bits = value;
  finish(kind, tokenStart_, at_);
}

void Lexer::scanNumber() {
  const char second = at_ + 1 < text_.size() ? char(text_[at_ + 1] | 32) : '\0';
  const bool zero = text_[at_] == '0';
  if (zero && second == 'f') return scanHexFloat(8, Token::Kind::Float32);
  if (zero && second == 'd') return scanHexFloat(16, Token::Kind::Float64);
  unsigned base = 10;
  size_t start = at_;
  if (zero && (second == 'x' || second == 'b')) {
    base = second == 'x' ? 16 : 2;
    start += 2;
  }
  size_t end = start;
  auto digit = [&](size_t i) { return i < text_.size() && hexValue(text_[i]) >= 0 && unsigned(hexValue(text_[i])) < base; };
  while (digit(end)) ++end;
  const char stop = end < text_.size() ? text_[end] : '\0';
  const char beyond = end + 1 < text_.size() ? text_[end + 1] : '\0';
  const bool exponent = (stop == 'e' || stop == 'E') && (is(beyond, Digit) || beyond == '-' || beyond == '+');
  if (base == 10 && (stop == '.' || exponent)) {
    double value = 0;
    const auto parsed = std::from_chars(text_.data() + at_, text_.data() + text_.size(), value);
    if (parsed.ec != std::errc{}) return invalid("floating-point literal is out of range");
    token_.bits = std::bit_cast<uint64_t>(value);
    at_ = size_t(parsed.ptr - text_.data());
    return finish(Token::Kind::Float64, tokenStart_, at_);
  }
  if (base == 10 && zero && end > start + 1) base = 8;
  const auto parsed = std::from_chars(text_.data() + start, text_.data() + end, token_.bits, int(base));
  if (parsed.ec == std::errc::result_out_of_range) return invalid("integer literal does not fit 64 bits");
  if (parsed.ec != std::errc{} || parsed.ptr != text_.data() + end) return invalid("malformed integer literal");
  at_ = end;
  if (at_ < text_.size() && (text_[at_] == 'U' || text_[at_] == 'u')) {
    token_.isUnsigned = true;
    ++at_;
  }
  if (at_ < text_.size() && is(text_[at_], WordPart)) return invalid("malformed integer literal");
  finish(Token::Kind::Integer, tokenStart_, at_);
}

void Lexer::scanString() {
  for (++at_; at_ < text_.size() && text_[at_] != '"' && text_[at_] != '\n'; ++at_)
    if (text_[at_] == '\\' && at_ + 1 < text_.size()) ++at_;
  if (at_ >= text_.size() || text_[at_] != '"') return invalid("unterminated string");
  ++at_;
  finish(Token::Kind::String, tokenStart_ + 1, at_ - 1);
}

void Lexer::scanPunctuation() {
  static constexpr std::string_view pairs[] = {"<<", ">>", "<=", ">=", "==", "!=", "&&", "||", "@@"};
  const std::string_view two = text_.substr(at_, 2);
  for (std::string_view pair : pairs)
    if (two == pair) {
      at_ += 2;
      return finish(Token::Kind::Punctuation, tokenStart_, at_);
    }
  ++at_;
  finish(Token::Kind::Punctuation, tokenStart_, at_);
}

std::string_view Lexer::opcodeAt(const Token& first) {
  const char* begin = first.text.data();
  const char* end = begin + first.text.size();
  while (token_.isDotted() && token_.text.data() - 1 == end) {
    end = token_.text.data() + token_.text.size();
    scan();
  }
  return {begin, size_t(end - begin)};
}

bool Lexer::skipBraces(std::string_view& inside, SourceLoc& loc) {
  loc = locAt(at_);
  const size_t begin = at_;
  size_t depth = 1;
  while (at_ < text_.size()) {
    const char c = text_[at_];
    switch (c) {
      case '\n': newLine(++at_); break;
      case '{': ++depth, ++at_; break;
      case '}':
        if (--depth == 0) {
          inside = text_.substr(begin, at_ - begin);
          ++at_;
          scan();
          return true;
        }
        ++at_;
        break;
      case '/':
        if (at_ + 1 < text_.size() && (text_[at_ + 1] == '/' || text_[at_ + 1] == '*')) skipComment();
        else ++at_;
        break;
      case '"':
        for (++at_; at_ < text_.size() && text_[at_] != '"' && text_[at_] != '\n'; ++at_)
          if (text_[at_] == '\\' && at_ + 1 < text_.size() && text_[at_ + 1] != '\n') ++at_;
        if (at_ < text_.size() && text_[at_] == '"') ++at_;
        break;
      default: ++at_;
    }
  }
  return false;
}

std::string_view Lexer::skipLine() {
  const size_t from = tokenStart_;
  // The current token may be past the end of its line only where it begins there: it never holds a newline itself.
  at_ = std::min(text_.find('\n', from), text_.size());
  const std::string_view line = text_.substr(from, at_ - from);
  scan();
  return line;
}

std::string_view Lexer::skipStatement(size_t from) {
  size_t depth = 0;
  while (token_.kind != Token::Kind::End && token_.kind != Token::Kind::Invalid) {
    if (token_.is(";") && depth == 0) break;
    if (token_.is("{")) ++depth;
    if (token_.is("}") && depth-- == 0) break;
    scan();
  }
  std::string_view skipped = text_.substr(from, tokenStart_ - from);
  if (token_.is(";")) scan();
  return skipped;
}

}  // namespace anywarp::ptx
