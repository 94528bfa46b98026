// anywarp run: starts a program so that it finds us instead of NVIDIA's driver and runtime. SPDX-License-Identifier: Apache-2.0
//
// The program replaces this process, so arguments, exit code, signals and standard streams are its own. What it inherits is the
// environment: the auditing library (src/preload) and the folder of our libraries; its children inherit the same.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <memory>
#include <sstream>
#include <vector>

#include "cli/commands.h"
#include "support/options.h"

namespace anywarp::cli {
namespace {

// A flag and the environment variable that does the same.
struct Setting {
  const char* flag;
  const char* variable;
  const char* help;
};
constexpr Setting settings[] = {
    {"--log", "ANYWARP_LOG", "Least severe message of the log: off, error, warn, info, debug, trace"},
    {"--log-file", "ANYWARP_LOG_FILE", "File that the log goes to instead of standard error"},
    {"--threads", "ANYWARP_THREADS", "Worker threads; 0: one for each core"},
    {"--devices", "ANYWARP_DEVICES", "Number of virtual devices"},
    {"--device", "ANYWARP_DEVICE", "Device that is presented, e.g. sm_90"},
    {"--dump", "ANYWARP_DUMP", "Stages that are written to files: ptx,analysis,llvm,llvm-opt,asm,object,plan,all"},
    {"--dump-dir", "ANYWARP_DUMP_DIR", "Folder of these files"},
    {"--dump-kernel", "ANYWARP_DUMP_KERNEL", "Only kernels whose name contains this"},
};

struct RunRequest {
  std::vector<std::string> values = std::vector<std::string>(std::size(settings));
  bool noCache = false;
  std::string trace;
  std::string program;
  std::vector<std::string> arguments;
};

std::string findProgram(const std::string& name) {
  if (name.find('/') != std::string::npos) return name;
  std::istringstream folders(options::searchPath());
  for (std::string folder; std::getline(folders, folder, ':');) {
    std::string path = (folder.empty() ? "." : folder) + "/" + name;
    if (access(path.c_str(), X_OK) == 0) return path;
  }
  return "";
}

// Puts `item` before what a colon-separated list holds, once.
void prepend(const char* variable, const std::string& item, const std::string& list) {
  if ((":" + list + ":").find(":" + item + ":") != std::string::npos) return;
  setenv(variable, list.empty() ? item.c_str() : (item + ":" + list).c_str(), 1);
}

// Variables by which programs are told where ptxas lies, for those that bring their own (docs/decisions/0018).
constexpr const char* ptxasVariables[] = {"TRITON_PTXAS_PATH", "TRITON_PTXAS_BLACKWELL_PATH"};

void placePtxas() {
  const std::string ptxas = libraryFolder() + "/toolchain/ptxas";
  if (access(ptxas.c_str(), X_OK) != 0) return;
  for (const char* variable : ptxasVariables)
    if (!options::isSet(variable)) setenv(variable, ptxas.c_str(), 1);
}

void warnOfPrivileges(const std::string& path) {
  struct stat info;
  if (stat(path.c_str(), &info) == 0 && (info.st_mode & (S_ISUID | S_ISGID)) && geteuid() != 0)
    std::cerr << "anywarp: warning: " << path << ": runs with another user's rights, so the loader will ignore us\n";
}

int run(const RunRequest& request) {
  std::string folder = libraryFolder();
  std::string audit = folder + "/libanywarp-preload.so";
  if (access(audit.c_str(), R_OK) != 0) {
    std::cerr << "anywarp: error: " << audit << ": " << std::strerror(errno) << "\n";
    return failed;
  }
  std::string program = findProgram(request.program);
  if (program.empty()) {
    std::cerr << "anywarp: error: " << request.program << ": not found\n";
    return notFound;
  }
  warnOfPrivileges(program);
  prepend("LD_AUDIT", audit, options::audit());
  prepend("LD_LIBRARY_PATH", folder, options::libraryPath());
  placePtxas();
  for (size_t i = 0; i < std::size(settings); ++i)
    if (!request.values[i].empty()) setenv(settings[i].variable, request.values[i].c_str(), 1);
  if (!request.trace.empty()) setenv("ANYWARP_TRACE", request.trace.c_str(), 1);
  if (request.noCache) setenv("ANYWARP_CACHE", "0", 1);

  std::vector<char*> argv{const_cast<char*>(request.program.c_str())};
  for (const std::string& argument : request.arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  execv(program.c_str(), argv.data());
  int error = errno;
  if (error == ENOEXEC) {  // a script without #!: what a shell would do
    argv.insert(argv.begin(), const_cast<char*>("sh"));
    argv[1] = const_cast<char*>(program.c_str());
    execv("/bin/sh", argv.data());
  }
  std::cerr << "anywarp: error: " << program << ": " << std::strerror(error) << "\n";
  return error == ENOENT ? notFound : cannotRun;
}

}  // namespace

// What follows PROGRAM is never read as ours, so the command line is cut before it.
ProgramLine cutProgram(int argc, char** argv) {
  int i = 2;
  if (argc < 2 || std::strcmp(argv[1], "run") != 0) return {argc, {}};
  for (; i < argc && argv[i][0] == '-'; ++i) {
    if (std::strcmp(argv[i], "--") == 0) return {i, {argv + i + 1, argv + argc}};
    for (const Setting& setting : settings)
      if (std::strcmp(argv[i], setting.flag) == 0) ++i;
  }
  i = std::min(i, argc);
  return {i, {argv + i, argv + argc}};
}

void addRun(CLI::App& app, int& exitCode, const std::vector<std::string>& program) {
  auto request = std::make_shared<RunRequest>();
  CLI::App* command = app.add_subcommand("run", "Run a CUDA program: anywarp run [options] PROGRAM [ARGUMENTS...]");
  for (size_t i = 0; i < std::size(settings); ++i)
    command->add_option(settings[i].flag, request->values[i], settings[i].help);
  command->add_flag("--trace{1}", request->trace, "Print every driver call; --trace=FILE appends them to FILE (%p: process id)");
  command->add_flag("--no-cache", request->noCache, "Neither read nor write the cache of compiled kernels");
  command->footer("PROGRAM may be a script, a shell, Python. Its exit code is passed on;\n"
                  "126: PROGRAM cannot be run, 127: there is no such program.");
  command->callback([request, program, &exitCode] {
    if (program.empty()) throw CLI::RequiredError("PROGRAM");
    request->program = program.front();
    request->arguments.assign(program.begin() + 1, program.end());
    exitCode = run(*request);
  });
}

}  // namespace anywarp::cli
