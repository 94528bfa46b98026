// A matrix product whose next tiles are copied in the background. SPDX-License-Identifier: Apache-2.0
// Architecture: sm_80
#include "device.h"

namespace {

DEVICE void copyAsync(void* to, const void* from) {
  asm volatile("{ .reg .u64 t; .reg .u32 s; cvta.to.shared.u64 t, %0; cvt.u32.u64 s, t; cp.async.cg.shared.global [s], [%1], 16; }" ::"l"(to), "l"(from)
               : "memory");
}

}  // namespace

// 64 x 64 of C per block of 16 x 16 threads, 4 x 4 per thread; A is read along its rows.
GLOBAL LAUNCH_BOUNDS(256) void gemmAsync(const float* A, const float* B, float* C, int n) {
  SHARED static float a[2][64][16] __attribute__((aligned(16)));
  SHARED static float b[2][16][64] __attribute__((aligned(16)));
  int tx = tidX(), ty = tidY(), t = ty * 16 + tx, row0 = ctaY() * 64, col0 = ctaX() * 64;
  auto load = [&](int stage, int k) {
    copyAsync(&a[stage][t / 4][t % 4 * 4], A + (row0 + t / 4) * n + k + t % 4 * 4);
    copyAsync(&b[stage][t / 16][t % 16 * 4], B + (k + t / 16) * n + col0 + t % 16 * 4);
  };
  float sum[4][4] = {};
  load(0, 0);
  asm volatile("cp.async.commit_group;" ::: "memory");
  for (int k = 0; k < n; k += 16) {
    int now = k / 16 & 1;
    if (k + 16 < n) load(1 - now, k + 16);
    asm volatile("cp.async.commit_group;" ::: "memory");
    asm volatile("cp.async.wait_group 1;" ::: "memory");
    barrier();
#pragma unroll
    for (int j = 0; j < 16; ++j) {
      float x[4], y[4];
#pragma unroll
      for (int i = 0; i < 4; ++i) x[i] = a[now][ty * 4 + i][j], y[i] = b[now][j][tx + 16 * i];
#pragma unroll
      for (int i = 0; i < 4; ++i)
#pragma unroll
        for (int l = 0; l < 4; ++l) sum[i][l] += x[i] * y[l];
    }
    barrier();
  }
  for (int i = 0; i < 4; ++i)
    for (int l = 0; l < 4; ++l) C[(row0 + ty * 4 + i) * n + col0 + tx + 16 * l] = sum[i][l];
}
