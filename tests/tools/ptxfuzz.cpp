// Runs random kernels through the oracle and the JIT; a kernel that differs is reduced and printed. SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "fuzz.h"
#include "spec.h"

namespace anywarp::tests {
namespace {

constexpr const char* usage =
    "usage: ptxfuzz [--seed=N] [--count=N] [--seconds=N] [--batch=N] [--engine=NAMES] [--library=PATH] [--print] [--no-reduce]\n"
    "  Runs kernels of seeds N, N+1, ... until count or seconds are over; ends with 1 when any differs.\n"
    "  --print writes the kernel of the seed instead of running it\n";

struct Options {
  uint64_t seed = 1, count = 100, seconds = 0, batch = 8;
  std::string engines = "jit", library = defaultLibrary();
  bool print = false, reduce = true;
};

bool parseOptions(int argc, char** argv, Options* options) {
  for (int i = 1; i < argc; i++) {
    std::string arg = argv[i];
    auto value = [&](const char* name) { return arg.rfind(name, 0) == 0 ? arg.c_str() + std::char_traits<char>::length(name) : nullptr; };
    if (auto text = value("--seed=")) options->seed = std::strtoull(text, nullptr, 0);
    else if (auto text = value("--count=")) options->count = std::strtoull(text, nullptr, 0);
    else if (auto text = value("--seconds=")) options->seconds = std::strtoull(text, nullptr, 0);
    else if (auto text = value("--batch=")) options->batch = std::strtoull(text, nullptr, 0);
    else if (auto text = value("--engine=")) options->engines = text;
    else if (auto text = value("--library=")) options->library = text;
    else if (arg == "--print") options->print = true;
    else if (arg == "--no-reduce") options->reduce = false;
    else return false;
  }
  return options->batch > 0;
}

class Fuzzer {
 public:
  Fuzzer(const Options& options, Engine engine) : options_(options), engine_(std::move(engine)) { run_.library = options.library; }

  // Empty where both agree.
  std::string difference(const std::vector<FuzzKernel>& kernels, bool* invalid = nullptr) const {
    Program program = programOf(kernels);
    Outcome expected = runInterpreter(program);
    if (expected.broken || !expected.fault.empty()) {
      if (invalid) *invalid = true;
      return "interp: " + expected.message + "\n";
    }
    Outcome actual = engine_.driver ? runDriver(program, engine_, run_) : expected;
    if (actual.broken || !actual.fault.empty()) return engine_.name + ": " + actual.message + "\n";
    std::string report;
    for (size_t i = 0; i < program.buffers.size(); i++)
      report += compareBuffers(program.buffers[i], {}, expected.buffers[i], "interp", actual.buffers[i], engine_.name);
    return report;
  }

  FuzzKernel reduced(FuzzKernel kernel) const {
    for (bool smaller = true; smaller;) {
      smaller = false;
      for (size_t i = countStatements(kernel); i-- > 0;) {
        for (Removal removal : {Removal::Whole, Removal::KeepFirstBody}) {
          FuzzKernel candidate = without(kernel, i, removal);
          if (countStatements(candidate) >= countStatements(kernel) && removal == Removal::Whole) continue;
          if (countStatements(candidate) == countStatements(kernel)) continue;
          if (!stillFails(candidate)) continue;
          kernel = candidate;
          smaller = true;
          break;
        }
      }
    }
    return kernel;
  }

 private:
  const Options& options_;
  Engine engine_;
  RunOptions run_;

  // A kernel that the oracle refuses is another failure than the one being reduced.
  bool stillFails(const FuzzKernel& kernel) const {
    bool invalid = false;
    return !difference({kernel}, &invalid).empty() && !invalid;
  }
};

int report(const Options& options, const Fuzzer& fuzzer, const FuzzKernel& kernel) {
  bool invalid = false;
  std::string difference = fuzzer.difference({kernel}, &invalid);
  if (difference.empty()) return 0;
  std::printf("seed %llu fails:\n%s", static_cast<unsigned long long>(kernel.seed), difference.c_str());
  if (!options.reduce || invalid) return 1;
  FuzzKernel small = fuzzer.reduced(kernel);
  std::printf("reduced to %zu statements, grid %u, block %u,%u,%u:\n%s%s", countStatements(small), small.grid, small.block.x, small.block.y, small.block.z,
              programOf({small}).ptx.c_str(), fuzzer.difference({small}).c_str());
  std::fflush(stdout);
  return 1;
}

int fuzz(const Options& options, const Engine& engine) {
  Fuzzer fuzzer(options, engine);
  auto end = std::chrono::steady_clock::now() + std::chrono::seconds(options.seconds);
  uint64_t failures = 0, done = 0;
  auto goesOn = [&] { return options.seconds ? std::chrono::steady_clock::now() < end : done < options.count; };
  while (goesOn()) {
    std::vector<FuzzKernel> kernels;
    for (uint64_t i = 0; i < options.batch && (options.seconds || done + i < options.count); i++) kernels.push_back(generateKernel(options.seed + done + i));
    if (!fuzzer.difference(kernels).empty())
      for (const FuzzKernel& kernel : kernels) failures += static_cast<uint64_t>(report(options, fuzzer, kernel));
    done += kernels.size();
  }
  std::printf("%s: %llu kernels, %llu fail\n", engine.name.c_str(), static_cast<unsigned long long>(done), static_cast<unsigned long long>(failures));
  return failures ? 1 : 0;
}

int main(const Options& options) {
  if (options.print) return std::fputs(programOf({generateKernel(options.seed)}).ptx.c_str(), stdout), 0;
  return withEngines(options.engines, [&](const Engine& engine) { return fuzz(options, engine); });
}

}  // namespace
}  // namespace anywarp::tests

int main(int argc, char** argv) {
  anywarp::tests::Options options;
  if (!anywarp::tests::parseOptions(argc, argv, &options)) return std::fputs(anywarp::tests::usage, stderr), 2;
  return anywarp::tests::main(options);
}
