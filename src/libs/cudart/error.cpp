// Error Handling: the last error of a thread, names and descriptions of codes. SPDX-License-Identifier: Apache-2.0
#include "libs/cudart/context.h"

namespace anywarp::cudart {
namespace {

struct Row {
  int value;
  const char* name;
  const char* description;
};

constexpr Row rows[] = {
#define RUNTIME_ERROR(name, value, description) {value, #name, description},
#include "libs/cudart/errors.def"
#undef RUNTIME_ERROR
};

constexpr Row unknown = {-1, "unrecognized error code", "unrecognized error code"};

const Row& find(cudaError_t error) {
  for (const Row& row : rows)
    if (row.value == error) return row;
  return unknown;
}

}  // namespace

ANYWARP_RUNTIME cudaError_t cudaGetLastError() { return takeLastError(); }

ANYWARP_RUNTIME cudaError_t cudaPeekAtLastError() { return lastError(); }

ANYWARP_RUNTIME const char* cudaGetErrorName(cudaError_t error) { return find(error).name; }

ANYWARP_RUNTIME const char* cudaGetErrorString(cudaError_t error) { return find(error).description; }

}  // namespace anywarp::cudart
