// Engines by name, and elements of buffers. SPDX-License-Identifier: Apache-2.0
#include "program.h"

#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <filesystem>

namespace anywarp::tests {
namespace {

using Environment = std::vector<std::pair<std::string, std::string>>;

Engine driverEngine(std::string name, Environment environment) {
  environment.emplace_back("ANYWARP_CACHE", "0");
  if (!name.starts_with("quick")) environment.emplace_back("ANYWARP_QUICK", "0");
  return {std::move(name), std::move(environment), true};
}

const std::vector<Engine>& allEngines() {
  static const std::vector<Engine>& engines = *new std::vector<Engine>{
      {"interp", {}, false},
      driverEngine("jit", {}),
      driverEngine("jit-w8", {{"ANYWARP_WIDTH", "8"}}),
      driverEngine("jit-w16", {{"ANYWARP_WIDTH", "16"}}),
      driverEngine("jit-w32", {{"ANYWARP_WIDTH", "32"}}),
      driverEngine("jit-avx2", {{"ANYWARP_CPU", "haswell"}}),
      driverEngine("jit-sse", {{"ANYWARP_CPU", "x86-64-v2"}}),
      driverEngine("jit-O0", {{"ANYWARP_OPT", "0"}}),
      driverEngine("quick", {{"ANYWARP_QUICK", "2"}}),
      driverEngine("quick-avx2", {{"ANYWARP_QUICK", "2"}, {"ANYWARP_CPU", "x86-64-v3"}}),
  };
  return engines;
}

void add(std::vector<Engine>& engines, const std::string& name) {
  for (const Engine& engine : allEngines())
    if (engine.name == name || name == "all" || (name == "jits" && engine.driver)) engines.push_back(engine);
}

}  // namespace

uint64_t Buffer::element(size_t index) const {
  uint64_t value = 0;
  size_t size = ptx::bytes(type);
  std::memcpy(&value, bytes.data() + index * size, std::min<size_t>(size, 8));
  return value;
}

void Buffer::setElement(size_t index, uint64_t bits) {
  size_t size = ptx::bytes(type);
  std::memcpy(bytes.data() + index * size, &bits, std::min<size_t>(size, 8));
}

std::vector<Engine> enginesNamed(const std::string& names) {
  std::vector<Engine> engines;
  for (size_t begin = 0; begin <= names.size();) {
    size_t end = std::min(names.find(',', begin), names.size());
    add(engines, names.substr(begin, end - begin));
    begin = end + 1;
  }
  return engines;
}

int withEngines(const std::string& names, const std::function<int(const Engine&)>& run) {
  std::vector<Engine> engines = enginesNamed(names);
  if (engines.empty()) return std::fprintf(stderr, "error: no engine is named `%s`\n", names.c_str()), 2;
  int status = 0;
  for (const Engine& engine : engines) {
    if (!engine.driver && engines.size() > 1) continue;
    int result = run(engine);
    status = status ? status : result;
  }
  return status;
}

Outcome runEngine(const Program& program, const Engine& engine, const RunOptions& options) {
  return engine.driver ? runDriver(program, engine, options) : runInterpreter(program);
}

std::string defaultLibrary() {
  std::error_code error;
  std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
  return (self.parent_path().parent_path() / "lib" / "libcuda.so.1").string();
}

}  // namespace anywarp::tests
