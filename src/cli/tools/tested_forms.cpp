// Reads the text tests and writes which rows of instructions.def they execute, compiled and interpreted, for `anywarp info --ptx`.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "compiler/ptx/ast.h"

namespace anywarp::cli {
namespace {

using Marks = std::array<bool, ptx::formCount>;

std::string contentsOf(const std::filesystem::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

// A test that is for the interpreter or the compiler alone says so in its header.
bool runsEverywhere(const std::string& text) { return text.find("\n// engines:") == std::string::npos; }

void markKernels(std::string text, Marks& marks) {
  auto module = ptx::parseModule(std::move(text), "test");
  if (!module) return;
  for (const ptx::Function& function : (*module)->functions) {
    if (!function.hasBody) continue;
    auto body = ptx::parseBody(**module, function);
    if (!body) continue;
    for (const ptx::Instruction& instruction : (*body)->instructions) marks[size_t(instruction.form)] = true;
  }
}

// A list of opcodes: the first row that fits is the one that is made into a kernel.
void markList(const std::string& text, Marks& marks) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line.substr(0, line.find("//")));
    for (std::string word; words >> word;) {
      ptx::Opcode opcode = ptx::decodeOpcode(word);
      if (!opcode.forms.empty()) marks[size_t(opcode.forms.front())] = true;
    }
  }
}

void markFile(const std::filesystem::path& path, Marks& marks) {
  const std::string text = contentsOf(path);
  if (path.extension() == ".ptx" && text.find("RUN: %run") != std::string::npos && runsEverywhere(text)) markKernels(text, marks);
  if (path.extension() == ".test" && text.find("RUN: %forms") != std::string::npos) markList(text, marks);
}

}  // namespace
}  // namespace anywarp::cli

int main(int argc, char** argv) {
  using namespace anywarp;
  if (argc != 3) return std::cerr << "usage: tested_forms TESTS OUTPUT\n", 2;
  cli::Marks marks{};
  for (const auto& entry : std::filesystem::recursive_directory_iterator(argv[1]))
    if (entry.is_regular_file()) cli::markFile(entry.path(), marks);
  std::ofstream out(argv[2]);
  for (size_t i = 1; i < ptx::formCount; ++i)
    if (marks[i]) out << "TESTED(" << ptx::formInfo(ptx::Form(i)).name << ")\n";
  return out ? 0 : 1;
}
