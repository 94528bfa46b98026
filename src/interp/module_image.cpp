// A module's variables in memory, and the symbol table that leads to them (PTX: Variables, Initializers).
// SPDX-License-Identifier: Apache-2.0
#include <cstring>

#include "compiler/ptx/opaque.h"
#include "interp/interp.h"

namespace anywarp::interp {
namespace {

// Function handles are opaque: any unique numbers that no kernel may read through.
uint64_t functionHandle(size_t index) { return 0x7f00'0000'0000'0000 + 16 * (index + 1); }

bool hasStorage(const ptx::Variable& variable) {
  return variable.space == ptx::Space::Global || variable.space == ptx::Space::Const;
}

}  // namespace

Result<std::unique_ptr<ModuleImage>> ModuleImage::create(const ptx::Module& module) {
  auto image = std::make_unique<ModuleImage>();
  for (const ptx::Variable& variable : module.variables) {
    std::unique_ptr<uint64_t[]> storage;
    if (hasStorage(variable)) {
      // 256-byte alignment as the device's allocator gives.
      storage = std::make_unique<uint64_t[]>(variable.size / 8 + 33);
      uint64_t begin = (reinterpret_cast<uint64_t>(storage.get()) + 255) & ~uint64_t{255};
      std::memcpy(reinterpret_cast<void*>(begin), variable.init.data(), std::min<size_t>(variable.init.size(), variable.size));
      image->ranges_.push_back({begin, variable.size, variable.space != ptx::Space::Const});
      image->symbols_.push_back(begin);
    } else {
      image->symbols_.push_back(0);
    }
    image->storage_.push_back(std::move(storage));
  }
  for (size_t i = 0; i < module.functions.size(); i++) image->symbols_.push_back(functionHandle(i));

  for (size_t i = 0; i < module.variables.size(); i++) {
    const ptx::Variable& variable = module.variables[i];
    for (const ptx::InitReference& reference : variable.references) {
      int target = module.findVariable(reference.name);
      if (target < 0) {
        int function = module.findFunction(reference.name);
        if (function < 0) return Error{ErrorKind::NotFound, variable.name + ": initialiser names unknown symbol " + reference.name};
        target = static_cast<int>(module.variables.size()) + function;
      }
      if (!image->storage_[i] || reference.offset + reference.bytes > variable.size)
        return Error{ErrorKind::Invalid, variable.name + ": initialiser lies outside the variable"};
      uint64_t value = image->symbols_[target] + static_cast<uint64_t>(reference.addend);
      std::memcpy(reinterpret_cast<uint8_t*>(image->symbols_[i]) + reference.offset, &value, std::min<size_t>(reference.bytes, 8));
    }
  }
  return image;
}

std::vector<Range> ModuleImage::ranges() const { return ranges_; }

TextureSet ModuleImage::samplers(const ptx::Module& module) const {
  using ptx::OpaqueField;
  TextureSet set;
  for (size_t i = 0; i < module.variables.size(); i++) {
    const ptx::Variable& variable = module.variables[i];
    if (variable.type != ptx::Type::SamplerRef) continue;
    TextureObject& object = set[symbols_[i]];
    object.kind = TextureObject::Kind::Sampler;
    for (unsigned axis = 0; axis < 3; axis++) {
      static constexpr Addressing modes[] = {Addressing::Wrap, Addressing::Mirror, Addressing::Clamp, Addressing::Clamp, Addressing::Border};
      auto mode = ptx::opaqueField(variable, static_cast<OpaqueField>(axis));
      if (mode && *mode < 5) object.sampling.addressing[axis] = modes[*mode];
    }
    object.sampling.linear = ptx::opaqueField(variable, OpaqueField::FilterMode) == 1u;
    bool unnormalized = ptx::opaqueField(variable, OpaqueField::ForceUnnormalizedCoords) == 1u;
    object.sampling.normalized = !unnormalized && ptx::opaqueField(variable, OpaqueField::NormalizedCoords).value_or(1) == 1;
  }
  return set;
}

}  // namespace anywarp::interp
