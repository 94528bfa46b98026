// What host code registers from constructors: fat binaries, and the kernels and variables in them.
// Nothing is loaded before its first use. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <vector>

#include "libs/cudart/driver.h"

namespace anywarp::cudart {

struct Kernel;
struct Variable;
struct Reference;

// One call of __cudaRegisterFatBinary.
struct FatBinary {
  const void* wrapper = nullptr;  // what the driver loads
  std::mutex mutex;               // guards loading
  std::atomic<CUlibrary> library{nullptr};
  cudaError_t error = cudaSuccess;  // why loading failed, kept: the image does not change
  std::vector<Kernel*> kernels;
  std::vector<Variable*> variables;
  std::vector<Reference*> references;
  bool hasManaged = false;
};

struct Kernel {
  FatBinary* binary = nullptr;
  const void* host = nullptr;  // address of the host stub, what the program names it by
  std::string name;
  std::atomic<CUkernel> handle{nullptr};
};

struct Variable {
  FatBinary* binary = nullptr;
  const void* host = nullptr;  // address of the host shadow; of a managed variable, of its pointer
  std::string name;
  size_t size = 0;
  bool managed = false;
};

// A texture or surface reference of before 12.
struct Reference {
  enum class Kind : uint8_t { Texture, NormalizedTexture, Surface };
  FatBinary* binary = nullptr;
  const void* host = nullptr;
  std::string name;
  Kind kind = Kind::Texture;
};

FatBinary* addFatBinary(const void* wrapper);
void removeFatBinary(FatBinary* binary);
Kernel* addKernel(FatBinary* binary, const void* host, const char* name);
void addVariable(FatBinary* binary, const void* host, const char* name, size_t size);
void addManagedVariable(FatBinary* binary, void** hostPointer, const char* name, size_t size);

void addReference(FatBinary* binary, const void* host, const char* name, Reference::Kind kind);
const Reference* findReference(const void* host);
// The binary's module in the current context.
cudaError_t moduleOf(FatBinary* binary, CUmodule* module);

// nullptr when no kernel was registered under that address.
Kernel* findKernel(const void* host);

cudaError_t load(FatBinary* binary);
cudaError_t loadManagedVariables();
cudaError_t resolve(Kernel* kernel, CUkernel* handle);
// The driver's handle behind what a program passes as a function: a host stub, a cudaKernel_t or a cudaFunction_t.
cudaError_t resolveFunction(const void* function, CUfunction* handle);
// Address and size, in the current context, of a variable named by its host shadow.
cudaError_t resolveSymbol(const void* symbol, CUdeviceptr* address, size_t* size);

}  // namespace anywarp::cudart
