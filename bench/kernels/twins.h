// The same work as the CUDA kernels, as plain C++ loops with OpenMP. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace twin {

struct Float4 {
  float x, y, z, w;
};

void saxpy(const float* x, float* y, float a, int n);
void triad(const float* a, const float* b, float* c, float s, int n);
void stencil2d(const float* in, float* out, int w, int h);
void stencil2dClamped(const float* in, float* out, int w, int h);
void stencil3d(const float* in, float* out, int n);
void transpose(const float* in, float* out, int n);
float reduce(const float* in, int n);
void scanRuns(const int* in, int* out, int n);
void histogram(const uint8_t* in, uint32_t* bins, int n);
void gemm(const float* A, const float* B, float* C, int n);
// C = A * B^T of bf16 factors.
void gemmBf16(const uint16_t* A, const uint16_t* B, float* C, int n);
void nbody(const Float4* p, Float4* out, int n);
void blackScholes(const float* price, const float* strike, const float* years, float* callValue, float* putValue, int n);
void mandelbrot(int* out, int w, int h, int limit);
void gather(const float* in, const int* index, float* out, int n);
void spmv(const int* rows, const int* columns, const float* values, const float* x, float* y, int n);
void softmax(const float* in, float* out, int rows);

}  // namespace twin
