// Library Management: code that the program loads itself. SPDX-License-Identifier: Apache-2.0
#include "libs/cudart/context.h"

#if ANYWARP_CUDART_MAJOR >= 12
namespace anywarp::cudart {

// Option ids and values are the driver's.
ANYWARP_RUNTIME cudaError_t cudaLibraryLoadData(cudaLibrary_t* library, const void* code, CUjit_option* jitOptions,
                                                void** jitValues, unsigned jitCount, CUlibraryOption* options,
                                                void** values, unsigned count) {
  return inContext([&] {
    return driver().cuLibraryLoadData(library, code, jitOptions, jitValues, jitCount, options, values, count);
  });
}

ANYWARP_RUNTIME cudaError_t cudaLibraryLoadFromFile(cudaLibrary_t* library, const char* file, CUjit_option* jitOptions,
                                                    void** jitValues, unsigned jitCount, CUlibraryOption* options,
                                                    void** values, unsigned count) {
  return inContext([&] {
    return driver().cuLibraryLoadFromFile(library, file, jitOptions, jitValues, jitCount, options, values, count);
  });
}

ANYWARP_RUNTIME cudaError_t cudaLibraryUnload(cudaLibrary_t library) {
  return inContext([&] { return driver().cuLibraryUnload(library); });
}

ANYWARP_RUNTIME cudaError_t cudaLibraryGetKernel(cudaKernel_t* kernel, cudaLibrary_t library, const char* name) {
  return inContext([&] { return driver().cuLibraryGetKernel(kernel, library, name); });
}

ANYWARP_RUNTIME cudaError_t cudaLibraryGetKernelCount(unsigned* count, cudaLibrary_t library) {
  return inContext([&] { return driver().cuLibraryGetKernelCount(count, library); });
}

ANYWARP_RUNTIME cudaError_t cudaLibraryEnumerateKernels(cudaKernel_t* kernels, unsigned count, cudaLibrary_t library) {
  return inContext([&] { return driver().cuLibraryEnumerateKernels(kernels, count, library); });
}

ANYWARP_RUNTIME cudaError_t cudaLibraryGetGlobal(void** pointer, size_t* size, cudaLibrary_t library,
                                                 const char* name) {
  return inContext(
      [&] { return driver().cuLibraryGetGlobal(reinterpret_cast<CUdeviceptr*>(pointer), size, library, name); });
}

ANYWARP_RUNTIME cudaError_t cudaLibraryGetManaged(void** pointer, size_t* size, cudaLibrary_t library,
                                                  const char* name) {
  return inContext(
      [&] { return driver().cuLibraryGetManaged(reinterpret_cast<CUdeviceptr*>(pointer), size, library, name); });
}

ANYWARP_RUNTIME cudaError_t cudaLibraryGetUnifiedFunction(void** function, cudaLibrary_t library, const char* name) {
  return inContext([&] { return driver().cuLibraryGetUnifiedFunction(function, library, name); });
}

}  // namespace anywarp::cudart
#endif
