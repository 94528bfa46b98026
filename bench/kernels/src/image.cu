// Pictures: filters and rendering. SPDX-License-Identifier: Apache-2.0
#include "device.h"

// 5 x 5, weights by distance and by difference; the frame of two around the picture is left out.
GLOBAL void bilateral(const float* in, float* out, int w, int h) {
  int x = globalX(), y = globalY();
  if (x < 2 || y < 2 || x >= w - 2 || y >= h - 2) return;
  float centre = in[y * w + x], sum = 0, weights = 0;
#pragma unroll
  for (int dy = -2; dy <= 2; ++dy)
#pragma unroll
    for (int dx = -2; dx <= 2; ++dx) {
      float v = in[(y + dy) * w + x + dx], d = v - centre, weight = expApprox(-0.125f * float(dx * dx + dy * dy) - 8.0f * d * d);
      sum += weight * v;
      weights += weight;
    }
  out[y * w + x] = sum * rcp(weights);
}

// 3 x 3 gradients of bytes.
GLOBAL void sobel(const uchar* in, uchar* out, int w, int h) {
  int x = globalX(), y = globalY();
  if (x < 1 || y < 1 || x >= w - 1 || y >= h - 1) return;
  const uchar* p = in + y * w + x;
  int gx = p[1 - w] + 2 * p[1] + p[1 + w] - p[-1 - w] - 2 * p[-1] - p[w - 1];
  int gy = p[w - 1] + 2 * p[w] + p[w + 1] - p[-w - 1] - 2 * p[-w] - p[1 - w];
  int g = (gx < 0 ? -gx : gx) + (gy < 0 ? -gy : gy);
  out[y * w + x] = uchar(g > 255 ? 255 : g);
}

// Spheres on a lattice above a plane, marched by distance; steps and depth of each ray.
GLOBAL void rayMarch(float* out, int w, int h) {
  int x = globalX(), y = globalY();
  if (x >= w || y >= h) return;
  float dx = (float(x) - 0.5f * float(w)) / float(h), dy = (float(y) - 0.5f * float(h)) / float(h), scale = rsqrt(dx * dx + dy * dy + 1.0f);
  dx *= scale, dy *= scale;
  float depth = 0;
  int step = 0;
  for (; step < 96 && depth < 40.0f; ++step) {
    float px = dx * depth, py = dy * depth + 0.3f, pz = scale * depth;
    float cx = px - 4.0f * floorFloat(px * 0.25f) - 2.0f, cz = pz - 4.0f * floorFloat(pz * 0.25f) - 2.0f;
    float distance = minf(sqrtRn(cx * cx + py * py + cz * cz) - 1.0f, 1.5f - py);
    if (distance < 0.001f) break;
    depth += distance;
  }
  out[y * w + x] = depth + float(step);
}
