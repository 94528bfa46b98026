// Streams, events, host functions, pinned memory, several host threads. SPDX-License-Identifier: Apache-2.0
#include <atomic>
#include <thread>
#include <vector>

#include "check.h"

__global__ void square(int* data, int n) {
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) data[i] *= data[i];
}

static void work(int seed) {
  const int n = 4096;
  int *host, *device;
  cudaStream_t stream;
  cudaEvent_t begin, end;
  CHECK(cudaMallocHost(&host, n * sizeof(int)));
  CHECK(cudaMalloc(&device, n * sizeof(int)));
  CHECK(cudaStreamCreate(&stream));
  CHECK(cudaEventCreate(&begin));
  CHECK(cudaEventCreate(&end));
  for (int i = 0; i < n; ++i) host[i] = i % 100 + seed;
  std::atomic<int> called{0};
  CHECK(cudaEventRecord(begin, stream));
  CHECK(cudaMemcpyAsync(device, host, n * sizeof(int), cudaMemcpyHostToDevice, stream));
  square<<<4, 64, 0, stream>>>(device, n);
  CHECK(cudaMemcpyAsync(host, device, n * sizeof(int), cudaMemcpyDeviceToHost, stream));
  CHECK(cudaLaunchHostFunc(stream, [](void* p) { ++*static_cast<std::atomic<int>*>(p); }, &called));
  CHECK(cudaEventRecord(end, stream));
  CHECK(cudaStreamSynchronize(stream));
  EXPECT(called == 1);
  EXPECT(cudaEventQuery(end) == cudaSuccess);
  float ms = -1;
  CHECK(cudaEventElapsedTime(&ms, begin, end));
  EXPECT(ms >= 0);
  for (int i = 0; i < n; ++i) EXPECT(host[i] == (i % 100 + seed) * (i % 100 + seed));
  CHECK(cudaStreamDestroy(stream));
  CHECK(cudaFree(device));
  CHECK(cudaFreeHost(host));
}

int main() {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back(work, i);
  for (std::thread& t : threads) t.join();
  return 0;
}
