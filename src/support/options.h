// Environment variables, typed: one accessor per row of options.def. Nothing else in the project calls getenv. SPDX-License-Identifier: Apache-2.0
// A variable is read when it is first asked for (a Python program may set CUDA_VISIBLE_DEVICES before cuInit), then kept.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace anywarp::options {

using Flag = bool;
using Number = int64_t;
using Bytes = uint64_t;
using Text = std::string;
using List = std::vector<std::string>;

#define ANYWARP_OPTION(accessor, NAME, Type, fallback, values, help) const Type& accessor();
#include "support/options.def"
#undef ANYWARP_OPTION

// One row of the table, for --help, `anywarp info` and the documentation.
struct Description {
  const char* name;
  const char* type;
  const char* fallback;
  const char* values;
  const char* help;
};
std::span<const Description> all();

// Whether ANYWARP_DISABLE_PASS names this pass.
bool isPassOff(std::string_view pass);

// True where the environment has a value, whatever it is (an empty one counts).
bool isSet(std::string_view name);

// The table as aligned lines for a terminal, and as docs/options.md.
std::string helpText();
std::string markdown();

// Forgets what was read, for tests that change the environment. References handed out before stay valid, with their old value.
void reload();

// The parsers, for command lines that take the same values. Nothing where the text is not such a value.
std::optional<bool> parseFlag(std::string_view text);
std::optional<int64_t> parseNumber(std::string_view text);
std::optional<uint64_t> parseBytes(std::string_view text);
std::vector<std::string> parseList(std::string_view text);

}  // namespace anywarp::options
