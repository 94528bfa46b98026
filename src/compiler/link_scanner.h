// What the PTX linker sees of a module: tokens and top-level statements. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/ptx/ast.h"
#include "support/result.h"

namespace anywarp::compiler {

// Cuts PTX into names, .directives, numbers, strings and single characters. Comments and spaces are skipped.
class LinkScanner {
 public:
  explicit LinkScanner(std::string_view text) : text_(text) {}

  std::string_view next();  // empty at the end
  size_t position() const { return at_; }
  size_t offsetOf(std::string_view token) const { return static_cast<size_t>(token.data() - text_.data()); }
  // What stands on the line of `token` after it, without spaces and comment; scanning goes on with the next line.
  std::string_view restOfLine(std::string_view token);

 private:
  void skip();

  std::string_view text_;
  size_t at_ = 0;
};

// One top-level statement. Header directives and debug sections are none.
struct LinkStatement {
  enum class Kind : uint8_t { Variable, Function, File, Other };
  Kind kind = Kind::Other;
  std::string_view text;  // File: what follows the directive
  ptx::Linkage linkage = ptx::Linkage::None;
  bool isEntry = false;
  bool isDefinition = false;  // a function with a body, a variable that is not .extern
  std::vector<std::string_view> names;

  uint64_t elements() const;  // of the first array dimension; 1 where there is none
};

// A module to link. Views point into `text`.
struct LinkUnit {
  std::string name;
  std::string text;
  uint32_t version = 0, target = 0;  // 708 for PTX 7.8, 90 for sm_90
  std::string targetLine;            // "sm_90a, debug"
  std::vector<LinkStatement> statements;
};

// Fills everything but name and text.
Status readUnit(LinkUnit& unit);

}  // namespace anywarp::compiler
