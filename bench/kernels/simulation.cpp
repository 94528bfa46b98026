// Physics, finance and transforms: loops for the CPU beside the kernels. SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "kernels/data.h"
#include "kernels/opencl.h"
#include "kernels/twins.h"
#include "simulation_ptx.h"

namespace bench {
namespace {

void stencil3d(const float* __restrict in, float* __restrict out, int n) {
  int pitch = n + 2, area = pitch * pitch;
#pragma omp parallel for collapse(2)
  for (int z = 1; z <= n; ++z)
    for (int y = 1; y <= n; ++y) {
      const float* p = in + z * area + y * pitch;
#pragma omp simd
      for (int x = 1; x <= n; ++x)
        out[z * area + y * pitch + x] = 0.4f * p[x] + 0.1f * (p[x - 1] + p[x + 1] + p[x - pitch] + p[x + pitch] + p[x - area] + p[x + area]);
    }
}

// Lists of `most` neighbours side by side.
void moldyn(const twin::Float4* __restrict atoms, const int* __restrict neighbours, const int* __restrict counts, twin::Float4* __restrict force, int n,
            int most) {
#pragma omp parallel for
  for (int i = 0; i < n; ++i) {
    twin::Float4 me = atoms[i];
    float fx = 0, fy = 0, fz = 0;
#pragma omp simd reduction(+ : fx, fy, fz)
    for (int k = 0; k < counts[i]; ++k) {
      twin::Float4 other = atoms[neighbours[size_t(i) * most + k]];
      float dx = me.x - other.x, dy = me.y - other.y, dz = me.z - other.z, r2 = dx * dx + dy * dy + dz * dz;
      float s = 1.0f / r2, s6 = s * s * s, f = r2 < 6.25f ? s * s6 * (48.0f * s6 - 24.0f) : 0.0f;
      fx += dx * f, fy += dy * f, fz += dz * f;
    }
    force[i] = {fx, fy, fz, 0};
  }
}

// Paths by vectors, so that the functions are called for a vector.
void monteCarlo(float* __restrict payoff, int paths, int steps, float drift, float spread) {
  constexpr int together = 32;
#pragma omp parallel for
  for (int from = 0; from < paths; from += together) {
    uint32_t s[together];
    float price[together] = {}, sum[together] = {};
    for (int l = 0; l < together; ++l) s[l] = uint32_t(from + l) * 2654435761u + 12345u;
    for (int k = 0; k < steps; k += 2)
#pragma omp simd
      for (int l = 0; l < together; ++l) {
        uint32_t a = s[l];
        a ^= a << 13, a ^= a >> 17, a ^= a << 5;
        uint32_t b = a;
        b ^= b << 13, b ^= b >> 17, b ^= b << 5;
        s[l] = b;
        float u = (float(int(a >> 8)) + 0.5f) * (1.0f / 16777216), v = float(int(b >> 8)) * (6.2831853f / 16777216);
        float r = std::sqrt(-2.0f * std::log(u)) * spread;
        // The cosine as a sine: g++ would make one scalar call of both.
        float first = price[l] + drift + r * std::sin(v + 1.57079633f), second = first + drift + r * std::sin(v);
        sum[l] += std::exp(first) + std::exp(second);
        price[l] = second;
      }
    for (int l = 0; l < together; ++l) payoff[from + l] = std::max(sum[l] / float(steps) - 1.0f, 0.0f);
  }
}

void latticeBoltzmann(const float* __restrict in, float* __restrict out, int w, int h, float omega) {
  int area = w * h;
#pragma omp parallel for
  for (int y = 0; y < h; ++y) {
    int down = (y > 0 ? y - 1 : h - 1) * w, up = (y < h - 1 ? y + 1 : 0) * w, row = y * w;
    auto cell = [&](int x, int left, int right) __attribute__((always_inline)) {
      float f0 = in[row + x], f1 = in[area + row + left], f2 = in[2 * area + down + x], f3 = in[3 * area + row + right];
      float f4 = in[4 * area + up + x], f5 = in[5 * area + down + left], f6 = in[6 * area + down + right];
      float f7 = in[7 * area + up + right], f8 = in[8 * area + up + left];
      float rho = f0 + f1 + f2 + f3 + f4 + f5 + f6 + f7 + f8, inverse = 1.0f / rho;
      float ux = (f1 + f5 + f8 - f3 - f6 - f7) * inverse, uy = (f2 + f5 + f6 - f4 - f7 - f8) * inverse, base = 1.0f - 1.5f * (ux * ux + uy * uy);
      auto relaxed = [&](float f, float weight, float cu) __attribute__((always_inline)) {
        return f + omega * (weight * rho * (base + 3.0f * cu + 4.5f * cu * cu) - f);
      };
      out[row + x] = relaxed(f0, 4.0f / 9, 0);
      out[area + row + x] = relaxed(f1, 1.0f / 9, ux);
      out[2 * area + row + x] = relaxed(f2, 1.0f / 9, uy);
      out[3 * area + row + x] = relaxed(f3, 1.0f / 9, -ux);
      out[4 * area + row + x] = relaxed(f4, 1.0f / 9, -uy);
      out[5 * area + row + x] = relaxed(f5, 1.0f / 36, ux + uy);
      out[6 * area + row + x] = relaxed(f6, 1.0f / 36, uy - ux);
      out[7 * area + row + x] = relaxed(f7, 1.0f / 36, -ux - uy);
      out[8 * area + row + x] = relaxed(f8, 1.0f / 36, ux - uy);
    };
    cell(0, w - 1, 1);
#pragma omp simd
    for (int x = 1; x < w - 1; ++x) cell(x, x - 1, x + 1);
    cell(w - 1, w - 2, 0);
  }
}

struct Complex {
  float re, im;
};

// Stockham's order: each step reads one array and writes the other, no bit reversal; sixteen transforms side by side.
void fft(const Complex* __restrict in, Complex* __restrict out, const Complex* __restrict factors, int count) {
  constexpr int n = 512, side = 16;
#pragma omp parallel
  {
    alignas(64) static thread_local float re[2][n][side], im[2][n][side];
#pragma omp for
    for (int from = 0; from < count; from += side) {
      for (int t = 0; t < side; ++t)
        for (int i = 0; i < n; ++i) re[0][i][t] = in[(from + t) * n + i].re, im[0][i][t] = in[(from + t) * n + i].im;
      int now = 0;
      for (int l = n / 2, m = 1; l > 0; l /= 2, m *= 2) {
        for (int j = 0; j < l; ++j) {
          Complex f = factors[j * m];
          for (int k = 0; k < m; ++k) {
            const float *ar = re[now][j * m + k], *ai = im[now][j * m + k], *br = re[now][(j + l) * m + k], *bi = im[now][(j + l) * m + k];
            float *cr = re[1 - now][2 * j * m + k], *ci = im[1 - now][2 * j * m + k], *dr = re[1 - now][(2 * j + 1) * m + k], *di = im[1 - now][(2 * j + 1) * m + k];
#pragma omp simd
            for (int t = 0; t < side; ++t) {
              float xr = ar[t] - br[t], xi = ai[t] - bi[t];
              cr[t] = ar[t] + br[t];
              ci[t] = ai[t] + bi[t];
              dr[t] = xr * f.re - xi * f.im;
              di[t] = xr * f.im + xi * f.re;
            }
          }
        }
        now = 1 - now;
      }
      for (int t = 0; t < side; ++t)
        for (int i = 0; i < n; ++i) out[(from + t) * n + i] = {re[now][i][t], im[now][i][t]};
    }
  }
}

}  // namespace

std::vector<Pair> simulationPairs(bool small) {
  Module module(simulationPtx);
  std::vector<Pair> pairs;
  {
    int n = small ? 96 : 256;
    size_t size = size_t(n + 2) * (n + 2) * (n + 2);
    auto in = randomFloats(size, -1, 1, 61), out = randomFloats(size, 0, 0, 61);
    Launch k{module("stencil3dShared"), unsigned(n / 32), unsigned(n / 8), 32, 8};
    pairs.push_back({"stencil3dShared", "stencil, shared memory", [=] { k(in->address(), out->address(), n); },
                     [=] { stencil3d(in->host.data(), out->host.data(), n); }, [=] { return out->error(); }});
    pairs.back().openCl = openCl("stencil3dShared", k, in, out, n);
    pairs.back().work(8.0 * double(size), 8.0 * double(size));
  }
  {
    int side = small ? 16 : 40, n = side * side * side, most = 96;
    auto atoms = randomFloats(size_t(n) * 4, -0.1f, 0.1f, 62);
    for (int i = 0; i < n; ++i) {
      atoms->host[4 * i] += 1.2f * float(i % side);
      atoms->host[4 * i + 1] += 1.2f * float(i / side % side);
      atoms->host[4 * i + 2] += 1.2f * float(i / side / side);
    }
    atoms->upload();
    auto mine = std::make_shared<std::vector<int>>(size_t(n) * most);
    auto lists = data<int>(size_t(n) * most), counts = data<int>(n);
    for (int i = 0; i < n; ++i)
      for (int dz = -2; dz <= 2; ++dz)
        for (int dy = -2; dy <= 2; ++dy)
          for (int dx = -2; dx <= 2; ++dx) {
            int x = i % side + dx, y = i / side % side + dy, z = i / side / side + dz, j = (z * side + y) * side + x;
            if (x < 0 || y < 0 || z < 0 || x >= side || y >= side || z >= side || i == j || dx * dx + dy * dy + dz * dz > 6) continue;
            int k = counts->host[i]++;
            (*mine)[size_t(i) * most + k] = j;
            lists->host[size_t(k) * n + i] = j;
          }
    lists->upload();
    counts->upload();
    double total = 0;
    for (int c : counts->host) total += c;
    auto force = data<float>(size_t(n) * 4);
    Launch k{module("moldyn"), blocks(n, 256)};
    pairs.push_back({"moldyn", "neighbour lists", [=] { k(atoms->address(), lists->address(), counts->address(), force->address(), n); },
                     [=] {
                       moldyn(reinterpret_cast<twin::Float4*>(atoms->host.data()), mine->data(), counts->host.data(),
                              reinterpret_cast<twin::Float4*>(force->host.data()), n, most);
                     },
                     [=] { return force->error(); }, 1e-2});
    pairs.back().openCl = openCl("moldyn", k, atoms, lists, counts, force, n);
    pairs.back().work(4.0 * total + 36.0 * n, 21.0 * total);
  }
  {
    int paths = small ? 16384 : 262144, steps = 64;
    auto payoff = data<float>(paths);
    Launch k{module("monteCarlo"), unsigned(paths / 256)};
    float drift = -0.0002f, spread = 0.02f;
    pairs.push_back({"monteCarlo", "random paths", [=] { k(payoff->address(), steps, drift, spread); },
                     [=] { monteCarlo(payoff->host.data(), paths, steps, drift, spread); }, [=] { return payoff->error(); }, 1e-3});
    pairs.back().openCl = openCl("monteCarlo", k, payoff, steps, drift, spread);
    pairs.back().work(4.0 * paths, 40.0 * paths * steps);
  }
  {
    int w = small ? 256 : 1024;
    auto in = randomFloats(size_t(w) * w * 9, 0.05f, 0.15f, 63), out = data<float>(size_t(w) * w * 9);
    Launch k{module("latticeBoltzmann"), unsigned(w / 32), unsigned(w / 8), 32, 8};
    pairs.push_back({"latticeBoltzmann", "fluid, D2Q9", [=] { k(in->address(), out->address(), w, w, 1.2f); },
                     [=] { latticeBoltzmann(in->host.data(), out->host.data(), w, w, 1.2f); }, [=] { return out->error(); }, 1e-3});
    pairs.back().openCl = openCl("latticeBoltzmann", k, in, out, w, w, 1.2f);
    pairs.back().work(72.0 * w * w, 110.0 * w * w);
  }
  {
    int count = small ? 512 : 8192;
    auto in = randomFloats(size_t(count) * 1024, -1, 1, 64), out = data<float>(size_t(count) * 1024), factors = data<float>(512);
    for (int i = 0; i < 256; ++i) {
      factors->host[2 * i] = float(std::cos(6.283185307179586 * i / 512));
      factors->host[2 * i + 1] = float(-std::sin(6.283185307179586 * i / 512));
    }
    factors->upload();
    Launch k{module("fft"), unsigned(count)};
    pairs.push_back({"fft", "512 points, batched", [=] { k(in->address(), out->address(), factors->address()); },
                     [=] {
                       fft(reinterpret_cast<Complex*>(in->host.data()), reinterpret_cast<Complex*>(out->host.data()),
                           reinterpret_cast<Complex*>(factors->host.data()), count);
                     },
                     [=] { return out->error(); }, 1e-3});
    pairs.back().openCl = openCl("fft", k, in, out, factors);
    pairs.back().work(8192.0 * count, 10.0 * 9 * 256 * count);
  }
  return pairs;
}

}  // namespace bench
