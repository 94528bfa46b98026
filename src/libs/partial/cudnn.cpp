// libcudnn.so.9: handles and versions of cuDNN; no operation yet (cuDNN API Reference: Backend, Library Management). SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <new>

#include "libs/partial/partial.h"
#include "libs/toolchain/replaced.h"

char anywarpReplacedLibrary[4096];

namespace anywarp::partial {
namespace {

enum class Status : int { Success = 0, BadParameter = 2000, AllocationFailed = 1003, NotSupported = 3000 };
constexpr size_t oldestVersion = 90000, cudartVersion = 13000;
enum Property : int { Major, Minor, Patch };

struct Handle {
  void* stream = nullptr;
};

// Of the library that the program was built with: it is the names and structures of that one that are asked for.
size_t version() {
  static const size_t found = [] {
    void* theirs = toolchain::openReplaced();
    auto* ask = theirs ? reinterpret_cast<size_t (*)()>(dlsym(theirs, "cudnnGetVersion")) : nullptr;
    return ask ? ask() : oldestVersion;
  }();
  return found;
}

const char* textOf(Status status) {
  switch (status) {
    case Status::Success: return "CUDNN_STATUS_SUCCESS";
    case Status::BadParameter: return "CUDNN_STATUS_BAD_PARAM";
    case Status::AllocationFailed: return "CUDNN_STATUS_ALLOC_FAILED";
    case Status::NotSupported: return "CUDNN_STATUS_NOT_SUPPORTED: anywarp has no operations of cuDNN yet";
  }
  return "CUDNN_STATUS_INTERNAL_ERROR";
}

}  // namespace
}  // namespace anywarp::partial

using anywarp::partial::Handle;
using anywarp::partial::Property;
using anywarp::partial::Status;

#pragma GCC visibility push(default)
extern "C" {

#define PARTIAL_Done(name)
#define PARTIAL_Missing(name) \
  Status name() { return anywarp::partial::missing(#name, Status::NotSupported); }
#define PARTIAL_CALL(name, state) PARTIAL_##state(name)
#include "libs/partial/cudnn_api.def"

Status cudnnCreate(Handle** handle) {
  if (!handle) return Status::BadParameter;
  *handle = new (std::nothrow) Handle;
  return *handle ? Status::Success : Status::AllocationFailed;
}

Status cudnnDestroy(Handle* handle) {
  delete handle;
  return Status::Success;
}

Status cudnnSetStream(Handle* handle, void* stream) {
  if (!handle) return Status::BadParameter;
  handle->stream = stream;
  return Status::Success;
}

Status cudnnGetStream(Handle* handle, void** stream) {
  if (!handle || !stream) return Status::BadParameter;
  *stream = handle->stream;
  return Status::Success;
}

size_t cudnnGetVersion() { return anywarp::partial::version(); }
size_t cudnnGetCudartVersion() { return anywarp::partial::cudartVersion; }
size_t cudnnGetMaxDeviceVersion() { return SIZE_MAX; }  // no operation is made for some devices only

Status cudnnGetProperty(int property, int* value) {
  const size_t version = anywarp::partial::version();
  const size_t parts[] = {version / 10000, version / 100 % 100, version % 100};
  if (!value || property < Property::Major || property > Property::Patch) return Status::BadParameter;
  *value = static_cast<int>(parts[property]);
  return Status::Success;
}

const char* cudnnGetErrorString(Status status) { return anywarp::partial::textOf(status); }

void cudnnGetLastErrorString(char* message, size_t size) {
  if (message && size) *message = 0;
}
}
#pragma GCC visibility pop
