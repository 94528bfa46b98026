// Physics, finance and transforms. SPDX-License-Identifier: Apache-2.0
#include "device.h"

// The planes of a column of 32 x 8 go through shared memory, one after the other.
GLOBAL LAUNCH_BOUNDS(256) void stencil3dShared(const float* in, float* out, int n) {
  SHARED static float plane[10][34];
  int tx = tidX() + 1, ty = tidY() + 1, x = ctaX() * 32 + tx, y = ctaY() * 8 + ty;  // of a cube with a frame: n is the inside
  int pitch = n + 2, area = pitch * pitch, at = y * pitch + x;
  float below = in[at], here = in[at + area];
  for (int z = 1; z <= n; ++z) {
    float above = in[at + (z + 1) * area];
    barrier();
    plane[ty][tx] = here;
    if (tx == 1) plane[ty][0] = in[at + z * area - 1];
    if (tx == 32) plane[ty][33] = in[at + z * area + 1];
    if (ty == 1) plane[0][tx] = in[at + z * area - pitch];
    if (ty == 8) plane[9][tx] = in[at + z * area + pitch];
    barrier();
    out[at + z * area] = 0.4f * here + 0.1f * (plane[ty][tx - 1] + plane[ty][tx + 1] + plane[ty - 1][tx] + plane[ty + 1][tx] + below + above);
    below = here;
    here = above;
  }
}

// Lennard-Jones forces by neighbour lists, stored so that atoms side by side read side by side.
GLOBAL void moldyn(const float4* atoms, const int* neighbours, const int* counts, float4* force, int n) {
  int i = globalX();
  if (i >= n) return;
  float4 me = atoms[i];
  float fx = 0, fy = 0, fz = 0;
  for (int k = 0; k < counts[i]; ++k) {
    float4 other = atoms[neighbours[k * n + i]];
    float dx = me.x - other.x, dy = me.y - other.y, dz = me.z - other.z, r2 = dx * dx + dy * dy + dz * dz;
    if (r2 < 6.25f) {
      float s = rcp(r2), s6 = s * s * s, f = s * s6 * (48.0f * s6 - 24.0f);
      fx += dx * f, fy += dy * f, fz += dz * f;
    }
  }
  force[i] = float4{fx, fy, fz, 0};
}

DEVICE uint nextRandom(uint& s) {
  s ^= s << 13;
  s ^= s >> 17;
  return s ^= s << 5;
}

// Asian options: paths of normal steps by Box and Muller, two steps at a time.
GLOBAL void monteCarlo(float* payoff, int steps, float drift, float spread) {
  int i = globalX();
  uint s = uint(i) * 2654435761u + 12345u;
  float price = 0, sum = 0;
  for (int k = 0; k < steps; k += 2) {
    float u = (float(nextRandom(s) >> 8) + 0.5f) * (1.0f / 16777216), v = float(nextRandom(s) >> 8) * (6.2831853f / 16777216);
    float r = sqrtRn(-2.0f * logApprox(u)) * spread;
    price += drift + r * cosApprox(v);
    sum += expApprox(price);
    price += drift + r * sinApprox(v);
    sum += expApprox(price);
  }
  payoff[i] = maxf(sum / float(steps) - 1.0f, 0);
}

// D2Q9 with a single relaxation time, pull scheme, periodic; nine planes of w x h.
GLOBAL void latticeBoltzmann(const float* in, float* out, int w, int h, float omega) {
  int x = globalX(), y = globalY();
  int left = x > 0 ? x - 1 : w - 1, right = x < w - 1 ? x + 1 : 0, down = y > 0 ? y - 1 : h - 1, up = y < h - 1 ? y + 1 : 0, area = w * h;
  float f0 = in[y * w + x], f1 = in[area + y * w + left], f2 = in[2 * area + down * w + x], f3 = in[3 * area + y * w + right];
  float f4 = in[4 * area + up * w + x], f5 = in[5 * area + down * w + left], f6 = in[6 * area + down * w + right];
  float f7 = in[7 * area + up * w + right], f8 = in[8 * area + up * w + left];
  float rho = f0 + f1 + f2 + f3 + f4 + f5 + f6 + f7 + f8, inverse = rcp(rho);
  float ux = (f1 + f5 + f8 - f3 - f6 - f7) * inverse, uy = (f2 + f5 + f6 - f4 - f7 - f8) * inverse, base = 1.0f - 1.5f * (ux * ux + uy * uy);
  auto relax = [&](int plane, float f, float weight, float cu) {
    out[plane * area + y * w + x] = f + omega * (weight * rho * (base + 3.0f * cu + 4.5f * cu * cu) - f);
  };
  relax(0, f0, 4.0f / 9, 0);
  relax(1, f1, 1.0f / 9, ux);
  relax(2, f2, 1.0f / 9, uy);
  relax(3, f3, 1.0f / 9, -ux);
  relax(4, f4, 1.0f / 9, -uy);
  relax(5, f5, 1.0f / 36, ux + uy);
  relax(6, f6, 1.0f / 36, uy - ux);
  relax(7, f7, 1.0f / 36, -ux - uy);
  relax(8, f8, 1.0f / 36, ux - uy);
}

// Transforms of 512 complex numbers, a block of 256 each, radix 2 with factors from a table.
GLOBAL LAUNCH_BOUNDS(256) void fft(const float2* in, float2* out, const float2* factors) {
  SHARED static float2 s[512];
  int t = tidX();
  for (int i = t; i < 512; i += 256) s[__builtin_bitreverse32(uint(i)) >> 23] = in[ctaX() * 512 + i];
  for (int half = 1; half < 512; half <<= 1) {
    barrier();
    int k = t & (half - 1), i = 2 * t - k, j = i + half;
    float2 f = factors[k * (256 / half)], a = s[i], b = s[j];
    float re = b.x * f.x - b.y * f.y, im = b.x * f.y + b.y * f.x;
    s[i] = float2{a.x + re, a.y + im};
    s[j] = float2{a.x - re, a.y - im};
  }
  barrier();
  for (int i = t; i < 512; i += 256) out[ctaX() * 512 + i] = s[i];
}
