// Instances: the variables of a library in one context, and their initialisers. SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <iterator>

#include "compiler/ptx/opaque.h"
#include "device/memory/memory.h"
#include "device/texture/texture.h"
#include "driver/objects/context.h"
#include "driver/objects/library.h"

namespace anywarp::driver {
namespace {

bool inMemory(const ptx::Variable& variable) {
  return (variable.space == ptx::Space::Global || variable.space == ptx::Space::Const) && !ptx::isOpaque(variable.type);
}

// What a .texref, .samplerref or .surfref is before anything is bound to it.
void describeOpaque(const ptx::Variable& variable, device::TextureRecord& record) {
  using ptx::OpaqueField;
  record.kind = variable.type == ptx::Type::TexRef       ? device::TextureRecord::Kind::Texture
                : variable.type == ptx::Type::SamplerRef ? device::TextureRecord::Kind::Sampler
                                                         : device::TextureRecord::Kind::Surface;
  for (unsigned axis = 0; axis < 3; ++axis) {
    using enum device::AddressMode;
    constexpr device::AddressMode modes[] = {Wrap, Mirror, Clamp, Clamp, Border};
    if (auto mode = ptx::opaqueField(variable, static_cast<OpaqueField>(axis))) record.sampler.address[axis] = modes[std::min(*mode, 4u)];
  }
  record.sampler.linear = ptx::opaqueField(variable, OpaqueField::FilterMode).value_or(0) == 1;
  bool unnormalized = ptx::opaqueField(variable, OpaqueField::ForceUnnormalizedCoords).value_or(0) == 1;
  bool byDefault = variable.type == ptx::Type::SamplerRef;  // a sampler of its own has normalised coordinates unless it says otherwise
  record.sampler.normalized = !unnormalized && ptx::opaqueField(variable, OpaqueField::NormalizedCoords).value_or(byDefault) == 1;
}

// A function of the module that something outside it must define.
bool isMissing(const ptx::Variable& variable) { return variable.linkage == ptx::Linkage::Extern && inMemory(variable); }

}  // namespace

Result<std::shared_ptr<Instance>> Instance::make(const std::shared_ptr<Library>& library, const std::shared_ptr<Context>& context) {
  Result<Code*> code = library->code();
  if (!code) return code.error();
  std::shared_ptr<device::Context> impl = context->active();
  if (!impl) return Error{ErrorKind::Invalid, "context is not active"};
  auto instance = std::make_shared<Instance>(library, context, impl);
  instance->code_ = library->codeFor(context->device.arch());
  if (Status status = instance->createVariables(); !status) return status.error();
  modules().add(instance);
  return instance;
}

Instance::Instance(std::shared_ptr<Library> library, std::weak_ptr<Context> context, std::shared_ptr<device::Context> impl)
    : library_(std::move(library)), context_(std::move(context)), impl_(std::move(impl)) {}

Instance::~Instance() {
  for (auto& [index, function] : functions_) functions().take(function->handle);
  for (uint64_t handle : opaque_) device::TextureTable::instance().remove(handle);
  for (void* address : owned_) (void)device::Memory::instance().release(address);
}

Status Instance::createVariables() {
  const ptx::Module& module = *code_->module;
  auto table = std::make_shared<SymbolTable>();
  table->code = code_;
  if (std::shared_ptr<Context> context = context_.lock()) table->device = &context->device;
  table->addresses.resize(module.variables.size() + module.functions.size());
  for (uint32_t i = 0; i < module.variables.size(); ++i) {
    const ptx::Variable& variable = module.variables[i];
    if (ptx::isOpaque(variable.type)) {
      device::TextureRecord record;
      describeOpaque(variable, record);
      table->addresses[i] = device::TextureTable::instance().add(record);
      if (!table->addresses[i]) return Error{ErrorKind::OutOfMemory, "no more texture handles"};
      opaque_.push_back(table->addresses[i]);
      continue;
    }
    if (!inMemory(variable)) continue;
    if (isMissing(variable)) return Error{ErrorKind::Invalid, fmt::format("{}:{}: extern variable {} is defined nowhere", module.name, variable.loc.line, variable.name)};
    Result<void*> address = variable.managed
                                ? library_->managed(variable)
                                : impl_->allocate(std::max<uint64_t>(variable.size, 1), device::MemoryKind::Variable, 0, std::max<uint64_t>(variable.align, 256));
    if (!address) return address.error();
    if (!variable.managed) owned_.push_back(*address);
    table->addresses[i] = reinterpret_cast<uintptr_t>(*address);
  }
  table->functions.reset(new uint64_t[std::max<size_t>(module.functions.size(), 1)]());
  for (size_t j = 0; j < module.functions.size(); ++j) {
    table->functions[j] = j;
    table->addresses[module.variables.size() + j] = reinterpret_cast<uintptr_t>(&table->functions[j]);
  }
  for (uint32_t i = 0; i < module.variables.size(); ++i)
    if (Status status = initialise(table->addresses, i); !status) return status;
  symbols_ = std::move(table);
  return {};
}

Status Instance::initialise(const std::vector<uint64_t>& addresses, uint32_t index) {
  const ptx::Module& module = *code_->module;
  const ptx::Variable& variable = module.variables[index];
  if (!inMemory(variable)) return {};
  auto* memory = reinterpret_cast<uint8_t*>(addresses[index]);
  if (!variable.managed) {
    size_t given = std::min<size_t>(variable.init.size(), variable.size);
    std::copy_n(variable.init.begin(), given, memory);
    std::fill_n(memory + given, std::max<uint64_t>(variable.size, 1) - given, uint8_t{0});
  }
  for (const ptx::InitReference& reference : variable.references) {
    int v = module.findVariable(reference.name);
    int f = v < 0 ? module.findFunction(reference.name) : -1;
    if (v < 0 && f < 0)
      return Error{ErrorKind::Invalid, fmt::format("{}:{}: initialiser of {} refers to {}, which is defined nowhere", module.name, variable.loc.line, variable.name, reference.name)};
    uint64_t value = addresses[v >= 0 ? static_cast<size_t>(v) : module.variables.size() + static_cast<size_t>(f)] + static_cast<uint64_t>(reference.addend);
    if (reference.bytes > 8 || reference.offset > variable.size || variable.size - reference.offset < reference.bytes)
      return Error{ErrorKind::Invalid, fmt::format("{}:{}: initialiser of {} is longer than its {} bytes", module.name, variable.loc.line, variable.name, variable.size)};
    std::memcpy(memory + reference.offset, &value, reference.bytes);
  }
  return {};
}

std::shared_ptr<Function> Instance::functionOf(Kernel& kernel) {
  std::lock_guard lock(functionsMutex_);
  std::shared_ptr<Function>& function = functions_[kernel.index];
  if (function) return function;
  function = std::make_shared<Function>();
  function->instance = weak_from_this();
  for (const std::shared_ptr<Kernel>& known : code_->kernels)
    if (known.get() == &kernel) function->kernel = known;
  driver::functions().add(function);
  return function;
}

std::shared_ptr<Kernel> Instance::kernelLike(const std::shared_ptr<Kernel>& kernel) const {
  if (&kernel->module == code_->module.get()) return kernel;
  auto found = code_->kernelsByName.find(kernel->function().name);
  if (found == code_->kernelsByName.end()) return nullptr;
  for (const std::shared_ptr<Kernel>& own : code_->kernels)
    if (own.get() == found->second) return own;
  return nullptr;
}

CUresult globalOf(const Instance& instance, const char* name, CUdeviceptr* pointer, size_t* bytes) {
  if (!name || (!pointer && !bytes)) return CUDA_ERROR_INVALID_VALUE;
  const ptx::Module& module = *instance.code().module;
  int index = module.findVariable(name);
  if (index < 0 || !inMemory(module.variables[static_cast<size_t>(index)])) return CUDA_ERROR_NOT_FOUND;
  if (pointer) *pointer = instance.addresses()[static_cast<size_t>(index)];
  if (bytes) *bytes = module.variables[static_cast<size_t>(index)].size;
  return CUDA_SUCCESS;
}

bool readFile(const char* path, std::vector<uint8_t>& bytes) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return false;
  bytes.assign(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  return !file.bad();
}

}  // namespace anywarp::driver
