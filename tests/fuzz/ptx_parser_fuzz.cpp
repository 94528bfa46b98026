// Any text through the whole PTX front end: no crash, no hang, and what parses prints to what parses.
// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "compiler/ptx/ast.h"
#include "compiler/ptx/cfg.h"
#include "compiler/ptx/printer.h"
#include "compiler/ptx/validate.h"

using namespace anywarp::ptx;

namespace {

// False where a body does not parse; then nothing is asked of the printer.
bool walk(const Module& module) {
  bool complete = true;
  for (const Function& function : module.functions) {
    if (!function.hasBody) continue;
    auto body = parseBody(module, function);
    if (!body) {
      complete = false;
      continue;
    }
    buildCfg(**body);
    validate(module, function, **body);
    for (const Instruction& instruction : (*body)->instructions)
      complete &= instruction.form != Form::Unknown;
  }
  return complete;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto module = parseModule(std::string(reinterpret_cast<const char*>(data), size), "fuzz.ptx");
  if (!module || !walk(**module)) return 0;
  auto once = print(**module);
  if (!once) std::abort();
  auto again = parseModule(*once, "printed.ptx");
  if (!again) {
    std::fprintf(stderr, "%s\n%s\n", again.error().message.c_str(), once->c_str());
    std::abort();
  }
  auto twice = print(**again);
  if (!twice || *once != *twice) {
    std::fprintf(stderr, "%s\n---\n%s\n---\n%s\n", twice ? "printed twice differs" : twice.error().message.c_str(), once->c_str(),
                 twice ? twice->c_str() : "");
    std::abort();
  }
  return 0;
}
