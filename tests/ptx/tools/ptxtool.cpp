// ptxtool: shows what the PTX front end makes of a file, for the text tests and for eyes. SPDX-License-Identifier: Apache-2.0
//   ptxtool print FILE        the module, parsed and printed
//   ptxtool check FILE...     errors and warnings, one line each; exit code 1 where there are errors
//   ptxtool roundtrip FILE... checks that what is printed parses and prints to the same
//   ptxtool cfg FILE          basic blocks and their successors
//   ptxtool forms             reads opcodes from standard input, one per line, and names the rows that take them
//   ptxtool time FILE...      time to index and to parse all bodies
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>

#include "compiler/ptx/ast.h"
#include "compiler/ptx/cfg.h"
#include "compiler/ptx/printer.h"
#include "compiler/ptx/validate.h"

namespace {

using namespace anywarp;
using namespace anywarp::ptx;

std::string contents(const char* path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string baseName(const std::string& path) { return path.substr(path.rfind('/') + 1); }

int complain(const std::string& message) {
  std::printf("error: %s\n", message.c_str());
  return 1;
}

int printFile(const char* path) {
  auto module = parseModule(contents(path), baseName(path));
  if (!module) return complain(module.error().message);
  auto text = print(**module);
  if (!text) return complain(text.error().message);
  std::fputs(text->c_str(), stdout);
  return 0;
}

int checkFile(const char* path) {
  auto module = parseModule(contents(path), baseName(path));
  if (!module) return complain(module.error().message);
  int errors = 0;
  for (const Function& function : (*module)->functions) {
    if (!function.hasBody) continue;
    auto body = parseBody(**module, function);
    if (!body) {
      errors += complain(body.error().message);
      continue;
    }
    for (const Diagnostic& d : validate(**module, function, **body)) {
      const bool isError = d.severity == Diagnostic::Severity::Error;
      std::printf("%s: %s\n", isError ? "error" : "warning", d.message.c_str());
      errors += isError;
    }
  }
  return errors != 0;
}

int roundtripFile(const char* path) {
  auto module = parseModule(contents(path), baseName(path));
  if (!module) return complain(module.error().message);
  auto once = print(**module);
  if (!once) return complain(once.error().message);
  auto again = parseModule(*once, "printed " + baseName(path));
  if (!again) return complain(again.error().message);
  auto twice = print(**again);
  if (!twice) return complain(twice.error().message);
  return *once == *twice ? 0 : complain(std::string(path) + ": prints differently the second time");
}

int cfgFile(const char* path) {
  auto module = parseModule(contents(path), baseName(path));
  if (!module) return complain(module.error().message);
  for (const Function& function : (*module)->functions) {
    if (!function.hasBody) continue;
    auto body = parseBody(**module, function);
    if (!body) return complain(body.error().message);
    const Cfg cfg = buildCfg(**body);
    std::printf("%s:\n", function.name.c_str());
    for (size_t b = 0; b < cfg.blocks.size(); ++b) {
      std::printf("  block %zu [%u, %u) ->", b, cfg.blocks[b].first, cfg.blocks[b].last);
      for (uint32_t successor : cfg.blocks[b].successors) std::printf(" %u", successor);
      std::printf("%s\n", cfg.isReachable(uint32_t(b)) ? "" : " unreachable");
    }
  }
  return 0;
}

int forms() {
  std::string opcode;
  int missing = 0;
  while (std::getline(std::cin, opcode)) {
    const Opcode decoded = decodeOpcode(opcode);
    std::printf("%s:", opcode.c_str());
    for (Form form : decoded.forms) std::printf(" %s", formInfo(form).name);
    std::printf("%s\n", decoded.forms.empty() ? " no row" : "");
    missing += decoded.forms.empty();
  }
  return missing != 0;
}

int timeFile(const char* path) {
  using Clock = std::chrono::steady_clock;
  const auto seconds = [](Clock::duration d) { return std::chrono::duration<double>(d).count(); };
  std::string text = contents(path);
  const size_t size = text.size();
  const auto start = Clock::now();
  auto module = parseModule(std::move(text), baseName(path));
  const auto indexed = Clock::now();
  if (!module) return complain(module.error().message);
  size_t instructions = 0;
  for (const Function& function : (*module)->functions) {
    if (!function.hasBody) continue;
    auto body = parseBody(**module, function);
    if (!body) return complain(body.error().message);
    instructions += (*body)->instructions.size();
  }
  std::printf("%s: %zu bytes indexed in %.4f s, %zu instructions parsed in %.4f s\n", path, size, seconds(indexed - start), instructions,
              seconds(Clock::now() - indexed));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string verb = argc > 1 ? argv[1] : "";
  if (verb == "forms") return forms();
  int (*action)(const char*) = verb == "print"       ? printFile
                               : verb == "check"     ? checkFile
                               : verb == "roundtrip" ? roundtripFile
                               : verb == "cfg"       ? cfgFile
                               : verb == "time"      ? timeFile
                                                     : nullptr;
  if (!action || argc < 3) {
    std::fputs("usage: ptxtool print|check|roundtrip|cfg|time FILE... | forms\n", stderr);
    return 2;
  }
  int result = 0;
  for (int i = 2; i < argc; ++i) result |= action(argv[i]);
  return result;
}
