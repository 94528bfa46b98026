// Cursor: what module and body parser share: tokens with expectations, the first error, constant expressions.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "compiler/ptx/lexer.h"
#include "support/result.h"

namespace anywarp::ptx {

// Limits on hostile text; each is far beyond what compilers emit.
inline constexpr unsigned maxNesting = 200;                  // braces, parentheses, operators
inline constexpr uint64_t maxVariableBytes = 1ull << 40;
inline constexpr uint64_t maxInitialiserBytes = 1ull << 28;  // of all variables of one module or body
inline constexpr uint64_t maxRegisterRange = 1ull << 28;     // names in one %r<n>; only those used take memory
inline constexpr size_t maxListElements = 4096;
inline constexpr uint64_t maxFileIndex = 1 << 16;
inline constexpr unsigned maxScopes = 64;                    // nested { } in one body
inline constexpr size_t maxPrototypeParameters = 1 << 16;    // of all .calltargets of one body
inline constexpr size_t maxIndirectEdges = 1 << 20;          // targets of all brx.idx of one body

// Value of a constant expression (PTX ISA: Constant Expressions).
struct Constant {
  bool isFloat = false, isSingle = false;  // isSingle: 0f literal, bits hold its 32 bits
  bool isUnsigned = false;
  uint64_t bits = 0;                       // integer, or the pattern of the double

  int64_t asSigned() const { return int64_t(bits); }
  double asDouble() const;
};

class Cursor {
 public:
  Cursor(const Module& module, std::string_view text, SourceLoc loc) : module_(module), lexer_(text, loc) {}

 protected:
  const Module& module_;
  Lexer lexer_;
  unsigned depth_ = 0;

  // All parse functions return false after an error; the first one counts.
  bool fail(SourceLoc loc, std::string message, ErrorKind kind = ErrorKind::Invalid);
  bool failHere(std::string message) { return fail(peek().loc, std::move(message)); }
  bool failed() const { return failed_; }
  Error takeError() { return std::move(error_); }

  const Token& peek() const { return lexer_.peek(); }
  Token next() { return lexer_.next(); }
  bool at(std::string_view punctuation) const { return peek().is(punctuation); }
  bool accept(std::string_view punctuation);
  bool acceptDotted(std::string_view word);
  // `where` completes "expected ';' after ...".
  bool expect(std::string_view punctuation, std::string_view where);
  bool expectWord(std::string_view what, std::string& word);
  bool expectInteger(std::string_view what, uint64_t& value);
  // "'}'", "end of file", "invalid character '\x01'"
  std::string found() const;

  bool parseConstant(Constant& value);
  bool parseIntegerConstant(std::string_view what, uint64_t& value);
  // One more level of nesting for the scope of the object.
  struct Nest {
    explicit Nest(unsigned& depth) : depth(depth) { ++depth; }
    ~Nest() { --depth; }
    unsigned& depth;
  };

 private:
  bool failed_ = false;
  Error error_;

  bool parseTernary(Constant& value);
  bool parseBinary(Constant& value, unsigned minPrecedence);
  bool parseUnary(Constant& value);
  bool parsePrimary(Constant& value);
  bool parseCast(Constant& value, bool& isCast);
  bool apply(std::string_view op, Constant& left, const Constant& right, SourceLoc loc);
};

}  // namespace anywarp::ptx
