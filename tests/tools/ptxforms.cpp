// Runs every opcode of a list through the oracle and the JIT, on special and random operands: lit calls it as %forms.
// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <fstream>
#include <set>
#include <sstream>

#include "forms.h"
#include "compiler/quick/keys/keys.h"

namespace anywarp::tests {
namespace {

constexpr const char* usage =
    "usage: ptxforms [--engine=NAMES] [--library=PATH] [--batch=N] [--seed=N] [--ptx] LIST\n"
    "       ptxforms --enumerate\n"
    "  LIST: opcodes, {a,b} for either; `//` begins a comment\n"
    "  --ptx prints the generated module instead of running it\n"
    "  --enumerate prints every spelling of every pure row of instructions.def, with its function\n";

struct Options {
  std::string file, engines = "interp,jit", library = defaultLibrary();
  size_t batch = 16;
  uint64_t seed = 1;
  bool ptx = false, enumerate = false;
};

bool parseOptions(int argc, char** argv, Options* options) {
  for (int i = 1; i < argc; i++) {
    std::string arg = argv[i];
    auto value = [&](const char* name) { return arg.rfind(name, 0) == 0 ? arg.c_str() + std::char_traits<char>::length(name) : nullptr; };
    if (auto text = value("--engine=")) options->engines = text;
    else if (auto text = value("--library=")) options->library = text;
    else if (auto text = value("--batch=")) options->batch = std::strtoul(text, nullptr, 0);
    else if (auto text = value("--seed=")) options->seed = std::strtoull(text, nullptr, 0);
    else if (arg == "--ptx") options->ptx = true;
    else if (arg == "--enumerate") options->enumerate = true;
    else if (arg.rfind("--", 0) == 0 || !options->file.empty()) return false;
    else options->file = arg;
  }
  return options->enumerate || !options->file.empty();
}

int enumerate() {
  for (size_t i = 1; i < ptx::formCount; i++) {
    const ptx::FormInfo& info = ptx::formInfo(ptx::Form(i));
    if (info.needs != ptx::Need::None || info.planned) continue;
    for (const std::string& opcode : enumerateOpcodes(ptx::Form(i))) std::printf("%s %s\n", info.function, opcode.c_str());
  }
  return 0;
}

std::vector<std::string> readList(const std::string& path) {
  std::ifstream file(path);
  std::vector<std::string> opcodes;
  for (std::string line; std::getline(file, line);) {
    line = line.substr(0, line.find("//"));
    std::stringstream words(line);
    for (std::string word; words >> word;)
      for (std::string& opcode : quick::expandBraces(word)) opcodes.push_back(std::move(opcode));
  }
  return opcodes;
}

std::string describeMismatch(const FormsProgram& forms, const FormsProgram::Result& result, const Outcome& expected, const Outcome& actual, const std::string& engine) {
  const Buffer& shape = forms.program.buffers[result.buffer];
  Buffer a{shape.name, shape.type, expected.buffers[result.buffer]}, b{shape.name, shape.type, actual.buffers[result.buffer]};
  std::string report;
  size_t wrong = 0;
  for (size_t i = 0; i < a.count(); i++) {
    if (sameWithin(shape.type, forms.tolerances[result.buffer], a.element(i), b.element(i))) continue;
    if (++wrong > 3) continue;
    report += "  " + result.opcode + " thread " + std::to_string(i) + ":";
    for (int input : result.inputs) report += " " + formatValue(forms.program.buffers[input].type, forms.program.buffers[input].element(i));
    report += " -> interp " + formatValue(shape.type, a.element(i)) + ", " + engine + " " + formatValue(shape.type, b.element(i)) + "\n";
  }
  if (wrong > 3) report += "  " + result.opcode + ": " + std::to_string(wrong) + " of " + std::to_string(a.count()) + " differ\n";
  return report;
}

// Runs the opcodes; where an engine fails as a whole, the list is halved until the culprit stands alone.
int compare(const Options& options, const std::vector<std::string>& opcodes, const Engine& engine, std::set<std::string>* failed) {
  auto forms = makeFormsProgram(opcodes, options.batch, options.seed);
  if (!forms) return std::fprintf(stderr, "error: %s\n", forms.error().message.c_str()), 2;
  Outcome expected = runInterpreter(forms->program);
  RunOptions run;
  run.library = options.library;
  Outcome actual = engine.driver ? runDriver(forms->program, engine, run) : expected;
  bool whole = expected.broken || !expected.fault.empty() || actual.broken || !actual.fault.empty();
  if (whole && opcodes.size() > 1 && actual.message.find("engine is missing") == std::string::npos) {
    std::vector<std::string> first(opcodes.begin(), opcodes.begin() + static_cast<long>(opcodes.size() / 2)), second(opcodes.begin() + static_cast<long>(opcodes.size() / 2), opcodes.end());
    int a = compare(options, first, engine, failed), b = compare(options, second, engine, failed);
    return a ? a : b;
  }
  if (whole) {
    const Outcome& bad = expected.broken || !expected.fault.empty() ? expected : actual;
    std::printf("  %s: %s: %s\n", opcodes[0].c_str(), &bad == &expected ? "interp" : engine.name.c_str(), bad.message.c_str());
    failed->insert(opcodes.size() == 1 ? opcodes[0] : "everything");
    return 1;
  }
  int status = 0;
  for (const FormsProgram::Result& result : forms->results) {
    std::string report = describeMismatch(*forms, result, expected, actual, engine.name);
    if (report.empty()) continue;
    std::fputs(report.c_str(), stdout);
    failed->insert(result.opcode);
    status = 1;
  }
  return status;
}

int runList(const Options& options) {
  std::vector<std::string> opcodes = readList(options.file);
  if (opcodes.empty()) return std::fprintf(stderr, "error: %s holds no opcode\n", options.file.c_str()), 2;
  if (options.ptx) {
    auto forms = makeFormsProgram(opcodes, options.batch, options.seed);
    if (!forms) return std::fprintf(stderr, "error: %s\n", forms.error().message.c_str()), 2;
    return std::fputs(forms->program.ptx.c_str(), stdout), 0;
  }
  return withEngines(options.engines, [&](const Engine& engine) {
    std::set<std::string> failed;
    int result = compare(options, opcodes, engine, &failed);
    if (result) std::printf("%s: %s: %zu of %zu opcodes fail\n", options.file.c_str(), engine.name.c_str(), failed.size(), opcodes.size());
    return result;
  });
}

}  // namespace
}  // namespace anywarp::tests

int main(int argc, char** argv) {
  anywarp::tests::Options options;
  if (!anywarp::tests::parseOptions(argc, argv, &options)) return std::fputs(anywarp::tests::usage, stderr), 2;
  return options.enumerate ? anywarp::tests::enumerate() : anywarp::tests::runList(options);
}
