// cuda::barrier, cuda::pipeline and cuda::memcpy_async of libcu++, in a block. SPDX-License-Identifier: Apache-2.0
#include <cooperative_groups.h>
#include <cuda/barrier>
#include <cuda/pipeline>

#include <vector>

#include "check.h"

namespace cg = cooperative_groups;
using Barrier = cuda::barrier<cuda::thread_scope_block>;

// Each thread adds its right neighbour's value, several times; arrival and waiting are apart.
__global__ void neighbours(int* data, int rounds) {
  __shared__ Barrier barrier;
  __shared__ int values[256];
  if (threadIdx.x == 0) init(&barrier, blockDim.x);
  __syncthreads();
  int mine = data[blockIdx.x * blockDim.x + threadIdx.x];
  for (int i = 0; i < rounds; ++i) {
    values[threadIdx.x] = mine;
    Barrier::arrival_token token = barrier.arrive();
    int next = (threadIdx.x + 1) % blockDim.x;
    barrier.wait(std::move(token));
    mine += values[next];
    barrier.arrive_and_wait();
  }
  data[blockIdx.x * blockDim.x + threadIdx.x] = mine;
}

// One warp loads tiles, the others sum them up.
__global__ void producer(const int* in, int* out, int tiles) {
  constexpr int tile = 64, stages = 2;
  __shared__ int buffer[stages][tile];
  __shared__ Barrier ready[stages], filled[stages];
  auto block = cg::this_thread_block();
  if (block.thread_rank() < stages) {
    init(&ready[block.thread_rank()], block.size());
    init(&filled[block.thread_rank()], block.size());
  }
  block.sync();
  if (block.thread_rank() < 32) {
    for (int t = 0; t < tiles; ++t) {
      ready[t % stages].arrive_and_wait();
      for (int i = block.thread_rank(); i < tile; i += 32) buffer[t % stages][i] = in[t * tile + i];
      (void)filled[t % stages].arrive();
    }
  } else {
    int sum = 0, rank = block.thread_rank() - 32;
    for (int s = 0; s < stages; ++s) (void)ready[s].arrive();
    for (int t = 0; t < tiles; ++t) {
      filled[t % stages].arrive_and_wait();
      sum += buffer[t % stages][rank];
      (void)ready[t % stages].arrive();
    }
    out[rank] = sum;
  }
}

__global__ void copies(const int* in, int* out, int tiles) {
  constexpr int stages = 3;
  extern __shared__ int memory[];
  __shared__ cuda::pipeline_shared_state<cuda::thread_scope_block, stages> state;
  auto block = cg::this_thread_block();
  auto pipeline = cuda::make_pipeline(block, &state);
  int n = block.size(), sum = 0;
  auto fill = [&](int t) {
    pipeline.producer_acquire();
    cuda::memcpy_async(block, memory + t % stages * n, in + t * n, cuda::aligned_size_t<16>(sizeof(int) * n), pipeline);
    pipeline.producer_commit();
  };
  for (int t = 0; t < stages && t < tiles; ++t) fill(t);
  for (int t = 0; t < tiles; ++t) {
    pipeline.consumer_wait();
    sum += memory[t % stages * n + (threadIdx.x ^ 1)];
    pipeline.consumer_release();
    if (t + stages < tiles) fill(t + stages);
  }
  out[block.thread_rank()] = sum;
}

// A thread's own pipeline, and a copy that arrives at a barrier.
__global__ void ownCopies(const int* in, int* out) {
  __shared__ alignas(16) int memory[512];
  __shared__ Barrier barrier;
  auto pipeline = cuda::make_pipeline();
  if (threadIdx.x == 0) init(&barrier, blockDim.x);
  __syncthreads();
  pipeline.producer_acquire();
  cuda::memcpy_async(&memory[threadIdx.x], &in[threadIdx.x], sizeof(int), pipeline);
  pipeline.producer_commit();
  cuda::memcpy_async(cg::this_thread_block(), memory + 256, in + 256, sizeof(int) * 256, barrier);
  pipeline.consumer_wait();
  int own = memory[threadIdx.x];
  pipeline.consumer_release();
  barrier.arrive_and_wait();
  out[threadIdx.x] = own * 1000 + memory[256 + (threadIdx.x + 100) % 256];
}

static void testNeighbours() {
  const int blocks = 3, threads = 128, rounds = 5;
  int* data;
  CHECK(cudaMallocManaged(&data, blocks * threads * sizeof(int)));
  std::vector<int> expected(blocks * threads);
  for (int i = 0; i < blocks * threads; ++i) expected[i] = data[i] = i * 7 % 31;
  neighbours<<<blocks, threads>>>(data, rounds);
  CHECK(cudaDeviceSynchronize());
  for (int b = 0; b < blocks; ++b)
    for (int r = 0; r < rounds; ++r) {
      std::vector<int> old(expected.begin() + b * threads, expected.begin() + (b + 1) * threads);
      for (int i = 0; i < threads; ++i) expected[b * threads + i] += old[(i + 1) % threads];
    }
  for (int i = 0; i < blocks * threads; ++i) EXPECT(data[i] == expected[i]);
  CHECK(cudaFree(data));
}

static void testCopies() {
  const int n = 4096;
  int *in, *out;
  CHECK(cudaMallocManaged(&in, n * sizeof(int)));
  CHECK(cudaMallocManaged(&out, 256 * sizeof(int)));
  for (int i = 0; i < n; ++i) in[i] = i * 13 % 101;
  producer<<<1, 96>>>(in, out, 20);
  CHECK(cudaDeviceSynchronize());
  for (int i = 0; i < 64; ++i) {
    int sum = 0;
    for (int t = 0; t < 20; ++t) sum += in[t * 64 + i];
    EXPECT(out[i] == sum);
  }
  copies<<<1, 128, 3 * 128 * sizeof(int)>>>(in, out, 10);
  CHECK(cudaDeviceSynchronize());
  for (int i = 0; i < 128; ++i) {
    int sum = 0;
    for (int t = 0; t < 10; ++t) sum += in[t * 128 + (i ^ 1)];
    EXPECT(out[i] == sum);
  }
  ownCopies<<<1, 256>>>(in, out);
  CHECK(cudaDeviceSynchronize());
  for (int i = 0; i < 256; ++i) EXPECT(out[i] == in[i] * 1000 + in[256 + (i + 100) % 256]);
  CHECK(cudaFree(in));
  CHECK(cudaFree(out));
}

int main() {
  testNeighbours();
  testCopies();
  return 0;
}
