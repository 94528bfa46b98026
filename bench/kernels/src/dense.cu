// Dense linear algebra and neural-network layers. SPDX-License-Identifier: Apache-2.0
#include "device.h"

GLOBAL void gemmNaive(const float* A, const float* B, float* C, int n) {
  int col = globalX(), row = globalY();
  float sum = 0;
  for (int k = 0; k < n; ++k) sum += A[row * n + k] * B[k * n + col];
  C[row * n + col] = sum;
}

GLOBAL LAUNCH_BOUNDS(1024) void gemmTiled32(const float* A, const float* B, float* C, int n) {
  SHARED static float a[32][32], b[32][32];
  int tx = tidX(), ty = tidY(), row = ctaY() * 32 + ty, col = ctaX() * 32 + tx;
  float sum = 0;
  for (int k = 0; k < n; k += 32) {
    a[ty][tx] = A[row * n + k + tx];
    b[ty][tx] = B[(k + ty) * n + col];
    barrier();
#pragma unroll
    for (int j = 0; j < 32; ++j) sum += a[ty][j] * b[j][tx];
    barrier();
  }
  C[row * n + col] = sum;
}

// One product of 16 x 16 matrices per block.
GLOBAL void gemmBatched(const float* A, const float* B, float* C) {
  SHARED static float a[16][16], b[16][16];
  int tx = tidX(), ty = tidY(), at = ctaX() * 256 + ty * 16 + tx;
  a[ty][tx] = A[at];
  b[ty][tx] = B[at];
  barrier();
  float sum = 0;
#pragma unroll
  for (int k = 0; k < 16; ++k) sum += a[ty][k] * b[k][tx];
  C[at] = sum;
}

// 3 x 3, `channels` to `channels`, planes of w x h with a frame of one around the input.
GLOBAL void convolution(const float* in, const float* weights, float* out, int w, int h, int channels) {
  int x = globalX(), y = globalY() % h, k = globalY() / h;
  float sum = 0;
  for (int c = 0; c < channels; ++c) {
    const float* plane = in + (c * (h + 2) + y) * (w + 2) + x;
    const float* f = weights + (k * channels + c) * 9;
#pragma unroll
    for (int dy = 0; dy < 3; ++dy)
#pragma unroll
      for (int dx = 0; dx < 3; ++dx) sum += f[dy * 3 + dx] * plane[dy * (w + 2) + dx];
  }
  out[(k * h + y) * w + x] = sum;
}

// One block of 256 per row of 1024.
GLOBAL void layerNorm(const float* in, const float* gain, const float* bias, float* out) {
  SHARED static float sums[8], squares[8];
  int t = tidX(), lane = t & 31, warp = t >> 5;
  const float* row = in + ctaX() * 1024;
  float v[4], sum = 0, square = 0;
  for (int i = 0; i < 4; ++i) v[i] = row[t + 256 * i], sum += v[i], square += v[i] * v[i];
  for (int d = 16; d > 0; d >>= 1) sum += shflXor(sum, d), square += shflXor(square, d);
  if (lane == 0) sums[warp] = sum, squares[warp] = square;
  barrier();
  sum = 0, square = 0;
  for (int i = 0; i < 8; ++i) sum += sums[i], square += squares[i];
  float mean = sum * (1.0f / 1024), scale = rsqrt(square * (1.0f / 1024) - mean * mean + 1e-5f);
  for (int i = 0; i < 4; ++i) out[ctaX() * 1024 + t + 256 * i] = (v[i] - mean) * scale * gain[t + 256 * i] + bias[t + 256 * i];
}

// Softmax(Q K^T / 8) V with heads of 64 columns: a thread per query, keys and values by tiles of 32, the sum corrected as it goes.
GLOBAL LAUNCH_BOUNDS(128) void attention(const float* Q, const float* K, const float* V, float* out, int n) {
  SHARED static float k[32][64], v[32][64];
  int t = tidX();
  const float* head = Q + (ctaY() * n + ctaX() * 128 + t) * 64;
  float q[64], sum[64] = {}, top = -1e30f, total = 0;
#pragma unroll
  for (int i = 0; i < 64; ++i) q[i] = head[i] * 0.125f;
  for (int from = 0; from < n; from += 32) {
    barrier();
    for (int i = t; i < 32 * 64; i += 128) {
      k[i / 64][i % 64] = K[(ctaY() * n + from) * 64 + i];
      v[i / 64][i % 64] = V[(ctaY() * n + from) * 64 + i];
    }
    barrier();
    for (int j = 0; j < 32; ++j) {
      float s = 0;
#pragma unroll
      for (int i = 0; i < 64; ++i) s += q[i] * k[j][i];
      float higher = maxf(top, s), keep = expApprox(top - higher), p = expApprox(s - higher);
      total = total * keep + p;
#pragma unroll
      for (int i = 0; i < 64; ++i) sum[i] = sum[i] * keep + p * v[j][i];
      top = higher;
    }
  }
  float scale = rcp(total);
#pragma unroll
  for (int i = 0; i < 64; ++i) out[(ctaY() * n + ctaX() * 128 + t) * 64 + i] = sum[i] * scale;
}
