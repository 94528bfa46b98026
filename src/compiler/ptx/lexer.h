// Lexer: PTX text to tokens (PTX ISA: Syntax). SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "compiler/ptx/ast.h"

namespace anywarp::ptx {

struct Token {
  enum class Kind : uint8_t {
    End,
    Word,        // name, opcode without its modifiers, register (%r1), `_`
    Dotted,      // .word, .shared::cta; text is without the dot
    Integer,     // bits
    Float32,     // 0f3F800000: bits
    Float64,     // 0d..., 1.5: bits
    String,      // text is without the quotes
    Punctuation, // text is the one or two characters
    Invalid,     // text says what is wrong
  };
  Kind kind = Kind::End;
  bool isUnsigned = false;   // integer with suffix U
  uint64_t bits = 0;
  std::string_view text;
  SourceLoc loc;

  bool is(std::string_view punctuation) const { return kind == Kind::Punctuation && text == punctuation; }
  bool isWord() const { return kind == Kind::Word; }
  bool isDotted() const { return kind == Kind::Dotted; }
  bool isDotted(std::string_view word) const { return kind == Kind::Dotted && text == word; }
};

class Lexer {
 public:
  // `loc` is the place of the first character of `text`.
  Lexer(std::string_view text, SourceLoc loc);

  const Token& peek() const { return token_; }
  Token next();

  // The rest of an opcode: every .word that follows the word just taken. Views into the text where they are contiguous.
  std::string_view opcodeAt(const Token& first);
  // Skips from the `{` in peek() to the token after its `}`; strings and comments are respected. The text between the braces
  // and its place, or false where the brace is not closed.
  bool skipBraces(std::string_view& inside, SourceLoc& loc);
  // Skips the rest of the line (.loc, @@DWARF). The text skipped, from the current token on.
  std::string_view skipLine();
  // Skips to the next `;` and past it, braces nested in between; stops before a `}` that closes more than was opened.
  // The text skipped, from offset `from`.
  std::string_view skipStatement(size_t from);
  // Offset of the current token in the text.
  size_t tokenOffset() const { return tokenStart_; }
  std::string_view textFrom(size_t offset) const { return text_.substr(offset, tokenStart_ - offset); }

 private:
  std::string_view text_;
  size_t at_ = 0, lineStart_ = 0, tokenStart_ = 0;
  uint32_t line_ = 1, columnBase_ = 1;
  Token token_;

  void scan();
  void skipBlanks();
  void skipComment();
  void newLine(size_t next);
  SourceLoc locAt(size_t offset) const;
  void scanWord();
  void scanDotted();
  void scanNumber();
  void scanHexFloat(unsigned digits, Token::Kind kind);
  void scanString();
  void scanPunctuation();
  void finish(Token::Kind kind, size_t textStart, size_t textEnd);
  void invalid(std::string_view what);
};

}  // namespace anywarp::ptx
