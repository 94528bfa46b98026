// Kernels that launch kernels: parameters, nesting, order in a stream, tail and fire-and-forget launches. SPDX-License-Identifier: Apache-2.0
#include "check.h"

struct Args {
  int base;
  double scale;
  char tag;
};

__global__ void fill(int* data, int value) { data[blockIdx.x * blockDim.x + threadIdx.x] = value + threadIdx.x; }

__global__ void scaled(double* out, Args args) { out[threadIdx.x] = args.base + args.scale * threadIdx.x + args.tag; }

__global__ void addOne(int* data) { data[threadIdx.x] += 1; }
__global__ void twice(int* data) { data[threadIdx.x] *= 2; }

__global__ void parent(int* data, double* out) {
  data[threadIdx.x] = -1;
  if (threadIdx.x < 2) fill<<<2, 32>>>(data + 64 + 64 * threadIdx.x, 1000 * threadIdx.x);
  if (threadIdx.x == 5) scaled<<<1, dim3(8, 4), 256>>>(out, Args{7, 0.5, 3});
}

// Children in one stream run in order; the tail launch sees what they did.
__global__ void ordered(int* data) {
  if (threadIdx.x) return;
  twice<<<1, 32, 0, cudaStreamTailLaunch>>>(data);
  addOne<<<1, 32>>>(data);
  addOne<<<1, 32>>>(data);
  fill<<<1, 32, 0, cudaStreamFireAndForget>>>(data + 32, 5);
}

__global__ void tree(int* leaves, int depth, int index) {
  if (threadIdx.x) return;
  if (depth == 0) {
    atomicAdd(&leaves[index % 8], 1);
    return;
  }
  tree<<<1, 32>>>(leaves, depth - 1, 2 * index);
  tree<<<1, 32>>>(leaves, depth - 1, 2 * index + 1);
}

__global__ void errors(int* result) {
  fill<<<1, 4096>>>(result, 0);
  result[0] = cudaGetLastError();
  result[1] = cudaGetLastError();
  cudaStream_t stream;
  result[2] = cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking);
  fill<<<1, 1, 0, stream>>>(result + 8, 77);
  result[3] = cudaGetLastError();
  cudaStreamDestroy(stream);
  int device = -1;
  result[4] = cudaGetDevice(&device);
  result[5] = device;
}

// The launch calls below the three angle brackets, whose buffer comes before the kernel.
__global__ void plain(int* data, int* codes) {
  if (threadIdx.x) return;
  void* buffer = cudaGetParameterBuffer(8, 12);
  *static_cast<int**>(buffer) = data;
  static_cast<int*>(buffer)[2] = 40;
  codes[0] = cudaLaunchDevice(reinterpret_cast<void*>(fill), buffer, dim3(2), dim3(32), 0, 0);
  codes[1] = cudaLaunchDevice(reinterpret_cast<void*>(fill), buffer, dim3(2), dim3(32), 0, 0);  // gone with the first launch
  codes[2] = cudaGetLastError();
  codes[3] = cudaLaunchDevice(reinterpret_cast<void*>(fill), cudaGetParameterBuffer(8, 4), dim3(1), dim3(1), 0, 0);  // too small
}

__global__ void __launch_bounds__(128) small(int* data) { data[threadIdx.x] = 0; }

__global__ void questions(long long* answers) {
  cudaFuncAttributes attributes;
  answers[0] = cudaFuncGetAttributes(&attributes, small);
  answers[1] = attributes.maxThreadsPerBlock;
  answers[2] = attributes.ptxVersion;
  answers[3] = attributes.sharedSizeBytes;
  int blocks = -1;
  answers[4] = cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, reinterpret_cast<const void*>(small), 128, 0);
  answers[5] = blocks;
  size_t bytes = 0;
  answers[6] = cudaDeviceGetLimit(&bytes, cudaLimitMallocHeapSize);
  answers[7] = bytes;
  int count = -1, processors = -1;
  answers[8] = cudaGetDeviceCount(&count);
  answers[9] = count;
  answers[10] = cudaDeviceGetAttribute(&processors, cudaDevAttrMultiProcessorCount, 0);
  answers[11] = processors;
  answers[12] = cudaDeviceGetAttribute(&processors, cudaDevAttrMultiProcessorCount, 7);
}

__global__ void copies(int* from, int* to) {
  if (threadIdx.x) return;
  cudaMemsetAsync(to, 0, 64 * sizeof(int), 0);
  cudaMemcpyAsync(to, from, 32 * sizeof(int), cudaMemcpyDeviceToDevice, 0);
}

int main() {
  int* data;
  double* out;
  CHECK(cudaMallocManaged(&data, 4096));
  CHECK(cudaMallocManaged(&out, 4096));
  parent<<<1, 64>>>(data, out);
  CHECK(cudaGetLastError());
  CHECK(cudaDeviceSynchronize());
  for (int i = 0; i < 64; ++i) EXPECT(data[i] == -1);
  for (int i = 0; i < 128; ++i) EXPECT(data[64 + i] == 1000 * (i / 64) + i % 32);
  for (int i = 0; i < 8; ++i) EXPECT(out[i] == 7 + 0.5 * i + 3);

  for (int i = 0; i < 64; ++i) data[i] = i;
  ordered<<<1, 32>>>(data);
  CHECK(cudaDeviceSynchronize());
  for (int i = 0; i < 32; ++i) EXPECT(data[i] == 2 * (i + 2) && data[32 + i] == 5 + i);

  for (int i = 0; i < 8; ++i) data[i] = 0;
  tree<<<1, 32>>>(data, 6, 0);
  fill<<<1, 1>>>(data + 8, 3);
  CHECK(cudaDeviceSynchronize());
  for (int i = 0; i < 8; ++i) EXPECT(data[i] == 8);
  EXPECT(data[8] == 3);

  for (int i = 0; i < 16; ++i) data[i] = -5;
  errors<<<1, 1>>>(data);
  CHECK(cudaDeviceSynchronize());
  EXPECT(data[0] == cudaErrorInvalidConfiguration && data[1] == 0 && data[2] == 0 && data[3] == 0 && data[4] == 0 && data[5] == 0);
  EXPECT(data[8] == 77);

  for (int i = 0; i < 80; ++i) data[i] = 5;
  plain<<<1, 32>>>(data, data + 96);
  CHECK(cudaDeviceSynchronize());
  for (int i = 0; i < 64; ++i) EXPECT(data[i] == 40 + i % 32);
  EXPECT(data[96] == 0 && data[97] == cudaErrorInvalidValue && data[98] == cudaErrorInvalidValue && data[99] == cudaErrorInvalidValue);

  long long* answers;
  CHECK(cudaMallocManaged(&answers, 4096));
  questions<<<1, 1>>>(answers);
  CHECK(cudaDeviceSynchronize());
  cudaFuncAttributes attributes;
  CHECK(cudaFuncGetAttributes(&attributes, small));
  int blocks, processors;
  size_t heap;
  CHECK(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, small, 128, 0));
  CHECK(cudaDeviceGetAttribute(&processors, cudaDevAttrMultiProcessorCount, 0));
  CHECK(cudaDeviceGetLimit(&heap, cudaLimitMallocHeapSize));
  EXPECT(answers[0] == 0 && answers[1] == 128 && answers[2] == attributes.ptxVersion && answers[3] == 0);
  EXPECT(answers[4] == 0 && answers[5] == blocks);
  EXPECT(answers[6] == 0 && answers[7] == static_cast<long long>(heap));
  EXPECT(answers[8] == 0 && answers[9] == 1 && answers[10] == 0 && answers[11] == processors && answers[12] == cudaErrorInvalidDevice);
  CHECK(cudaFree(answers));

  for (int i = 0; i < 128; ++i) data[i] = i + 1;
  copies<<<1, 32>>>(data, data + 128);
  CHECK(cudaDeviceSynchronize());
  for (int i = 0; i < 64; ++i) EXPECT(data[128 + i] == (i < 32 ? i + 1 : 0));
  CHECK(cudaFree(data));
  CHECK(cudaFree(out));
  return 0;
}
