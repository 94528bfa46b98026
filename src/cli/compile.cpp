// anywarp compile: one kernel of a PTX file through the compiler, up to a stage. SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <sstream>
#include <vector>

#include "cli/commands.h"
#include "compiler/plan.h"
#include "compiler/quick/quick.h"
#include "compiler/ptx/ast.h"

namespace anywarp::cli {
namespace {

namespace fs = std::filesystem;

struct CompileRequest {
  std::string file, kernel, stage = "asm", output;
  std::vector<uint32_t> block{256, 1, 1};
  bool all = false, quick = false;
};

int fail(const std::string& message) {
  std::cerr << "anywarp: error: " << message << "\n";
  return failed;
}

bool readFile(const std::string& path, std::string* text) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream all;
  all << in.rdbuf();
  *text = all.str();
  return in.good() || in.eof();
}

int findKernel(const ptx::Module& module, const std::string& name) {
  if (!name.empty()) {
    int found = module.findFunction(name);
    return found >= 0 && module.functions[static_cast<size_t>(found)].isEntry ? found : -1;
  }
  for (size_t i = 0; i < module.functions.size(); ++i)
    if (module.functions[i].isEntry && module.functions[i].hasBody) return static_cast<int>(i);
  return -1;
}

// The compiler writes the stage to a folder of its own; what it wrote is the answer.
int writeStage(const fs::path& folder, const std::string& output) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.file_size() > 0) files.push_back(entry.path());  // the number is claimed by an empty one
  if (files.empty()) return fail("the compiler wrote nothing for this stage");
  std::string text;
  readFile(files.front(), &text);
  if (output.empty() || output == "-") {
    std::cout << text;
    return success;
  }
  std::ofstream(output, std::ios::binary) << text;
  return success;
}

// Milliseconds of processor time that this process has used, so far: other work on the machine does not count.
double processorMilliseconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

// Bytes of rows of one warp; what stands in the way is in `error`.
size_t makeQuick(const ptx::Module& module, const compiler::CompileRequest& request, std::string& error) {
  auto kernel = quick::makeKernel(module, request.function, request.options.block);
  if (!kernel) error = kernel.error().message;
  return kernel ? (*kernel)->program.rowBytes : 0;
}

// Every kernel of the module, one line each: milliseconds of processor time, PTX instructions, bytes of object code, name, or what
// stands in the way.
int compileAll(const ptx::Module& module, const CompileRequest& request) {
  int failures = 0;
  for (uint32_t f = 0; f < module.functions.size(); ++f) {
    if (!module.functions[f].isEntry || !module.functions[f].hasBody) continue;
    compiler::CompileRequest one;
    one.module = &module;
    one.function = f;
    one.options = compiler::defaultPlanOptions({request.block[0], request.block[1], request.block[2]});
    auto body = ptx::parseBody(module, module.functions[f]);
    size_t instructions = body ? (*body)->instructions.size() : 0;
    double start = processorMilliseconds();
    if (request.quick) {
      std::string error;
      size_t bytes = makeQuick(module, one, error);
      printf("%9.2f ms %7zu instructions %8zu bytes  %s%s%s\n", processorMilliseconds() - start, instructions, bytes,
             module.functions[f].name.c_str(), error.empty() ? "" : "  COMPILER: ", error.c_str());
      continue;
    }
    auto object = compiler::compileKernel(one);
    double ms = processorMilliseconds() - start;
    printf("%9.1f ms %7zu instructions %8zu bytes  %s%s%s\n", ms, instructions, object ? object->object.size() : 0,
           module.functions[f].name.c_str(), object ? (object->mode == abi::PlanMode::Free ? "  (free)" : "") : "  FAILED: ",
           object ? "" : object.error().message.c_str());
    fflush(stdout);
    failures += !object;
  }
  return failures ? failed : success;
}

int compile(const CompileRequest& request) {
  std::string text;
  if (!readFile(request.file, &text)) return fail(request.file + ": cannot be read");
  auto module = ptx::parseModule(std::move(text), request.file);
  if (!module) return fail(module.error().message);
  if (request.all) return compileAll(**module, request);
  int kernel = findKernel(**module, request.kernel);
  if (kernel < 0) return fail(request.file + ": no kernel " + (request.kernel.empty() ? "at all" : request.kernel));

  char folder[] = "/tmp/anywarp-compile-XXXXXX";
  if (!mkdtemp(folder)) return fail("no temporary folder");
  setenv("ANYWARP_DUMP", request.stage.c_str(), 1);
  setenv("ANYWARP_DUMP_DIR", folder, 1);
  setenv("ANYWARP_DUMP_KERNEL", "", 1);
  compiler::CompileRequest compileRequest;
  compileRequest.module = module->get();
  compileRequest.function = static_cast<uint32_t>(kernel);
  compileRequest.options = compiler::defaultPlanOptions({request.block[0], request.block[1], request.block[2]});
  auto object = compiler::compileKernel(compileRequest);
  int exitCode = object || request.stage != "object" ? writeStage(folder, request.output) : failed;
  fs::remove_all(folder);
  return object ? exitCode : fail(object.error().message);
}

}  // namespace

void addCompile(CLI::App& app, int& exitCode) {
  auto request = std::make_shared<CompileRequest>();
  CLI::App* command = app.add_subcommand("compile", "Compile a kernel of a PTX file and show a stage of it");
  command->add_option("FILE", request->file, "PTX text")->required();
  command->add_option("--kernel,-k", request->kernel, "Name of the kernel; default: the first");
  command->add_flag("--all", request->all, "Compile every kernel; show time, size and what fails");
  command->add_flag("--quick", request->quick, "With --all: make the code that runs until a kernel is compiled; show what needs the compiler");
  command->add_option("--block,-b", request->block, "Block shape x,y,z that the code is made for (256,1,1)")->delimiter(',')->expected(1, 3);
  command->add_option("--stop-after", request->stage, "Stage that is shown (asm)")
      ->check(CLI::IsMember({"ptx", "analysis", "llvm", "llvm-opt", "asm", "object"}));
  command->add_option("--output,-o", request->output, "File to write instead of standard output");
  command->callback([request, &exitCode] {
    request->block.resize(3, 1);
    exitCode = compile(*request);
  });
}

}  // namespace anywarp::cli
