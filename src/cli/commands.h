// The subcommands of `anywarp`: each adds itself to the command line and leaves its exit code. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace anywarp::cli {

// Exit codes; those of `run` are the shell's.
enum Exit : int {
  success = 0,
  failed = 1,         // the command could not do what was asked
  usage = 2,          // wrong command line
  notSupported = 3,   // doctor: the program holds something that cannot run
  cannotRun = 126,    // run: the program was found but cannot be run (not executable; static runtime, stripped)
  notFound = 127,     // run: there is no such program
};

// Where the command line of `anywarp` ends and that of the program it runs begins.
struct ProgramLine {
  int ownArguments = 0;
  std::vector<std::string> program;
};
ProgramLine cutProgram(int argc, char** argv);

void addRun(CLI::App& app, int& exitCode, const std::vector<std::string>& program);
void addInfo(CLI::App& app, int& exitCode);
void addCache(CLI::App& app, int& exitCode);
void addSmi(CLI::App& app, int& exitCode);
void addDoctor(CLI::App& app, int& exitCode);
void addCompile(CLI::App& app, int& exitCode);

// Folder of our shared libraries: ../lib from this program.
std::string libraryFolder();

}  // namespace anywarp::cli
