// Runs one text test through the oracle and the JIT, and compares: lit calls it as %run. SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "spec.h"

namespace anywarp::tests {
namespace {

struct Options {
  std::string file, engines, library = defaultLibrary();
  bool dump = false;
};

constexpr const char* usage =
    "usage: ptxrun [--engine=NAMES] [--library=PATH] [--dump] TEST.ptx\n"
    "  Runs the launches in the test's header in every engine and compares the results.\n"
    "  engines: interp, jit, jit-w8, jit-w16, jit-w32, jit-avx2, jit-sse, jit-O0, quick, quick-avx2, jits (all but interp), all\n"
    "  --dump prints every buffer after the run\n";

bool parseOptions(int argc, char** argv, Options* options) {
  for (int i = 1; i < argc; i++) {
    std::string arg = argv[i];
    if (arg.rfind("--engine=", 0) == 0) {
      options->engines = arg.substr(9);
    } else if (arg.rfind("--library=", 0) == 0) {
      options->library = arg.substr(10);
    } else if (arg == "--dump") {
      options->dump = true;
    } else if (arg.rfind("--", 0) == 0 || !options->file.empty()) {
      return false;
    } else {
      options->file = arg;
    }
  }
  return !options->file.empty();
}

void dump(const Program& program, const Outcome& outcome) {
  for (size_t i = 0; i < outcome.buffers.size(); i++) {
    Buffer buffer{program.buffers[i].name, program.buffers[i].type, outcome.buffers[i]};
    for (size_t k = 0; k < buffer.count(); k++)
      std::printf("  %s[%zu] = %s\n", buffer.name.c_str(), k, formatValue(buffer.type, buffer.element(k)).c_str());
  }
  if (!outcome.printed.empty()) std::printf("  printed:\n%s", outcome.printed.c_str());
}

std::vector<std::string> sortedLines(const std::string& text) {
  std::vector<std::string> lines;
  std::stringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  std::sort(lines.begin(), lines.end());
  return lines;
}

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += "    " + line + "\n";
  return text;
}

// What is wrong with one engine's outcome by the test's own words; empty where nothing is.
std::string againstSpec(const Spec& spec, const Engine& engine, const Outcome& outcome) {
  if (outcome.broken) return "  " + outcome.message + "\n";
  if (outcome.fault != spec.fault) {
    return "  expected " + (spec.fault.empty() ? "no fault" : "fault " + spec.fault) + ", got " +
           (outcome.fault.empty() ? "none" : outcome.fault + ": " + outcome.message) + "\n";
  }
  if (!spec.fault.empty() && !engine.driver && outcome.message.find(spec.faultText) == std::string::npos)
    return "  the fault's message lacks `" + spec.faultText + "`: " + outcome.message + "\n";
  std::string report;
  std::vector<std::string> printed = sortedLines(outcome.printed), wanted = spec.printed;
  std::sort(wanted.begin(), wanted.end());
  if (spec.fault.empty() && printed != wanted) report += "  expected output:\n" + joined(wanted) + "  got:\n" + joined(printed);
  if (!spec.fault.empty()) return report;
  for (const Expectation& expectation : spec.expectations) {
    const Buffer& shape = spec.program.buffers[expectation.buffer];
    Buffer actual{shape.name, shape.type, outcome.buffers[expectation.buffer]};
    std::vector<uint8_t> expected = actual.bytes;
    Buffer wantedBuffer{shape.name, shape.type, expected};
    for (const auto& [index, bits] : expectation.elements) wantedBuffer.setElement(index, bits);
    report += compareBuffers(shape, spec.tolerances[expectation.buffer], wantedBuffer.bytes, "line " + std::to_string(expectation.line) + " expects",
                             actual.bytes, engine.name + " gives", &spec.program);
  }
  return report;
}

std::string againstEachOther(const Spec& spec, const Engine& first, const Outcome& a, const Engine& second, const Outcome& b) {
  if (a.broken || b.broken || !a.fault.empty() || !b.fault.empty()) return "";
  std::string report;
  for (size_t i = 0; i < a.buffers.size(); i++)
    report += compareBuffers(spec.program.buffers[i], spec.tolerances[i], a.buffers[i], first.name + " gives", b.buffers[i], second.name + " gives", &spec.program);
  return report;
}

int runTest(const Options& options) {
  std::ifstream file(options.file, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  if (!file) return std::fprintf(stderr, "error: cannot read %s\n", options.file.c_str()), 2;
  auto spec = parseSpec(options.file, text.str());
  if (!spec) return std::fprintf(stderr, "error: %s\n", spec.error().message.c_str()), 2;

  std::string names = !spec->engines.empty() ? spec->engines : !options.engines.empty() ? options.engines : "interp,jit,jit-w8,jit-w16,quick";
  std::vector<Engine> engines = enginesNamed(names);
  if (engines.empty()) return std::fprintf(stderr, "error: no engine is named `%s`\n", names.c_str()), 2;
  RunOptions runOptions;
  runOptions.library = options.library;

  bool failed = false;
  std::vector<Outcome> outcomes;
  for (const Engine& engine : engines) {
    outcomes.push_back(runEngine(spec->program, engine, runOptions));
    if (options.dump) {
      std::printf("%s: %s\n", engine.name.c_str(), outcomes.back().message.c_str());
      dump(spec->program, outcomes.back());
    }
    std::string report = againstSpec(*spec, engine, outcomes.back());
    if (&engine != &engines.front()) report += againstEachOther(*spec, engines.front(), outcomes.front(), engine, outcomes.back());
    if (report.empty()) continue;
    std::printf("%s: %s fails:\n%s", options.file.c_str(), engine.name.c_str(), report.c_str());
    failed = true;
  }
  return failed ? 1 : 0;
}

}  // namespace
}  // namespace anywarp::tests

int main(int argc, char** argv) {
  anywarp::tests::Options options;
  if (!anywarp::tests::parseOptions(argc, argv, &options)) {
    std::fputs(anywarp::tests::usage, stderr);
    return 2;
  }
  return anywarp::tests::runTest(options);
}
