// What is recorded for cudaGetLastError, and for how long. SPDX-License-Identifier: Apache-2.0
#include "check.h"

__global__ void nothing() {}
__global__ void bad(int* p) { *p = 1; }

int main() {
  nothing<<<1, 2048>>>();
  EXPECT(cudaPeekAtLastError() == cudaErrorInvalidConfiguration);
  EXPECT(cudaGetLastError() == cudaErrorInvalidConfiguration);
  EXPECT(cudaGetLastError() == cudaSuccess);
  nothing<<<1, 32, 1 << 30>>>();
  EXPECT(cudaGetLastError() == cudaErrorInvalidValue);
  EXPECT(cudaMalloc(nullptr, 4) == cudaErrorInvalidValue);
  EXPECT(cudaGetLastError() == cudaErrorInvalidValue);
  void* p = nullptr;
  EXPECT(cudaMalloc(&p, size_t{1} << 60) == cudaErrorMemoryAllocation);
  EXPECT(cudaGetLastError() == cudaErrorMemoryAllocation);
  EXPECT(cudaSetDevice(12345) == cudaErrorInvalidDevice);
  EXPECT(cudaGetLastError() == cudaErrorInvalidDevice);
  nothing<<<1, 1>>>();
  CHECK(cudaDeviceSynchronize());
  bad<<<1, 1>>>(nullptr);
  EXPECT(cudaDeviceSynchronize() == cudaErrorIllegalAddress);
  EXPECT(cudaMalloc(&p, 4) == cudaErrorIllegalAddress);
  CHECK(cudaDeviceReset());
  nothing<<<1, 1>>>();
  CHECK(cudaDeviceSynchronize());
  return 0;
}
