// The other unit of rdc_main.cu. SPDX-License-Identifier: Apache-2.0
__device__ int factor = 5;

__device__ __noinline__ int multiply(int x) { return x * factor; }

__global__ void fill(int* out) { out[threadIdx.x] = threadIdx.x; }
