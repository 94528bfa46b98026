// Integers and text: hashing, matching, dynamic programming. SPDX-License-Identifier: Apache-2.0
#include "device.h"

DEVICE uint rotate(uint v, int by) { return v << by | v >> (32 - by); }

// MurmurHash3 (32 bits) of records of 16 words.
GLOBAL void hash(const uint* in, uint* out, int n) {
  int i = globalX();
  if (i >= n) return;
  uint h = 0;
  for (int k = 0; k < 16; ++k) {
    uint w = rotate(in[i * 16 + k] * 0xcc9e2d51u, 15) * 0x1b873593u;
    h = rotate(h ^ w, 13) * 5 + 0xe6546b64u;
  }
  h ^= 64;
  h = (h ^ h >> 16) * 0x85ebca6bu;
  h = (h ^ h >> 13) * 0xc2b2ae35u;
  out[i] = h ^ h >> 16;
}

// Marks where an eight-letter pattern begins.
GLOBAL void stringMatch(const uchar* text, const uchar* pattern, uchar* found, int n) {
  int i = globalX();
  if (i + 8 > n) return;
  int k = 0;
  while (k < 8 && text[i + k] == pattern[k]) ++k;
  found[i] = k == 8;
}

// Cheapest way down a grid, 16 rows per launch: blocks of 256 keep 224 columns of result and 16 on each side of margin.
GLOBAL LAUNCH_BOUNDS(256) void pathfinder(const int* cost, const int* from, int* to, int w, int firstRow) {
  SHARED static int row[2][256];
  int t = tidX(), x = ctaX() * 224 + t - 16, now = 0;
  bool inside = x >= 0 && x < w;
  row[0][t] = inside ? from[x] : 0x3fffffff;
  barrier();
  for (int r = 0; r < 16; ++r) {
    int best = row[now][t];
    if (t > 0 && row[now][t - 1] < best) best = row[now][t - 1];
    if (t < 255 && row[now][t + 1] < best) best = row[now][t + 1];
    row[1 - now][t] = inside ? best + cost[(firstRow + r) * w + x] : 0x3fffffff;
    now = 1 - now;
    barrier();
  }
  if (inside && t >= 16 && t < 240) to[x] = row[now][t];
}
