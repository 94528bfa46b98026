// Driver API: Module Management. SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>
#include <fstream>

#include "driver/entry.h"
#include "driver/jit_options.h"
#include "driver/memory.h"
#include "driver/objects/library.h"
#include "support/options.h"

using namespace anywarp;
using namespace anywarp::driver;

namespace {

// A library of its own, instantiated in the current context. `make` gives the library.
template <class Make>
CUresult load(const char* name, CUmodule* handle, JitOptions& options, Make&& make) {
  return callInContext(name, [&](Current& current) -> CUresult {
    auto begin = std::chrono::steady_clock::now();
    current.impl->flushPrintf();
    std::shared_ptr<Library> library = make(current.device().arch());
    Result<Code*> code = library->code();
    if (!code) {
      options.writeError(code.error().message);
      return library->failure();
    }
    Result<std::shared_ptr<Instance>> instance = Instance::make(library, current.context);
    if (!instance) {
      options.writeError(instance.error().message);
      return toResult(instance.error(), During::ReadPtx);
    }
    *handle = (*instance)->handle;
    options.writeWallTime(std::chrono::duration<float, std::milli>(std::chrono::steady_clock::now() - begin).count());
    return CUDA_SUCCESS;
  });
}

CUresult loadPointer(const char* name, CUmodule* handle, const void* image, JitOptions& options) {
  if (initialised() && (!handle || !image)) return CUDA_ERROR_INVALID_VALUE;
  return load(name, handle, options, [&](uint32_t arch) { return Library::fromPointer(image, {arch}, Loading::Now, options.maxRegisters()); });
}

template <class Body>
CUresult withModule(const char* name, CUmodule handle, Body&& body) {
  return callInContext(name, [&](Current& current) -> CUresult {
    std::shared_ptr<Instance> instance = modules().find(handle);
    return instance ? body(current, *instance) : CUDA_ERROR_INVALID_HANDLE;
  });
}

}  // namespace

CUresult cuModuleLoadData(CUmodule* module, const void* image) {
  JitOptions options;
  return loadPointer(__func__, module, image, options);
}

CUresult cuModuleLoadDataEx(CUmodule* module, const void* image, unsigned count, CUjit_option* names, void** values) {
  JitOptions options;
  if (CUresult result = options.read(count, names, values); result != CUDA_SUCCESS) return result;
  return loadPointer(__func__, module, image, options);
}

CUresult cuModuleLoadFatBinary(CUmodule* module, const void* image) {
  JitOptions options;
  return loadPointer(__func__, module, image, options);
}

CUresult cuModuleLoad(CUmodule* module, const char* path) {
  if (initialised() && (!module || !path)) return CUDA_ERROR_INVALID_VALUE;
  std::vector<uint8_t> bytes;
  if (path && !readFile(path, bytes)) return CUDA_ERROR_FILE_NOT_FOUND;
  JitOptions options;
  return load(__func__, module, options, [&](uint32_t arch) { return Library::fromBytes(std::move(bytes), {arch}); });
}

CUresult cuModuleUnload(CUmodule handle) {
  return withModule(__func__, handle, [&](Current&, Instance& instance) -> CUresult {
    std::shared_ptr<Context> context = instance.context();
    if (context && context->owns(instance)) return CUDA_ERROR_NOT_PERMITTED;  // its library decides
    instance.impl()->synchronize();
    instance.impl()->flushPrintf();
    modules().take(handle);
    return CUDA_SUCCESS;
  });
}

CUresult cuModuleGetLoadingMode(CUmoduleLoadingMode* mode) {
  return call(__func__, [&]() -> CUresult {
    if (!mode) return CUDA_ERROR_INVALID_VALUE;
    *mode = options::cudaModuleLoading() == "EAGER" ? CU_MODULE_EAGER_LOADING : CU_MODULE_LAZY_LOADING;
    return CUDA_SUCCESS;
  });
}

CUresult cuModuleGetFunction(CUfunction* function, CUmodule handle, const char* name) {
  return withModule(__func__, handle, [&](Current&, Instance& instance) -> CUresult {
    if (!function || !name) return CUDA_ERROR_INVALID_VALUE;
    auto found = instance.code().kernelsByName.find(name);
    if (found == instance.code().kernelsByName.end()) return CUDA_ERROR_NOT_FOUND;
    *function = instance.functionOf(*found->second)->handle;
    return CUDA_SUCCESS;
  });
}

CUresult cuModuleGetFunctionCount(unsigned* count, CUmodule handle) {
  return withModule(__func__, handle, [&](Current&, Instance& instance) -> CUresult {
    if (!count) return CUDA_ERROR_INVALID_VALUE;
    *count = static_cast<unsigned>(instance.code().kernels.size());
    return CUDA_SUCCESS;
  });
}

CUresult cuModuleEnumerateFunctions(CUfunction* functions, unsigned count, CUmodule handle) {
  return withModule(__func__, handle, [&](Current&, Instance& instance) -> CUresult {
    if (count == 0 || !functions) return CUDA_ERROR_INVALID_VALUE;
    const auto& kernels = instance.code().kernels;
    for (size_t i = 0; i < std::min<size_t>(count, kernels.size()); ++i) functions[i] = instance.functionOf(*kernels[i])->handle;
    return CUDA_SUCCESS;
  });
}

CUresult cuModuleGetGlobal_v2(CUdeviceptr* pointer, size_t* bytes, CUmodule handle, const char* name) {
  return withModule(__func__, handle, [&](Current&, Instance& instance) { return globalOf(instance, name, pointer, bytes); });
}
