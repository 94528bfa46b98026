// ptxas without machine code: PTX is parsed and validated whole, and written as it is. SPDX-License-Identifier: Apache-2.0
#include "libs/toolchain/ptxas/assemble.h"

#include <cstdio>
#include <fstream>
#include <iterator>
#include <memory>

#include "compiler/ptx/ast.h"
#include "compiler/ptx/register_limit.h"
#include "compiler/ptx/validate.h"
#include "libs/toolchain/ptxas/command_line.h"
#include "support/version.h"

namespace anywarp::toolchain {
namespace {

constexpr int failure = 255;
constexpr const char* release = "13.0";  // of the toolkit whose PTX version is the newest that we read

class Assembler {
 public:
  explicit Assembler(const PtxasRequest& request) : request_(request), name_(request.inputIsText ? "<string>" : request.input) {}

  PtxasOutcome run() {
    std::string text;
    if (!readInput(text)) return fatal("input file '" + request_.input + "' cannot be read");
    text.resize(text.find_last_not_of('\0') + 1);
    auto module = ptx::parseModule(text, name_);
    if (!module) {
      error(module.error().message);
      return aborted();
    }
    checkArchitecture(**module);
    for (const ptx::Function& function : (*module)->functions) checkFunction(**module, function);
    if (errors_ > 0) return aborted();
    text = ptx::limitRegisters(std::move(text), request_.maxRegisters);
    text.push_back('\0');  // the driver takes PTX by its end, without a length
    if (!write(text)) return fatal("output file '" + request_.output + "' cannot be written");
    return std::move(outcome_);
  }

 private:
  const PtxasRequest& request_;
  std::string name_;
  PtxasOutcome outcome_;
  int errors_ = 0;

  bool readInput(std::string& text) {
    if (request_.inputIsText) return text = request_.input, true;
    std::ifstream file(request_.input, std::ios::binary);
    if (!file) return false;
    text.assign(std::istreambuf_iterator<char>(file), {});
    return !file.bad();
  }

  bool write(const std::string& text) {
    std::ofstream file(request_.output, std::ios::binary);
    file.write(text.data(), std::streamsize(text.size()));
    file.close();
    return bool(file);
  }

  static std::string architecture(uint32_t arch, char suffix) {
    return "sm_" + std::to_string(arch) + (suffix ? std::string(1, suffix) : "");
  }

  void checkArchitecture(const ptx::Module& module) {
    const std::string target = architecture(module.target, module.targetSuffix), gpu = architecture(request_.arch, request_.archSuffix);
    bool fits = module.target <= request_.arch;
    if (module.targetSuffix == 'a') fits = target == gpu;
    if (module.targetSuffix == 'f') fits = fits && module.target / 10 == request_.arch / 10 && request_.archSuffix;
    if (!fits) error(ptx::place(module, {1, 1}) + ".target " + target + " cannot be assembled for " + gpu);
  }

  void checkFunction(const ptx::Module& module, const ptx::Function& function) {
    if (!function.hasBody) return;
    if (request_.verbose && function.isEntry)
      note("info    : Compiling entry function '" + function.name + "' for '" + architecture(request_.arch, request_.archSuffix) + "'");
    auto body = ptx::parseBody(module, function);
    if (!body) return error(body.error().message);
    for (const ptx::Diagnostic& found : ptx::validate(module, function, **body))
      if (found.severity == ptx::Diagnostic::Severity::Error) error(found.message);
      else warn(found.message);
    for (const ptx::Instruction& instruction : (*body)->instructions)
      if (instruction.form != ptx::Form::Unknown && ptx::formInfo(instruction.form).planned)
        warn(ptx::place(module, instruction.loc) + std::string(ptx::formInfo(instruction.form).mnemonic) +
             ": this form is not supported by anywarp yet, a launch of '" + function.name + "' will fail");
  }

  void note(const std::string& text) { outcome_.messages += "ptxas " + text + "\n"; }

  void error(const std::string& message) {
    ++errors_;
    report("error   : ", message);
  }
  void warn(const std::string& message) {
    if (request_.warningsAreErrors) return error(message);
    if (!request_.silent) report("warning : ", message);
  }

  // "x.ptx:12:5: reason" -> "ptxas x.ptx, line 12; error   : reason"
  void report(const char* severity, const std::string& message) {
    const std::string start = name_ + ":";
    const size_t afterLine = message.find(':', start.size());
    const size_t afterColumn = afterLine == message.npos ? message.npos : message.find(": ", afterLine + 1);
    if (!message.starts_with(start) || afterColumn == message.npos) return note(severity + message);
    note(name_ + ", line " + message.substr(start.size(), afterLine - start.size()) + "; " + severity + message.substr(afterColumn + 2));
  }

  PtxasOutcome aborted() { return fatal("'" + name_ + "' has errors, no output is written"); }
  PtxasOutcome fatal(const std::string& why) {
    note("fatal   : " + why);
    outcome_.exitCode = failure;
    return std::move(outcome_);
  }
};

std::string versionText() {
  return std::string("ptxas: PTX checked and kept as it is, by anywarp ") + version() + "\nin place of CUDA compilation tools, release " + release +
         ", V" + release + ".0\n";
}

}  // namespace

PtxasOutcome runPtxas(std::span<const std::string> arguments) {
  auto request = readCommandLine(arguments);
  if (!request) return {failure, "", "ptxas fatal   : " + request.error().message + "\n"};
  if (request->help) return {0, ptxasHelp(), ""};
  if (request->version) return {0, versionText(), ""};
  return Assembler(*request).run();
}

}  // namespace anywarp::toolchain
