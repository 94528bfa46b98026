// Filters and rendering: loops for the CPU beside the kernels. SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "image_ptx.h"
#include "kernels/data.h"
#include "kernels/opencl.h"

namespace bench {
namespace {

void bilateral(const float* __restrict in, float* __restrict out, int w, int h) {
#pragma omp parallel for
  for (int y = 2; y < h - 2; ++y)
#pragma omp simd
    for (int x = 2; x < w - 2; ++x) {
      float centre = in[y * w + x], sum = 0, weights = 0;
#pragma GCC unroll 5
      for (int dy = -2; dy <= 2; ++dy)
#pragma GCC unroll 5
        for (int dx = -2; dx <= 2; ++dx) {
          float v = in[(y + dy) * w + x + dx], d = v - centre, weight = std::exp(-0.125f * float(dx * dx + dy * dy) - 8.0f * d * d);
          sum += weight * v;
          weights += weight;
        }
      out[y * w + x] = sum / weights;
    }
}

void sobel(const uint8_t* __restrict in, uint8_t* __restrict out, int w, int h) {
#pragma omp parallel for
  for (int y = 1; y < h - 1; ++y)
#pragma omp simd
    for (int x = 1; x < w - 1; ++x) {
      const uint8_t* p = in + y * w + x;
      int gx = p[1 - w] + 2 * p[1] + p[1 + w] - p[-1 - w] - 2 * p[-1] - p[w - 1];
      int gy = p[w - 1] + 2 * p[w] + p[w + 1] - p[-w - 1] - 2 * p[-w] - p[1 - w];
      int g = std::abs(gx) + std::abs(gy);
      out[y * w + x] = uint8_t(g > 255 ? 255 : g);
    }
}

// Rays by vectors; each goes on until all of its vector have ended.
void rayMarch(float* __restrict out, int w, int h) {
  constexpr int together = 32;
#pragma omp parallel for collapse(2) schedule(dynamic, 16)
  for (int y = 0; y < h; ++y)
    for (int from = 0; from < w; from += together) {
      float dx[together], dy[together], dz[together], depth[together] = {};
      int steps[together] = {}, active[together];
#pragma omp simd
      for (int l = 0; l < together; ++l) {
        float a = (float(from + l) - 0.5f * float(w)) / float(h), b = (float(y) - 0.5f * float(h)) / float(h);
        float scale = 1.0f / std::sqrt(a * a + b * b + 1.0f);
        dx[l] = a * scale, dy[l] = b * scale, dz[l] = scale, active[l] = 1;
      }
      for (int step = 0, any = 1; step < 96 && any; ++step) {
        any = 0;
#pragma omp simd reduction(| : any)
        for (int l = 0; l < together; ++l) {
          float px = dx[l] * depth[l], py = dy[l] * depth[l] + 0.3f, pz = dz[l] * depth[l];
          float cx = px - 4.0f * std::floor(px * 0.25f) - 2.0f, cz = pz - 4.0f * std::floor(pz * 0.25f) - 2.0f;
          float distance = std::min(std::sqrt(cx * cx + py * py + cz * cz) - 1.0f, 1.5f - py);
          int on = active[l] & (distance < 0.001f ? 0 : 1);
          depth[l] += on ? distance : 0.0f;
          steps[l] += on;
          active[l] = on & (depth[l] < 40.0f ? 1 : 0);
          any |= active[l];
        }
      }
      for (int l = 0; l < together; ++l) out[y * w + from + l] = depth[l] + float(steps[l]);
    }
}

}  // namespace

std::vector<Pair> imagePairs(bool small) {
  Module module(imagePtx);
  std::vector<Pair> pairs;
  {
    int w = small ? 512 : 2048;
    auto in = randomFloats(size_t(w) * w, 0, 1, 81), out = randomFloats(size_t(w) * w, 0, 0, 82);
    Launch k{module("bilateral"), unsigned(w / 32), unsigned(w / 8), 32, 8};
    pairs.push_back({"bilateral", "image filter", [=] { k(in->address(), out->address(), w, w); },
                     [=] { bilateral(in->host.data(), out->host.data(), w, w); }, [=] { return out->error(); }, 1e-3});
    pairs.back().openCl = openCl("bilateral", k, in, out, w, w);
    pairs.back().work(8.0 * w * w, 25.0 * 18 * w * w);
  }
  {
    int w = small ? 1024 : 8192;
    auto in = data<uint8_t>(size_t(w) * w), out = data<uint8_t>(size_t(w) * w);
    auto values = randomInts(size_t(w) * w, 256, 83);
    std::copy(values->host.begin(), values->host.end(), in->host.begin());
    in->upload();
    out->upload();
    Launch k{module("sobel"), unsigned(w / 32), unsigned(w / 8), 32, 8};
    pairs.push_back({"sobel", "image filter, bytes", [=] { k(in->address(), out->address(), w, w); },
                     [=] { sobel(in->host.data(), out->host.data(), w, w); }, [=] { return out->error(); }, 0});
    pairs.back().openCl = openCl("sobel", k, in, out, w, w);
    pairs.back().work(2.0 * w * w, 0);
  }
  {
    int w = small ? 256 : 1024;
    auto out = data<float>(size_t(w) * w);
    Launch k{module("rayMarch"), unsigned(w / 32), unsigned(w / 8), 32, 8};
    pairs.push_back({"rayMarch", "divergent loop", [=] { k(out->address(), w, w); }, [=] { rayMarch(out->host.data(), w, w); },
                     [=] {  // a ray that passes close by may take another way
                       out->device->download(out->result.data());
                       size_t different = 0;
                       for (size_t i = 0; i < out->host.size(); ++i) different += std::abs(out->host[i] - out->result[i]) > 0.01f * out->host[i];
                       return double(different) / double(out->host.size());
                     },
                     0.02});
    pairs.back().openCl = openCl("rayMarch", k, out, w, w);
    pairs.back().work(4.0 * w * w, 0);
  }
  return pairs;
}

}  // namespace bench
