// NVRTC linked into the program's list of libraries, which the loader finds by LD_LIBRARY_PATH: a kernel is compiled and launched.
// SPDX-License-Identifier: Apache-2.0
#include <cuda.h>
#include <nvrtc.h>

#include <string>
#include <vector>

#include "check.h"

int main() {
  const char* source = "extern \"C\" __global__ void add(int* sum, int value) { sum[threadIdx.x] += value; }";
  nvrtcProgram program;
  EXPECT(nvrtcCreateProgram(&program, source, "add.cu", 0, nullptr, nullptr) == NVRTC_SUCCESS);
  const char* options[] = {"--gpu-architecture=sm_80"};
  EXPECT(nvrtcCompileProgram(program, 1, options) == NVRTC_SUCCESS);
  size_t bytes = 0;
  EXPECT(nvrtcGetCUBINSize(program, &bytes) == NVRTC_SUCCESS && bytes != 0);
  std::vector<char> image(bytes);
  EXPECT(nvrtcGetCUBIN(program, image.data()) == NVRTC_SUCCESS);
  int* sum = nullptr;
  CHECK(cudaMallocManaged(&sum, 32 * sizeof(int)));
  for (int i = 0; i < 32; ++i) sum[i] = i;
  CUmodule module;
  CUfunction add;
  EXPECT(cuModuleLoadData(&module, image.data()) == CUDA_SUCCESS);
  EXPECT(cuModuleGetFunction(&add, module, "add") == CUDA_SUCCESS);
  int value = 5;
  void* arguments[] = {&sum, &value};
  EXPECT(cuLaunchKernel(add, 1, 1, 1, 32, 1, 1, 0, nullptr, arguments, nullptr) == CUDA_SUCCESS);
  CHECK(cudaDeviceSynchronize());
  for (int i = 0; i < 32; ++i) EXPECT(sum[i] == i + 5);
  return 0;
}
