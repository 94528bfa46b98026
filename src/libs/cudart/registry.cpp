// Registered fat binaries, kernels and variables; lazy loading. SPDX-License-Identifier: Apache-2.0
#include "libs/cudart/registry.h"

#include <algorithm>
#include <cstdlib>
#include <shared_mutex>
#include <unordered_map>

namespace anywarp::cudart {
namespace {

struct Registry {
  std::shared_mutex mutex;  // guards everything below
  std::unordered_map<const void*, Kernel*> kernels;
  std::unordered_map<const void*, Variable*> variables;
  std::unordered_map<const void*, Reference*> references;
  std::vector<FatBinary*> binaries;
  std::atomic<bool> managedPending{false};
  std::atomic<bool> exiting{false};
};

// Leaked: programs unregister after our destructors would have run.
Registry& registry() {
  static Registry& r = *new Registry;
  return r;
}

void noteExit() { registry().exiting.store(true); }

// A managed variable's host shadow is a pointer that host code follows.
cudaError_t bindManaged(FatBinary* binary, CUlibrary library) {
  for (Variable* variable : binary->variables) {
    if (!variable->managed) continue;
    CUdeviceptr address = 0;
    CUresult result = driver().cuLibraryGetManaged(&address, nullptr, library, variable->name.c_str());
    if (result != CUDA_SUCCESS) return static_cast<cudaError_t>(result);
    *static_cast<void**>(const_cast<void*>(variable->host)) = reinterpret_cast<void*>(address);
  }
  return cudaSuccess;
}

cudaError_t loadLocked(FatBinary* binary) {
  CUlibrary library = nullptr;
  CUlibraryOption option = static_cast<CUlibraryOption>(1);  // the image stays mapped: no copy is needed
  void* value = reinterpret_cast<void*>(uintptr_t{1});
  CUresult result = driver().cuLibraryLoadData(&library, binary->wrapper, nullptr, nullptr, 0, &option, &value, 1);
  if (result != CUDA_SUCCESS) return static_cast<cudaError_t>(result);
  if (cudaError_t error = bindManaged(binary, library); error != cudaSuccess) return error;
  // At exit the process ends with its libraries loaded: unloading would wait for kernels that still run.
  static const int registered = std::atexit(noteExit);
  (void)registered;
  binary->library.store(library, std::memory_order_release);
  return cudaSuccess;
}

template <class T>
void forget(std::unordered_map<const void*, T*>& map, std::vector<T*>& items) {
  for (T* item : items) {
    auto found = map.find(item->host);
    if (found != map.end() && found->second == item) map.erase(found);
  }
}

Variable* findVariable(const void* host) {
  Registry& r = registry();
  std::shared_lock lock(r.mutex);
  auto found = r.variables.find(host);
  if (found != r.variables.end()) return found->second;
  // Host code names a managed variable by where it lies.
  for (FatBinary* binary : r.binaries) {
    if (!binary->hasManaged || !binary->library.load(std::memory_order_acquire)) continue;
    for (Variable* variable : binary->variables)
      if (variable->managed && *static_cast<void* const*>(variable->host) == host) return variable;
  }
  return nullptr;
}

void insert(FatBinary* binary, Variable* variable) {
  Registry& r = registry();
  std::unique_lock lock(r.mutex);
  binary->variables.push_back(variable);
  r.variables[variable->host] = variable;
}

}  // namespace

FatBinary* addFatBinary(const void* wrapper) {
  Registry& r = registry();
  auto* binary = new FatBinary;
  binary->wrapper = wrapper;
  std::unique_lock lock(r.mutex);
  r.binaries.push_back(binary);
  return binary;
}

// Records of kernels are never freed: compiled code keeps pointers to them.
void removeFatBinary(FatBinary* binary) {
  Registry& r = registry();
  {
    std::unique_lock lock(r.mutex);
    auto found = std::find(r.binaries.begin(), r.binaries.end(), binary);
    if (found == r.binaries.end()) return;
    r.binaries.erase(found);
    forget(r.kernels, binary->kernels);
    forget(r.variables, binary->variables);
    forget(r.references, binary->references);
  }
  std::lock_guard lock(binary->mutex);
  CUlibrary library = binary->library.exchange(nullptr);
  binary->error = cudaErrorCudartUnloading;
  for (Kernel* kernel : binary->kernels) kernel->handle.store(nullptr);
  if (library && !r.exiting.load()) driver().cuLibraryUnload(library);
}

Kernel* addKernel(FatBinary* binary, const void* host, const char* name) {
  Registry& r = registry();
  auto* kernel = new Kernel;
  kernel->binary = binary;
  kernel->host = host;
  kernel->name = name;
  std::unique_lock lock(r.mutex);
  binary->kernels.push_back(kernel);
  r.kernels[host] = kernel;
  return kernel;
}

void addVariable(FatBinary* binary, const void* host, const char* name, size_t size) {
  insert(binary, new Variable{binary, host, name, size, false});
}

void addManagedVariable(FatBinary* binary, void** hostPointer, const char* name, size_t size) {
  insert(binary, new Variable{binary, hostPointer, name, size, true});
  binary->hasManaged = true;
  registry().managedPending.store(true);
}

void addReference(FatBinary* binary, const void* host, const char* name, Reference::Kind kind) {
  Registry& r = registry();
  auto* reference = new Reference{binary, host, name, kind};
  std::unique_lock lock(r.mutex);
  binary->references.push_back(reference);
  r.references[host] = reference;
}

const Reference* findReference(const void* host) {
  Registry& r = registry();
  std::shared_lock lock(r.mutex);
  auto found = r.references.find(host);
  return found == r.references.end() ? nullptr : found->second;
}

cudaError_t moduleOf(FatBinary* binary, CUmodule* module) {
  if (cudaError_t error = load(binary); error != cudaSuccess) return error;
  return static_cast<cudaError_t>(driver().cuLibraryGetModule(module, binary->library.load()));
}

Kernel* findKernel(const void* host) {
  Registry& r = registry();
  std::shared_lock lock(r.mutex);
  auto found = r.kernels.find(host);
  return found == r.kernels.end() ? nullptr : found->second;
}

cudaError_t load(FatBinary* binary) {
  if (binary->library.load(std::memory_order_acquire)) return cudaSuccess;
  std::lock_guard lock(binary->mutex);
  if (binary->library.load() || binary->error != cudaSuccess) return binary->error;
  return binary->error = loadLocked(binary);
}

// Host code reads managed variables without a call that we would see, so they are loaded with the first context.
cudaError_t loadManagedVariables() {
  Registry& r = registry();
  if (!r.managedPending.exchange(false)) return cudaSuccess;
  std::vector<FatBinary*> pending;
  {
    std::shared_lock lock(r.mutex);
    for (FatBinary* binary : r.binaries)
      if (binary->hasManaged) pending.push_back(binary);
  }
  for (FatBinary* binary : pending)
    if (cudaError_t error = load(binary); error != cudaSuccess) return error;
  return cudaSuccess;
}

cudaError_t resolve(Kernel* kernel, CUkernel* handle) {
  if ((*handle = kernel->handle.load(std::memory_order_acquire))) return cudaSuccess;
  if (cudaError_t error = load(kernel->binary); error != cudaSuccess) return error;
  CUresult result = driver().cuLibraryGetKernel(handle, kernel->binary->library.load(), kernel->name.c_str());
  if (result == CUDA_ERROR_NOT_FOUND) return cudaErrorInvalidDeviceFunction;
  if (result != CUDA_SUCCESS) return static_cast<cudaError_t>(result);
  kernel->handle.store(*handle, std::memory_order_release);
  return cudaSuccess;
}

cudaError_t resolveFunction(const void* function, CUfunction* handle) {
  if (!function) return cudaErrorInvalidDeviceFunction;
  if (Kernel* kernel = findKernel(function)) {
    CUkernel found = nullptr;
    cudaError_t error = resolve(kernel, &found);
    *handle = reinterpret_cast<CUfunction>(found);
    return error;
  }
  auto* given = static_cast<CUfunction>(const_cast<void*>(function));
  CUfunction ofKernel = nullptr;
  CUmodule module = nullptr;
  bool isHandle = driver().cuKernelGetFunction(&ofKernel, reinterpret_cast<CUkernel>(given)) == CUDA_SUCCESS ||
                  driver().cuFuncGetModule(&module, given) == CUDA_SUCCESS;
  if (!isHandle) return cudaErrorInvalidDeviceFunction;
  *handle = given;
  return cudaSuccess;
}

cudaError_t resolveSymbol(const void* symbol, CUdeviceptr* address, size_t* size) {
  Variable* variable = findVariable(symbol);
  if (!variable) return cudaErrorInvalidSymbol;
  if (cudaError_t error = load(variable->binary); error != cudaSuccess) return error;
  auto get = variable->managed ? driver().cuLibraryGetManaged : driver().cuLibraryGetGlobal;
  CUresult result = get(address, size, variable->binary->library.load(), variable->name.c_str());
  return result == CUDA_ERROR_NOT_FOUND ? cudaErrorInvalidSymbol : static_cast<cudaError_t>(result);
}

}  // namespace anywarp::cudart
