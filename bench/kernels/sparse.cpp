// Sparse matrices and graphs: loops for the CPU beside the kernels. SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "kernels/data.h"
#include "kernels/opencl.h"
#include "kernels/twins.h"
#include "sparse_ptx.h"

namespace bench {
namespace {

void spmvSell(const int* __restrict slices, const int* __restrict columns, const float* __restrict values, const float* __restrict x, float* __restrict y,
              int n) {
#pragma omp parallel for
  for (int s = 0; s < n / 32; ++s) {
    float sum[32] = {};
    for (int i = slices[s]; i < slices[s + 1]; i += 32)
#pragma omp simd
      for (int l = 0; l < 32; ++l) sum[l] += values[i + l] * x[columns[i + l]];
    for (int l = 0; l < 32; ++l) y[s * 32 + l] = sum[l];
  }
}

void bfs(const int* __restrict rows, const int* __restrict columns, int* __restrict level, int n) {
  std::fill(level, level + n, -1);
  level[0] = 0;
  int changed = 1;
  for (int now = 0; changed; ++now) {
    changed = 0;
#pragma omp parallel for schedule(dynamic, 1024) reduction(| : changed)
    for (int v = 0; v < n; ++v) {
      if (level[v] != now) continue;
      for (int i = rows[v]; i < rows[v + 1]; ++i) {
        int w = columns[i];
        if (level[w] < 0) level[w] = now + 1, changed = 1;
      }
    }
  }
}

}  // namespace

std::vector<Pair> sparsePairs(bool small) {
  Module module(sparsePtx);
  std::vector<Pair> pairs;
  {
    int n = small ? 1 << 12 : 1 << 16, mean = 64;
    auto rows = data<int>(n + 1);
    auto lengths = randomInts(n, 2 * unsigned(mean), 51);
    for (int i = 0; i < n; ++i) rows->host[i + 1] = rows->host[i] + lengths->host[i];
    rows->upload();
    size_t count = size_t(rows->host[n]);
    auto columns = randomInts(count, unsigned(n), 52);
    auto values = randomFloats(count, -1, 1, 53), x = randomFloats(n, -1, 1, 54), y = data<float>(n);
    Launch k{module("spmvVector"), unsigned(n / 8)};
    pairs.push_back({"spmvVector", "sparse rows, warps", [=] { k(rows->address(), columns->address(), values->address(), x->address(), y->address(), n); },
                     [=] { twin::spmv(rows->host.data(), columns->host.data(), values->host.data(), x->host.data(), y->host.data(), n); },
                     [=] { return y->error(); }});
    pairs.back().work(8.0 * double(count), 2.0 * double(count));

    auto slices = data<int>(n / 32 + 1);
    for (int s = 0; s < n / 32; ++s)
      slices->host[s + 1] = slices->host[s] + 32 * *std::max_element(lengths->host.begin() + s * 32, lengths->host.begin() + s * 32 + 32);
    slices->upload();
    size_t padded = size_t(slices->host[n / 32]);
    auto columns2 = data<int>(padded);
    auto values2 = data<float>(padded), y2 = data<float>(n);
    for (int r = 0; r < n; ++r)
      for (int i = 0; i < lengths->host[r]; ++i) {
        size_t to = size_t(slices->host[r / 32]) + size_t(i) * 32 + size_t(r % 32);
        columns2->host[to] = columns->host[rows->host[r] + i];
        values2->host[to] = values->host[rows->host[r] + i];
      }
    columns2->upload();
    values2->upload();
    Launch s{module("spmvSell"), unsigned(n / 256)};
    pairs.push_back({"spmvSell", "sparse, sliced ELLPACK", [=] { s(slices->address(), columns2->address(), values2->address(), x->address(), y2->address()); },
                     [=] { spmvSell(slices->host.data(), columns2->host.data(), values2->host.data(), x->host.data(), y2->host.data(), n); },
                     [=] { return y2->error(); }});
    pairs.back().openCl = openCl("spmvSell", s, slices, columns2, values2, x, y2);
    pairs.back().work(8.0 * double(padded), 2.0 * double(padded));
  }
  {
    int n = small ? 1 << 15 : 1 << 19;
    auto rows = data<int>(n + 1);
    auto degrees = randomInts(n, 17, 55);
    for (int i = 0; i < n; ++i) rows->host[i + 1] = rows->host[i] + degrees->host[i];
    rows->upload();
    auto columns = randomInts(size_t(rows->host[n]), unsigned(n), 56), level = data<int>(n), changed = data<int>(1);
    level->upload();
    Launch k{module("bfs"), blocks(n, 256)};
    k.wait = false;
    pairs.push_back({"bfs", "graph, by levels",
                     [=] {
                       CU(cuMemsetD8(level->address(), 0xff, size_t(n) * 4));
                       CU(cuMemsetD8(level->address(), 0, 4));
                       int again = 1;
                       for (int now = 0; again; ++now) {
                         CU(cuMemsetD8(changed->address(), 0, 4));
                         k(rows->address(), columns->address(), level->address(), changed->address(), now, n);
                         changed->device->download(&again);
                       }
                     },
                     [=] { bfs(rows->host.data(), columns->host.data(), level->host.data(), n); }, [=] { return level->error(); }, 0});
    pairs.back().work(4.0 * rows->host[n] + 12.0 * n, 0);
  }
  return pairs;
}

}  // namespace bench
