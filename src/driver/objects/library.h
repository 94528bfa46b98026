// Code: libraries and their kernels, which know no context, and their instances in contexts (modules and functions).
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "abi/cuda_types.h"
#include "compiler/fatbin/fatbin.h"
#include "compiler/plan.h"
#include "compiler/ptx/ast.h"
#include "device/context.h"
#include "driver/errors.h"
#include "driver/objects/handles.h"
#include "driver/process.h"
#include "support/hash.h"

namespace anywarp::driver {

class Context;
class Library;

// What cuFuncSetAttribute and its like change, per device.
struct KernelSettings {
  std::atomic<int> maxDynamicShared{-1};  // -1: as it comes
  std::atomic<int> carveout{CU_SHAREDMEM_CARVEOUT_DEFAULT};
  std::atomic<int> nonPortableCluster{0};
  std::atomic<int> clusterPolicy{0};
  std::atomic<int> clusterDim[3] = {0, 0, 0};
  std::atomic<unsigned> cacheConfig{CU_FUNC_CACHE_PREFER_NONE};
};

// Where the parameters of a kernel lie in its packed image.
struct ParamLayout {
  struct Param {
    size_t offset, size;
  };
  std::vector<Param> params;
  size_t total = 0;
};

// What a kernel takes from its block, found in its body.
struct KernelUsage {
  uint32_t staticShared = 0;
  uint32_t local = 0;  // per thread
  uint32_t registers = 32;  // of a thread: an estimate
};

// One .entry of a library; CUkernel.
class Kernel {
 public:
  // `like`: the same kernel for another compute capability, whose settings and handle it shares.
  Kernel(std::weak_ptr<Library> library, const ptx::Module& module, uint32_t index, const Kernel* like = nullptr);

  const ptx::Function& function() const { return module.functions[index]; }
  // Fails when the body does not parse.
  const Result<KernelUsage>& usage() const;
  KernelSettings& settings(CUdevice device) { return settings_[static_cast<size_t>(device)]; }
  // The largest block that .maxntid and .reqntid allow.
  uint32_t maxThreads() const;

  CUkernel handle = nullptr;
  const std::weak_ptr<Library> library;
  const ptx::Module& module;
  const uint32_t index;  // into module.functions
  const ParamLayout layout;

 private:
  std::shared_ptr<KernelSettings[]> settings_;
  mutable std::once_flag usageOnce_;
  mutable std::optional<Result<KernelUsage>> usage_;
};

// The PTX of a library for one compute capability, linked and indexed, with the plans made from it.
struct Code {
  explicit Code(std::unique_ptr<ptx::Module> parsed) : module(std::move(parsed)), plans(module) {}

  Hash128 hash;                   // of the PTX as it came
  std::shared_ptr<ptx::Module> module;
  mutable compiler::PlanCache plans;
  std::vector<std::shared_ptr<Kernel>> kernels;
  std::unordered_map<std::string_view, Kernel*> kernelsByName;
};

enum class Loading : uint8_t { Now, OnUse };

// What cuLibraryLoadData or a cuModuleLoad made. Its managed variables exist once, everything else once per context.
class Library : public std::enable_shared_from_this<Library> {
 public:
  using Arches = std::vector<uint32_t>;  // compute capabilities of devices that it may run on; kernels are those of the first

  // `data` is a program's pointer; with Loading::OnUse it stays valid until the library is unloaded.
  // Kernels that do not limit their registers get `maxRegisters`, unless that is 0.
  static std::shared_ptr<Library> fromPointer(const void* data, Arches arches, Loading loading, uint32_t maxRegisters = 0);
  static std::shared_ptr<Library> fromBytes(std::vector<uint8_t> bytes, Arches arches, uint32_t maxRegisters = 0);
  ~Library();

  // Reads and indexes the PTX when that has not been done. The error, too, is kept; failure() is the CUresult that it means.
  Result<Code*> code();
  CUresult failure() const { return toResult(*error_, failedDuring_); }
  // What runs on a device of that capability, after code() has succeeded.
  const std::shared_ptr<Code>& codeFor(uint32_t arch) const;

  // Address of a managed variable. Made when first asked for.
  Result<void*> managed(const ptx::Variable& variable);

  CUlibrary handle = nullptr;

 private:
  void loadAll();
  Result<std::shared_ptr<Code>> load(uint32_t arch);

  const void* data_ = nullptr;
  std::vector<uint8_t> bytes_;
  Arches arches_;
  uint32_t maxRegisters_ = 0;
  std::once_flag once_;
  std::vector<std::shared_ptr<Code>> codes_;  // as arches_; equal ones are one object
  std::optional<Error> error_;
  During failedDuring_ = During::ReadImage;
  std::mutex managedMutex_;
  std::unordered_map<std::string, void*> managed_;
};

// The capabilities of all devices that the program sees, each once.
Library::Arches visibleArches();

// What a launch needs of an instance; lives on while a kernel is queued. Kernels launch others of the same module through it.
struct SymbolTable final : device::ChildLauncher {
  std::vector<uint64_t> addresses;          // as abi::LaunchInfo::symbols
  std::unique_ptr<uint64_t[]> functions;    // records that function handles point to
  std::shared_ptr<const Code> code;
  const VisibleDevice* device = nullptr;

  std::optional<size_t> paramBytes(uint64_t function) const override;
  std::optional<device::KernelFacts> facts(uint64_t function) const override;
  std::optional<int> activeBlocks(uint64_t function, uint32_t threads, uint64_t dynamicSharedBytes) const override;
  Result<device::LaunchRequest> prepare(uint64_t function, const abi::Dim3& grid, const abi::Dim3& block, uint32_t sharedBytes) const override;

 private:
  Kernel* kernelOf(uint64_t function) const;
};

class Instance;

// What the old launch calls (cuFuncSetBlockShape, cuParamSet*, cuLaunch) collect.
struct PendingLaunch {
  abi::Dim3 block;
  unsigned sharedBytes = 0;
  std::vector<uint8_t> params;
};

// A kernel in a context; CUfunction.
struct Function {
  std::mutex pendingMutex;
  PendingLaunch pending;
  CUfunction handle = nullptr;
  std::weak_ptr<Instance> instance;
  std::shared_ptr<Kernel> kernel;
};

// A library in a context; CUmodule.
class Instance : public std::enable_shared_from_this<Instance> {
 public:
  static Result<std::shared_ptr<Instance>> make(const std::shared_ptr<Library>& library, const std::shared_ptr<Context>& context);
  Instance(std::shared_ptr<Library> library, std::weak_ptr<Context> context, std::shared_ptr<device::Context> impl);
  ~Instance();

  const std::shared_ptr<device::Context>& impl() const { return impl_; }
  std::shared_ptr<Context> context() const { return context_.lock(); }
  const std::shared_ptr<Library>& library() const { return library_; }
  Code& code() const { return *code_; }
  // The kernel of this instance that `kernel`, perhaps compiled for another capability, stands for; null where it has none.
  std::shared_ptr<Kernel> kernelLike(const std::shared_ptr<Kernel>& kernel) const;
  const std::shared_ptr<const SymbolTable>& symbols() const { return symbols_; }
  const std::vector<uint64_t>& addresses() const { return symbols_->addresses; }

  std::shared_ptr<Function> functionOf(Kernel& kernel);

  CUmodule handle = nullptr;

 private:
  Status createVariables();
  Status initialise(const std::vector<uint64_t>& addresses, uint32_t variable);

  const std::shared_ptr<Library> library_;
  const std::weak_ptr<Context> context_;
  const std::shared_ptr<device::Context> impl_;
  std::shared_ptr<Code> code_;
  std::shared_ptr<const SymbolTable> symbols_;
  std::vector<void*> owned_;
  std::vector<uint64_t> opaque_;  // handles of .texref, .samplerref and .surfref variables
  std::mutex functionsMutex_;
  std::unordered_map<uint32_t, std::shared_ptr<Function>> functions_;
};

// Whether the PTX is of a version and for a target that exist for this driver. The words are ptxas's, which programs look for.
Status checkVersion(const ptx::Module& module);

// Address and size of a variable in memory, by name.
CUresult globalOf(const Instance& instance, const char* name, CUdeviceptr* pointer, size_t* bytes);

// False when it cannot be read.
bool readFile(const char* path, std::vector<uint8_t>& bytes);

using LibraryTable = HandleTable<Library, CUlibrary, HandleKind::Library>;
using KernelTable = HandleTable<Kernel, CUkernel, HandleKind::Kernel>;
using ModuleTable = HandleTable<Instance, CUmodule, HandleKind::Module>;
using FunctionTable = HandleTable<Function, CUfunction, HandleKind::Function>;
LibraryTable& libraries();
KernelTable& kernels();
ModuleTable& modules();
FunctionTable& functions();

}  // namespace anywarp::driver
