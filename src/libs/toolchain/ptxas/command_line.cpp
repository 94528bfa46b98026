// The command line of ptxas, read with a table of its options. SPDX-License-Identifier: Apache-2.0
#include "libs/toolchain/ptxas/command_line.h"

#include <fstream>
#include <sstream>
#include <vector>

namespace anywarp::toolchain {
namespace {

enum class Takes : uint8_t { Nothing, Value, Joined };  // Joined: -O3 and -m64 too

struct Option {
  const char* name;
  const char* shortName;  // "": none
  Takes takes;
  bool (*read)(PtxasRequest&, const std::string& value);  // null: accepted without effect
};

bool readOptionArch(PtxasRequest& r, const std::string& value) { return readArchitecture(value, r.arch, r.archSuffix); }
bool readMachine(PtxasRequest&, const std::string& value) { return value == "64"; }
bool readBool(PtxasRequest&, const std::string& value) { return value == "true" || value == "false"; }

bool readMaxRegisters(PtxasRequest& r, const std::string& value) {
  char* end = nullptr;
  r.maxRegisters = uint32_t(std::strtoul(value.c_str(), &end, 10));
  return !value.empty() && *end == 0;
}

constexpr Option options[] = {
    {"gpu-name", "arch", Takes::Value, readOptionArch},
    {"output-file", "o", Takes::Value, [](PtxasRequest& r, const std::string& v) { return r.output = v, !v.empty(); }},
    {"input-as-string", "ias", Takes::Value, [](PtxasRequest& r, const std::string& v) { return r.input = v, r.inputIsText = true; }},
    {"machine", "m", Takes::Joined, readMachine},
    {"verbose", "v", Takes::Nothing, [](PtxasRequest& r, const std::string&) { return r.verbose = true; }},
    {"disable-warnings", "w", Takes::Nothing, [](PtxasRequest& r, const std::string&) { return r.silent = true; }},
    {"warning-as-error", "Werror", Takes::Nothing, [](PtxasRequest& r, const std::string&) { return r.warningsAreErrors = true; }},
    {"version", "V", Takes::Nothing, [](PtxasRequest& r, const std::string&) { return r.version = true; }},
    {"help", "h", Takes::Nothing, [](PtxasRequest& r, const std::string&) { return r.help = true; }},
    // What tunes or describes machine code.
    {"fmad", "", Takes::Value, readBool},
    {"opt-level", "O", Takes::Joined, nullptr},
    {"Ofast-compile", "Ofc", Takes::Value, nullptr},
    {"maxrregcount", "maxrregcount", Takes::Value, readMaxRegisters},
    {"device-debug", "g", Takes::Nothing, nullptr},
    {"generate-line-info", "lineinfo", Takes::Nothing, nullptr},
    {"suppress-debug-info", "suppress-debug-info", Takes::Nothing, nullptr},
    {"compile-only", "c", Takes::Nothing, nullptr},
    {"entry", "e", Takes::Value, nullptr},
    {"extensible-whole-program", "ewp", Takes::Nothing, nullptr},
    {"preserve-relocs", "preserve-relocs", Takes::Nothing, nullptr},
    {"return-at-end", "ret-end", Takes::Nothing, nullptr},
    {"dont-merge-basicblocks", "no-bb-merge", Takes::Nothing, nullptr},
    {"disable-optimizer-constants", "disable-optimizer-consts", Takes::Nothing, nullptr},
    {"allow-expensive-optimizations", "allow-expensive-optimizations", Takes::Value, readBool},
    {"def-load-cache", "dlcm", Takes::Value, nullptr},
    {"def-store-cache", "dscm", Takes::Value, nullptr},
    {"force-load-cache", "flcm", Takes::Value, nullptr},
    {"force-store-cache", "fscm", Takes::Value, nullptr},
    {"split-compile", "split-compile", Takes::Value, nullptr},
    {"position-independent-code", "pic", Takes::Value, readBool},
    {"suppress-stack-size-warning", "suppress-stack-size-warning", Takes::Nothing, nullptr},
    {"suppress-async-bulk-multicast-advisory-warning", "suppress-async-bulk-multicast-advisory-warning", Takes::Nothing, nullptr},
    {"suppress-sparse-mma-advisory-info", "suppress-sparse-mma-advisory-info", Takes::Nothing, nullptr},
    {"suppress-double-demote-warning", "suppress-double-demote-warning", Takes::Nothing, nullptr},
    {"warn-on-double-precision-use", "warn-double-usage", Takes::Nothing, nullptr},
    {"warn-on-local-memory-usage", "warn-lmem-usage", Takes::Nothing, nullptr},
    {"warn-on-spills", "warn-spills", Takes::Nothing, nullptr},
    {"make-errors-visible-at-exit", "make-errors-visible-at-exit", Takes::Nothing, nullptr},
    {"device-function-maxrregcount", "func-maxrregcount", Takes::Value, nullptr},
    {"override-directive-values", "override-directive-values", Takes::Nothing, nullptr},
    {"maxntid", "maxntid", Takes::Value, nullptr},
    {"minnctapersm", "minnctapersm", Takes::Value, nullptr},
    {"uumn", "uumn", Takes::Nothing, nullptr},
    {"tool-name", "tool-name", Takes::Value, nullptr},
    {"compile-as-tools-patch", "astoolspatch", Takes::Nothing, nullptr},
    {"opt-pointers", "opt-pointers", Takes::Nothing, nullptr},
    {"sp-bounds-check", "sp-bounds-check", Takes::Nothing, nullptr},
    {"jump-table-density", "jump-table-density", Takes::Value, nullptr},
    {"no-cache", "no-cache", Takes::Nothing, nullptr},
    {"fdevice-time-trace", "fdevice-time-trace", Takes::Value, nullptr},
};

Error wrong(const std::string& what) { return {ErrorKind::Invalid, what}; }

// An option as written: its row, and the value that stands in the same word.
struct Word {
  const Option* option = nullptr;
  std::string value;
  bool hasValue = false;
};

Word readWord(std::string_view word) {
  word.remove_prefix(word.starts_with("--") ? 2 : 1);
  const size_t equals = word.find('=');
  const std::string_view name = word.substr(0, equals);
  for (const Option& option : options)
    if (name == option.name || name == option.shortName)
      return {&option, equals == word.npos ? "" : std::string(word.substr(equals + 1)), equals != word.npos};
  for (const Option& option : options)
    if (option.takes == Takes::Joined && word.starts_with(option.shortName)) return {&option, std::string(word.substr(1)), true};
  return {};
}

Result<std::vector<std::string>> readOptionsFile(const std::string& path) {
  std::ifstream file(path);
  if (!file) return wrong("options file '" + path + "' cannot be read");
  std::vector<std::string> words;
  for (std::string word; file >> word;) words.push_back(word);
  return words;
}

bool isOptionsFile(const std::string& word) { return word == "--options-file" || word == "-optf"; }

// One level: a file of options that names another is an unknown option.
Result<std::vector<std::string>> expand(std::span<const std::string> arguments) {
  std::vector<std::string> all;
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (!isOptionsFile(arguments[i])) {
      all.push_back(arguments[i]);
      continue;
    }
    if (++i == arguments.size()) return wrong("option 'options-file' needs a value");
    auto words = readOptionsFile(arguments[i]);
    if (!words) return words.error();
    all.insert(all.end(), words->begin(), words->end());
  }
  return all;
}

}  // namespace

bool readArchitecture(std::string_view text, uint32_t& arch, char& suffix) {
  size_t at = text.starts_with("sm_") ? 3 : text.starts_with("compute_") ? 8 : text.npos;
  if (at == text.npos) return false;
  std::string_view number = text.substr(at);
  char last = 0;
  if (number.ends_with('a') || number.ends_with('f')) last = number.back(), number.remove_suffix(1);
  if (number.size() < 2 || number.size() > 3 || number.find_first_not_of("0123456789") != number.npos) return false;
  arch = 0;
  for (char digit : number) arch = arch * 10 + uint32_t(digit - '0');
  suffix = last;
  return true;
}

Result<PtxasRequest> readCommandLine(std::span<const std::string> arguments) {
  auto words = expand(arguments);
  if (!words) return words.error();
  PtxasRequest request;
  for (size_t i = 0; i < words->size(); ++i) {
    const std::string& text = (*words)[i];
    if (text.size() < 2 || text[0] != '-') {
      if (!request.input.empty()) return wrong("more than one input: '" + request.input + "', '" + text + "'");
      request.input = text;
      continue;
    }
    Word word = readWord(text);
    if (!word.option) return wrong("unknown option '" + text + "'");
    if (word.option->takes != Takes::Nothing && !word.hasValue) {
      if (++i == words->size()) return wrong("option '" + std::string(word.option->name) + "' needs a value");
      word.value = (*words)[i];
    }
    if (word.option->read && !word.option->read(request, word.value))
      return wrong("option '" + std::string(word.option->name) + "' cannot be '" + word.value + "'");
  }
  if (request.input.empty() && !request.version && !request.help) return wrong("no input file");
  return request;
}

std::string ptxasHelp() {
  std::ostringstream text;
  text << "Usage: ptxas [options] FILE.ptx\n"
          "Checks PTX; the output holds the PTX itself, which anywarp's driver loads in place of machine code.\n\n";
  for (const Option& option : options) {
    text << "  --" << option.name;
    if (*option.shortName) text << ", -" << option.shortName;
    text << (option.takes == Takes::Nothing ? "" : " VALUE") << (option.read ? "" : "   (accepted without effect)") << "\n";
  }
  text << "  --options-file, -optf FILE\n";
  return text.str();
}

}  // namespace anywarp::toolchain
