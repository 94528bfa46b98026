// Makes the object file with the quick tier's handlers for one CPU level, while anywarp is built.
// usage: anywarp-handlers LIST CPU SYMBOL OUTPUT. SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <llvm/IR/LLVMContext.h>
#include <llvm/IR/Module.h>

#include <fstream>
#include <iterator>

#include "compiler/codegen/handlers.h"
#include "compiler/jit/emit.h"
#include "compiler/quick/keys/keys.h"
#include "support/host_cpu.h"

namespace anywarp {
namespace {

Result<std::vector<uint8_t>> makeObject(const std::string& list, const std::string& cpu, const std::string& symbol) {
  std::vector<std::string> unknown;
  std::vector<ptx::Instruction> instructions = quick::handlerInstructions(list, unknown);
  if (!unknown.empty()) return Error{ErrorKind::Invalid, fmt::format("no instruction of operands alone: {}", fmt::join(unknown, " "))};
  std::vector<codegen::NamedHandler> handlers;
  for (const ptx::Instruction& inst : instructions) handlers.push_back({quick::handlerKey(inst), &inst});

  jit::EmitOptions emit;
  emit.cpu = cpu;
  emit.features = featuresOfLevel(cpu);
  emit.optLevel = 2;
  llvm::LLVMContext context;
  llvm::Module module("handlers", context);
  if (Status s = jit::prepareModule(module, emit); !s) return s.error();
  codegen::HostTarget host = codegen::HostTarget::parse(module.getTargetTriple(), emit.features);
  auto attributes = [&](llvm::Function& function) { jit::setFunctionAttributes(function, emit); };
  if (Status s = codegen::emitHandlers(module, host, std::move(handlers), symbol, attributes); !s) return s.error();
  return jit::optimizeAndEmit(module, emit);
}

int run(const std::string& listFile, const std::string& cpu, const std::string& symbol, const std::string& output) {
  std::ifstream in(listFile);
  std::string list((std::istreambuf_iterator<char>(in)), {});
  if (!in) {
    fmt::print(stderr, "anywarp-handlers: cannot read {}\n", listFile);
    return 1;
  }
  Result<std::vector<uint8_t>> object = Error{ErrorKind::Invalid, "not made"};
  Status guarded = jit::guarded([&] { object = makeObject(list, cpu, symbol); });
  if (!guarded || !object) {
    fmt::print(stderr, "anywarp-handlers: {}\n", guarded ? object.error().message : guarded.error().message);
    return 1;
  }
  std::ofstream out(output, std::ios::binary);
  out.write(reinterpret_cast<const char*>(object->data()), static_cast<std::streamsize>(object->size()));
  return out.flush() ? 0 : 1;
}

}  // namespace
}  // namespace anywarp

int main(int argc, char** argv) {
  if (argc != 5) {
    fmt::print(stderr, "usage: anywarp-handlers LIST CPU SYMBOL OUTPUT\n");
    return 2;
  }
  return anywarp::run(argv[1], argv[2], argv[3], argv[4]);
}
