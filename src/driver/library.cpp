// Driver API: Library Management. SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "abi/cuda_execution.h"
#include "driver/entry.h"
#include "driver/execution.h"
#include "driver/jit_options.h"
#include "driver/memory.h"
#include "driver/objects/library.h"

using namespace anywarp;
using namespace anywarp::driver;

namespace {

// Loads, and fails now unless the code is read at first use.
CUresult publish(CUlibrary* handle, const std::shared_ptr<Library>& library, Loading loading, JitOptions& options) {
  if (loading == Loading::Now) {
    if (Result<Code*> code = library->code(); !code) {
      options.writeError(code.error().message);
      return library->failure();
    }
  }
  *handle = libraries().add(library);
  return CUDA_SUCCESS;
}

CUresult readLibraryOptions(unsigned count, const CUlibraryOption* options, void** values, Loading& loading) {
  if (count > 0 && !options) return CUDA_ERROR_INVALID_VALUE;
  for (unsigned i = 0; i < count; ++i) {
    if (options[i] == CU_LIBRARY_BINARY_IS_PRESERVED) {
      if (values && values[i]) loading = Loading::OnUse;
    } else if (options[i] != CU_LIBRARY_HOST_UNIVERSAL_FUNCTION_AND_DATA_TABLE) {
      return CUDA_ERROR_INVALID_VALUE;
    }
  }
  return CUDA_SUCCESS;
}

// Runs `body` with the library and its code.
template <class Body>
CUresult withLibrary(CUlibrary handle, Body&& body) {
  std::shared_ptr<Library> library = libraries().find(handle);
  if (!library) return CUDA_ERROR_INVALID_HANDLE;
  Result<Code*> code = library->code();
  return code ? body(library, **code) : library->failure();
}

template <class Body>
CUresult withInstance(const char* name, CUlibrary handle, Body&& body) {
  return callInContext(name, [&](Current& current) {
    return withLibrary(handle, [&](const std::shared_ptr<Library>& library, Code&) -> CUresult {
      Result<std::shared_ptr<Instance>> instance = current.context->instanceOf(library);
      return instance ? body(**instance) : toResult(instance.error(), During::ReadPtx);
    });
  });
}

template <class Body>
CUresult withKernel(const char* name, CUkernel handle, Body&& body) {
  return call(name, [&]() -> CUresult {
    std::shared_ptr<Kernel> kernel = kernels().find(handle);
    std::shared_ptr<Library> library = kernel ? kernel->library.lock() : nullptr;
    return library ? body(*kernel, library) : CUDA_ERROR_INVALID_HANDLE;
  });
}

}  // namespace

CUresult cuLibraryLoadData(CUlibrary* handle, const void* code, CUjit_option* jitOptions, void** jitValues, unsigned jitCount,
                           CUlibraryOption* libraryOptions, void** libraryValues, unsigned libraryCount) {
  return call(__func__, [&]() -> CUresult {
    JitOptions options;
    Loading loading = Loading::Now;
    if (!handle || !code) return CUDA_ERROR_INVALID_VALUE;
    if (CUresult result = options.read(jitCount, jitOptions, jitValues); result != CUDA_SUCCESS) return result;
    if (CUresult result = readLibraryOptions(libraryCount, libraryOptions, libraryValues, loading); result != CUDA_SUCCESS) return result;
    return publish(handle, Library::fromPointer(code, visibleArches(), loading, options.maxRegisters()), loading, options);
  });
}

CUresult cuLibraryLoadFromFile(CUlibrary* handle, const char* path, CUjit_option* jitOptions, void** jitValues, unsigned jitCount,
                               CUlibraryOption* libraryOptions, void** libraryValues, unsigned libraryCount) {
  return call(__func__, [&]() -> CUresult {
    JitOptions options;
    Loading ignored = Loading::Now;
    if (!handle || !path) return CUDA_ERROR_INVALID_VALUE;
    if (CUresult result = options.read(jitCount, jitOptions, jitValues); result != CUDA_SUCCESS) return result;
    if (CUresult result = readLibraryOptions(libraryCount, libraryOptions, libraryValues, ignored); result != CUDA_SUCCESS) return result;
    std::vector<uint8_t> bytes;
    if (!readFile(path, bytes)) return CUDA_ERROR_FILE_NOT_FOUND;
    return publish(handle, Library::fromBytes(std::move(bytes), visibleArches(), options.maxRegisters()), Loading::Now, options);
  });
}

CUresult cuLibraryUnload(CUlibrary handle) {
  return call(__func__, [&]() -> CUresult {
    if (inCallback()) return CUDA_ERROR_NOT_PERMITTED;
    std::shared_ptr<Library> library = libraries().take(handle);
    if (!library) return CUDA_ERROR_INVALID_HANDLE;
    contexts().forEach([&](Context& context) { context.forget(*library); });
    return CUDA_SUCCESS;
  });
}

CUresult cuLibraryGetKernel(CUkernel* kernel, CUlibrary handle, const char* name) {
  return call(__func__, [&]() -> CUresult {
    if (!kernel || !name) return CUDA_ERROR_INVALID_VALUE;
    return withLibrary(handle, [&](const std::shared_ptr<Library>&, Code& code) -> CUresult {
      auto found = code.kernelsByName.find(name);
      if (found == code.kernelsByName.end()) return CUDA_ERROR_NOT_FOUND;
      *kernel = found->second->handle;
      return CUDA_SUCCESS;
    });
  });
}

CUresult cuLibraryGetKernelCount(unsigned* count, CUlibrary handle) {
  return call(__func__, [&]() -> CUresult {
    if (!count) return CUDA_ERROR_INVALID_VALUE;
    return withLibrary(handle, [&](const std::shared_ptr<Library>&, Code& code) {
      *count = static_cast<unsigned>(code.kernels.size());
      return CUDA_SUCCESS;
    });
  });
}

CUresult cuLibraryEnumerateKernels(CUkernel* kernels, unsigned count, CUlibrary handle) {
  return call(__func__, [&]() -> CUresult {
    if (!kernels || count == 0) return CUDA_ERROR_INVALID_VALUE;
    return withLibrary(handle, [&](const std::shared_ptr<Library>&, Code& code) {
      for (size_t i = 0; i < std::min<size_t>(count, code.kernels.size()); ++i) kernels[i] = code.kernels[i]->handle;
      return CUDA_SUCCESS;
    });
  });
}

CUresult cuLibraryGetModule(CUmodule* module, CUlibrary handle) {
  return withInstance(__func__, handle, [&](Instance& instance) -> CUresult {
    if (!module) return CUDA_ERROR_INVALID_VALUE;
    *module = instance.handle;
    return CUDA_SUCCESS;
  });
}

CUresult cuLibraryGetGlobal(CUdeviceptr* pointer, size_t* bytes, CUlibrary handle, const char* name) {
  return withInstance(__func__, handle, [&](Instance& instance) { return globalOf(instance, name, pointer, bytes); });
}

CUresult cuLibraryGetManaged(CUdeviceptr* pointer, size_t* bytes, CUlibrary handle, const char* name) {
  return call(__func__, [&]() -> CUresult {
    if (!name || (!pointer && !bytes)) return CUDA_ERROR_INVALID_VALUE;
    return withLibrary(handle, [&](const std::shared_ptr<Library>& library, Code& code) -> CUresult {
      int index = code.module->findVariable(name);
      if (index < 0 || !code.module->variables[static_cast<size_t>(index)].managed) return CUDA_ERROR_NOT_FOUND;
      Result<void*> address = library->managed(code.module->variables[static_cast<size_t>(index)]);
      if (!address) return toResult(address.error());
      if (pointer) *pointer = addressOf(*address);
      if (bytes) *bytes = code.module->variables[static_cast<size_t>(index)].size;
      return CUDA_SUCCESS;
    });
  });
}

// Functions that host and device share do not exist here.
CUresult cuLibraryGetUnifiedFunction(void** function, CUlibrary handle, const char* symbol) {
  return call(__func__, [&]() -> CUresult {
    if (!function || !symbol) return CUDA_ERROR_INVALID_VALUE;
    return withLibrary(handle, [](const std::shared_ptr<Library>&, Code&) { return CUDA_ERROR_NOT_FOUND; });
  });
}

CUresult cuKernelGetFunction(CUfunction* function, CUkernel handle) {
  return callInContext(__func__, [&](Current& current) -> CUresult {
    if (!function) return CUDA_ERROR_INVALID_VALUE;
    std::shared_ptr<Kernel> kernel = kernels().find(handle);
    std::shared_ptr<Library> library = kernel ? kernel->library.lock() : nullptr;
    if (!library) return CUDA_ERROR_INVALID_HANDLE;
    Result<std::shared_ptr<Instance>> instance = current.context->instanceOf(library);
    if (!instance) return toResult(instance.error(), During::ReadPtx);
    kernel = (*instance)->kernelLike(kernel);
    if (!kernel) return CUDA_ERROR_NOT_FOUND;
    *function = (*instance)->functionOf(*kernel)->handle;
    return CUDA_SUCCESS;
  });
}

CUresult cuKernelGetLibrary(CUlibrary* handle, CUkernel kernel) {
  return withKernel(__func__, kernel, [&](Kernel&, const std::shared_ptr<Library>& library) -> CUresult {
    if (!handle) return CUDA_ERROR_INVALID_VALUE;
    if (!library->handle) return CUDA_ERROR_NOT_SUPPORTED;  // the kernel of a module that is no library
    *handle = library->handle;
    return CUDA_SUCCESS;
  });
}

CUresult cuKernelGetName(const char** name, CUkernel kernel) {
  return withKernel(__func__, kernel, [&](Kernel& k, const std::shared_ptr<Library>&) -> CUresult {
    if (!name) return CUDA_ERROR_INVALID_VALUE;
    *name = k.function().name.c_str();
    return CUDA_SUCCESS;
  });
}

CUresult cuKernelGetParamInfo(CUkernel kernel, size_t index, size_t* offset, size_t* size) {
  return withKernel(__func__, kernel, [&](Kernel& k, const std::shared_ptr<Library>&) { return paramInfo(k, index, offset, size); });
}

CUresult cuKernelGetAttribute(int* value, CUfunction_attribute attribute, CUkernel kernel, CUdevice dev) {
  return withKernel(__func__, kernel, [&](Kernel& k, const std::shared_ptr<Library>&) -> CUresult {
    VisibleDevice* device = visibleDevice(dev);
    return device ? getAttribute(k, *device, attribute, value) : CUDA_ERROR_INVALID_DEVICE;
  });
}

CUresult cuKernelSetAttribute(CUfunction_attribute attribute, int value, CUkernel kernel, CUdevice dev) {
  return withKernel(__func__, kernel, [&](Kernel& k, const std::shared_ptr<Library>&) -> CUresult {
    VisibleDevice* device = visibleDevice(dev);
    return device ? setAttribute(k, *device, attribute, value) : CUDA_ERROR_INVALID_DEVICE;
  });
}

CUresult cuKernelSetCacheConfig(CUkernel kernel, CUfunc_cache config, CUdevice dev) {
  return withKernel(__func__, kernel, [&](Kernel& k, const std::shared_ptr<Library>&) -> CUresult {
    if (config > CU_FUNC_CACHE_PREFER_EQUAL) return CUDA_ERROR_INVALID_VALUE;
    VisibleDevice* device = visibleDevice(dev);
    if (!device) return CUDA_ERROR_INVALID_DEVICE;
    k.settings(device->ordinal).cacheConfig = config;
    return CUDA_SUCCESS;
  });
}
