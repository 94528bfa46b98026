// Cursor: expectations, messages and constant expressions. SPDX-License-Identifier: Apache-2.0
#include "compiler/ptx/cursor.h"

#include <bit>

namespace anywarp::ptx {

std::string place(const Module& module, SourceLoc loc) {
  return module.name + ":" + std::to_string(loc.line) + ":" + std::to_string(loc.column) + ": ";
}

double Constant::asDouble() const {
  if (isSingle) return double(std::bit_cast<float>(uint32_t(bits)));
  if (isFloat) return std::bit_cast<double>(bits);
  return isUnsigned ? double(bits) : double(int64_t(bits));
}

bool Cursor::fail(SourceLoc loc, std::string message, ErrorKind kind) {
  if (!failed_) error_ = {kind, place(module_, loc) + message};
  failed_ = true;
  return false;
}

std::string Cursor::found() const {
  const Token& t = peek();
  switch (t.kind) {
    case Token::Kind::End: return "end of file";
    case Token::Kind::Invalid: return std::string(t.text);
    case Token::Kind::Dotted: return "'." + std::string(t.text.substr(0, 60)) + "'";
    case Token::Kind::String: return "a string";
    default: break;
  }
  const std::string_view text = t.text.substr(0, 60);
  if (text.size() == 1 && (uint8_t(text[0]) < 32 || uint8_t(text[0]) > 126)) {
    static constexpr char hex[] = "0123456789abcdef";
    return std::string("invalid character 0x") + hex[uint8_t(text[0]) >> 4] + hex[text[0] & 15];
  }
  return "'" + std::string(text) + "'";
}

bool Cursor::accept(std::string_view punctuation) {
  if (!at(punctuation)) return false;
  next();
  return true;
}

bool Cursor::acceptDotted(std::string_view word) {
  if (!peek().isDotted(word)) return false;
  next();
  return true;
}

bool Cursor::expect(std::string_view punctuation, std::string_view where) {
  if (accept(punctuation)) return true;
  return failHere("expected '" + std::string(punctuation) + "' " + std::string(where) + ", found " + found());
}

bool Cursor::expectWord(std::string_view what, std::string& word) {
  if (!peek().isWord()) return failHere("expected " + std::string(what) + ", found " + found());
  word = std::string(next().text);
  return true;
}

bool Cursor::expectInteger(std::string_view what, uint64_t& value) {
  if (peek().kind != Token::Kind::Integer) return failHere("expected " + std::string(what) + ", found " + found());
  value = next().bits;
  return true;
}

bool Cursor::parseIntegerConstant(std::string_view what, uint64_t& value) {
  const SourceLoc loc = peek().loc;
  Constant constant;
  if (!parseConstant(constant)) return false;
  if (constant.isFloat) return fail(loc, "expected an integer for " + std::string(what) + ", found a floating-point value");
  value = constant.bits;
  return true;
}

bool Cursor::parseConstant(Constant& value) { return parseTernary(value); }

bool Cursor::parseTernary(Constant& value) {
  Nest nest(depth_);
  if (depth_ > maxNesting) return failHere("expression is nested too deeply");
  if (!parseBinary(value, 1)) return false;
  if (!accept("?")) return true;
  Constant yes, no;
  if (!parseTernary(yes) || !expect(":", "in conditional expression") || !parseTernary(no)) return false;
  value = value.bits ? yes : no;
  return true;
}

namespace {

struct BinaryOperator {
  std::string_view text;
  unsigned precedence;
};
constexpr BinaryOperator binaryOperators[] = {
    {"||", 1}, {"&&", 2}, {"|", 3}, {"^", 4}, {"&", 5}, {"==", 6}, {"!=", 6}, {"<", 7}, {"<=", 7}, {">", 7},
    {">=", 7}, {"<<", 8}, {">>", 8}, {"+", 9}, {"-", 9}, {"*", 10}, {"/", 10}, {"%", 10},
};

const BinaryOperator* binaryOperator(const Token& token) {
  if (token.kind == Token::Kind::Punctuation)
    for (const BinaryOperator& op : binaryOperators)
      if (op.text == token.text) return &op;
  return nullptr;
}

Constant integer(uint64_t bits, bool isUnsigned) { return {.isUnsigned = isUnsigned, .bits = bits}; }
Constant floating(double value) { return {.isFloat = true, .bits = std::bit_cast<uint64_t>(value)}; }

bool floatResult(std::string_view op, double a, double b, Constant& result) {
  if (op == "+") result = floating(a + b);
  else if (op == "-") result = floating(a - b);
  else if (op == "*") result = floating(a * b);
  else if (op == "/") result = floating(a / b);
  else if (op == "<") result = integer(a < b, false);
  else if (op == "<=") result = integer(a <= b, false);
  else if (op == ">") result = integer(a > b, false);
  else if (op == ">=") result = integer(a >= b, false);
  else if (op == "==") result = integer(a == b, false);
  else if (op == "!=") result = integer(a != b, false);
  else return false;
  return true;
}

}  // namespace

bool Cursor::parseBinary(Constant& value, unsigned minPrecedence) {
  if (!parseUnary(value)) return false;
  while (const BinaryOperator* op = binaryOperator(peek())) {
    if (op->precedence < minPrecedence) break;
    const SourceLoc loc = next().loc;
    Constant right;
    if (!parseBinary(right, op->precedence + 1) || !apply(op->text, value, right, loc)) return false;
  }
  return true;
}

bool Cursor::apply(std::string_view op, Constant& left, const Constant& right, SourceLoc loc) {
  if (left.isFloat || right.isFloat) {
    if (floatResult(op, left.asDouble(), right.asDouble(), left)) return true;
    return fail(loc, "operator '" + std::string(op) + "' takes no floating-point values");
  }
  const uint64_t a = left.bits, b = right.bits;
  const bool isUnsigned = left.isUnsigned || right.isUnsigned;
  if ((op == "/" || op == "%") && b == 0) return fail(loc, "division by zero in constant expression");
  const bool overflow = !isUnsigned && int64_t(a) == INT64_MIN && int64_t(b) == -1;
  auto less = [&](uint64_t x, uint64_t y) { return isUnsigned ? x < y : int64_t(x) < int64_t(y); };
  uint64_t r = 0;
  bool resultUnsigned = isUnsigned;
  if (op == "+") r = a + b;
  else if (op == "-") r = a - b;
  else if (op == "*") r = a * b;
  else if (op == "/") r = overflow ? a : isUnsigned ? a / b : uint64_t(int64_t(a) / int64_t(b));
  else if (op == "%") r = overflow ? 0 : isUnsigned ? a % b : uint64_t(int64_t(a) % int64_t(b));
  else if (op == "&") r = a & b;
  else if (op == "|") r = a | b;
  else if (op == "^") r = a ^ b;
  else if (op == "<<") r = b < 64 ? a << b : 0, resultUnsigned = left.isUnsigned;
  else if (op == ">>") r = left.isUnsigned ? (b < 64 ? a >> b : 0) : uint64_t(int64_t(a) >> std::min<uint64_t>(b, 63)), resultUnsigned = left.isUnsigned;
  else {
    resultUnsigned = false;
    if (op == "<") r = less(a, b);
    else if (op == "<=") r = !less(b, a);
    else if (op == ">") r = less(b, a);
    else if (op == ">=") r = !less(a, b);
    else if (op == "==") r = a == b;
    else if (op == "!=") r = a != b;
    else if (op == "&&") r = a && b;
    else r = a || b;
  }
  left = integer(r, resultUnsigned);
  return true;
}

bool Cursor::parseUnary(Constant& value) {
  Nest nest(depth_);
  if (depth_ > maxNesting) return failHere("expression is nested too deeply");
  const SourceLoc loc = peek().loc;
  const char op = peek().kind == Token::Kind::Punctuation && peek().text.size() == 1 ? peek().text[0] : '\0';
  if (op != '-' && op != '+' && op != '!' && op != '~') return parsePrimary(value);
  next();
  if (!parseUnary(value)) return false;
  if (op == '+') return true;
  if (op == '-' && value.isFloat) {
    value.bits ^= value.isSingle ? 1ull << 31 : 1ull << 63;
    return true;
  }
  if (value.isFloat) return fail(loc, std::string("operator '") + op + "' takes no floating-point value");
  if (op == '-') value.bits = 0 - value.bits;
  if (op == '~') value.bits = ~value.bits;
  if (op == '!') value = integer(!value.bits, false);
  return true;
}

// `(.s64)`, `(.u64)`: the cast has been entered at `(`.
bool Cursor::parseCast(Constant& value, bool& isCast) {
  const bool toUnsigned = peek().isDotted("u64");
  isCast = toUnsigned || peek().isDotted("s64");
  if (!isCast) return true;
  next();
  if (!expect(")", "after cast") || !parseUnary(value)) return false;
  if (value.isFloat) {
    const double d = value.asDouble();
    if (!(d > -0x1p63 && d < 0x1p63)) return failHere("cast of a value that does not fit 64 bits");
    value = integer(uint64_t(int64_t(d)), toUnsigned);
  }
  value.isUnsigned = toUnsigned;
  return true;
}

bool Cursor::parsePrimary(Constant& value) {
  const Token& t = peek();
  switch (t.kind) {
    case Token::Kind::Integer:
      value = integer(t.bits, t.isUnsigned || t.bits > uint64_t(INT64_MAX));
      next();
      return true;
    case Token::Kind::Float32:
    case Token::Kind::Float64:
      value = {.isFloat = true, .isSingle = t.kind == Token::Kind::Float32, .bits = t.bits};
      next();
      return true;
    case Token::Kind::Word:
      if (t.text == "WARP_SZ") {
        value = integer(32, false);
        next();
        return true;
      }
      break;
    default: break;
  }
  if (!accept("(")) return failHere("expected a constant, found " + found());
  bool isCast = false;
  if (!parseCast(value, isCast)) return false;
  return isCast || (parseTernary(value) && expect(")", "after constant expression"));
}

}  // namespace anywarp::ptx
