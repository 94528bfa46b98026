// Dense linear algebra and neural-network layers: loops for the CPU beside the kernels. SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "async_ptx.h"
#include "dense_ptx.h"
#include "kernels/data.h"
#include "kernels/opencl.h"
#include "kernels/twins.h"

namespace bench {
namespace {

void gemmBatched(const float* __restrict A, const float* __restrict B, float* __restrict C, int count) {
#pragma omp parallel for
  for (int m = 0; m < count; ++m) {
    const float *a = A + m * 256, *b = B + m * 256;
    for (int i = 0; i < 16; ++i) {
      float row[16] = {};
      for (int k = 0; k < 16; ++k)
#pragma omp simd
        for (int j = 0; j < 16; ++j) row[j] += a[i * 16 + k] * b[k * 16 + j];
      for (int j = 0; j < 16; ++j) C[m * 256 + i * 16 + j] = row[j];
    }
  }
}

void convolution(const float* __restrict in, const float* __restrict weights, float* __restrict out, int w, int h, int channels) {
#pragma omp parallel for collapse(2)
  for (int k = 0; k < channels; ++k)
    for (int y = 0; y < h; ++y) {
      float* row = out + (k * h + y) * w;
      for (int x = 0; x < w; ++x) row[x] = 0;
      for (int c = 0; c < channels; ++c) {
        const float* f = weights + (k * channels + c) * 9;
        const float* p = in + (c * (h + 2) + y) * (w + 2);
        const float *q = p + w + 2, *r = q + w + 2;
#pragma omp simd
        for (int x = 0; x < w; ++x)
          row[x] += f[0] * p[x] + f[1] * p[x + 1] + f[2] * p[x + 2] + f[3] * q[x] + f[4] * q[x + 1] + f[5] * q[x + 2] + f[6] * r[x] + f[7] * r[x + 1] +
                    f[8] * r[x + 2];
      }
    }
}

void layerNorm(const float* __restrict in, const float* __restrict gain, const float* __restrict bias, float* __restrict out, int rows) {
#pragma omp parallel for
  for (int r = 0; r < rows; ++r) {
    const float* v = in + size_t(r) * 1024;
    float sum = 0, square = 0;
#pragma omp simd reduction(+ : sum, square)
    for (int i = 0; i < 1024; ++i) sum += v[i], square += v[i] * v[i];
    float mean = sum / 1024, scale = 1.0f / std::sqrt(square / 1024 - mean * mean + 1e-5f);
#pragma omp simd
    for (int i = 0; i < 1024; ++i) out[size_t(r) * 1024 + i] = (v[i] - mean) * scale * gain[i] + bias[i];
  }
}

// Eight queries at a time, so that keys and values are read once for all of them.
void attention(const float* __restrict Q, const float* __restrict K, const float* __restrict V, float* __restrict out, int heads, int n) {
  constexpr int together = 8;
#pragma omp parallel
  {
    std::vector<float> scores(size_t(together) * n);
#pragma omp for collapse(2)
    for (int head = 0; head < heads; ++head)
      for (int from = 0; from < n; from += together) {
        const float *q = Q + (size_t(head) * n + from) * 64, *k = K + size_t(head) * n * 64, *v = V + size_t(head) * n * 64;
        for (int j = 0; j < n; ++j)
          for (int i = 0; i < together; ++i) {
            float s = 0;
#pragma omp simd reduction(+ : s)
            for (int d = 0; d < 64; ++d) s += q[i * 64 + d] * k[size_t(j) * 64 + d];
            scores[size_t(i) * n + j] = s * 0.125f;
          }
        float sums[together][64] = {}, scale[together];
        for (int i = 0; i < together; ++i) {
          float top = -1e30f, total = 0, *s = scores.data() + size_t(i) * n;
#pragma omp simd reduction(max : top)
          for (int j = 0; j < n; ++j) top = s[j] > top ? s[j] : top;
#pragma omp simd reduction(+ : total)
          for (int j = 0; j < n; ++j) total += s[j] = std::exp(s[j] - top);
          scale[i] = 1.0f / total;
        }
        for (int j = 0; j < n; ++j)
          for (int i = 0; i < together; ++i) {
            float p = scores[size_t(i) * n + j];
#pragma omp simd
            for (int d = 0; d < 64; ++d) sums[i][d] += p * v[size_t(j) * 64 + d];
          }
        for (int i = 0; i < together; ++i)
          for (int d = 0; d < 64; ++d) out[(size_t(head) * n + from + i) * 64 + d] = sums[i][d] * scale[i];
      }
  }
}

}  // namespace

std::vector<Pair> densePairs(bool small) {
  Module dense(densePtx), async(asyncPtx);
  std::vector<Pair> pairs;
  {
    int m = small ? 256 : 1024;
    auto a = randomFloats(size_t(m) * m, -1, 1, 9), b = randomFloats(size_t(m) * m, -1, 1, 10);
    auto add = [&](const char* name, const char* kind, Launch k) {
      auto c = data<float>(size_t(m) * m);
      pairs.push_back({name, kind, [=] { k(a->address(), b->address(), c->address(), m); },
                       [=] { twin::gemm(a->host.data(), b->host.data(), c->host.data(), m); }, [=] { return c->error(); }});
      pairs.back().work(12.0 * m * m, 2.0 * m * m * m);
      pairs.back().openCl = openCl(name, k, a, b, c, m);
    };
    add("gemmNaive", "matrix product, no tiles", {dense("gemmNaive"), unsigned(m / 32), unsigned(m / 8), 32, 8});
    add("gemmTiled32", "matrix product, 32 x 32", {dense("gemmTiled32"), unsigned(m / 32), unsigned(m / 32), 32, 32});
    add("gemmAsync", "matrix product, cp.async", {async("gemmAsync"), unsigned(m / 64), unsigned(m / 64), 16, 16});
  }
  {
    int count = small ? 2048 : 32768;
    auto a = randomFloats(size_t(count) * 256, -1, 1, 31), b = randomFloats(size_t(count) * 256, -1, 1, 32), c = data<float>(size_t(count) * 256);
    Launch k{dense("gemmBatched"), unsigned(count), 1, 16, 16};
    pairs.push_back({"gemmBatched", "16 x 16 matrices", [=] { k(a->address(), b->address(), c->address()); },
                     [=] { gemmBatched(a->host.data(), b->host.data(), c->host.data(), count); }, [=] { return c->error(); }});
    pairs.back().openCl = openCl("gemmBatched", k, a, b, c);
    pairs.back().work(count * 3072.0, count * 8192.0);
  }
  {
    int w = small ? 64 : 128, channels = small ? 16 : 64;
    auto in = randomFloats(size_t(channels) * (w + 2) * (w + 2), -1, 1, 33), f = randomFloats(size_t(channels) * channels * 9, -0.1f, 0.1f, 34);
    auto out = data<float>(size_t(channels) * w * w);
    Launch k{dense("convolution"), unsigned(w / 32), unsigned(w * channels / 8), 32, 8};
    pairs.push_back({"convolution", "3 x 3, channels", [=] { k(in->address(), f->address(), out->address(), w, w, channels); },
                     [=] { convolution(in->host.data(), f->host.data(), out->host.data(), w, w, channels); }, [=] { return out->error(); }, 1e-3});
    pairs.back().openCl = openCl("convolution", k, in, f, out, w, w, channels);
    pairs.back().work(8.0 * channels * w * w, 18.0 * channels * channels * w * w);
  }
  {
    int rows = small ? 1024 : 16384;
    auto in = randomFloats(size_t(rows) * 1024, -2, 3, 35), gain = randomFloats(1024, 0.5f, 1.5f, 36), bias = randomFloats(1024, -1, 1, 37);
    auto out = data<float>(size_t(rows) * 1024);
    Launch k{dense("layerNorm"), unsigned(rows)};
    pairs.push_back({"layerNorm", "block per row", [=] { k(in->address(), gain->address(), bias->address(), out->address()); },
                     [=] { layerNorm(in->host.data(), gain->host.data(), bias->host.data(), out->host.data(), rows); }, [=] { return out->error(); }, 1e-3});
    pairs.back().work(rows * 8192.0, rows * 8192.0);
  }
  {
    int heads = small ? 2 : 8, n = small ? 256 : 1024;
    size_t size = size_t(heads) * n * 64;
    auto q = randomFloats(size, -1, 1, 38), k = randomFloats(size, -1, 1, 39), v = randomFloats(size, -1, 1, 40), out = data<float>(size);
    Launch launch{dense("attention"), unsigned(n / 128), unsigned(heads), 128, 1};
    pairs.push_back({"attention", "online softmax", [=] { launch(q->address(), k->address(), v->address(), out->address(), n); },
                     [=] { attention(q->host.data(), k->host.data(), v->host.data(), out->host.data(), heads, n); }, [=] { return out->error(); }, 1e-3});
    pairs.back().work(16.0 * size, 4.0 * 64 * heads * n * n);
  }
  return pairs;
}

}  // namespace bench
