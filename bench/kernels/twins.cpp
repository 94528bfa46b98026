// Loops as one would write them for the CPU: parallel outside, vectorised inside. SPDX-License-Identifier: Apache-2.0
#include "kernels/twins.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <vector>

namespace twin {

void saxpy(const float* __restrict x, float* __restrict y, float a, int n) {
#pragma omp parallel for simd
  for (int i = 0; i < n; ++i) y[i] = a * x[i] + y[i];
}

void triad(const float* __restrict a, const float* __restrict b, float* __restrict c, float s, int n) {
#pragma omp parallel for simd
  for (int i = 0; i < n; ++i) c[i] = a[i] + s * b[i];
}

void stencil2d(const float* __restrict in, float* __restrict out, int w, int h) {
#pragma omp parallel for
  for (int y = 1; y < h - 1; ++y)
#pragma omp simd
    for (int x = 1; x < w - 1; ++x) {
      int i = y * w + x;
      out[i] = 0.5f * in[i] + 0.125f * (in[i - 1] + in[i + 1] + in[i - w] + in[i + w]);
    }
}

void stencil2dClamped(const float* __restrict in, float* __restrict out, int w, int h) {
#pragma omp parallel for
  for (int y = 0; y < h; ++y) {
    const float* up = in + (y > 0 ? y - 1 : 0) * w;
    const float* here = in + y * w;
    const float* down = in + (y < h - 1 ? y + 1 : y) * w;
    auto at = [&](int x, int left, int right) {
      out[y * w + x] = 0.5f * here[x] + 0.125f * (here[left] + here[right] + up[x] + down[x]);
    };
    at(0, 0, 1);
#pragma omp simd
    for (int x = 1; x < w - 1; ++x) out[y * w + x] = 0.5f * here[x] + 0.125f * (here[x - 1] + here[x + 1] + up[x] + down[x]);
    at(w - 1, w - 2, w - 1);
  }
}

void stencil3d(const float* __restrict in, float* __restrict out, int n) {
#pragma omp parallel for collapse(2)
  for (int z = 1; z < n - 1; ++z)
    for (int y = 1; y < n - 1; ++y)
#pragma omp simd
      for (int x = 1; x < n - 1; ++x) {
        int i = (z * n + y) * n + x;
        out[i] = 0.4f * in[i] + 0.1f * (in[i - 1] + in[i + 1] + in[i - n] + in[i + n] + in[i - n * n] + in[i + n * n]);
      }
}

void transpose(const float* __restrict in, float* __restrict out, int n) {
#pragma omp parallel for collapse(2)
  for (int y = 0; y < n; y += 32)
    for (int x = 0; x < n; x += 32)
      for (int j = 0; j < 32; ++j)
#pragma omp simd
        for (int i = 0; i < 32; ++i) out[(x + j) * n + y + i] = in[(y + i) * n + x + j];
}

float reduce(const float* __restrict in, int n) {
  float sum = 0;
#pragma omp parallel for simd reduction(+ : sum)
  for (int i = 0; i < n; ++i) sum += in[i];
  return sum;
}

void scanRuns(const int* __restrict in, int* __restrict out, int n) {
#pragma omp parallel for
  for (int r = 0; r < n; r += 256) {
    int sum = 0;
    for (int i = r; i < r + 256; ++i) out[i] = sum += in[i];
  }
}

void histogram(const uint8_t* __restrict in, uint32_t* __restrict bins, int n) {
#pragma omp parallel
  {
    uint32_t own[256] = {};
#pragma omp for nowait
    for (int i = 0; i < n; ++i) ++own[in[i]];
    for (int b = 0; b < 256; ++b)
#pragma omp atomic
      bins[b] += own[b];
  }
}

void gemm(const float* __restrict A, const float* __restrict B, float* __restrict C, int n) {
#pragma omp parallel for
  for (int i0 = 0; i0 < n; i0 += 8) {
    for (int i = i0; i < i0 + 8; ++i) std::memset(C + size_t(i) * n, 0, size_t(n) * 4);
    for (int k0 = 0; k0 < n; k0 += 64)
      for (int i = i0; i < i0 + 8; ++i)
        for (int k = k0; k < k0 + 64; ++k) {
          float a = A[i * n + k];
#pragma omp simd
          for (int j = 0; j < n; ++j) C[i * n + j] += a * B[k * n + j];
        }
  }
}

void gemmBf16(const uint16_t* __restrict A, const uint16_t* __restrict B, float* __restrict C, int n) {
  static std::vector<float> a, b;
  a.resize(size_t(n) * n), b.resize(size_t(n) * n);
  auto widen = [](uint16_t v) { return std::bit_cast<float>(uint32_t(v) << 16); };
#pragma omp parallel for
  for (int i = 0; i < n; ++i)
    for (int k = 0; k < n; ++k) a[size_t(i) * n + k] = widen(A[size_t(i) * n + k]), b[size_t(k) * n + i] = widen(B[size_t(i) * n + k]);
  gemm(a.data(), b.data(), C, n);
}

void nbody(const Float4* __restrict p, Float4* __restrict out, int n) {
#pragma omp parallel for
  for (int i = 0; i < n; ++i) {
    Float4 me = p[i];
    float ax = 0, ay = 0, az = 0;
#pragma omp simd reduction(+ : ax, ay, az)
    for (int j = 0; j < n; ++j) {
      Float4 q = p[j];
      float dx = q.x - me.x, dy = q.y - me.y, dz = q.z - me.z;
      float r = 1.0f / std::sqrt(dx * dx + dy * dy + dz * dz + 0.01f), f = q.w * r * r * r;
      ax += dx * f, ay += dy * f, az += dz * f;
    }
    out[i] = {ax, ay, az, 0};
  }
}

static inline float normalCdf(float d) {
  float k = 1.0f / (1.0f + 0.2316419f * std::fabs(d));
  float c = 0.39894228040f * std::exp(-0.5f * d * d) *
            (k * (0.31938153f + k * (-0.356563782f + k * (1.781477937f + k * (-1.821255978f + k * 1.330274429f)))));
  return d > 0 ? 1.0f - c : c;
}

void blackScholes(const float* __restrict price, const float* __restrict strike, const float* __restrict years, float* __restrict callValue,
                  float* __restrict putValue, int n) {
  const float r = 0.02f, v = 0.30f;
#pragma omp parallel for simd
  for (int i = 0; i < n; ++i) {
    float s = price[i], x = strike[i], t = years[i], root = std::sqrt(t);
    float d1 = (std::log(s / x) + (r + 0.5f * v * v) * t) / (v * root), d2 = d1 - v * root;
    float c1 = normalCdf(d1), c2 = normalCdf(d2), e = std::exp(-r * t);
    callValue[i] = s * c1 - x * e * c2;
    putValue[i] = x * e * (1.0f - c2) - s * (1.0f - c1);
  }
}

// Points by vectors; each vector goes on until all of its points have ended.
void mandelbrot(int* __restrict out, int w, int h, int limit) {
  constexpr int together = 32;
#pragma omp parallel for collapse(2) schedule(dynamic, 16)
  for (int y = 0; y < h; ++y)
    for (int from = 0; from < w; from += together) {
      float cr[together], zr[together] = {}, zi[together] = {}, ci = -1.2f + 2.4f * float(y) / float(h);
      int count[together] = {}, active[together];
#pragma omp simd
      for (int l = 0; l < together; ++l) cr[l] = -2.0f + 3.0f * float(from + l) / float(w), active[l] = 1;
      for (int i = 0, any = 1; i < limit && any; ++i) {
        any = 0;
#pragma omp simd reduction(| : any)
        for (int l = 0; l < together; ++l) {
          int on = active[l] & (zr[l] * zr[l] + zi[l] * zi[l] < 4.0f ? 1 : 0);
          float t = zr[l] * zr[l] - zi[l] * zi[l] + cr[l];
          zi[l] = on ? 2.0f * zr[l] * zi[l] + ci : zi[l];
          zr[l] = on ? t : zr[l];
          count[l] += on;
          active[l] = on;
          any |= on;
        }
      }
      for (int l = 0; l < together; ++l) out[y * w + from + l] = count[l];
    }
}

void gather(const float* __restrict in, const int* __restrict index, float* __restrict out, int n) {
#pragma omp parallel for simd
  for (int i = 0; i < n; ++i) out[i] = in[index[i]];
}

void spmv(const int* __restrict rows, const int* __restrict columns, const float* __restrict values, const float* __restrict x,
          float* __restrict y, int n) {
#pragma omp parallel for
  for (int row = 0; row < n; ++row) {
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int i = rows[row]; i < rows[row + 1]; ++i) sum += values[i] * x[columns[i]];
    y[row] = sum;
  }
}

void softmax(const float* __restrict in, float* __restrict out, int rows) {
#pragma omp parallel for
  for (int r = 0; r < rows; ++r) {
    const float* v = in + size_t(r) * 256;
    float* o = out + size_t(r) * 256;
    float top = -1e30f, sum = 0;
#pragma omp simd reduction(max : top)
    for (int i = 0; i < 256; ++i) top = v[i] > top ? v[i] : top;
#pragma omp simd reduction(+ : sum)
    for (int i = 0; i < 256; ++i) sum += o[i] = std::exp(v[i] - top);
    float scale = 1.0f / sum;
#pragma omp simd
    for (int i = 0; i < 256; ++i) o[i] *= scale;
  }
}

}  // namespace twin
