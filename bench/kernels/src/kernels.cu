// The CUDA side of the benchmarks: one kernel of each common kind. SPDX-License-Identifier: Apache-2.0
#include "device.h"

GLOBAL void saxpy(const float* x, float* y, float a, int n) {
  int i = globalX();
  if (i < n) y[i] = a * x[i] + y[i];
}

GLOBAL void triad(const float* a, const float* b, float* c, float s, int n) {
  for (int i = globalX(); i < n; i += ntidX() * nctaX()) c[i] = a[i] + s * b[i];
}

GLOBAL void stencil2d(const float* in, float* out, int w, int h) {
  int x = globalX(), y = globalY();
  if (x < 1 || y < 1 || x >= w - 1 || y >= h - 1) return;
  int i = y * w + x;
  out[i] = 0.5f * in[i] + 0.125f * (in[i - 1] + in[i + 1] + in[i - w] + in[i + w]);
}

GLOBAL void stencil3d(const float* in, float* out, int n) {
  int x = globalX(), y = globalY();
  if (x < 1 || y < 1 || x >= n - 1 || y >= n - 1) return;
  for (int z = 1; z < n - 1; ++z) {
    int i = (z * n + y) * n + x;
    out[i] = 0.4f * in[i] + 0.1f * (in[i - 1] + in[i + 1] + in[i - n] + in[i + n] + in[i - n * n] + in[i + n * n]);
  }
}

GLOBAL void stencilShared(const float* in, float* out, int w, int h) {
  SHARED static float tile[18][34];
  int tx = tidX(), ty = tidY(), x = ctaX() * 32 + tx, y = ctaY() * 16 + ty;
  int cx = x < w ? x : w - 1, cy = y < h ? y : h - 1;
  tile[ty + 1][tx + 1] = in[cy * w + cx];
  if (tx == 0) tile[ty + 1][0] = in[cy * w + (cx > 0 ? cx - 1 : 0)];
  if (tx == 31) tile[ty + 1][33] = in[cy * w + (cx < w - 1 ? cx + 1 : cx)];
  if (ty == 0) tile[0][tx + 1] = in[(cy > 0 ? cy - 1 : 0) * w + cx];
  if (ty == 15) tile[17][tx + 1] = in[(cy < h - 1 ? cy + 1 : cy) * w + cx];
  barrier();
  if (x < w && y < h)
    out[y * w + x] = 0.5f * tile[ty + 1][tx + 1] + 0.125f * (tile[ty + 1][tx] + tile[ty + 1][tx + 2] + tile[ty][tx + 1] + tile[ty + 2][tx + 1]);
}

GLOBAL void transpose(const float* in, float* out, int n) {
  SHARED static float tile[32][33];
  int x = ctaX() * 32 + tidX(), y = ctaY() * 32 + tidY();
  for (int j = 0; j < 32; j += 8) tile[tidY() + j][tidX()] = in[(y + j) * n + x];
  barrier();
  x = ctaY() * 32 + tidX();
  y = ctaX() * 32 + tidY();
  for (int j = 0; j < 32; j += 8) out[(y + j) * n + x] = tile[tidX()][tidY() + j];
}

GLOBAL void reduceTree(const float* in, float* out, int n) {
  SHARED static float s[256];
  int t = tidX();
  float sum = 0;
  for (int i = globalX(); i < n; i += 256 * nctaX()) sum += in[i];
  s[t] = sum;
  barrier();
  for (int d = 128; d > 0; d >>= 1) {
    if (t < d) s[t] += s[t + d];
    barrier();
  }
  if (t == 0) out[ctaX()] = s[0];
}

GLOBAL void reduceShuffle(const float* in, float* out, int n) {
  SHARED static float s[8];
  int t = tidX();
  float sum = 0;
  for (int i = globalX(); i < n; i += 256 * nctaX()) sum += in[i];
  for (int d = 16; d > 0; d >>= 1) sum += shflDown(sum, d);
  if ((t & 31) == 0) s[t >> 5] = sum;
  barrier();
  if (t < 32) {
    sum = t < 8 ? s[t] : 0;
    for (int d = 4; d > 0; d >>= 1) sum += shflDown(sum, d);
    if (t == 0) out[ctaX()] = sum;
  }
}

// Inclusive sums of each run of 256.
GLOBAL void scanBlock(const int* in, int* out) {
  SHARED static int s[2][256];
  int t = tidX(), i = globalX(), from = 0;
  s[0][t] = in[i];
  barrier();
  for (int d = 1; d < 256; d <<= 1) {
    s[1 - from][t] = t >= d ? s[from][t] + s[from][t - d] : s[from][t];
    from = 1 - from;
    barrier();
  }
  out[i] = s[from][t];
}

GLOBAL void histogram(const uchar* in, uint* bins, int n) {
  SHARED static uint s[256];
  int t = tidX();
  s[t] = 0;
  barrier();
  for (int i = globalX(); i < n; i += 256 * nctaX()) atomicAdd(&s[in[i]], 1);
  barrier();
  atomicAdd(&bins[t], s[t]);
}

GLOBAL void gemmTiled(const float* A, const float* B, float* C, int n) {
  SHARED static float a[16][16], b[16][16];
  int tx = tidX(), ty = tidY(), row = ctaY() * 16 + ty, col = ctaX() * 16 + tx;
  float sum = 0;
  for (int k = 0; k < n; k += 16) {
    a[ty][tx] = A[row * n + k + tx];
    b[ty][tx] = B[(k + ty) * n + col];
    barrier();
    for (int j = 0; j < 16; ++j) sum += a[ty][j] * b[j][tx];
    barrier();
  }
  C[row * n + col] = sum;
}

// 64 x 64 of C per block of 16 x 16 threads, 4 x 4 per thread.
GLOBAL void gemmRegisters(const float* A, const float* B, float* C, int n) {
  SHARED static float a[16][64], b[16][64];
  int tx = tidX(), ty = tidY(), t = ty * 16 + tx, row0 = ctaY() * 64, col0 = ctaX() * 64;
  float sum[4][4] = {};
  for (int k = 0; k < n; k += 16) {
    for (int j = 0; j < 4; ++j) {
      int e = t + 256 * j;
      a[e & 15][e >> 4] = A[(row0 + (e >> 4)) * n + k + (e & 15)];
      b[e >> 6][e & 63] = B[(k + (e >> 6)) * n + col0 + (e & 63)];
    }
    barrier();
    for (int j = 0; j < 16; ++j) {
      float x[4], y[4];
      for (int i = 0; i < 4; ++i) x[i] = a[j][ty * 4 + i], y[i] = b[j][tx + 16 * i];
      for (int i = 0; i < 4; ++i)
        for (int l = 0; l < 4; ++l) sum[i][l] += x[i] * y[l];
    }
    barrier();
  }
  for (int i = 0; i < 4; ++i)
    for (int l = 0; l < 4; ++l) C[(row0 + ty * 4 + i) * n + col0 + tx + 16 * l] = sum[i][l];
}

GLOBAL void nbody(const float4* p, float4* out, int n) {
  int i = globalX();
  float4 me = p[i];
  float ax = 0, ay = 0, az = 0;
  for (int j = 0; j < n; ++j) {
    float4 q = p[j];
    float dx = q.x - me.x, dy = q.y - me.y, dz = q.z - me.z;
    float r = rsqrt(dx * dx + dy * dy + dz * dz + 0.01f), f = q.w * r * r * r;
    ax += dx * f, ay += dy * f, az += dz * f;
  }
  out[i] = float4{ax, ay, az, 0};
}

DEVICE float normalCdf(float d) {
  float k = rcp(1.0f + 0.2316419f * absf(d));
  float c = 0.39894228040f * expApprox(-0.5f * d * d) *
            (k * (0.31938153f + k * (-0.356563782f + k * (1.781477937f + k * (-1.821255978f + k * 1.330274429f)))));
  return d > 0 ? 1.0f - c : c;
}

GLOBAL void blackScholes(const float* price, const float* strike, const float* years, float* callValue, float* putValue, int n) {
  int i = globalX();
  if (i >= n) return;
  const float r = 0.02f, v = 0.30f;
  float s = price[i], x = strike[i], t = years[i], root = sqrtRn(t);
  float d1 = (logApprox(s * rcp(x)) + (r + 0.5f * v * v) * t) * rcp(v * root), d2 = d1 - v * root;
  float c1 = normalCdf(d1), c2 = normalCdf(d2), e = expApprox(-r * t);
  callValue[i] = s * c1 - x * e * c2;
  putValue[i] = x * e * (1.0f - c2) - s * (1.0f - c1);
}

GLOBAL void mandelbrot(int* out, int w, int h, int limit) {
  int x = globalX(), y = globalY();
  if (x >= w || y >= h) return;
  float cr = -2.0f + 3.0f * float(x) / float(w), ci = -1.2f + 2.4f * float(y) / float(h), zr = 0, zi = 0;
  int i = 0;
  while (i < limit && zr * zr + zi * zi < 4.0f) {
    float t = zr * zr - zi * zi + cr;
    zi = 2.0f * zr * zi + ci;
    zr = t;
    ++i;
  }
  out[y * w + x] = i;
}

GLOBAL void gather(const float* in, const int* index, float* out, int n) {
  int i = globalX();
  if (i < n) out[i] = in[index[i]];
}

GLOBAL void spmv(const int* rows, const int* columns, const float* values, const float* x, float* y, int n) {
  int row = globalX();
  if (row >= n) return;
  float sum = 0;
  for (int i = rows[row]; i < rows[row + 1]; ++i) sum += values[i] * x[columns[i]];
  y[row] = sum;
}

// One warp per row of 256.
GLOBAL void softmax(const float* in, float* out, int rows) {
  int lane = tidX() & 31, row = globalX() >> 5;
  if (row >= rows) return;
  float v[8], top = -1e30f, sum = 0;
  for (int i = 0; i < 8; ++i) v[i] = in[row * 256 + i * 32 + lane], top = maxf(top, v[i]);
  for (int d = 16; d > 0; d >>= 1) top = maxf(top, shflXor(top, d));
  for (int i = 0; i < 8; ++i) v[i] = expApprox(v[i] - top), sum += v[i];
  for (int d = 16; d > 0; d >>= 1) sum += shflXor(sum, d);
  float scale = rcp(sum);
  for (int i = 0; i < 8; ++i) out[row * 256 + i * 32 + lane] = v[i] * scale;
}

GLOBAL void empty() {}
