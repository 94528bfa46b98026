// Reductions, scans and sorts over a block or the whole device. SPDX-License-Identifier: Apache-2.0
#include "device.h"

using ulong = unsigned long long;
DEVICE void storeRelease(ulong* p, ulong v) { asm volatile("st.release.gpu.u64 [%0], %1;" ::"l"(p), "l"(v) : "memory"); }
DEVICE ulong loadAcquire(const ulong* p) {
  ulong v;
  asm volatile("ld.acquire.gpu.u64 %0, [%1];" : "=l"(v) : "l"(p) : "memory");
  return v;
}
DEVICE int shflUpInt(int v, uint delta) { return __nvvm_shfl_sync_up_i32(0xffffffffu, v, delta, 0); }

GLOBAL void reduceAtomic(const int* in, uint* out, int n) {
  int sum = 0;
  for (int i = globalX(); i < n; i += ntidX() * nctaX()) sum += in[i];
  for (int d = 16; d > 0; d >>= 1) sum += __nvvm_shfl_sync_down_i32(0xffffffffu, sum, d, 31);
  if ((tidX() & 31) == 0) atomicAdd(out, uint(sum));
}

// Inclusive sums of all n in one pass: blocks of 256 threads take tiles of 1024 by ticket and look back at those before them.
// state[tile]: 0 unknown, value << 2 | 1 sum of the tile, value << 2 | 2 sum of everything up to it.
GLOBAL LAUNCH_BOUNDS(256) void scanLookback(const int* in, int* out, uint* ticket, ulong* state) {
  SHARED static int tile, before, sums[8];
  int t = tidX(), lane = t & 31, warp = t >> 5;
  if (t == 0) tile = int(__atomic_fetch_add(ticket, 1, __ATOMIC_RELAXED));
  barrier();
  int at = tile, v[4], own = 0;
  for (int i = 0; i < 4; ++i) v[i] = own += in[at * 1024 + t * 4 + i];
  int upTo = own;
  for (int d = 1; d < 32; d <<= 1) {
    int other = shflUpInt(upTo, d);
    if (lane >= d) upTo += other;
  }
  if (lane == 31) sums[warp] = upTo;
  barrier();
  int start = upTo - own, total = 0;
  for (int i = 0; i < 8; ++i) {
    if (i < warp) start += sums[i];
    total += sums[i];
  }
  if (t == 0) {
    auto pack = [](int value, int kind) { return (ulong)(uint)value << 2 | kind; };
    int sum = 0;
    if (at > 0) {
      storeRelease(state + at, pack(total, 1));
      for (int look = at - 1;;) {
        ulong s = loadAcquire(state + look);
        if ((s & 3) == 0) continue;
        sum += int(s >> 2);
        if ((s & 3) == 2) break;
        --look;
      }
    }
    storeRelease(state + at, pack(sum + total, 2));
    before = sum;
  }
  barrier();
  for (int i = 0; i < 4; ++i) out[at * 1024 + t * 4 + i] = before + start + v[i];
}

// Sorts each run of 1024.
GLOBAL LAUNCH_BOUNDS(512) void bitonicSort(const uint* in, uint* out) {
  SHARED static uint s[1024];
  int t = tidX();
  s[t] = in[ctaX() * 1024 + t];
  s[t + 512] = in[ctaX() * 1024 + t + 512];
  for (int size = 2; size <= 1024; size <<= 1)
    for (int stride = size >> 1; stride > 0; stride >>= 1) {
      barrier();
      int i = 2 * t - (t & (stride - 1)), j = i + stride;
      bool up = (i & size) == 0;
      uint x = s[i], y = s[j];
      if ((x > y) == up) s[i] = y, s[j] = x;
    }
  barrier();
  out[ctaX() * 1024 + t] = s[t];
  out[ctaX() * 1024 + t + 512] = s[t + 512];
}

// One pass over eight bits of a radix sort: count, scan, scatter. A block of 256 owns 4096 keys.
GLOBAL void radixCount(const uint* in, uint* counts, int shift) {
  SHARED static uint s[256];
  int t = tidX();
  s[t] = 0;
  barrier();
  for (int i = 0; i < 16; ++i) atomicAdd(&s[in[ctaX() * 4096 + i * 256 + t] >> shift & 255], 1);
  barrier();
  counts[t * nctaX() + ctaX()] = s[t];
}

// Exclusive sums of n counts by one block of 256.
GLOBAL void radixScan(uint* counts, int n) {
  SHARED static uint sums[256];
  int t = tidX(), each = n / 256;
  uint sum = 0;
  for (int i = 0; i < each; ++i) sum += counts[t * each + i];
  sums[t] = sum;
  barrier();
  for (int d = 1; d < 256; d <<= 1) {
    uint v = t >= d ? sums[t - d] : 0;
    barrier();
    sums[t] += v;
    barrier();
  }
  uint start = sums[t] - sum;
  for (int i = 0; i < each; ++i) {
    uint c = counts[t * each + i];
    counts[t * each + i] = start;
    start += c;
  }
}

// Stable: warps take turns for each row of 256, lanes of a warp that have the same digit find their ranks by ballots.
GLOBAL void radixScatter(const uint* in, uint* out, const uint* starts, int shift) {
  SHARED static uint next[256];
  int t = tidX(), lane = t & 31, warp = t >> 5;
  next[t] = starts[t * nctaX() + ctaX()];
  for (int w = 0; w < 8; ++w) {
    barrier();
    if (warp != w) continue;
    for (int i = 0; i < 16; ++i) {
      uint key = in[ctaX() * 4096 + w * 512 + i * 32 + lane], digit = key >> shift & 255, same = 0xffffffffu;
#pragma unroll
      for (int b = 0; b < 8; ++b) {
        bool set = digit >> b & 1;
        uint vote = __nvvm_vote_ballot_sync(0xffffffffu, set);
        same &= set ? vote : ~vote;
      }
      uint rank = __builtin_popcount(same & ((1u << lane) - 1)), base = next[digit];
      __nvvm_bar_warp_sync(0xffffffffu);
      if (rank == 0) next[digit] = base + __builtin_popcount(same);
      __nvvm_bar_warp_sync(0xffffffffu);
      out[base + rank] = key;
    }
  }
}
