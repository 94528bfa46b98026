// Relocatable device code: a function, a variable and a kernel of another unit. SPDX-License-Identifier: Apache-2.0
#include "check.h"

extern __device__ int factor;
__device__ int multiply(int x);
__global__ void fill(int* out);

__global__ void use(int* out) { out[threadIdx.x] = multiply(out[threadIdx.x]) + factor; }

int main() {
  int* out;
  CHECK(cudaMallocManaged(&out, 32 * sizeof(int)));
  fill<<<1, 32>>>(out);
  use<<<1, 32>>>(out);
  CHECK(cudaDeviceSynchronize());
  for (int i = 0; i < 32; ++i) EXPECT(out[i] == i * 5 + 5);
  return 0;
}
