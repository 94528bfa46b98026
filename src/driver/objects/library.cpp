// Libraries: reading the program's image, kernels, managed variables. SPDX-License-Identifier: Apache-2.0
#include "driver/objects/library.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "compiler/link.h"
#include "compiler/ptx/register_estimate.h"
#include "compiler/ptx/register_limit.h"
#include "compiler/ptx/validate.h"
#include "device/memory/memory.h"
#include "driver/objects/context.h"
#include "driver/objects/device_runtime.h"
#include "support/log.h"
#include "support/options.h"

namespace anywarp::driver {
namespace {

ParamLayout layoutOf(const ptx::Function& function) {
  ParamLayout layout;
  for (const ptx::Variable& param : function.params) {
    size_t align = std::max<uint64_t>(param.align, 1);
    size_t offset = (layout.total + align - 1) / align * align;
    layout.params.push_back({offset, param.size});
    layout.total = offset + param.size;
  }
  return layout;
}

uint32_t alignUp(uint64_t value, uint64_t align) {
  align = std::max<uint64_t>(align, 1);
  return static_cast<uint32_t>((value + align - 1) / align * align);
}

Result<KernelUsage> usageOf(const ptx::Module& module, const ptx::Function& function) {
  Result<std::unique_ptr<ptx::Body>> body = ptx::parseBody(module, function);
  if (!body) return body.error();
  KernelUsage usage;
  usage.registers = ptx::estimateRegisters(**body);
  for (const ptx::Variable& variable : (*body)->variables) {
    uint32_t* counter = variable.space == ptx::Space::Shared ? &usage.staticShared : variable.space == ptx::Space::Local ? &usage.local : nullptr;
    if (counter) *counter = static_cast<uint32_t>(alignUp(*counter, variable.align) + variable.size);
  }
  std::vector<bool> counted(module.variables.size());
  auto count = [&](const ptx::SymbolRef& symbol) {
    if (symbol.kind != ptx::SymbolKind::ModuleVariable || symbol.index >= counted.size() || counted[symbol.index]) return;
    const ptx::Variable& variable = module.variables[symbol.index];
    if (variable.space != ptx::Space::Shared || variable.unsized) return;
    counted[symbol.index] = true;
    usage.staticShared = static_cast<uint32_t>(alignUp(usage.staticShared, variable.align) + variable.size);
  };
  for (const ptx::Instruction& instruction : (*body)->instructions)
    for (const ptx::Operand& operand : instruction.operands)
      if (operand.kind == ptx::Operand::Kind::Symbol || operand.hasSymbol) count(operand.symbol);
  return usage;
}

// The newest PTX that is understood; cuDNN's is 9.1.
constexpr uint32_t newestMajor = 9, newestMinor = 1;

constexpr uint32_t targets[] = {10, 11, 12, 13, 20, 21, 30, 32, 35, 37, 50, 52, 53, 60, 61, 62, 70, 72, 75,
                                80, 86, 87, 88, 89, 90, 100, 101, 103, 110, 120, 121};

// Of nvcc -maxrregcount=N, which it passes on in the fat binary.
uint32_t registerLimit(std::string_view options) {
  constexpr std::string_view name = "-maxrregcount";
  size_t at = options.find(name);
  if (at == options.npos) return 0;
  return static_cast<uint32_t>(std::strtoul(std::string(options.substr(std::min(at + name.size() + 1, options.size()))).c_str(), nullptr, 10));
}

// Bodies are read when their kernel is launched; those of a program's own PTX at once, as long as that takes no time, so that its
// errors are where the program looks for them.
constexpr size_t checkedTextBytes = 256 * 1024;

Status checkBodies(const ptx::Module& module) {
  for (const ptx::Function& function : module.functions) {
    if (!function.hasBody) continue;
    if (Result<std::unique_ptr<ptx::Body>> body = ptx::parseCheckedBody(module, function); !body) return body.error();
  }
  return {};
}

}  // namespace

Status checkVersion(const ptx::Module& module) {
  // Newer minor versions add instructions; those that are unknown here are refused by name when their kernel is compiled.
  if (module.versionMajor > newestMajor)
    return Error{ErrorKind::Unsupported, fmt::format("{}: Unsupported .version {}.{}; current version is '{}.{}'", module.name, module.versionMajor,
                                                     module.versionMinor, newestMajor, newestMinor)};
  if (std::find(std::begin(targets), std::end(targets), module.target) == std::end(targets))
    return Error{ErrorKind::Invalid, fmt::format("{}: Unsupported .target 'sm_{}'", module.name, module.target)};
  return {};
}

LibraryTable& libraries() {
  static LibraryTable& table = *new LibraryTable;
  return table;
}

KernelTable& kernels() {
  static KernelTable& table = *new KernelTable;
  return table;
}

ModuleTable& modules() {
  static ModuleTable& table = *new ModuleTable;
  return table;
}

FunctionTable& functions() {
  static FunctionTable& table = *new FunctionTable;
  return table;
}

Kernel::Kernel(std::weak_ptr<Library> library, const ptx::Module& module, uint32_t index, const Kernel* like)
    : handle(like ? like->handle : nullptr), library(std::move(library)), module(module), index(index), layout(layoutOf(module.functions[index])),
      settings_(like ? like->settings_ : std::shared_ptr<KernelSettings[]>(new KernelSettings[std::max<size_t>(visibleDevices().size(), 1)])) {}

const Result<KernelUsage>& Kernel::usage() const {
  std::call_once(usageOnce_, [&] { usage_ = usageOf(module, function()); });
  return *usage_;
}

uint32_t Kernel::maxThreads() const {
  const ptx::Function& f = function();
  const uint32_t* given = f.reqntid[0] ? f.reqntid : f.maxntid;
  if (!given[0]) return abi::maxThreadsPerBlock;
  uint64_t product = uint64_t(given[0]) * std::max(given[1], 1u) * std::max(given[2], 1u);
  return static_cast<uint32_t>(std::min<uint64_t>(product, abi::maxThreadsPerBlock));
}

Library::Arches visibleArches() {
  Library::Arches arches;
  for (const VisibleDevice& device : visibleDevices())
    if (std::find(arches.begin(), arches.end(), device.arch()) == arches.end()) arches.push_back(device.arch());
  return arches;
}

std::shared_ptr<Library> Library::fromPointer(const void* data, Arches arches, Loading loading, uint32_t maxRegisters) {
  auto library = std::make_shared<Library>();
  library->data_ = data;
  library->arches_ = std::move(arches);
  library->maxRegisters_ = maxRegisters;
  if (loading == Loading::Now) (void)library->code();
  return library;
}

std::shared_ptr<Library> Library::fromBytes(std::vector<uint8_t> bytes, Arches arches, uint32_t maxRegisters) {
  auto library = std::make_shared<Library>();
  library->bytes_ = std::move(bytes);
  library->arches_ = std::move(arches);
  library->maxRegisters_ = maxRegisters;
  (void)library->code();
  return library;
}

Library::~Library() {
  if (!codes_.empty())
    for (const std::shared_ptr<Kernel>& kernel : codes_[0]->kernels) kernels().take(kernel->handle);
  for (auto& [name, address] : managed_) (void)device::Memory::instance().release(address);
}

Result<Code*> Library::code() {
  std::call_once(once_, [&] { loadAll(); });
  if (error_) return *error_;
  return codes_[0].get();
}

const std::shared_ptr<Code>& Library::codeFor(uint32_t arch) const {
  auto found = std::find(arches_.begin(), arches_.end(), arch);
  return codes_[found == arches_.end() ? 0 : static_cast<size_t>(found - arches_.begin())];
}

void Library::loadAll() {
  for (uint32_t arch : arches_) {
    Result<std::shared_ptr<Code>> loaded = load(arch);
    if (!loaded && codes_.empty()) {
      error_ = loaded.error();
      return;
    }
    if (!loaded) log::warn("library: devices of capability {} use the code for {}: {}", arch, arches_[0], loaded.error().message);
    codes_.push_back(loaded ? *loaded : codes_[0]);
  }
  bytes_ = {};
}

Result<std::shared_ptr<Code>> Library::load(uint32_t arch) {
  if (options::cudaDisablePtxJit()) return Error{ErrorKind::NotFound, "CUDA_DISABLE_PTX_JIT is set: no PTX is compiled"};
  failedDuring_ = During::ReadImage;
  Result<fatbin::Program> program = data_ ? fatbin::readProgramAt(data_, arch) : fatbin::readProgram(bytes_, arch);
  if (!program) return program.error();
  Hasher hasher;
  if (arches_.size() > 1)
    for (const fatbin::PtxSource& source : program->modules) hasher.text(source.text).text(source.options);
  Hash128 hash = hasher.finish();
  for (const std::shared_ptr<Code>& known : codes_)
    if (known->hash == hash) return known;
  for (fatbin::PtxSource& source : program->modules)
    if (uint32_t limit = registerLimit(source.options)) source.text = ptx::limitRegisters(std::move(source.text), limit);
  addDeviceRuntime(*program);
  failedDuring_ = During::ReadPtx;
  Result<std::unique_ptr<ptx::Module>> module = compiler::linkModules(std::move(program->modules));
  if (!module) return module.error();
  for (ptx::Function& function : (*module)->functions)
    if (maxRegisters_ && function.isEntry && !function.maxnreg) function.maxnreg = maxRegisters_;
  if (Status status = checkVersion(**module); !status) return status.error();
  if (program->isText && (*module)->text.size() <= checkedTextBytes)
    if (Status status = checkBodies(**module); !status) return status.error();
  auto code = std::make_shared<Code>(std::move(*module));
  code->hash = hash;
  for (uint32_t i = 0; i < code->module->functions.size(); ++i) {
    const ptx::Function& function = code->module->functions[i];
    if (!function.isEntry || !function.hasBody) continue;
    const Kernel* like = nullptr;
    if (!codes_.empty())
      if (auto found = codes_[0]->kernelsByName.find(function.name); found != codes_[0]->kernelsByName.end()) like = found->second;
    auto kernel = std::make_shared<Kernel>(weak_from_this(), *code->module, i, like);
    if (codes_.empty()) kernels().add(kernel);
    code->kernelsByName.emplace(function.name, kernel.get());
    code->kernels.push_back(std::move(kernel));
  }
  log::debug("library: {} kernels, {} variables, {} bytes of PTX {}.{} for sm_{}", code->kernels.size(), code->module->variables.size(),
             code->module->text.size(), code->module->versionMajor, code->module->versionMinor, code->module->target);
  return code;
}

Result<void*> Library::managed(const ptx::Variable& variable) {
  std::lock_guard lock(managedMutex_);
  auto found = managed_.find(variable.name);
  if (found != managed_.end()) return found->second;
  Result<void*> made = device::Memory::instance().allocate({.bytes = std::max<uint64_t>(variable.size, 1),
                                                            .alignment = std::max<uint64_t>(variable.align, 256),
                                                            .kind = device::MemoryKind::Managed,
                                                            .flags = CU_MEM_ATTACH_GLOBAL});
  if (!made) return made;
  std::fill_n(static_cast<uint8_t*>(*made), variable.size, uint8_t{0});
  std::copy_n(variable.init.begin(), std::min<size_t>(variable.init.size(), variable.size), static_cast<uint8_t*>(*made));
  managed_.emplace(variable.name, *made);
  return made;
}

}  // namespace anywarp::driver
