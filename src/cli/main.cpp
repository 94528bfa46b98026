// anywarp: the command line. SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <climits>

#include "cli/commands.h"
#include "support/version.h"

namespace anywarp::cli {

std::string libraryFolder() {
  char path[PATH_MAX];
  ssize_t n = readlink("/proc/self/exe", path, sizeof path);
  std::string program(path, n > 0 ? static_cast<size_t>(n) : 0);
  std::string folder = program.substr(0, program.rfind('/'));
  return folder.substr(0, folder.rfind('/')) + "/lib";
}

}  // namespace anywarp::cli

int main(int argc, char** argv) {
  using namespace anywarp::cli;
  CLI::App app{"Runs unmodified CUDA programs on this machine's CPUs.", "anywarp"};
  app.set_version_flag("--version", anywarp::version());
  app.require_subcommand(1);
  app.footer("Exit codes: 0 done, 1 failed, 2 wrong usage, 3 (doctor) the program cannot run;\n"
             "run: those of PROGRAM, 126 it cannot be run, 127 not found. More: docs/cli.md");
  int exitCode = success;
  ProgramLine line = cutProgram(argc, argv);
  addRun(app, exitCode, line.program);
  addInfo(app, exitCode);
  addCache(app, exitCode);
  addSmi(app, exitCode);
  addDoctor(app, exitCode);
  addCompile(app, exitCode);
  try {
    app.parse(line.ownArguments, argv);
  } catch (const CLI::ParseError& e) {
    int code = app.exit(e);
    return code == 0 ? success : usage;
  }
  return exitCode;
}
