// A failing assert is cudaErrorAssert, sticks, and goes with the context. SPDX-License-Identifier: Apache-2.0
#include <cassert>

#include "check.h"

__global__ void check(int n) { assert(threadIdx.x < n); }

int main() {
  check<<<1, 32>>>(32);
  CHECK(cudaDeviceSynchronize());
  check<<<1, 32>>>(30);
  EXPECT(cudaDeviceSynchronize() == cudaErrorAssert);
  void* p;
  EXPECT(cudaMalloc(&p, 16) == cudaErrorAssert);
  CHECK(cudaDeviceReset());
  CHECK(cudaMalloc(&p, 16));
  check<<<1, 32>>>(32);
  CHECK(cudaDeviceSynchronize());
  return 0;
}
