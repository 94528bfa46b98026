// Deals the functions of a module out to threads, each with an LLVMContext of its own. SPDX-License-Identifier: Apache-2.0
#include "compiler/jit/parts.h"

#include <llvm/Bitcode/BitcodeReader.h>
#include <llvm/Bitcode/BitcodeWriter.h>
#include <llvm/IR/LLVMContext.h>
#include <llvm/IR/Module.h>
#include <llvm/Support/MemoryBuffer.h>
#include <llvm/Support/raw_ostream.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <set>

#include "compiler/jit/code_generator.h"
#include "compiler/jit/diagnostics.h"
#include "compiler/object/join.h"
#include "support/host_cores.h"
#include "support/options.h"

namespace anywarp::jit {
namespace {

// Instructions of IR for which another thread pays.
constexpr size_t worthAThread = 2000;
constexpr unsigned mostThreads = 16;

std::atomic<unsigned> compiling{0};

size_t sizeOf(const llvm::Function& function) { return function.isDeclaration() ? 0 : function.getInstructionCount(); }

struct Share {
  std::set<std::string> functions;
  size_t instructions = 0;
};

// Each function to who has least, the largest first.
std::vector<Share> deal(const llvm::Module& module, unsigned parts) {
  std::vector<const llvm::Function*> order;
  for (const llvm::Function& function : module)
    if (!function.isDeclaration()) order.push_back(&function);
  std::stable_sort(order.begin(), order.end(), [](auto* a, auto* b) { return sizeOf(*a) > sizeOf(*b); });
  std::vector<Share> shares(parts);
  for (const llvm::Function* function : order) {
    auto least = std::min_element(shares.begin(), shares.end(), [](const Share& a, const Share& b) { return a.instructions < b.instructions; });
    least->functions.insert(function->getName().str());
    least->instructions += sizeOf(*function);
  }
  std::erase_if(shares, [](const Share& share) { return share.functions.empty(); });
  return shares;
}

// What parts have in common must have a name that other objects see, until they are joined.
void makeGlobal(llvm::GlobalValue& value, std::set<std::string, std::less<>>& wereLocal) {
  if (!value.hasLocalLinkage()) return;
  if (!value.hasName()) value.setName("anywarp.unnamed");
  wereLocal.insert(value.getName().str());
  value.setLinkage(llvm::GlobalValue::ExternalLinkage);
  value.setVisibility(llvm::GlobalValue::HiddenVisibility);
  value.setDSOLocal(true);
}

// Constants go into each part that has a use for them, all else that is no function into the first.
void keepVariables(llvm::Module& module, bool isFirst) {
  for (llvm::GlobalVariable& variable : llvm::make_early_inc_range(module.globals())) {
    if (variable.isDeclaration()) continue;
    variable.removeDeadConstantUsers();
    bool copies = variable.isConstant() && variable.hasLocalLinkage();
    if (copies && variable.use_empty()) variable.eraseFromParent();
    else if (!copies && !isFirst) variable.setInitializer(nullptr), variable.setLinkage(llvm::GlobalValue::ExternalLinkage);
  }
}

struct Work {
  std::string bitcode;
  EmitOptions options;
};

struct Part {
  Share share;
  bool isFirst = false;
  std::vector<uint8_t> object;
  std::string error;
};

Status emitPart(const Work& work, Part& part) {
  llvm::LLVMContext context;
  Diagnostics& diagnostics = Diagnostics::of(context);
  auto text = llvm::MemoryBufferRef(work.bitcode, "part");
  auto module = llvm::getLazyBitcodeModule(text, context);
  if (!module) return Error{ErrorKind::Invalid, llvm::toString(module.takeError())};
  for (llvm::Function& function : **module) {
    if (function.isDeclaration()) continue;
    if (!part.share.functions.contains(function.getName().str())) function.deleteBody();
    else if (llvm::Error error = function.materialize()) return Error{ErrorKind::Invalid, llvm::toString(std::move(error))};
  }
  if (llvm::Error error = (*module)->materializeAll()) return Error{ErrorKind::Invalid, llvm::toString(std::move(error))};
  keepVariables(**module, part.isFirst);
  auto generator = takeCodeGenerator(work.options);
  if (!generator) return generator.error();
  part.object = (*generator)->emit(**module);
  if (!diagnostics.errors().empty()) return Error{ErrorKind::Invalid, "code generation: " + diagnostics.errors()};
  giveBack(std::move(*generator), work.options, part.object.size());
  return {};
}

}  // namespace

Threads::Threads(const llvm::Module& module) {
  size_t total = 0;
  for (const llvm::Function& function : module) total += sizeOf(function);
  unsigned wanted = static_cast<unsigned>(std::clamp<size_t>(total / worthAThread, 1, mostThreads));
  if (options::isPassOff("parallel-codegen") || options::timePasses()) wanted = 1;
  unsigned others = compiling.fetch_add(1);
  const unsigned allowed = std::min(computeThreads(), mostThreads);
  unsigned left = allowed > others ? allowed - others : 1;
  count_ = std::min(wanted, left);
  compiling += count_ - 1;
}

Threads::~Threads() { compiling -= count_; }

Result<std::vector<uint8_t>> emitInParts(llvm::Module& module, const EmitOptions& options, unsigned parts) {
  std::set<std::string, std::less<>> wereLocal;
  for (llvm::Function& function : module) makeGlobal(function, wereLocal);
  for (llvm::GlobalVariable& variable : module.globals())
    if (!variable.isConstant()) makeGlobal(variable, wereLocal);
  // Threads that crash leave what they work on behind, so it is theirs too.
  auto work = std::make_shared<Work>();
  work->options = options;
  work->options.dump = nullptr;
  llvm::raw_string_ostream stream(work->bitcode);
  llvm::WriteBitcodeToFile(module, stream);
  stream.flush();

  std::vector<std::shared_ptr<Part>> made;
  std::vector<std::function<void()>> runs;
  for (Share& share : deal(module, parts)) {
    auto part = std::make_shared<Part>();
    part->share = std::move(share);
    part->isFirst = made.empty();
    made.push_back(part);
    runs.push_back([work, part] {
      if (Status done = emitPart(*work, *part); !done) part->error = done.error().message;
    });
  }
  if (Status done = guardedTogether(runs); !done) return done.error();
  std::vector<std::vector<uint8_t>> objects;
  for (auto& part : made) {
    if (!part->error.empty()) return Error{ErrorKind::Invalid, part->error};
    objects.push_back(std::move(part->object));
  }
  return object::joinObjects(objects, wereLocal);
}

}  // namespace anywarp::jit
