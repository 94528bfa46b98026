// Sparse matrices and graphs. SPDX-License-Identifier: Apache-2.0
#include "device.h"

// A warp per row.
GLOBAL void spmvVector(const int* rows, const int* columns, const float* values, const float* x, float* y, int n) {
  int row = globalX() >> 5, lane = tidX() & 31;
  if (row >= n) return;
  float sum = 0;
  for (int i = rows[row] + lane; i < rows[row + 1]; i += 32) sum += values[i] * x[columns[i]];
  for (int d = 16; d > 0; d >>= 1) sum += shflDown(sum, d);
  if (lane == 0) y[row] = sum;
}

// Sliced ELLPACK: 32 rows side by side, padded to the longest with zeros.
GLOBAL void spmvSell(const int* slices, const int* columns, const float* values, const float* x, float* y) {
  int row = globalX(), slice = row >> 5, lane = row & 31;
  float sum = 0;
  for (int i = slices[slice] + lane; i < slices[slice + 1]; i += 32) sum += values[i] * x[columns[i]];
  y[row] = sum;
}

// One level of a breadth-first search.
GLOBAL void bfs(const int* rows, const int* columns, int* level, int* changed, int now, int n) {
  int v = globalX();
  if (v >= n || level[v] != now) return;
  for (int i = rows[v]; i < rows[v + 1]; ++i) {
    int w = columns[i];
    if (level[w] < 0) {
      level[w] = now + 1;
      *changed = 1;
    }
  }
}
