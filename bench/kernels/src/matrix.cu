// A matrix product on tensor cores, tiled as libraries do it. SPDX-License-Identifier: Apache-2.0
// Architecture: sm_80
#include "device.h"

using ushort = unsigned short;

namespace {

constexpr int tile = 128, depth = 32, pitch = depth + 8;  // the pitch keeps rows of eight apart in banks

DEVICE uint sharedAddress(const void* p) {
  uint r;
  asm("{ .reg .u64 t; cvta.to.shared.u64 t, %1; cvt.u32.u64 %0, t; }" : "=r"(r) : "l"(p));
  return r;
}
DEVICE void copyAsync(uint to, const void* from) { asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(to), "l"(from) : "memory"); }
DEVICE void commit() { asm volatile("cp.async.commit_group;" ::: "memory"); }
DEVICE void loadMatrices(uint (&r)[4], uint at) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];" : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"(at) : "memory");
}
DEVICE void multiply(float (&c)[4], const uint (&a)[4], uint b0, uint b1) {
  asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
               : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

// 128 rows of 32 elements; 128 threads copy four pieces of 16 bytes each.
DEVICE void loadTile(uint to, const ushort* from, int n) {
  for (int i = 0; i < 4; ++i) {
    int piece = tidX() + 128 * i, row = piece / 4, column = piece % 4 * 8;
    copyAsync(to + 2 * (row * pitch + column), from + row * n + column);
  }
}

}  // namespace

// C = A * B^T: n x n, a multiple of 128; bf16 factors, both with k along their rows. Blocks of 128 threads; each warp owns 64 x 64.
GLOBAL LAUNCH_BOUNDS(128) void gemmBf16(const ushort* A, const ushort* B, float* C, int n) {
  SHARED static ushort a[2][tile * pitch] __attribute__((aligned(16)));
  SHARED static ushort b[2][tile * pitch] __attribute__((aligned(16)));
  const int lane = tidX() & 31, warp = tidX() >> 5, warpRow = warp / 2 * 64, warpColumn = warp % 2 * 64;
  const ushort* fromA = A + ctaY() * tile * n;
  const ushort* fromB = B + ctaX() * tile * n;
  const uint sharedA = sharedAddress(a), sharedB = sharedAddress(b), stage = 2 * tile * pitch;
  const uint laneA = sharedA + 2 * ((warpRow + (lane & 15)) * pitch + (lane >> 4) * 8);
  const uint laneB = sharedB + 2 * ((warpColumn + (lane & 7) + (lane >> 4) * 8) * pitch + (lane >> 3 & 1) * 8);

  float c[4][8][4] = {};
  loadTile(sharedA, fromA, n);
  loadTile(sharedB, fromB, n);
  commit();
  const int steps = n / depth;
  for (int step = 0; step < steps; ++step) {
    if (step + 1 < steps) {
      uint next = (step + 1 & 1) * stage;
      loadTile(sharedA + next, fromA + (step + 1) * depth, n);
      loadTile(sharedB + next, fromB + (step + 1) * depth, n);
    }
    commit();
    asm volatile("cp.async.wait_group 1;" ::: "memory");
    barrier();
    const uint now = (step & 1) * stage;
#pragma unroll
    for (int k = 0; k < depth; k += 16) {
      uint fa[4][4], fb[4][4];
#pragma unroll
      for (int i = 0; i < 4; ++i) loadMatrices(fa[i], laneA + now + 2 * (16 * i * pitch + k));
#pragma unroll
      for (int j = 0; j < 4; ++j) loadMatrices(fb[j], laneB + now + 2 * (16 * j * pitch + k));
#pragma unroll
      for (int i = 0; i < 4; ++i)
#pragma unroll
        for (int j = 0; j < 8; ++j) multiply(c[i][j], fa[i], fb[j / 2][j % 2 * 2], fb[j / 2][j % 2 * 2 + 1]);
    }
    barrier();
  }
#pragma unroll
  for (int i = 0; i < 4; ++i)
#pragma unroll
    for (int j = 0; j < 8; ++j) {
      int row = ctaY() * tile + warpRow + 16 * i + lane / 4, column = ctaX() * tile + warpColumn + 8 * j + lane % 4 * 2;
      *reinterpret_cast<float2*>(C + row * n + column) = {c[i][j][0], c[i][j][1]};
      *reinterpret_cast<float2*>(C + (row + 8) * n + column) = {c[i][j][2], c[i][j][3]};
    }
}
