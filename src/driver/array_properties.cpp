// Driver API: Memory Management, properties of arrays that only special kinds have. SPDX-License-Identifier: Apache-2.0
// Sparse arrays, arrays mapped later and arrays of several planes cannot be made (device attributes and cuArray3DCreate say so): for
// those that there are, the manual's answer to each of these questions is that the array is the wrong kind.
#include "abi/cuda_memory.h"
#include "driver/entry.h"
#include "driver/objects/texture.h"

using namespace anywarp;
using namespace anywarp::driver;

namespace {

template <class Table, class Handle>
CUresult wrongKind(const char* name, Table& table, Handle handle, const void* out) {
  return callInContext(name, [&](Current&) -> CUresult {
    if (!out) return CUDA_ERROR_INVALID_VALUE;
    return table.find(handle) ? CUDA_ERROR_INVALID_VALUE : CUDA_ERROR_INVALID_HANDLE;
  });
}

}  // namespace

CUresult cuArrayGetSparseProperties(CUDA_ARRAY_SPARSE_PROPERTIES* out, CUarray array) { return wrongKind(__func__, arrays(), array, out); }
CUresult cuMipmappedArrayGetSparseProperties(CUDA_ARRAY_SPARSE_PROPERTIES* out, CUmipmappedArray array) {
  return wrongKind(__func__, mipmappedArrays(), array, out);
}

CUresult cuArrayGetMemoryRequirements(CUDA_ARRAY_MEMORY_REQUIREMENTS* out, CUarray array, CUdevice device) {
  if (initialised() && !visibleDevice(device)) return CUDA_ERROR_INVALID_DEVICE;
  return wrongKind(__func__, arrays(), array, out);
}
CUresult cuMipmappedArrayGetMemoryRequirements(CUDA_ARRAY_MEMORY_REQUIREMENTS* out, CUmipmappedArray array, CUdevice device) {
  if (initialised() && !visibleDevice(device)) return CUDA_ERROR_INVALID_DEVICE;
  return wrongKind(__func__, mipmappedArrays(), array, out);
}

CUresult cuArrayGetPlane(CUarray* plane, CUarray array, unsigned) { return wrongKind(__func__, arrays(), array, plane); }
