// __device__, __constant__ and __managed__ variables, by symbol and by host access. SPDX-License-Identifier: Apache-2.0
#include "check.h"

__device__ int counter = 3;
__constant__ float scale[4] = {1, 2, 3, 4};
__managed__ int managed[8] = {7};

__global__ void use(float* out) {
  out[threadIdx.x] = scale[threadIdx.x % 4];
  if (threadIdx.x < 8) managed[threadIdx.x] += threadIdx.x + 1;
  atomicAdd(&counter, 1);
}

int main() {
  EXPECT(managed[0] == 7);
  managed[1] = 10;
  const float mine[] = {10, 20};
  CHECK(cudaMemcpyToSymbol(scale, mine, sizeof mine, 2 * sizeof(float)));
  float* out;
  CHECK(cudaMallocManaged(&out, 32 * sizeof(float)));
  use<<<1, 32>>>(out);
  CHECK(cudaDeviceSynchronize());
  EXPECT(out[0] == 1 && out[1] == 2 && out[2] == 10 && out[3] == 20);
  EXPECT(managed[0] == 8 && managed[1] == 12 && managed[7] == 8);
  int count = 0;
  CHECK(cudaMemcpyFromSymbol(&count, counter, sizeof count));
  EXPECT(count == 35);
  void* address = nullptr;
  size_t size = 0;
  CHECK(cudaGetSymbolAddress(&address, counter));
  CHECK(cudaGetSymbolSize(&size, scale));
  EXPECT(size == 16);
  CHECK(cudaMemset(address, 0, sizeof(int)));
  CHECK(cudaMemcpyFromSymbol(&count, counter, sizeof count));
  EXPECT(count == 0);
  return 0;
}
